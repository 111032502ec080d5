"""A worker, one job after the other: what becomes of a job, whatever its handler does."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.fakes.worker import do_all, make_worker
from tests.unit.sites.wire import site

from tricircle.errors import (
    AnswerLost,
    BadAnswer,
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    IdentityUnavailable,
    LeaseLost,
    SiteUnavailable,
)
from tricircle.jobs.job import Job, JobEventType, JobState, Request
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Postponed, Succeeded
from tricircle.jobs.store import JobStore
from tricircle.jobs.types import TYPES, ReplicateParameters
from tricircle.realise.blocks import NoAddressLeft
from tricircle.sites.service_calls import SiteRefused
from tricircle.xjob.engine import Engine
from tricircle.xjob.handlers import HANDLERS
from tricircle.xjob.task import SiteGone, SiteRemoved, Stopping, Task
from tricircle.xjob.verdict import verdict
from tricircle.xjob.worker import Worker

LATER = 10_000.0


def ask(engine: Engine, number: int = 1) -> Job:
    (job,) = engine.requester.request(Request("node", "site", f"site-{number}", "a"))
    return job


def raising(error: Exception) -> Callable[[Task], Outcome]:
    """Make a handler that dies."""

    def handler(task: Task) -> Outcome:
        raise error

    return handler


def attempt(engine: Engine, handler: Callable[[Task], Outcome]) -> tuple[Job, Outcome | None]:
    """Have a job done once."""
    ask(engine)
    attempt = make_worker(engine, {"node": handler}).run_one()
    assert attempt is not None
    return attempt.job, attempt.outcome


def test_every_type_has_a_handler() -> None:
    assert HANDLERS.keys() == TYPES.keys()


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Succeeded("so"), JobState.SUCCEEDED),
        (Postponed(5.0, "not yet"), JobState.WAITING),
        (Failed("no"), JobState.WAITING),
        (Failed("never", is_final=True), JobState.FAILED),
    ],
)
def test_what_the_handler_says_becomes_of_the_job(engine: Engine, outcome: Outcome, state: JobState) -> None:
    job, said = attempt(engine, lambda task: outcome)
    assert (job.state, said) == (state, outcome)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SiteUnavailable("away", request_id="req-1"), Failed("away", "req-1")),
        (AnswerLost("lost", request_id="req-1"), Failed("lost", "req-1")),
        (BadAnswer("html"), Failed("html")),
        (IdentityUnavailable("no token"), Postponed(1.0, "no token")),
        (SiteUnavailable("away", site="Central"), Postponed(1.0, "away")),
        (AnswerLost("lost", site="Central"), Postponed(1.0, "lost")),
        (SiteUnavailable("away", site="a"), Failed("away")),
        (DatabaseUnavailable("gone"), Failed("gone")),
        (Conflict("not so"), Failed("not so")),
        (
            SiteRefused("Site a said 403: no", site="a", request_id="req-1", status=403),
            Failed("Site a said 403: no", "req-1"),
        ),
        (SiteGone("disabled"), Succeeded("disabled")),
        (SiteRemoved("no such site"), Succeeded("no such site")),
        (BadRequest("nonsense"), Failed("nonsense", is_final=True)),
        (NoAddressLeft("net", site("a")), Failed("No fixed IP addresses available for network: net")),
        (Stopping(), HandedBack()),
        (KeyError("secret"), Failed("Unexpected error KeyError; the worker's log has more.")),
    ],
)
def test_each_error_has_its_verdict(engine: Engine, error: Exception, outcome: Outcome) -> None:
    _, said = attempt(engine, raising(error))
    assert said == outcome


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_of_a_disabled_site_only_what_is_not_asked_for_anew_is_parked(engine: Engine, kind: str) -> None:
    job, _ = attempt(engine, lambda _: Succeeded())
    outcome = verdict(replace(job, type=kind), SiteGone("disabled"))
    is_parked = kind not in {"rebuild", "node", "catch_up", "ports"}
    assert outcome == (Failed("disabled", is_final=True) if is_parked else Succeeded("disabled"))


@pytest.mark.parametrize("error", [IdentityUnavailable("no"), SiteUnavailable("no", site="Central")])
def test_an_outage_of_the_top_costs_no_attempt_for_a_day(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    ask(engine)
    later = 0.0
    for _ in range(30):
        later += 100.0
        (job,) = do_all(engine, {"node": raising(error)}, later=later)
        assert (job.state, job.attempts) == (JobState.WAITING, 0)
    monkeypatch.setattr("tricircle.xjob.top_away.GIVEN_UP", -1.0)
    (job,) = do_all(engine, {"node": raising(error)}, later=later + 100.0, may_fail=True)
    assert job.state is JobState.FAILED


def test_a_lost_lease_leaves_no_word_in_the_job_and_one_line_in_the_log(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="tricircle"):
        job, outcome = attempt(engine, raising(LeaseLost("gone")))
    assert outcome is None
    story = JobStore(engine.database).show(job.id)
    assert [event.event for event in story.events] == [JobEventType.REQUESTED]
    assert len(caplog.records) == 1


def test_a_job_cancelled_meanwhile_is_lost_at_its_end(engine: Engine) -> None:
    def handler(task: Task) -> Outcome:
        JobStore(engine.database).cancel(task.job.id)
        return Succeeded()

    job, outcome = attempt(engine, handler)
    assert outcome is None
    assert JobStore(engine.database).show(job.id).job.state is JobState.CANCELLED


def test_a_type_that_nothing_does_is_parked(engine: Engine) -> None:
    job = ask(engine)
    (done,) = do_all(engine, {}, may_fail=True)
    assert (done.id, done.state) == (job.id, JobState.FAILED)
    assert done.cause == "This release has nothing that does node jobs."


def test_parameters_that_make_no_sense_any_more_park_the_job_before_anything_is_done(engine: Engine) -> None:
    request = Request("replicate", "flavor", "f", "a", parameters=ReplicateParameters())
    (job,) = engine.requester.request(request)
    with engine.database.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET parameters = '{\"mend\": 3}'")
    done: list[Task] = []
    (parked,) = do_all(engine, {"replicate": lambda task: done.append(task) or Succeeded()}, may_fail=True)
    assert (parked.id, parked.state, done) == (job.id, JobState.FAILED, [])
    assert "make no sense" in str(parked.cause)


def test_what_stands_or_falls_with_the_end_and_cannot_be_written_fails_the_job(engine: Engine) -> None:
    def work(connection: object) -> None:
        raise ValueError("what it says may be a secret")

    job, _ = attempt(engine, lambda task: Succeeded(work=work))
    assert (job.state, job.cause) == (
        JobState.WAITING,
        "Unexpected error ValueError; the worker's log has more.",
    )


def test_an_end_is_written_down_when_the_database_is_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine)
    worker = make_worker(engine, {"node": lambda task: Succeeded()})
    queue = worker._queue
    finish, tries = queue.finish, []

    def away_at_first(*args: object, **named: object) -> Job:
        tries.append(1)
        if len(tries) < 3:
            raise DatabaseUnavailable("away")
        return finish(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "finish", away_at_first)
    monkeypatch.setattr("tricircle.xjob.worker._PAUSE", 0.0)
    done = worker.run_one()
    assert done is not None
    assert (done.job.state, len(tries)) == (JobState.SUCCEEDED, 3)


def test_a_worker_that_gives_up_does_not_wait_for_the_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine)
    worker = make_worker(engine, {"node": lambda task: Succeeded()})

    def away(*_: object, **__: object) -> Job:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(worker._queue, "finish", away)
    worker.give_up()
    done = worker.run_one()
    assert done is not None
    assert done.outcome is None


def test_an_unexpected_error_is_told_in_full_once_for_each_job(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    ask(engine)
    handlers = {"node": raising(KeyError("x"))}
    states = []
    with caplog.at_level(logging.INFO, logger="tricircle"):
        for number in range(1, 4):
            done = make_worker(engine, handlers, later=number * LATER).run_one()
            assert done is not None
            states.append(done.job.state)
    assert states == [JobState.WAITING, JobState.WAITING, JobState.FAILED]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO", "INFO", "WARNING"]
    assert [record.exc_info is not None for record in caplog.records] == [True, False, False, False]


def test_progress_is_kept_with_the_end(engine: Engine) -> None:
    def handler(task: Task) -> Outcome:
        task.step("count", seen=7)
        return Succeeded()

    job, _ = attempt(engine, handler)
    assert job.progress == {"step": "count", "seen": 7}


def test_nothing_is_taken_where_nothing_waits(engine: Engine) -> None:
    assert isinstance(worker := make_worker(engine, {}), Worker)
    assert worker.run_one() is None
