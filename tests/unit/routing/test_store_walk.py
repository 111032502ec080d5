"""Routes as jobs go through them."""

from datetime import timedelta

import pytest

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.routing.route import Route
from tricircle.routing.store import RouteStore
from tricircle.sites.site import Site
from tricircle.sites.store import SiteStore

pytestmark = pytest.mark.every_database

SOON = timedelta(minutes=1)


@pytest.fixture
def store(database: Database) -> RouteStore:
    return RouteStore(database)


@pytest.fixture
def one(database: Database) -> Site:
    return SiteStore(database).create("One", "RegionOne")


@pytest.fixture
def two(database: Database) -> Site:
    return SiteStore(database).create("Two", "RegionTwo")


def route(top_id: str, site: Site, kind: str = "server", project_id: str | None = "p") -> Route:
    return Route(top_id, kind, site.id, top_id, project_id, None)


def between(store: RouteStore, site: Site, after: str, until: str | None, limit: int = 10) -> list[str]:
    return store.between("server", site.id, after, until, recorded_before=now() + SOON, limit=limit)


def test_routes_of_one_site_and_type_are_walked_in_the_order_of_their_ids(
    store: RouteStore, one: Site, two: Site
) -> None:
    store.record([route(top_id, one) for top_id in "dbca"])
    store.record([route("b", two), route("bb", one, "volume")])
    assert between(store, one, "", None) == ["a", "b", "c", "d"]
    assert between(store, one, "", None, limit=3) == ["a", "b", "c"]
    assert between(store, one, "a", "c") == ["b", "c"]
    assert between(store, one, "d", None) == []


def test_what_has_been_recorded_since_is_left_out(store: RouteStore, one: Site) -> None:
    before = now() - SOON
    store.record([route("a", one)])
    assert store.between("server", one.id, "", None, recorded_before=before, limit=9) == []


def test_known_are_those_with_a_route_to_this_site(store: RouteStore, one: Site, two: Site) -> None:
    store.record([route("a", one), route("b", one, project_id=None), route("c", two), route("d", one, "x")])
    assert store.known("server", one.id, ["a", "b", "c", "d", "e"]) == {"a": "p", "b": None}
    assert store.known("server", one.id, []) == {}


def test_routes_are_kept_and_dropped_in_somebody_elses_transaction(
    database: Database, store: RouteStore, one: Site
) -> None:
    with database.engine.connect() as connection:
        store.recording([route("a", one)])(connection)
        connection.rollback()
    assert store.all("a") == []
    with database.write() as connection:
        store.recording([route("a", one)])(connection)
    assert store.all("a") == [route("a", one)]
    with database.write() as connection:
        store.forgetting("a", "server", one.id)(connection)
    assert store.all("a") == []


def test_keeping_routes_of_a_site_that_is_gone_does_not_spoil_the_transaction(
    database: Database, store: RouteStore, one: Site
) -> None:
    with database.write() as connection:
        store.recording([Route("a", "server", "gone", "a", None, None), route("b", one)])(connection)
    assert (store.all("a"), store.all("b")) == ([], [route("b", one)])


def test_keeping_nothing_is_nothing(database: Database, store: RouteStore) -> None:
    with database.write() as connection:
        store.recording([])(connection)
