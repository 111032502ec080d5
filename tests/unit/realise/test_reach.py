"""Which of its segments a network is in a site, by what the sites say that they have of the fabric."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from tests.unit.realise.things import A, B, C
from tests.unit.sites.register import Register, member, zone

from tricircle.db.engine import Database
from tricircle.realise.definition import Body
from tricircle.realise.reach import OutOfReach, Reach
from tricircle.realise.segments import Segment, shown_segments
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.store import SiteStore

STRETCHED = Segment("vlan", "stretched", 100)
LEFT, RIGHT = Segment("vlan", "left", 101), Segment("flat", "right", None)
OVERLAY, LOCAL = Segment("vxlan", None, 7), Segment("local", None, None)

Names = dict[str, str] | None


def body(*segments: Segment, hints: tuple[str, ...] = ()) -> Body:
    """Return the definition's body of a network."""
    return {
        "id": "net1",
        "segments": [asdict(each) for each in segments],
        "availability_zone_hints": list(hints),
    }


def reach(a: Names = None, b: Names = None) -> tuple[Reach, Any]:
    """Return the reach of networks where two sites have some physical networks; and the first site."""
    first = replace(A, physical_networks=a)
    zones = [zone("az-a", member(A, "nova")), zone("az-b", member(A, "nova"), member(B, "nova"))]
    sites: Any = Register([first, replace(B, physical_networks=b)], zones)
    return Reach(sites), first


@pytest.mark.parametrize(
    ("segments", "a", "b", "expected"),
    [
        ([STRETCHED], None, None, STRETCHED),
        ([STRETCHED], {"stretched": "physnet1"}, {}, Segment("vlan", "physnet1", 100)),
        ([RIGHT], {"right": "physnet1"}, None, Segment("flat", "physnet1", None)),
        ([LEFT, RIGHT], {"left": "left"}, None, LEFT),
        ([LEFT, STRETCHED], {"left": "l", "stretched": "s"}, {"stretched": "s"}, Segment("vlan", "l", 101)),
        ([OVERLAY], None, None, None),
        ([LOCAL], {}, {}, None),
        ([], None, None, None),
        ([LEFT, OVERLAY], {"left": "left"}, {}, LEFT),
        ([LEFT, OVERLAY], {"right": "right"}, {}, None),
    ],
)
def test_what_it_is_there(segments: list[Segment], a: Names, b: Names, expected: Segment | None) -> None:
    it, site = reach(a, b)
    assert it.segment(body(*segments), site) == expected
    assert it.own(body(*segments), site) == ({} if expected is None else {"segment": expected})


@pytest.mark.parametrize(
    ("segments", "a", "b"),
    [
        ([STRETCHED], {}, None),
        ([STRETCHED], {"left": "stretched"}, None),
        ([LEFT, RIGHT], None, None),
        ([LEFT, RIGHT], {"left": "l", "right": "r"}, {}),
        ([LEFT, RIGHT], {"left": "l", "right": "r"}, {"left": "l", "right": "r"}),
        ([STRETCHED, replace(STRETCHED, segmentation_id=101)], {"stretched": "s"}, {}),
    ],
)
def test_none_or_several_are_refused_with_network_site_and_cure(
    segments: list[Segment], a: Names, b: Names
) -> None:
    it, site = reach(a, b)
    with pytest.raises(OutOfReach) as refused:
        it.segment(body(*segments), site)
    assert refused.value.site == "a"
    for word in ("net1", "site a", "physical_networks"):
        assert word in refused.value.message


@pytest.mark.parametrize("hints", [("az-a",), ("a",), ("az-a", "a")])
def test_where_it_is_limited_to_a_site_off_the_fabric_the_site_decides(hints: tuple[str, ...]) -> None:
    it, site = reach({}, None)
    assert it.segment(body(STRETCHED, hints=hints), site) is None
    with pytest.raises(OutOfReach):
        it.segment(body(STRETCHED, hints=("az-b",)), site)


def test_nothing_is_refused_for_what_an_administrator_has_just_changed(
    database: Database,
) -> None:
    store = SiteStore(database)
    site = store.create("a", "region-a", physical_networks={})
    registry = SiteRegistry(database, 3600)
    it = Reach(registry)
    with pytest.raises(OutOfReach):
        it.segment(body(STRETCHED), site)
    store.update("a", physical_networks={"stretched": "physnet1"})
    # Whoever asks has found the site before that.
    assert it.segment(body(STRETCHED), site) == Segment("vlan", "physnet1", 100)


def test_where_it_is_limited_to_a_site_that_has_it_that_is_what_it_is() -> None:
    it, site = reach({"stretched": "physnet1"}, None)
    assert it.segment(body(STRETCHED, hints=("az-a",)), site) == Segment("vlan", "physnet1", 100)


def test_a_definition_from_before_there_were_segments_is_the_sites_own() -> None:
    it, site = reach()
    old = body()
    del old["segments"]
    assert it.segment(old, site) is None


def test_hints_keep_it_from_other_sites() -> None:
    it, site = reach()
    it.require_within(body(), C)
    it.require_within(body(hints=("az-a",)), site)
    with pytest.raises(OutOfReach, match="limited to the availability zones az-a; site b"):
        it.require_within(body(hints=("az-a",)), B)


@pytest.mark.parametrize(
    ("segments", "hints", "holders"),
    [
        ([LOCAL], ("az-b",), set()),
        ([LOCAL], ("az-b",), {B.id}),
        ([LOCAL], ("az-b",), {A.id, B.id}),
        ([LOCAL], (), {A.id}),
        ([STRETCHED], ("az-b",), {A.id}),
        ([LOCAL, STRETCHED], ("az-b",), {A.id}),
        ([], ("az-b",), {A.id}),
    ],
)
def test_others_may_be_in_several_sites(
    segments: list[Segment], hints: tuple[str, ...], holders: set[str]
) -> None:
    it, _ = reach()
    it.require_within(body(*segments, hints=hints), B, holders)


def test_one_that_is_local_stays_where_it_is() -> None:
    it, site = reach()
    with pytest.raises(OutOfReach, match="net1 is local to another site of its availability zones than b"):
        it.require_within(body(LOCAL, hints=("az-b",)), B, {site.id})


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"name": "as users see it"}, []),
        ({"provider:network_type": None, "segments": None}, []),
        (
            {
                "provider:network_type": "vlan",
                "provider:physical_network": "stretched",
                "provider:segmentation_id": 100,
            },
            [STRETCHED],
        ),
        (
            {
                "segments": [
                    {
                        "provider:network_type": "flat",
                        "provider:physical_network": "right",
                        "provider:segmentation_id": None,
                    },
                    {
                        "provider:network_type": "vxlan",
                        "provider:physical_network": None,
                        "provider:segmentation_id": 7,
                    },
                ]
            },
            [RIGHT, OVERLAY],
        ),
    ],
)
def test_how_neutron_shows_them(shown: dict[str, Any], expected: list[Segment]) -> None:
    assert shown_segments(shown) == expected


def test_how_they_are_told_to_people() -> None:
    told = [str(each) for each in (STRETCHED, RIGHT, OVERLAY, LOCAL)]
    assert told == ["vlan 100 of stretched", "flat of right", "vxlan 7", "local"]
