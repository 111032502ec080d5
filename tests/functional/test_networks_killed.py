"""Whoever makes a network in a site may die at any instant; who does it again makes it whole, and once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.neutron import Neutron, rules_of
from tests.functional.workshop import Workshop

from tricircle.jobs.types import FOLLOW, REPLICATE
from tricircle.realise.definition import Definition
from tricircle.realise.realisation_store import RealisationStore

pytestmark = pytest.mark.usefixtures("workshop")


class Killed(BaseException):
    """The process dies."""


class DiesAt:
    """Dies at the n-th instant."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, name: str = "") -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed(name)


@pytest.fixture
def network(neutron: Neutron) -> Document:
    """A network that SiteTwo gets from the start, with two subnets."""
    return neutron.make_network("near", "10.0.1.0/24", "10.0.2.0/28", availability_zone_hints=["az2"])


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[DiesAt], None]]:
    """Makes the process die also before and after what it writes into the database."""

    def die(at: DiesAt) -> None:
        for name in ("keep_id", "record", "want"):
            write = getattr(RealisationStore, name)
            real = getattr(write, "real", write)

            def dies(*given: Any, real: Callable[..., Any] = real, **named: Any) -> Any:
                at("before a write")
                return real(*given, **named)

            dies.real = real  # type: ignore[attr-defined]
            monkeypatch.setattr(RealisationStore, name, dies)

    yield die
    monkeypatch.undo()


def wanted(workshop: Workshop, kind: str, key: str) -> Definition:
    """Have something defined and wanted in SiteTwo, and not made there."""
    engine = workshop.engine
    engine.networks.follow(kind, key)
    known = engine.replicas.store.find(kind, key)
    assert known is not None
    workshop.clear()
    return known.definition


def realise_until_done(workshop: Workshop, definition: Definition, dying: Callable[[DiesAt], None]) -> int:
    """Realise it again and again, each time dying one instant later; return how often it died."""
    realiser, site = workshop.engine.replicas.realiser, workshop.engine.registry.snapshot.by_name["SiteTwo"]
    number = 0
    while True:
        at = DiesAt(number)
        dying(at)
        try:
            realiser.realise(definition.id, site, step=at)
        except Killed:
            number += 1
            assert number < 100
        else:
            dying(DiesAt(10**6))
            return number


def test_whenever_it_dies_the_next_one_makes_it_whole_and_once(
    workshop: Workshop, neutron: Neutron, site_two: Site, dying: Callable[[DiesAt], None]
) -> None:
    """Each network of its own is begun by one who dies one instant later than the one before."""
    realiser, site = workshop.engine.replicas.realiser, workshop.engine.registry.snapshot.by_name["SiteTwo"]
    number, died = 0, True
    while died:
        network = neutron.make_network(
            f"net{number}", "10.0.1.0/24", "10.0.2.0/28", availability_zone_hints=["az2"]
        )
        definition = wanted(workshop, "network", network["id"])
        at = DiesAt(number)
        dying(at)
        try:
            realiser.realise(definition.id, site, step=at)
            died = False
        except Killed:
            number += 1
        dying(DiesAt(10**6))
        realiser.realise(definition.id, site)
        (there,) = site_two.network.marked("networks", network["id"])
        subnets = [site_two.network.subnets[each] for each in there["subnets"]]
        assert sorted(each["cidr"] for each in subnets) == ["10.0.1.0/24", "10.0.2.0/28"]
        delegated = [block for block in neutron.top.blocks.values() if block["network_id"] == network["id"]]
        assert sum(map(site_two.network.pool_size, subnets)) == sum(block["size"] for block in delegated)
        known = workshop.engine.replicas.store.find("network", network["id"])
        assert known is not None
        assert known.in_step(site.id)
    assert number >= 11


def test_deleted_and_deleted_again_it_is_gone(
    workshop: Workshop, network: Document, neutron: Neutron, site_two: Site, dying: Callable[[DiesAt], None]
) -> None:
    definition = wanted(workshop, "network", network["id"])
    workshop.catch_up("SiteTwo")
    workshop.hurry(REPLICATE.name, FOLLOW.name)
    assert len(site_two.network.networks) == 1
    neutron.delete("network", network["id"])
    workshop.engine.networks.follow("network", network["id"])
    realise_until_done(workshop, definition, dying)
    workshop.hurry(REPLICATE.name, FOLLOW.name)
    assert site_two.network.networks == site_two.network.subnets == {}
    assert workshop.definitions("network") == workshop.definitions("subnet") == {}


def test_groups_that_name_each_other_are_whole_in_the_end(
    workshop: Workshop, neutron: Neutron, site_two: Site, dying: Callable[[DiesAt], None]
) -> None:
    groups = [neutron.make("security_group", name=name) for name in ("one", "other")]
    for group, remote in (groups, reversed(groups)):
        neutron.add_rule(group["id"], protocol="tcp", remote_group_id=remote["id"])
    engine = workshop.engine
    site = engine.registry.snapshot.by_name["SiteTwo"]
    read = engine.networks.definitions
    (needed, *_) = read.need(read.read("security_group", groups[0]["id"], None), [], site, None)
    workshop.clear()
    realise_until_done(workshop, needed.definition, dying)
    workshop.catch_up("SiteTwo")
    workshop.hurry(REPLICATE.name, FOLLOW.name)
    names = {
        each["id"]: each["name"]
        for service in (neutron.top, site_two.network)
        for each in service.security_groups.values()
    }
    for group in groups:
        (there,) = site_two.network.marked("security_groups", group["id"])
        assert rules_of(there, names) == rules_of(neutron.show("security_group", group["id"]), names)


def test_what_was_made_twice_is_there_once_when_the_next_one_has_looked(
    workshop: Workshop, network: Document, neutron: Neutron, site_two: Site
) -> None:
    """A process that died may have made one, and nobody has noted it."""
    definition = wanted(workshop, "network", network["id"])
    site = workshop.engine.registry.snapshot.by_name["SiteTwo"]
    workshop.engine.replicas.realiser.realise(definition.id, site)
    (first,) = site_two.network.networks
    stray = neutron.cloud.admin
    there = Neutron(neutron.cloud, site_two.network, stray)  # type: ignore[arg-type]
    there.make(
        "network",
        name="near",
        project_id=network["project_id"],
        description=f"tricircle:{network['id']}",
    )
    workshop.clear()
    assert len(site_two.network.networks) == 2
    workshop.engine.replicas.realiser.realise(definition.id, site)
    assert list(site_two.network.networks) == [first]


def test_what_another_project_has_marked_is_not_taken_for_it(
    workshop: Workshop, network: Document, neutron: Neutron, site_two: Site
) -> None:
    cloud = neutron.cloud
    theirs = Neutron(cloud, site_two.network, cloud.stranger)  # type: ignore[arg-type]
    marked = theirs.make("network", name="near", description=f"tricircle:{network['id']}")
    workshop.clear()
    definition = wanted(workshop, "network", network["id"])
    site = workshop.engine.registry.snapshot.by_name["SiteTwo"]
    workshop.engine.replicas.realiser.realise(definition.id, site)
    known = workshop.engine.replicas.store.find("network", network["id"])
    assert known is not None
    assert known.id_in(site.id) not in {None, marked["id"]}
    assert site_two.network.networks[marked["id"]]["subnets"] == []
