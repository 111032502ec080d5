"""How workers are told that jobs wait."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from oslo_config import cfg
from tests.integration.conditions import eventually
from tests.unit.xjob.test_hand import lease

from tricircle.db.timestamps import now
from tricircle.jobs import message_bus
from tricircle.jobs.bus import NoBus, make_bus
from tricircle.jobs.job import Job
from tricircle.jobs.message_bus import MessageBus

URL = "fake://"

WITHOUT_A_BUS = """
import sys
from tricircle.config import load
from tricircle.jobs.bus import make_bus
make_bus(load(files=[])).wake([])
print([name for name in ("oslo_messaging", "oslo_service", "eventlet") if name in sys.modules])
"""


def jobs(*numbers: int) -> list[Job]:
    """Make jobs that are due."""
    return [replace(lease(number).job, run_after=now()) for number in numbers]


class Client:
    """Stands in for oslo.messaging's client.

    :param is_there: whether the bus can be used.
    """

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.tries = 0
        self.is_there = True
        self.goes_on = threading.Event()
        self.goes_on.set()

    def cast(self, context: dict[str, Any], method: str, *, job_ids: list[str]) -> None:
        assert (context, method) == ({}, "wake")
        self.tries += 1
        assert self.goes_on.wait(30)
        if not self.is_there:
            raise ConnectionError("rabbit://user:secret@host is away")
        self.sent.append(job_ids)

    @property
    def ids(self) -> list[str]:
        return [job_id for ids in self.sent for job_id in ids]


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def bus(
    embedded_conf: cfg.ConfigOpts, client: Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MessageBus]:
    monkeypatch.setattr(message_bus, "_PAUSE", 0.01)
    embedded_conf.set_override("transport_url", URL)
    bus = make_bus(embedded_conf)
    assert isinstance(bus, MessageBus)
    bus._client = client
    yield bus
    client.goes_on.set()
    bus.close()


def test_without_a_transport_nothing_of_messaging_is_loaded(embedded_conf: cfg.ConfigOpts) -> None:
    assert isinstance(make_bus(embedded_conf), NoBus)
    done = subprocess.run([sys.executable, "-c", WITHOUT_A_BUS], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_transport_that_there_is_not_is_refused_without_its_password(embedded_conf: cfg.ConfigOpts) -> None:
    embedded_conf.set_override("transport_url", "pigeon://user:secret@host/")
    with pytest.raises(ValueError, match=r"transport_url cannot be used: DriverLoadFailure$"):
        make_bus(embedded_conf)


def test_jobs_that_are_due_are_announced(bus: MessageBus, client: Client) -> None:
    bus.wake(jobs(1, 2))
    eventually(lambda: client.ids == ["job-1", "job-2"], "announced")


def test_a_job_that_has_time_is_not_announced(bus: MessageBus, client: Client) -> None:
    (later,) = jobs(1)
    bus.wake([replace(later, run_after=now() + timedelta(seconds=60))])
    bus.wake([])
    bus.wake(jobs(2))
    eventually(lambda: client.ids == ["job-2"], "announced")


def test_a_burst_is_few_messages(bus: MessageBus, client: Client) -> None:
    client.goes_on.clear()
    bus.wake(jobs(0))
    eventually(lambda: client.tries == 1, "the first one is being sent")
    for number in range(1, 151):
        bus.wake(jobs(number))
    client.goes_on.set()
    eventually(lambda: len(client.ids) == 151, "all are announced")
    assert [len(ids) for ids in client.sent] == [1, 100, 50]


def test_a_bus_that_hangs_holds_nobody_up_and_fills_no_memory(
    bus: MessageBus, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.goes_on.clear()
    bus.wake(jobs(1))
    eventually(lambda: client.tries == 1, "the bus hangs")
    many = jobs(*range(message_bus._MOST_WAITING + 10))
    bus.wake(many)
    assert bus._ids.qsize() == message_bus._MOST_WAITING


def test_a_bus_that_is_away_is_told_once_and_used_again_when_it_is_back(
    bus: MessageBus, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.is_there = False
    eventually(lambda: bus.wake(jobs(1)) or client.tries > 2, "tried again and again")
    client.is_there = True
    eventually(lambda: bus.wake(jobs(2)) or "job-2" in client.ids, "announced again")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        "The message bus cannot be used, workers sweep for jobs instead: ConnectionError",
    ]


def test_a_closed_bus_takes_no_more(bus: MessageBus, client: Client) -> None:
    bus.close()
    bus.wake(jobs(1))
    assert (bus._ids.qsize(), client.tries) == (0, 0)
