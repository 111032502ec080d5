"""What the states of a site mean."""

import pytest

from tricircle.db.timestamps import now
from tricircle.sites.site import Site, SiteState


@pytest.mark.parametrize(
    ("state", "takes_new", "is_asked"),
    [
        (SiteState.ENABLED, True, True),
        (SiteState.CORDONED, False, True),
        (SiteState.DRAINING, False, True),
        (SiteState.DISABLED, False, False),
    ],
)
def test_state_decides_what_a_site_does(state: SiteState, *, takes_new: bool, is_asked: bool) -> None:
    site = Site("1", "SiteOne", "RegionOne", "", state, now(), now())
    assert site.takes_new is takes_new
    assert site.is_asked is is_asked


def test_every_state_is_decided() -> None:
    assert {state.value for state in SiteState} == {"enabled", "cordoned", "draining", "disabled"}


@pytest.mark.parametrize(
    ("names", "known_as"),
    [
        (None, {"stretched": "stretched", "storage": "storage"}),
        ({}, {"stretched": None, "storage": None}),
        ({"stretched": "physnet1"}, {"stretched": "physnet1", "storage": None}),
    ],
)
def test_a_site_that_names_physical_networks_has_no_others(
    names: dict[str, str] | None, known_as: dict[str, str | None]
) -> None:
    site = Site("1", "SiteOne", "RegionOne", "", SiteState.ENABLED, now(), now(), names)
    assert {name: site.physical_network(name) for name in known_as} == known_as
