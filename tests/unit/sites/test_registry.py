"""Sites and zones as requests see them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import sqlalchemy as sa
from tests.unit.clock import Clock

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable
from tricircle.sites.binding_store import BindingStore
from tricircle.sites.node import NodeState
from tricircle.sites.node_store import NodeStore
from tricircle.sites.registry import SiteRegistry, Snapshot
from tricircle.sites.site import SiteState
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import Place, ZoneStore

INTERVAL = 5.0


class Outage:
    """Makes a database fail while it is `on`, and counts what is read from it."""

    def __init__(self, read: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._read = read
        self.on = False
        self.readings = 0

    @contextmanager
    def __call__(self) -> Iterator[sa.Connection]:
        self.readings += 1
        if self.on:
            raise DatabaseUnavailable("down")
        with self._read() as connection:
            yield connection


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(database: Database, monkeypatch: pytest.MonkeyPatch) -> Outage:
    outage = Outage(database.read)
    monkeypatch.setattr(database, "read", outage)
    return outage


@pytest.fixture
def registry(database: Database, clock: Clock) -> SiteRegistry:
    return SiteRegistry(database, INTERVAL, clock=clock)


@pytest.fixture
def sites(database: Database) -> SiteStore:
    return SiteStore(database)


@pytest.fixture
def zones(database: Database) -> ZoneStore:
    return ZoneStore(database)


def test_a_snapshot_knows_sites_by_all_their_names(registry: SiteRegistry, sites: SiteStore) -> None:
    two = sites.create("Two", "RegionTwo", state=SiteState.DISABLED)
    one = sites.create("One", "RegionOne", state=SiteState.CORDONED)
    snapshot = registry.snapshot
    assert snapshot.asked == (one,)
    assert snapshot.by_id == {one.id: one, two.id: two}
    assert snapshot.by_name == {"One": one, "Two": two}
    assert snapshot.by_region == {"RegionOne": one, "RegionTwo": two}


def test_a_site_zone_is_called_as_the_first_top_zone_that_stands_for_it(
    registry: SiteRegistry, sites: SiteStore, zones: ZoneStore
) -> None:
    one, two = sites.create("One", "RegionOne"), sites.create("Two", "RegionTwo")
    zones.put("az-b", "", [Place("One", "nova", "disks"), Place("Two", "nova")])
    zones.put("az-a", "", [Place("Two", "nova"), Place("Two", "ssd")])
    snapshot = registry.snapshot
    assert snapshot.zone_name(one.id, "nova", "compute") == "az-b"
    assert snapshot.zone_name(one.id, "disks", "block-storage") == "az-b"
    assert snapshot.zone_name(two.id, "nova", "compute") == "az-a"
    assert snapshot.zone_name(two.id, "nova", "block-storage") == "az-a"
    assert snapshot.zone_name(two.id, "ssd", "compute") == "az-a"


def test_a_site_zone_that_no_top_zone_stands_for_keeps_its_name(
    registry: SiteRegistry, sites: SiteStore, zones: ZoneStore
) -> None:
    one = sites.create("One", "RegionOne")
    zones.put("az", "", [Place("One", "nova", "disks")])
    snapshot = registry.snapshot
    assert snapshot.zone_name(one.id, "internal", "compute") == "internal"
    assert snapshot.zone_name(one.id, "disks", "compute") == "disks"
    assert snapshot.zone_name(one.id, "nova", "block-storage") == "nova"


def test_a_snapshot_leaves_out_members_whose_site_it_does_not_have(
    sites: SiteStore, zones: ZoneStore
) -> None:
    sites.create("One", "RegionOne")
    two = sites.create("Two", "RegionTwo")
    zones.put("az", "", [Place("One", "nova"), Place("Two", "nova")])
    snapshot = Snapshot.of([two], zones.page())
    assert [member.site_name for member in snapshot.zones["az"].members] == ["Two"]


def test_a_snapshot_knows_what_is_known_of_capacity(
    registry: SiteRegistry, sites: SiteStore, database: Database
) -> None:
    one, two = sites.create("One", "RegionOne"), sites.create("Two", "RegionTwo")
    NodeStore(database).set_state(one.id, up=True, cause=None)
    nodes = registry.snapshot.nodes
    assert {site_id: node.state for site_id, node in nodes.items()} == {one.id: NodeState.UP}
    assert two.id not in nodes


def test_a_fresh_snapshot_is_not_read_again(registry: SiteRegistry, outage: Outage, clock: Clock) -> None:
    first = registry.snapshot
    readings = outage.readings
    clock.time = INTERVAL - 0.001
    assert registry.snapshot is first
    assert outage.readings == readings


def test_changes_show_after_the_interval(registry: SiteRegistry, sites: SiteStore, clock: Clock) -> None:
    assert registry.snapshot.asked == ()
    one = sites.create("One", "RegionOne")
    assert registry.snapshot.asked == ()
    clock.time = INTERVAL
    assert registry.snapshot.asked == (one,)


def test_an_expired_snapshot_is_read_at_once(registry: SiteRegistry, sites: SiteStore) -> None:
    assert registry.snapshot.asked == ()
    one = sites.create("One", "RegionOne")
    registry.expire()
    assert registry.snapshot.asked == (one,)


def test_an_outage_leaves_the_last_snapshot(
    registry: SiteRegistry, sites: SiteStore, outage: Outage, clock: Clock
) -> None:
    one = sites.create("One", "RegionOne")
    before = registry.snapshot
    outage.on = True
    clock.time = INTERVAL
    assert registry.snapshot is before
    outage.on = False
    sites.delete("One")
    clock.time = 2 * INTERVAL
    assert one.id not in registry.snapshot.by_id


def test_the_first_reading_must_succeed(
    registry: SiteRegistry, sites: SiteStore, outage: Outage, clock: Clock
) -> None:
    one = sites.create("One", "RegionOne")
    outage.on = True
    with pytest.raises(DatabaseUnavailable):
        _ = registry.snapshot
    outage.on = False
    clock.time += INTERVAL
    assert registry.snapshot.asked == (one,)


def test_a_binding_is_read_each_time(registry: SiteRegistry, database: Database, zones: ZoneStore) -> None:
    assert registry.binding("project") is None
    zones.put("az", "", [])
    BindingStore(database).bind("project", "az")
    assert registry.binding("project") == "az"


def test_nobody_is_bound_without_a_project(registry: SiteRegistry, outage: Outage) -> None:
    assert registry.binding(None) is None
    assert outage.readings == 0
