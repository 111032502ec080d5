"""Jobs with many workers and many who ask, in threads and processes, on real databases."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.functional.job_processes import (
    CONTEXT,
    LIMIT,
    add_site,
    ask,
    configuration,
    die_in_the_middle,
    flavor,
    run,
    start,
    work,
)
from tests.servers.databases import Databases

from tricircle.db.engine import Database
from tricircle.db.tables import job_events, jobs, sites
from tricircle.db.timestamps import now
from tricircle.jobs.job import JobEventType, JobState
from tricircle.jobs.outcome import Succeeded
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester

pytestmark = pytest.mark.every_database


@pytest.fixture
def url(databases: Databases) -> str:
    return databases.with_tables()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(configuration(url))
    yield database
    database.close()


def rows(database: Database, query: sa.Select[Any]) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(query))


def test_eight_workers_do_each_of_500_jobs_once(url: str, database: Database) -> None:
    JobRequester(database).request(*(flavor(str(number)) for number in range(500)))
    run(2, work, url, 4)
    done = rows(database, sa.select(jobs.c.state, jobs.c.fence, jobs.c.attempts))
    assert Counter(map(tuple, done)) == {(JobState.SUCCEEDED, 1, 1): 500}
    told = rows(database, sa.select(job_events.c.event))
    assert Counter(event for (event,) in told) == {JobEventType.REQUESTED: 500, JobEventType.SUCCEEDED: 500}


def test_2000_requests_for_the_same_make_one_job(url: str, database: Database) -> None:
    run(2, ask, url, 20, 50)
    assert [state for (state,) in rows(database, sa.select(jobs.c.state))] == [JobState.WAITING]
    assert rows(database, sa.select(job_events.c.event)) == [(JobEventType.REQUESTED,)]


def test_the_same_is_never_done_twice_at_a_time_however_often_it_is_asked_for(database: Database) -> None:
    requester, queue = JobRequester(database), JobQueue(database)
    asked = threading.Event()
    alone = threading.Lock()

    def ask_on(_: int) -> None:
        for _ in range(25):
            requester.request(flavor("small"))

    def work_on(_: int) -> int:
        done = 0
        while True:
            is_last = asked.is_set()
            lease = queue.claim("worker")
            if lease is None:
                if is_last:
                    return done
                continue
            assert alone.acquire(blocking=False)
            assert queue.renew([lease], {}) == {lease.job.id}
            alone.release()
            queue.finish(lease, Succeeded())
            done += 1

    with ThreadPoolExecutor(8) as askers, ThreadPoolExecutor(4) as workers:
        working = workers.map(work_on, range(4))
        try:
            list(askers.map(ask_on, range(8)))
        finally:
            asked.set()
        done = sum(working)
    ended = rows(database, sa.select(jobs.c.state, jobs.c.fence))
    assert Counter(map(tuple, ended)) == {(JobState.SUCCEEDED, 1): done}
    assert done >= 1


@pytest.mark.only_on("mariadb", "postgresql")
def test_a_job_that_another_worker_is_just_taking_is_skipped(database: Database) -> None:
    JobRequester(database).request(flavor("a"), flavor("b"))
    (first,) = rows(database, sa.select(jobs.c.id).order_by(jobs.c.id).limit(1))[0]
    said: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    with database.write() as connection:
        connection.execute(sa.select(jobs.c.id).where(jobs.c.id == first).with_for_update())
        # In this thread: whoever waited for the lock would wait for ever.
        lease = JobQueue(database).claim("worker")
    assert lease is not None
    assert lease.job.id != first
    assert [statement for statement in said if statement.endswith("FOR UPDATE SKIP LOCKED")]


@pytest.mark.only_on("sqlite")
def test_on_sqlite_a_claim_writes_from_its_first_statement_on(database: Database) -> None:
    JobRequester(database).request(flavor("a"))
    said: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    assert JobQueue(database).claim("worker") is not None
    assert [statement for statement in said if statement.startswith("BEGIN")][-1] == "BEGIN IMMEDIATE"


@pytest.mark.only_on("mariadb", "postgresql")
def test_those_who_ask_crosswise_both_succeed(database: Database) -> None:
    requester = JobRequester(database)
    both_have_one = threading.Barrier(2)

    def ask_for(names: tuple[str, str]) -> int:
        attempts = []

        def enqueue(connection: sa.Connection) -> int:
            attempts.append(1)
            requester.enqueue(connection, flavor(names[0]))
            if len(attempts) == 1:
                both_have_one.wait(LIMIT)
            requester.enqueue(connection, flavor(names[1]))
            return len(attempts)

        return database.transact(enqueue)

    with ThreadPoolExecutor(2) as pool:
        # Names of no other test: MariaDB may still remember those, and then lets only one in at a time.
        attempts = sorted(pool.map(ask_for, [("left", "right"), ("right", "left")]))
    assert attempts[0] == 1
    assert attempts[1] > 1
    assert len(rows(database, sa.select(jobs.c.id))) == 2


def test_a_worker_that_is_killed_in_the_middle_leaves_nothing_half(url: str, database: Database) -> None:
    (job,) = JobRequester(database).request(flavor("small"))
    reached = CONTEXT.Event()
    process = start(die_in_the_middle, url, reached)
    assert reached.wait(LIMIT)
    process.kill()
    process.join(LIMIT)
    assert rows(database, sa.select(sites.c.name)) == []
    (left,) = rows(database, sa.select(jobs.c.state, jobs.c.lease_owner, jobs.c.fence))
    assert tuple(left) == (JobState.RUNNING, "dies", 1)

    heir = JobQueue(database, clock=lambda: now() + timedelta(hours=1))
    limit = time.monotonic() + LIMIT
    # The database may take a moment to see that the worker is gone.
    while (lease := heir.claim("heir")) is None and time.monotonic() < limit:
        pass
    assert lease is not None
    assert (lease.job.id, lease.fence) == (job.id, 2)
    assert heir.finish(lease, Succeeded(work=add_site)).state is JobState.SUCCEEDED
    assert rows(database, sa.select(sites.c.name)) == [("x",)]
