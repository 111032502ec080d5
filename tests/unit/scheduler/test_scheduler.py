"""Which sites may get a new resource."""

import pytest
from oslo_config import cfg
from tests.unit.sites.register import Register, member, zone
from tests.unit.sites.wire import site

from tricircle.db.timestamps import now
from tricircle.errors import BadRequest, SiteUnavailable
from tricircle.scheduler.scheduler import Candidate, Pin, Scheduler
from tricircle.sites.health import HealthBoard
from tricircle.sites.node import Figures, Node, NodeState
from tricircle.sites.site import Site, SiteState

A, B = site("a"), site("b")
CORDONED = site("cordoned", SiteState.CORDONED)
DRAINING = site("draining", SiteState.DRAINING)
DISABLED = site("disabled", SiteState.DISABLED)
SITES = (A, B, CORDONED, DRAINING, DISABLED)
ZONES = (
    zone("east", member(A, "nova-a", "cinder-a"), member(B, "nova-b")),
    zone("north", member(A, "rack-1"), member(A, "rack-2")),
    zone("closed", member(CORDONED, "nova"), member(DRAINING, "nova"), member(DISABLED, "nova")),
    zone("mixed", member(B, "nova"), member(CORDONED, "nova"), member(DISABLED, "nova")),
    zone("empty"),
)
UNKNOWN = "No zone {zone}"


class Choosing:
    """Chooses among the sites and zones above."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        conf.set_override("breaker_threshold", 1, group="sites")
        self._conf = conf
        self.health = HealthBoard(conf)
        self.register = Register(SITES, ZONES)

    def __call__(
        self,
        zone: str | None = None,
        *pins: Site,
        project_id: str | None = "blue",
        service_type: str = "compute",
    ) -> set[tuple[str, str | None]]:
        """Return names of sites, and of their zones."""
        return {
            (each.site.name, each.site_az)
            for each in self.all(zone, *pins, project_id=project_id, service_type=service_type)
        }

    def all(
        self,
        zone: str | None,
        *pins: Site,
        project_id: str | None = "blue",
        service_type: str = "compute",
    ) -> list[Candidate]:
        bonds = [Pin(f"volume {number}", where) for number, where in enumerate(pins)]
        scheduler = Scheduler(self.register, self.health, self._conf)
        return scheduler.candidates(service_type, zone, project_id, bonds, unknown_zone=UNKNOWN)

    def take_down(self, where: Site) -> None:
        health = self.health.of(where.id, where.name)
        health.enter()
        health.leave(reached=False)


@pytest.fixture
def choose(conf: cfg.ConfigOpts) -> Choosing:
    return Choosing(conf)


def test_a_zone_gives_its_sites_under_their_own_names_of_it(choose: Choosing) -> None:
    assert choose("east") == {("a", "nova-a"), ("b", "nova-b")}


def test_a_sites_cinder_may_name_the_zone_by_itself(choose: Choosing) -> None:
    assert choose("east", service_type="block-storage") == {("a", "cinder-a"), ("b", "nova-b")}


def test_a_zone_may_be_several_zones_of_one_site(choose: Choosing) -> None:
    assert choose("north") == {("a", "rack-1"), ("a", "rack-2")}


def test_without_any_zone_every_site_that_takes_new_ones_is_a_candidate(choose: Choosing) -> None:
    assert choose() == {("a", None), ("b", None)}


def test_an_unknown_zone_is_refused_in_the_services_words(choose: Choosing) -> None:
    with pytest.raises(BadRequest, match="No zone west"):
        choose("west")


def test_a_zones_name_is_not_a_sites_name(choose: Choosing) -> None:
    with pytest.raises(BadRequest):
        choose("nova-a")


def test_the_default_zone_stands_for_none(choose: Choosing, conf: cfg.ConfigOpts) -> None:
    conf.set_override("default_availability_zone", "mixed")
    assert choose() == {("b", "nova")}
    assert choose("north") == {("a", "rack-1"), ("a", "rack-2")}


def test_a_projects_binding_goes_before_the_default_zone(choose: Choosing, conf: cfg.ConfigOpts) -> None:
    conf.set_override("default_availability_zone", "mixed")
    choose.register.bindings = {"blue": "north"}
    assert choose() == {("a", "rack-1"), ("a", "rack-2")}
    assert choose(project_id="red") == {("b", "nova")}
    assert choose(project_id=None) == {("b", "nova")}
    assert choose("east") == {("a", "nova-a"), ("b", "nova-b")}


def test_a_pin_leaves_its_site_only(choose: Choosing) -> None:
    assert choose(None, A) == {("a", None)}
    assert choose(None, A, A) == {("a", None)}


def test_a_pin_goes_before_binding_and_default_zone(choose: Choosing, conf: cfg.ConfigOpts) -> None:
    conf.set_override("default_availability_zone", "mixed")
    choose.register.bindings = {"blue": "mixed"}
    assert choose(None, A) == {("a", None)}


def test_a_pin_and_a_zone_agree_on_the_place(choose: Choosing) -> None:
    assert choose("east", B) == {("b", "nova-b")}
    assert choose("north", A) == {("a", "rack-1"), ("a", "rack-2")}


def test_a_pin_that_contradicts_the_zone_is_refused(choose: Choosing) -> None:
    with pytest.raises(BadRequest, match=r"^volume 0 is in site b, .* zone north"):
        choose("north", B)


def test_pins_that_contradict_each_other_are_refused(choose: Choosing) -> None:
    with pytest.raises(BadRequest, match="volume 0 is in site a and volume 2 is in site b"):
        choose(None, A, A, B)


@pytest.mark.parametrize("where", [CORDONED, DRAINING, DISABLED])
def test_a_pin_to_a_site_that_takes_nothing_new_cannot_be_served_now(choose: Choosing, where: Site) -> None:
    with pytest.raises(SiteUnavailable) as caught:
        choose(None, where)
    assert caught.value.site == where.name


def test_sites_that_take_nothing_new_are_left_out(choose: Choosing) -> None:
    assert choose("mixed") == {("b", "nova")}


def test_a_zone_whose_sites_all_take_nothing_new_cannot_be_served_now(choose: Choosing) -> None:
    with pytest.raises(SiteUnavailable) as caught:
        choose("closed")
    assert caught.value.site == "cordoned, disabled, draining"


def test_an_empty_zone_cannot_be_served_now(choose: Choosing) -> None:
    with pytest.raises(SiteUnavailable):
        choose("empty")


def test_without_any_site_nothing_can_be_made(choose: Choosing) -> None:
    choose.register.sites = ()
    with pytest.raises(SiteUnavailable) as caught:
        choose()
    assert caught.value.message == "Nothing new can be made now: no site has been registered for it."
    assert caught.value.site is None


def test_sites_that_are_down_are_left_out(choose: Choosing) -> None:
    choose.take_down(A)
    assert choose("east") == {("b", "nova-b")}
    choose.take_down(B)
    with pytest.raises(SiteUnavailable) as caught:
        choose("east")
    assert caught.value.site == "a, b"


def test_a_pin_to_a_site_that_is_down_cannot_be_served_elsewhere(choose: Choosing) -> None:
    choose.take_down(A)
    with pytest.raises(SiteUnavailable):
        choose("east", A)


def test_every_site_of_a_zone_comes_first_now_and_then(choose: Choosing) -> None:
    first = {choose.all("east")[0].site.name for _ in range(200)}
    assert first == {"a", "b"}


def node(where: Site, state: NodeState | None, free: int = 1024) -> Node:
    figures = Figures(0, 0, free, 0, 0, 0, 0, 0)
    return Node(where.id, where.id, where.name, figures, now(), state, None, None)


def test_a_site_that_was_found_down_is_the_last_resort(choose: Choosing) -> None:
    choose.register.nodes = [node(A, NodeState.DOWN, 1 << 20), node(B, NodeState.UP, 1)]
    assert {choose.all("east")[0].site.name for _ in range(50)} == {"b"}
    choose.take_down(B)
    assert choose("east") == {("a", "nova-a")}


def test_a_site_with_room_comes_before_one_without(choose: Choosing) -> None:
    choose.register.nodes = [node(A, NodeState.UP, 1 << 40), node(B, None, -1)]
    assert {choose.all("east")[0].site.name for _ in range(50)} == {"a"}
    assert {choose.all("east", service_type="block-storage")[0].site.name for _ in range(200)} == {"a", "b"}
