"""Routes in the database."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy.dialects import mysql, postgresql

from tricircle.db.engine import Database
from tricircle.db.tables import routes as table
from tricircle.routing import store as store_module
from tricircle.routing.route import Route
from tricircle.routing.store import RouteStore
from tricircle.sites.site import Site
from tricircle.sites.store import SiteStore

pytestmark = pytest.mark.every_database

NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # as the columns hold it


@pytest.fixture
def store(database: Database) -> RouteStore:
    return RouteStore(database)


@pytest.fixture
def one(database: Database) -> Site:
    return SiteStore(database).create("One", "RegionOne")


@pytest.fixture
def two(database: Database) -> Site:
    return SiteStore(database).create("Two", "RegionTwo")


@pytest.fixture
def server(one: Site) -> Callable[..., Route]:
    def make(
        top_id: str,
        minutes: float | None = 0,
        project_id: str | None = "p",
        site: Site = one,
        kind: str = "server",
    ) -> Route:
        created_at = None if minutes is None else NOON + timedelta(minutes=minutes)
        return Route(top_id, kind, site.id, f"{top_id}-there", project_id, created_at)

    return make


def ids(routes: list[Route]) -> list[str]:
    return [route.top_id for route in routes]


def test_what_is_recorded_is_found(store: RouteStore, server: Callable[..., Route]) -> None:
    route = replace(server("1"), created_at=NOON.replace(microsecond=123456))
    store.record([route])
    assert store.find("1", "server") == route
    assert store.find("1", "volume") is None
    assert store.find("2", "server") is None


def test_recording_nothing_needs_no_database(store: RouteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Database, "transact")
    store.record([])


def test_recording_again_changes_nothing(store: RouteStore, server: Callable[..., Route]) -> None:
    store.record([server("1")])
    store.record([server("2"), replace(server("1", 5, "q"), site_resource_id="other")])
    assert store.all("1") == [server("1")]
    assert store.find("2", "server") == server("2")


def test_what_was_not_known_is_filled_in(store: RouteStore, server: Callable[..., Route]) -> None:
    store.record([server("1", None, None)])
    store.record([server("1", None, "p")])
    assert store.find("1", "server") == server("1", None, "p")
    store.record([server("1", 0, None)])
    assert store.find("1", "server") == server("1", 0, "p")
    store.record([server("1", None, None)])
    assert store.find("1", "server") == server("1", 0, "p")


def test_a_resource_that_turns_up_in_a_second_site_stays_where_it_was_found_first(
    store: RouteStore, server: Callable[..., Route], one: Site, two: Site
) -> None:
    first, second = sorted((one, two), key=lambda site: site.id, reverse=True)
    store.record([server("1", site=first)])
    store.record([server("1", site=second)])
    assert store.find("1", "server") == server("1", site=first)
    assert store.all("1") == [server("1", site=first), server("1", site=second)]
    store.forget("1", "server", first.id)
    assert store.find("1", "server") == server("1", site=second)


def test_an_id_may_belong_to_several_types(store: RouteStore, server: Callable[..., Route]) -> None:
    store.record([server("1"), server("1", kind="volume")])
    assert {route.resource_type for route in store.all("1")} == {"server", "volume"}
    assert store.find("1", "volume") == server("1", kind="volume")


def test_ids_differ_by_case(store: RouteStore, server: Callable[..., Route]) -> None:
    store.record([server("a")])
    assert store.find("A", "server") is None


def test_forgetting_leaves_the_others_and_may_be_repeated(
    store: RouteStore, server: Callable[..., Route], one: Site
) -> None:
    store.record([server("1"), server("2"), server("1", kind="volume")])
    store.forget("1", "server", one.id)
    store.forget("1", "server", one.id)
    assert store.all("1") == [server("1", kind="volume")]
    assert store.find("2", "server") == server("2")


def test_a_site_that_was_removed_costs_the_others_nothing(
    database: Database, store: RouteStore, server: Callable[..., Route], two: Site
) -> None:
    SiteStore(database).delete("Two")
    store.record([server("1", site=two), server("2")])
    assert store.all("1") == []
    assert store.find("2", "server") == server("2")
    store.record([server("1", site=two)])
    assert store.all("1") == []


# The message bus's client brings eventlet along, which warns of every fork once it is loaded.
@pytest.mark.filterwarnings("ignore:Using fork:DeprecationWarning")
def test_concurrent_first_records_make_one_row(
    conf: cfg.ConfigOpts, database: Database, store: RouteStore, server: Callable[..., Route]
) -> None:
    processes, threads, total = 4, 8, 2000

    def record(first: int) -> None:
        # A process of its own connections; what the parent has open is not for it.
        own = Database(conf)
        with ThreadPoolExecutor(threads) as pool:
            numbers = range(first, total, processes)
            list(pool.map(lambda number: RouteStore(own).record([server("1", number)]), numbers))

    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=record, args=(first,)) for first in range(processes)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * processes
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 1
    found = store.find("1", "server")
    assert found is not None
    assert found.created_at in {NOON + timedelta(minutes=number) for number in range(total)}


def test_a_page_is_newest_first_and_of_one_scope(
    store: RouteStore, server: Callable[..., Route], one: Site, two: Site
) -> None:
    mine = [server("b", 2), server("a", 1), server("c", 3)]
    store.record([*mine, server("d", 4, "q"), server("e", 5, kind="volume"), server("f", 6, site=two)])
    assert ids(store.page("p", "server", one.id, 10)) == ["c", "b", "a"]
    assert ids(store.page(None, "server", one.id, 10)) == ["d", "c", "b", "a"]
    assert ids(store.page("p", "server", two.id, None)) == ["f"]
    assert ids(store.page("p", "server", one.id, 2)) == ["c", "b"]
    assert store.page("p", "server", one.id, 0) == []


def test_pages_lead_through_every_route_once(
    store: RouteStore, server: Callable[..., Route], one: Site
) -> None:
    """Also where times are equal, and where they are not known."""
    store.record(
        [
            server(top_id, minutes)
            for top_id, minutes in zip("abcdefg", (1, 1, 1, 2, None, None, None), strict=True)
        ]
    )
    for limit in range(1, 9):
        seen: list[Route] = []
        while page := store.page(
            "p", "server", one.id, limit, after=(seen[-1].created_at, seen[-1].top_id) if seen else None
        ):
            assert len(page) <= limit
            seen += page
        assert ids(seen) == ["d", "c", "b", "a", "g", "f", "e"]


def test_a_page_may_begin_where_no_route_is(
    store: RouteStore, server: Callable[..., Route], one: Site
) -> None:
    store.record([server("a", 1), server("c", 3)])
    assert ids(store.page("p", "server", one.id, 10, after=(NOON + timedelta(minutes=2), "x"))) == ["a"]


def test_the_nearest_before_is_the_last_that_is_not_older(
    store: RouteStore, server: Callable[..., Route], one: Site, two: Site
) -> None:
    store.record([server("a", 1), server("b", 2), server("d", 4)])
    store.record([server("q", 3, "q"), server("z", 3, site=two), server("v", 3, kind="volume")])
    store.record([server("n", None)])

    def nearest(minutes: float, project_id: str | None = "p", top_id: str | None = None) -> str | None:
        found = store.nearest_before(project_id, "server", one.id, NOON + timedelta(minutes=minutes), top_id)
        return found and found.top_id

    assert nearest(0) == "a"
    assert nearest(2) == "b"
    assert nearest(2.5) == "d"
    assert nearest(2.5, project_id=None) == "q"
    assert nearest(5) is None


def test_the_nearest_before_tells_equals_apart_by_id(
    store: RouteStore, server: Callable[..., Route], one: Site
) -> None:
    store.record([server("a", 1), server("c", 1), server("e", 1), server("x", 2)])

    def nearest(top_id: str | None) -> str | None:
        found = store.nearest_before("p", "server", one.id, NOON + timedelta(minutes=1), top_id)
        return found and found.top_id

    assert nearest(None) == "a"
    assert nearest("a") == "c"
    assert nearest("b") == "c"
    assert nearest("e") == "x"


def test_the_nearest_before_is_where_a_page_begins(
    store: RouteStore, server: Callable[..., Route], one: Site
) -> None:
    store.record([server(top_id, ord(top_id) % 3) for top_id in "abcdefgh"])
    everything = store.page("p", "server", one.id, None)
    for before, route in zip([None, *everything], everything, strict=False):
        assert route.created_at is not None
        assert store.nearest_before("p", "server", one.id, route.created_at, route.top_id) == before


def test_projects_are_those_with_resources_of_the_type_in_the_site(
    store: RouteStore, server: Callable[..., Route], one: Site, two: Site
) -> None:
    store.record([server("1", project_id="q"), server("2"), server("3"), server("4", project_id=None)])
    store.record([server("5", project_id="r", site=two), server("6", project_id="s", kind="volume")])
    assert store.projects("server", one.id) == ["p", "q"]


@pytest.mark.parametrize("dialect", [mysql, postgresql], ids=lambda module: module.__name__)
def test_recording_is_one_statement_that_never_fails_on_a_duplicate(dialect: object) -> None:
    compiler = dialect.dialect()  # type: ignore[attr-defined]
    statement = str(store_module._RECORD[compiler.name].compile(dialect=compiler))
    assert statement.startswith("INSERT INTO routes ")
    assert "ON DUPLICATE KEY UPDATE" in statement or "ON CONFLICT" in statement


@pytest.mark.only_on("sqlite")  # whose plans it reads
@pytest.mark.parametrize(
    ("project_id", "index"), [("p", "ix_routes_project"), (None, "ix_routes_site")], ids=["project", "all"]
)
def test_a_page_is_read_from_its_index(
    database: Database, store: RouteStore, one: Site, project_id: str | None, index: str
) -> None:
    plans = []
    with database.read() as connection:

        @sa.event.listens_for(database.engine, "before_cursor_execute")
        def explain(_conn, _cursor, statement, parameters, *_: object) -> None:  # type: ignore[no-untyped-def]
            if statement.startswith("SELECT"):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.append(" ".join(row.detail for row in rows))

        store.page(project_id, "server", one.id, 10, after=(NOON, "x"))
        store.nearest_before(project_id, "server", one.id, NOON, "x")
    assert len(plans) == 3
    assert all(f"USING INDEX {index} " in plan for plan in plans), plans
