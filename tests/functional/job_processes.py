"""Processes that have to do with jobs, to be run beside one another and to be killed."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg

from tricircle import config
from tricircle.db.engine import Database
from tricircle.db.tables import sites
from tricircle.db.timestamps import now
from tricircle.jobs.job import Request
from tricircle.jobs.outcome import Succeeded
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import ReplicateParameters

CONTEXT = multiprocessing.get_context("spawn")

LIMIT = 120.0
"""Seconds that a process may take, on a machine that is busy."""


def configuration(url: str) -> cfg.ConfigOpts:
    """Give a process's configuration."""
    conf = config.load(files=[])
    conf.set_override("connection", url, group="database")
    conf.set_override("sqlite_synchronous", False, group="database")
    return conf


def flavor(name: str) -> Request:
    """A wish for a flavor in a site."""
    return Request("replicate", "flavor", name, site_id="one", parameters=ReplicateParameters())


def run(count: int, target: Callable[..., None], *arguments: Any) -> None:
    """Run processes beside one another to their end, which must be a good one."""
    processes = [CONTEXT.Process(target=target, args=arguments, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(LIMIT)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * count


def start(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Start a process that is to be killed."""
    process = CONTEXT.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def work(url: str, threads: int) -> None:
    """Be a worker with as many threads, until there is nothing to do."""
    database = Database(configuration(url))
    queue = JobQueue(database)

    def do_all(_: int) -> None:
        while (lease := queue.claim("worker")) is not None:
            queue.finish(lease, Succeeded())

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(do_all, range(threads)))


def ask(url: str, threads: int, times: int) -> None:
    """Ask for the same again and again, in as many threads."""
    requester = JobRequester(Database(configuration(url)))

    def ask_on(_: int) -> None:
        for _ in range(times):
            requester.request(flavor("small"))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(ask_on, range(threads)))


def add_site(connection: sa.Connection) -> None:
    """Write something that follows from a job."""
    time = now()
    texts = {"id": "x", "name": "x", "region_name": "x", "description": "", "state": "enabled"}
    connection.execute(sites.insert(), texts | {"created_at": time, "updated_at": time})


def die_in_the_middle(url: str, reached: Event) -> None:
    """Be a worker that never comes back from the transaction that ends its job."""
    queue = JobQueue(Database(configuration(url)))
    lease = queue.claim("dies")
    assert lease is not None

    def never_end(connection: sa.Connection) -> None:
        add_site(connection)
        reached.set()
        CONTEXT.Event().wait()

    queue.finish(lease, Succeeded(work=never_end))
