"""Workers and RabbitMQ: a wake begins a job, a bus that goes away costs nothing but speed."""

import logging
import platform
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version as release
from typing import Any

import pytest
from oslo_config import cfg
from tests.integration.conditions import eventually
from tests.servers.databases import Databases
from tests.servers.rabbitmq import RabbitMQ

from tricircle.config import load
from tricircle.errors import BadRequest, DatabaseUnavailable
from tricircle.jobs.bus import make_bus
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.messaging import TOPIC, VERSION, make_transport, messaging
from tricircle.jobs.outcome import Outcome, Succeeded
from tricircle.jobs.store import JobStore
from tricircle.xjob.engine import Engine, make_engine
from tricircle.xjob.service import Service
from tricircle.xjob.task import Task

on_both = pytest.mark.only_on("sqlite", "mariadb")

NEVER = 3600.0
"""Seconds between sweeps in tests that only a wake may satisfy."""

WISH = {"type": "after_delete", "resource_type": "server", "resource_id": "s", "site_id": "a"}


@pytest.fixture
def conf(databases: Databases, rabbitmq: RabbitMQ) -> cfg.ConfigOpts:
    conf = load(files=[])
    conf.set_override("connection", databases.with_tables(), group="database")
    conf.set_override("transport_url", rabbitmq.url)
    conf.set_override("sweep_interval", NEVER, group="xjob")
    return conf


@pytest.fixture
def done() -> list[str]:
    """The resources of the jobs that were done."""
    return []


@pytest.fixture
def start(conf: cfg.ConfigOpts, done: list[str]) -> Iterator[Callable[[], Service]]:
    """Start workers that note what they do."""
    started: list[tuple[Service, Engine]] = []

    def handle(task: Task) -> Outcome:
        done.append(task.job.resource_id)
        return Succeeded()

    def start() -> Service:
        engine = make_engine(conf)
        service = Service(engine, {"after_delete": handle})
        service.start()
        started.append((service, engine))
        return service

    yield start
    for service, engine in started:
        service.stop()
        engine.database.close()


@pytest.fixture
def engine(conf: cfg.ConfigOpts) -> Iterator[Engine]:
    """What a client asks for jobs with."""
    engine = make_engine(conf)
    yield engine
    engine.database.close()


@pytest.fixture
def rpc(conf: cfg.ConfigOpts) -> Iterator[Callable[..., Any]]:
    """Make clients of the RPC API."""
    transport = make_transport(conf)

    def client(version: str = VERSION, server: str | None = None, timeout: float = 60) -> Any:
        target = messaging.Target(topic=TOPIC, version=version, server=server)
        return messaging.get_rpc_client(transport, target, timeout=timeout)

    yield client
    transport.cleanup()


def await_listening(rpc: Callable[..., Any], service: Service) -> None:
    """Wait until a worker takes messages: one that comes before is dropped by the bus."""

    def answers() -> bool:
        try:
            # One after the other is asked, in turns.
            return bool(rpc(timeout=2).call({}, "health")["worker"] == service.name)
        except messaging.MessagingTimeout:
            return False

    eventually(answers, "it listens")


def ask(engine: Engine, name: str, count: int = 1) -> list[Job]:
    return engine.requester.request(
        *(Request("after_delete", "server", f"{name}-{number}", "a") for number in range(count))
    )


@on_both
def test_a_wake_begins_a_job(
    start: Callable[[], Service],
    engine: Engine,
    conf: cfg.ConfigOpts,
    rpc: Callable[..., Any],
    done: list[str],
) -> None:
    await_listening(rpc, start())
    bus = make_bus(conf)
    for number in range(20):
        bus.wake(ask(engine, f"woken-{number}"))
        eventually(lambda number=number: len(done) == number + 1, "done")  # type: ignore[misc]
    bus.close()


def test_workers_tell_what_they_do(start: Callable[[], Service], rpc: Callable[..., Any]) -> None:
    services = [start(), start()]
    for service in services:
        await_listening(rpc, service)
    said = rpc(server=platform.node()).call({}, "health")
    assert said["worker"] in {service.name for service in services}
    assert (said["running"], said["version"]) == ([], release("tricircle"))


def test_a_job_is_asked_for_without_the_database(
    start: Callable[[], Service], engine: Engine, rpc: Callable[..., Any], done: list[str]
) -> None:
    await_listening(rpc, start())
    job_id = rpc().call({}, "request", **WISH)
    eventually(lambda: done == ["s"], "done")
    store = JobStore(engine.database)
    eventually(lambda: store.show(job_id).job.state is JobState.SUCCEEDED, "kept")


@pytest.mark.parametrize("change", [{"type": "pray"}, {"parameters": {"x": 1}}, {"colour": "red"}])
def test_nonsense_is_refused_to_who_asks(
    start: Callable[[], Service], engine: Engine, rpc: Callable[..., Any], change: dict[str, Any]
) -> None:
    await_listening(rpc, start())
    with pytest.raises(BadRequest):
        rpc().call({}, "request", **WISH | change)
    assert JobStore(engine.database).page() == []


@pytest.mark.parametrize(("version", "method"), [("2.0", "wake"), ("1.9", "wake"), ("1.0", "pray")])
def test_an_unknown_version_or_method_is_told_once_and_does_not_come_again(
    start: Callable[[], Service],
    rpc: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    version: str,
    method: str,
) -> None:
    await_listening(rpc, start())
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        transport_client = rpc(version)
        transport_client.cast({}, method, job_ids=[])
        # The queue is served in order: when this is answered, the one before has been looked at.
        for _ in range(20):
            rpc().call({}, "health")
        eventually(lambda: caplog.records, "told")
    refusals = [record for record in caplog.records if record.levelno >= logging.ERROR]
    (refusal,) = refusals
    assert refusal.getMessage().startswith("A message is refused: ")
    assert refusal.exc_info is None
    with pytest.raises(messaging.RemoteError):
        transport_client.call({}, method, job_ids=[])


@on_both
def test_a_bus_that_goes_away_and_comes_back_loses_nothing(
    start: Callable[[], Service], engine: Engine, conf: cfg.ConfigOpts, rabbitmq: RabbitMQ, done: list[str]
) -> None:
    conf.set_override("sweep_interval", 0.2, group="xjob")
    start()
    start()
    bus = make_bus(conf)
    asked, is_over = [0], threading.Event()

    def ask_on() -> None:
        while not is_over.wait(0.01):
            # A SQLite that many write to may refuse one of them: who asked is told so, and asks again.
            with suppress(DatabaseUnavailable):
                bus.wake(ask(engine, f"load-{asked[0]}"))
                asked[0] += 1

    def eventually_more(count: int, what: str) -> None:
        goal = len(done) + count
        eventually(lambda: load.done() or len(done) > goal, what)
        assert not load.done(), load.exception()

    with ThreadPoolExecutor() as pool:
        load = pool.submit(ask_on)
        try:
            eventually_more(20, "under way")
            rabbitmq.stop()
            eventually_more(50, "it goes on without the bus")
            rabbitmq.start()
            eventually_more(50, "and with it")
        finally:
            is_over.set()
        load.result()
    eventually(lambda: len(done) == asked[0], "all is done")
    assert len(set(done)) == asked[0], "each once"
    bus.close()


def test_a_worker_hears_of_jobs_again_when_the_bus_is_back(
    start: Callable[[], Service], engine: Engine, conf: cfg.ConfigOpts, rabbitmq: RabbitMQ, done: list[str]
) -> None:
    rabbitmq.stop()
    start()
    bus = make_bus(conf)
    bus.wake(ask(engine, "unheard"))
    rabbitmq.start()
    # No sweep comes in this test: only a message can begin them.
    eventually(lambda: bus.wake(ask(engine, f"heard-{len(done)}")) or len(done) > 2, "heard")
    bus.close()
