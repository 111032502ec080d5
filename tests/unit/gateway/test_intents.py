"""Intents, in the database."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.sites.register import write
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.errors import DatabaseUnavailable
from tricircle.gateway import intents
from tricircle.gateway.intents import Intent, Intents
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobStore
from tricircle.jobs.types import CLEAN_UP, INTENT, AdoptParameters, IntentParameters
from tricircle.routing.homed import SERVER_TYPE
from tricircle.routing.route import Route
from tricircle.routing.store import RouteStore

pytestmark = pytest.mark.every_database

A = site("a")
ASKED = IntentParameters("x", 1, "", {"flavor": {"id": "1"}})
MANY = IntentParameters("x", 3, "", {})
GRACE = 90.0


class Memory:
    """Stands in for the locator."""

    def __init__(self) -> None:
        self.remembered: list[Route] = []
        self.learnt: list[Route] = []

    def remember(self, routes: list[Route]) -> None:
        self.remembered += routes

    def learn(self, routes: list[Route]) -> None:
        self.learnt += routes


class Place:
    """Intents over a database, what they announce, and what becomes of them."""

    def __init__(self, database: Database) -> None:
        self.woken: list[Job] = []
        self.memory: Any = Memory()
        self.jobs = JobStore(database)
        self.routes = RouteStore(database)
        self.intents = Intents(database, JobRequester(database), self.memory, GRACE, self)

    def wake(self, jobs: Sequence[Job]) -> None:
        self.woken += jobs

    def close(self) -> None:
        """Part of a bus."""

    def begin(self, asked: IntentParameters | None = ASKED) -> Intent:
        return self.intents.begin(SERVER_TYPE, A, "blue", asked, "req-1")

    @property
    def job(self) -> Job:
        (job,) = self.jobs.page()
        return job


@pytest.fixture
def place(database: Database) -> Place:
    write(database, A)
    return Place(database)


def route(top_id: str = "1") -> Route:
    return Route(top_id, "server", A.id, top_id, "blue", None)


def test_an_intent_is_written_before_anything_is_sent(place: Place) -> None:
    start = now()
    place.begin()
    job = place.job
    assert (job.type, job.resource_type, job.site_id, job.project_id) == ("intent", "server", A.id, "blue")
    assert (job.state, job.request_id) == (JobState.WAITING, "req-1")
    assert timedelta(0) <= job.run_after - start - timedelta(seconds=GRACE) < timedelta(seconds=60)
    parameters = INTENT.read(job.parameters)
    assert (parameters.name, parameters.most, parameters.facts) == ("x", 1, {"flavor": {"id": "1"}})
    assert start.isoformat() <= parameters.sent_at <= now().isoformat()


def test_what_was_made_is_kept_and_not_looked_for(place: Place) -> None:
    place.begin().made(route())
    assert place.job.state is JobState.SUCCEEDED
    assert place.routes.all("1") == place.memory.remembered == [route()]
    assert place.woken == []


def test_what_was_not_made_is_not_looked_for(place: Place) -> None:
    place.begin().not_made("no")
    assert (place.job.state, place.job.cause) == (JobState.SUCCEEDED, "no")


def test_what_is_done_is_not_looked_for(place: Place) -> None:
    place.begin().done()
    assert (place.job.state, place.job.cause, place.woken) == (JobState.SUCCEEDED, None, [])


def test_what_nobody_knows_is_looked_for_at_once(place: Place) -> None:
    place.begin().lost()
    assert place.job.state is JobState.WAITING
    assert place.job.run_after <= now()
    (woken,) = place.woken
    assert woken.id == place.job.id
    assert woken.run_after <= now()


def test_where_the_site_is_at_it_no_more_that_is_noted(place: Place) -> None:
    start = now()
    place.begin().lost(is_over=True)
    assert place.job.run_after <= now()
    assert start.isoformat() <= INTENT.read(place.job.parameters).over_at <= now().isoformat()
    assert [woken.id for woken in place.woken] == [place.job.id]


class TestSending:
    @pytest.fixture
    def _late(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(intents, "_PROMPT", -1.0)

    def test_what_is_sent_at_once_costs_nothing(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        intent = place.begin()
        with monkeypatch.context() as patched:
            patched.setattr(Database, "transact", None)
            intent.sending()
        assert len(place.jobs.show(place.job.id).events) == 1

    @pytest.mark.usefixtures("_late")
    def test_the_time_of_what_comes_late_counts_from_then_on(self, place: Place) -> None:
        intent = place.begin()
        before = now()
        intent.sending()
        parameters = INTENT.read(place.job.parameters)
        assert before.isoformat() <= parameters.sent_at <= now().isoformat()
        assert place.job.run_after >= before + timedelta(seconds=GRACE)
        intent.lost(is_over=True)
        assert INTENT.read(place.job.parameters).sent_at == parameters.sent_at

    @pytest.mark.usefixtures("_late")
    def test_where_a_worker_has_given_it_up_there_is_another(self, place: Place) -> None:
        intent = place.begin()
        place.jobs.cancel(place.job.id)
        intent.sending()
        (newer, _) = place.jobs.page()
        assert newer.state is JobState.WAITING
        intent.not_made("no")
        assert place.jobs.show(newer.id).job.state is JobState.SUCCEEDED


def test_what_follows_where_nothing_was_made_is_asked_for(place: Place) -> None:
    follows = Request(CLEAN_UP.name, "server", "1", A.id, parameters=AdoptParameters(("net1",)))
    place.begin().not_made("no", follows)
    assert {job.type: job.state for job in place.jobs.page()} == {
        "intent": JobState.SUCCEEDED,
        "clean_up": JobState.WAITING,
    }
    assert [woken.type for woken in place.woken] == ["clean_up"]


@pytest.mark.parametrize("named", [None, route()])
def test_what_an_answer_does_not_name_is_looked_for(place: Place, named: Route | None) -> None:
    place.begin(MANY).made(named)
    assert place.job.state is JobState.WAITING
    (woken,) = place.woken
    assert woken.id == place.job.id
    assert woken.run_after <= now()
    assert place.memory.learnt == ([] if named is None else [named])


def test_two_creates_are_two_intents(place: Place) -> None:
    place.begin()
    place.begin()
    assert len(place.jobs.page()) == 2


def test_a_route_of_a_site_that_is_gone_by_now_ends_the_intent_all_the_same(place: Place) -> None:
    place.begin().made(Route("1", "server", "gone", "1", "blue", None))
    assert place.job.state is JobState.SUCCEEDED
    assert place.routes.all("1") == []


@pytest.mark.parametrize(
    "end", [lambda it: it.made(route()), lambda it: it.not_made("no"), lambda it: it.lost()]
)
def test_the_client_has_its_answer_also_while_the_database_is_away(
    place: Place, monkeypatch: pytest.MonkeyPatch, end: Callable[[Intent], None]
) -> None:
    """The intent ends by itself, later."""
    intent = place.begin()

    def refuse(*_: object) -> None:
        raise DatabaseUnavailable("The database cannot be reached.")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "transact", refuse)
        end(intent)
    assert place.job.state is JobState.WAITING
    assert place.woken == []


def test_an_intent_that_cannot_be_written_is_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseUnavailable("The database cannot be reached.")

    monkeypatch.setattr(Database, "transact", refuse)
    with pytest.raises(DatabaseUnavailable):
        place.begin()


def test_what_nobody_looks_for_is_only_learnt(place: Place) -> None:
    intent = place.begin(None)
    intent.made(route())
    intent.made(None)
    intent.not_made("no")
    intent.lost()
    assert place.jobs.page() == []
    assert place.memory.learnt == [route()]
