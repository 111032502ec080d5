"""Where a resource is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from tests.unit.clock import Clock
from tests.unit.sites.register import Register, write
from tests.unit.sites.wire import StandInUser, Wire, endpoints_of, json_answer, site

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable, NotFound, SiteUnavailable
from tricircle.identity.identity import Identity
from tricircle.routing.cache import ABSENCE_TIME, RouteCache
from tricircle.routing.locator import Locator
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.routing.search import Search
from tricircle.routing.store import RouteStore
from tricircle.sites.client import SiteClient
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.site import Site, SiteState
from tricircle.sites.transport import Answer, NoAnswer, Request

KIND = ResourceType(
    name="server",
    service_type="compute",
    path="/v2.1/servers/{id}",
    envelope="server",
    not_found="Instance {id} could not be found.",
)
A, B = site("a"), site("b")
OFF = site("off", SiteState.DISABLED)
ID = "9168b536-cd40-4630-b43f-b259807c6e87"
NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # as the database keeps it
CACHE_TIME = 60.0
ABSENT = json_answer(b'{"itemNotFound": {"code": 404, "message": "no"}}', 404)


def user(project_id: str | None = "blue", *roles: str) -> Identity:
    return Identity("somebody", project_id, frozenset(roles), 0.0)


OWNER, STRANGER, ADMIN = user("blue", "member"), user("red", "member"), user("red", "admin")


def route(where: Site = A, project_id: str | None = "blue", created_at: datetime | None = None) -> Route:
    return Route(ID, "server", where.id, ID, project_id, created_at)


@dataclass
class Sites:
    """What the sites show, by name of the site."""

    shown: dict[str, Answer | NoAnswer] = field(default_factory=dict)
    searches: int = 0

    def __call__(self, request: Request) -> Answer | NoAnswer:
        name = request.url.removeprefix("http://").partition(".")[0]
        self.searches += name == "a"  # every search asks it, and once
        return self.shown.get(name, ABSENT)


@dataclass
class Outage:
    """Makes a database fail while it is `on`, and counts what is asked of it."""

    read: Callable[[], AbstractContextManager[sa.Connection]]
    on: bool = False
    readings: int = 0

    @contextmanager
    def __call__(self) -> Iterator[sa.Connection]:
        self.readings += 1
        if self.on:
            raise DatabaseUnavailable("down")
        with self.read() as connection:
            yield connection


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sites() -> Sites:
    return Sites()


@pytest.fixture
def store(database: Database) -> RouteStore:
    write(database, A, B, OFF)
    return RouteStore(database)


@pytest.fixture
def outage(database: Database, store: RouteStore, monkeypatch: pytest.MonkeyPatch) -> Outage:
    outage = Outage(database.read)

    def transact(work: Callable[[sa.Connection], object], *, is_idempotent: bool = False) -> object:
        if outage.on:
            raise DatabaseUnavailable("down")
        return Database.transact(database, work, is_idempotent=is_idempotent)

    monkeypatch.setattr(database, "read", outage)
    monkeypatch.setattr(database, "transact", transact)
    return outage


@pytest.fixture
def locator(store: RouteStore, sites: Sites, clock: Clock, conf: cfg.ConfigOpts) -> Locator:
    who = StandInUser(endpoints_of("a", "b", "off"))
    client = SiteClient(Endpoints(who, conf), who, HealthBoard(conf), Wire({"http://": sites}), conf)
    cache = RouteCache(10, CACHE_TIME, clock=clock)
    return Locator(Register([A, B, OFF]), cache, store, Search(client, 3.0), conf)


def shown(project_id: str | None = "blue") -> Answer:
    project = "" if project_id is None else f'"tenant_id": "{project_id}", '
    return json_answer(f'{{"server": {{{project}"created": "2026-01-31T12:00:00Z"}}}}'.encode())


def test_a_row_of_the_users_project_says_where_it_is(
    locator: Locator, store: RouteStore, sites: Sites
) -> None:
    store.record([route(B)])
    assert locator.locate(KIND, ID, OWNER, "token") == B
    assert sites.searches == 0


def test_the_database_is_asked_once_in_the_cache_time(
    locator: Locator, store: RouteStore, outage: Outage, clock: Clock
) -> None:
    store.record([route()])
    locator.locate(KIND, ID, OWNER, "token")
    clock.time = CACHE_TIME - 1
    locator.locate(KIND, ID, OWNER, "token")
    assert outage.readings == 1
    clock.time = CACHE_TIME
    locator.locate(KIND, ID, OWNER, "token")
    assert outage.readings == 2


def test_a_route_in_the_cache_needs_no_database(locator: Locator, store: RouteStore, outage: Outage) -> None:
    store.record([route()])
    locator.locate(KIND, ID, OWNER, "token")
    outage.on = True
    assert locator.locate(KIND, ID, OWNER, "token") == A


def test_without_cache_and_database_nothing_is_known(locator: Locator, outage: Outage) -> None:
    outage.on = True
    with pytest.raises(DatabaseUnavailable):
        locator.locate(KIND, ID, OWNER, "token")


def test_what_no_row_knows_is_searched_for_and_learnt(
    locator: Locator, store: RouteStore, sites: Sites
) -> None:
    sites.shown["b"] = shown()
    assert [locator.locate(KIND, ID, OWNER, "token") for _ in range(2)] == [B, B]
    assert sites.searches == 1
    assert store.all(ID) == [route(B, "blue", NOON)]


def test_what_a_site_shows_a_user_without_its_project_is_in_the_users_project(
    locator: Locator, store: RouteStore, sites: Sites
) -> None:
    sites.shown["b"] = shown(None)
    locator.locate(KIND, ID, OWNER, "token")
    assert store.all(ID) == [route(B, "blue", NOON)]


def test_what_a_site_shows_an_administrator_without_its_project_is_in_no_known_project(
    locator: Locator, store: RouteStore, sites: Sites
) -> None:
    sites.shown["b"] = shown(None)
    locator.locate(KIND, ID, ADMIN, "token")
    assert store.all(ID) == [route(B, None, NOON)]


def test_an_owner_is_searched_for_once_also_after_an_administrator(locator: Locator, sites: Sites) -> None:
    sites.shown["b"] = shown(None)
    locator.locate(KIND, ID, ADMIN, "token")
    assert [locator.locate(KIND, ID, OWNER, "token") for _ in range(3)] == [B, B, B]
    assert sites.searches == 2


def test_a_search_that_finds_counts_also_while_the_database_is_down(
    locator: Locator, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.shown["b"] = shown()

    def transact(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("down")

    monkeypatch.setattr(Database, "transact", transact)
    assert locator.locate(KIND, ID, OWNER, "token") == B


@pytest.mark.parametrize("is_cached", [False, True])
def test_a_row_of_another_project_is_as_good_as_none(
    locator: Locator, store: RouteStore, sites: Sites, is_cached: bool
) -> None:
    store.record([route()])
    if is_cached:
        locator.locate(KIND, ID, OWNER, "token")
    with pytest.raises(NotFound, match=f"^Instance {ID} could not be found.$"):
        locator.locate(KIND, ID, STRANGER, "token")
    assert sites.searches == 1


def test_a_row_of_an_unknown_project_is_no_row_of_a_user_without_a_project(
    locator: Locator, store: RouteStore, sites: Sites
) -> None:
    store.record([route(project_id=None)])
    with pytest.raises(NotFound):
        locator.locate(KIND, ID, user(None, "reader"), "token")
    assert sites.searches == 1


@pytest.mark.parametrize("project_id", ["blue", None])
def test_administrators_use_every_row(
    locator: Locator, store: RouteStore, sites: Sites, project_id: str | None
) -> None:
    store.record([route(B, project_id)])
    assert locator.locate(KIND, ID, ADMIN, "token") == B
    assert sites.searches == 0


def test_who_is_an_administrator_is_configured(
    store: RouteStore, locator: Locator, conf: cfg.ConfigOpts
) -> None:
    assert locator.sees_all(ADMIN)
    assert not locator.sees_all(OWNER)
    conf.set_override("admin_roles", ["manager", "operator"], group="api")
    configured = Locator(Register([A]), RouteCache(1, 1), store, Search(None, 1.0), conf)
    assert configured.sees_all(user("blue", "member", "operator"))
    assert not configured.sees_all(ADMIN)


def test_a_vain_search_counts_for_a_while(locator: Locator, sites: Sites, clock: Clock) -> None:
    for _ in range(3):
        with pytest.raises(NotFound):
            locator.locate(KIND, ID, OWNER, "token")
    assert sites.searches == 1
    clock.time = ABSENCE_TIME
    sites.shown["a"] = shown()
    assert locator.locate(KIND, ID, OWNER, "token") == A


def test_a_vain_search_counts_for_its_project_only(locator: Locator, sites: Sites) -> None:
    for identity in (OWNER, STRANGER):
        with pytest.raises(NotFound):
            locator.locate(KIND, ID, identity, "token")
    assert sites.searches == 2


def test_a_vain_search_of_a_member_does_not_count_for_an_administrator(
    locator: Locator, sites: Sites
) -> None:
    with pytest.raises(NotFound):
        locator.locate(KIND, ID, STRANGER, "token")
    sites.shown["b"] = shown("blue")
    assert locator.locate(KIND, ID, ADMIN, "token") == B


def test_a_search_that_a_silent_site_spoils_is_not_remembered(locator: Locator, sites: Sites) -> None:
    sites.shown["b"] = NoAnswer("x")
    with pytest.raises(SiteUnavailable):
        locator.locate(KIND, ID, OWNER, "token")
    sites.shown["b"] = shown()
    assert locator.locate(KIND, ID, OWNER, "token") == B


@pytest.mark.parametrize("text", ["detail", "1", "", "../servers", ID.upper()])
def test_what_can_be_no_id_costs_nothing(locator: Locator, sites: Sites, outage: Outage, text: str) -> None:
    with pytest.raises(NotFound):
        locator.locate(KIND, text, OWNER, "token")
    assert (sites.searches, outage.readings) == (0, 0)


def test_a_disabled_site_is_not_called(locator: Locator, store: RouteStore, sites: Sites) -> None:
    store.record([route(OFF)])
    with pytest.raises(SiteUnavailable) as caught:
        locator.locate(KIND, ID, OWNER, "token")
    assert caught.value.site == "off"
    assert sites.searches == 0


def test_known_is_what_a_row_of_the_users_says(locator: Locator, store: RouteStore, sites: Sites) -> None:
    store.record([route(created_at=NOON)])
    assert locator.known(KIND, ID, OWNER) == route(created_at=NOON)
    assert locator.known(KIND, ID, ADMIN) == route(created_at=NOON)
    assert locator.known(KIND, ID, STRANGER) is None
    assert sites.searches == 0


def test_nothing_is_known_while_the_database_is_down(
    locator: Locator, store: RouteStore, outage: Outage
) -> None:
    store.record([route()])
    outage.on = True
    assert locator.known(KIND, ID, OWNER) is None


def test_what_is_learnt_is_found(locator: Locator, store: RouteStore, outage: Outage) -> None:
    locator.learn([route(B, created_at=NOON)])
    assert locator.locate(KIND, ID, OWNER, "token") == B
    assert outage.readings == 0
    assert store.all(ID) == [route(B, created_at=NOON)]


def test_what_is_remembered_is_found_without_the_database(
    locator: Locator, store: RouteStore, outage: Outage
) -> None:
    locator.remember([route()])
    outage.on = True
    assert locator.locate(KIND, ID, OWNER, "token") == A
    outage.on = False
    assert store.all(ID) == []


def test_what_is_known_is_not_written_again(
    locator: Locator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    locator.learn([route()])
    monkeypatch.delattr(Database, "transact")
    locator.learn([route()])
    locator.learn([])


def test_a_project_that_was_lacking_is_learnt_later(locator: Locator, store: RouteStore) -> None:
    locator.learn([route(project_id=None)])
    locator.learn([route(project_id="blue", created_at=NOON)])
    assert store.all(ID) == [route(project_id="blue", created_at=NOON)]


def test_a_time_that_was_lacking_is_learnt_of_what_its_site_shows(
    locator: Locator, store: RouteStore
) -> None:
    """Nova's answer to a creation has none."""
    locator.learn([route(created_at=None)])
    locator.complete(KIND, ID, b'{"server": {"created": "2026-01-31T12:00:00Z"}}')
    assert store.all(ID) == [route(created_at=NOON)]


def test_learning_and_forgetting_go_on_while_the_database_is_down(locator: Locator, outage: Outage) -> None:
    outage.on = True
    locator.learn([route()])
    locator.forget(KIND, ID, A)


def test_what_is_forgotten_is_searched_for_again(locator: Locator, store: RouteStore, sites: Sites) -> None:
    locator.learn([route(A)])
    locator.forget(KIND, ID, A)
    assert store.all(ID) == []
    sites.shown["b"] = shown()
    assert locator.locate(KIND, ID, OWNER, "token") == B


def test_forgetting_one_sites_row_leaves_anothers(locator: Locator, store: RouteStore) -> None:
    store.record([route(A)])
    store.record([route(B)])
    locator.forget(KIND, ID, A)
    assert locator.locate(KIND, ID, OWNER, "token") == B
