"""The periodic work."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.fakes.worker import do_all
from tests.unit.clock import Clock
from tests.unit.sites.register import write
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Failed, Succeeded
from tricircle.jobs.store import JobStore
from tricircle.jobs.worker_store import WorkerStore
from tricircle.realise.top_network import TopNetwork
from tricircle.sites.node_store import NodeStore
from tricircle.sites.site import SiteState
from tricircle.xjob import periodic
from tricircle.xjob.engine import Engine
from tricircle.xjob.periodic import TASKS, Periodic
from tricircle.xjob.shares import Everything

A, B, OFF = site("a"), site("b"), site("off", SiteState.DISABLED)

DAY = 24 * 3600.0


def at_once(do: Callable[[], None]) -> None:
    do()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def checked(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which sites are looked at, instead of looking."""
    write(database, A, B, OFF)
    names: list[str] = []
    tasks = list(TASKS)
    health = next(task for task in tasks if task.name == "health")
    noting = type(health)(
        health.name, health.option, health.at_once, lambda engine, site: names.append(site.name)
    )
    monkeypatch.setattr(periodic, "TASKS", (noting, *tasks[1:]))
    return names


@pytest.fixture
def upkeep(engine: Engine, checked: list[str], clock: Clock) -> Periodic:
    return Periodic(engine, Everything(), submit=at_once, clock=clock)


def waiting(engine: Engine) -> list[tuple[str, str]]:
    """Return type and site of the jobs that wait."""
    jobs = JobStore(engine.database).page()
    return sorted((job.type, str(job.site_id)) for job in jobs if job.state is JobState.WAITING)


def test_every_interval_is_an_option(engine: Engine) -> None:
    assert all(engine.conf.xjob[task.option] > 0 for task in TASKS)


def test_the_sites_that_are_asked_are_looked_at_at_once_and_again_after_the_interval(
    upkeep: Periodic, checked: list[str], clock: Clock
) -> None:
    upkeep.tick()
    assert sorted(checked) == ["a", "b"]
    clock.time = 14.0
    upkeep.tick()
    assert len(checked) == 2
    clock.time = 15.0
    upkeep.tick()
    assert sorted(checked) == ["a", "a", "b", "b"]


def test_jobs_are_asked_for_in_time_and_not_twice(upkeep: Periodic, engine: Engine, clock: Clock) -> None:
    upkeep.tick()
    assert [kind for kind in waiting(engine) if kind[0] == "node"] == [("node", A.id), ("node", B.id)]
    for clock.time in (DAY, 2 * DAY):
        upkeep.tick()
    assert waiting(engine) == [(kind, where.id) for kind in ("catch_up", "drift", "node") for where in (A, B)]


@pytest.mark.parametrize("is_there", [True, False])
def test_ports_are_compared_where_the_top_has_a_network_service(
    upkeep: Periodic, engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    monkeypatch.setattr(TopNetwork, "is_there", is_there)
    upkeep.tick()
    clock.time = DAY
    upkeep.tick()
    expected = [("ports", A.id), ("ports", B.id)] if is_there else []
    assert [kind for kind in waiting(engine) if kind[0] == "ports"] == expected


def test_drift_is_found_and_not_mended(upkeep: Periodic, engine: Engine, clock: Clock) -> None:
    upkeep.tick()
    clock.time = DAY
    upkeep.tick()
    parameters = {job.parameters for job in JobStore(engine.database).page() if job.type == "drift"}
    assert parameters == {b'{"mend":false}'}


def test_what_fails_at_each_turn_is_one_job(upkeep: Periodic, engine: Engine, clock: Clock) -> None:
    for number in range(1, 4):
        upkeep.tick()
        do_all(
            engine,
            dict.fromkeys(["node", "drift", "catch_up"], lambda task: Failed("no", is_final=True)),
            may_fail=True,
        )
        clock.time = number * DAY
    jobs = JobStore(engine.database).page()
    assert sorted(job.type for job in jobs if job.site_id == A.id) == ["catch_up", "drift", "node"]


def test_a_site_that_is_down_is_left_alone(upkeep: Periodic, engine: Engine) -> None:
    NodeStore(engine.database).set_state(A.id, up=False, cause="away")
    upkeep.tick()
    assert [kind for kind in waiting(engine) if kind[0] == "node"] == [("node", B.id)]


def test_only_a_workers_own_share_is_done(
    engine: Engine, checked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = Everything()
    monkeypatch.setattr(shares, "is_mine", lambda thing: thing == f"health of {A.id}")
    Periodic(engine, shares, submit=at_once, clock=Clock()).tick()
    assert (checked, waiting(engine)) == (["a"], [])


def test_what_is_under_way_is_not_begun_again(engine: Engine, checked: list[str], clock: Clock) -> None:
    begun: list[Callable[[], None]] = []
    upkeep = Periodic(engine, Everything(), submit=begun.append, clock=clock)
    upkeep.tick()
    first = len(begun)
    clock.time = 60.0
    upkeep.tick()
    # By the name alone: whatever else is begun holds an engine, which has a part of that name.
    assert [do for do in begun[first:] if "'health of " in str(do)] == []
    for do in begun:
        do()
    upkeep.tick()
    assert sorted(checked) == ["a", "b"]


def test_a_failure_is_one_line_and_not_the_end(
    engine: Engine,
    upkeep: Periodic,
    checked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(engine.requester, "request", away)
    with caplog.at_level(logging.INFO, logger="tricircle"):
        upkeep.tick()
    assert sorted(checked) == ["a", "b"]
    said = sorted(record.getMessage() for record in caplog.records)
    assert said == [f"Periodic work, node of {where.id}: away" for where in (A, B)]


def test_old_jobs_and_workers_are_purged(upkeep: Periodic, engine: Engine, clock: Clock) -> None:
    old = now() - timedelta(days=15)
    WorkerStore(engine.database, clock=lambda: old).tell("dead", "h")
    WorkerStore(engine.database).tell("alive", "h")
    (job,) = engine.requester.request(Request("after_delete", "server", "s", A.id))
    do_all(engine, {"after_delete": lambda task: Succeeded()})
    with engine.database.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET updated_at = ?", (old.isoformat(" "),))
    upkeep.tick()
    clock.time = DAY
    upkeep.tick()
    assert job.id not in {kept.id for kept in JobStore(engine.database).page()}
    assert [worker.name for worker in WorkerStore(engine.database).all()] == ["alive"]
