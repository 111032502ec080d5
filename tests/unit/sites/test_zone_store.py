"""The availability zone map in the database."""

import pytest

from tricircle.db.engine import Database
from tricircle.errors import BadRequest, Conflict, NotFound
from tricircle.sites.binding_store import BindingStore
from tricircle.sites.site import Site
from tricircle.sites.store import SiteStore
from tricircle.sites.zone import ZoneMember
from tricircle.sites.zone_store import Place, ZoneStore

pytestmark = pytest.mark.every_database


@pytest.fixture
def one(database: Database) -> Site:
    return SiteStore(database).create("SiteOne", "RegionOne")


@pytest.fixture
def two(database: Database) -> Site:
    return SiteStore(database).create("SiteTwo", "RegionTwo")


@pytest.fixture
def store(database: Database) -> ZoneStore:
    return ZoneStore(database)


def test_a_zone_is_made_and_read(store: ZoneStore, one: Site, two: Site) -> None:
    zone, created = store.put(
        "az", "both", [Place("SiteTwo", "nova"), Place(one.id, "b"), Place(one.id, "a", "x")]
    )
    assert created
    assert (zone.name, zone.description) == ("az", "both")
    assert zone.members == (
        ZoneMember(one.id, "SiteOne", "a", "x"),
        ZoneMember(one.id, "SiteOne", "b"),
        ZoneMember(two.id, "SiteTwo", "nova"),
    )
    assert store.get("az") == zone


def test_setting_the_same_again_changes_nothing_but_the_time(store: ZoneStore, one: Site) -> None:
    first, _ = store.put("az", "", [Place("SiteOne", "nova")])
    again, created = store.put("az", "", [Place("SiteOne", "nova")])
    assert not created
    assert (again.id, again.members, again.created_at) == (first.id, first.members, first.created_at)
    assert again.updated_at > first.updated_at


def test_setting_replaces_all_members(store: ZoneStore, one: Site, two: Site) -> None:
    store.put("az", "", [Place("SiteOne", "nova"), Place("SiteOne", "other")])
    zone, _ = store.put("az", "moved", [Place("SiteTwo", "nova")])
    assert zone.description == "moved"
    assert zone.members == (ZoneMember(two.id, "SiteTwo", "nova"),)


def test_a_zone_may_be_empty(store: ZoneStore) -> None:
    zone, _ = store.put("az", "", [])
    assert zone.members == ()
    assert store.page() == [zone]


def test_an_unknown_site_makes_no_zone(store: ZoneStore, one: Site) -> None:
    with pytest.raises(BadRequest, match="SiteTwo"):
        store.put("az", "", [Place("SiteOne", "nova"), Place("SiteTwo", "nova")])
    with pytest.raises(NotFound, match="az"):
        store.get("az")


def test_a_place_named_twice_is_refused(store: ZoneStore, one: Site) -> None:
    with pytest.raises(BadRequest, match="nova of site SiteOne"):
        store.put("az", "", [Place("SiteOne", "nova"), Place(one.id, "nova", "x")])


def test_zones_are_listed_by_name_in_pages(store: ZoneStore, one: Site, two: Site) -> None:
    for name in ("c", "a", "b"):
        store.put(name, "", [Place("SiteOne", "nova"), Place("SiteTwo", "nova")])
    assert [zone.name for zone in store.page()] == ["a", "b", "c"]
    assert all(len(zone.members) == 2 for zone in store.page())
    assert [zone.name for zone in store.page(limit=2)] == ["a", "b"]
    assert [zone.name for zone in store.page(limit=2, marker="b")] == ["c"]
    assert [zone.name for zone in store.page(marker="aa")] == ["b", "c"]


def test_a_deleted_zone_is_gone_with_its_members(store: ZoneStore, one: Site) -> None:
    store.put("az", "", [Place("SiteOne", "nova")])
    store.delete("az")
    assert store.page() == []
    with pytest.raises(NotFound, match="az"):
        store.delete("az")


def test_a_zone_that_projects_are_bound_to_stays(database: Database, store: ZoneStore) -> None:
    store.put("az", "", [])
    bindings = BindingStore(database)
    bindings.bind("project", "az")
    with pytest.raises(Conflict, match="Projects are bound to availability zone az"):
        store.delete("az")
    bindings.unbind("project")
    store.delete("az")
    assert store.page() == []
