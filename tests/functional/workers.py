"""Workers as programs of their own, on a database that a test shares with them."""

import configparser
import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.conditions import eventually

from tricircle.config import load
from tricircle.db.engine import Database
from tricircle.jobs.job import Job, JobEventType, JobState, Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobStore
from tricircle.jobs.worker_store import WorkerStore

PROGRAM = Path(__file__).with_name("worker_program.py")

LEASE = 2.0

OPTIONS: Mapping[str, object] = {
    "lease": LEASE,
    "sweep_interval": 0.1,
    "shutdown_timeout": 30,
    "threads": 8,
    "max_per_site": 4,
    "max_per_project": 4,
}


@dataclass
class Workers:
    """Some workers, and what they work on.

    :param directory: of the test: for the configuration, the log of what the jobs do, and the programs' own.
    """

    directory: Path
    url: str
    transport_url: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.configuration_file = self.directory / "tricircle.conf"
        self.configure(**self.options)
        self.conf = load(files=[str(self.configuration_file)])
        self.database = Database(self.conf)
        self.requester = JobRequester(self.database)
        self.store = JobStore(self.database)
        self._started: list[subprocess.Popen[bytes]] = []

    def configure(self, **options: object) -> None:
        """Write the configuration file.

        :param options: of `[xjob]`, in place of what is usual here; `debug` is `[DEFAULT]`'s.
        """
        debug = options.pop("debug", False)
        top = {"debug": debug} | ({"transport_url": self.transport_url} if self.transport_url else {})
        parser = configparser.RawConfigParser()
        parser.read_dict(
            {
                "DEFAULT": top,
                "database": {"connection": self.url, "max_retries": 0},
                "coordination": {"backend_url": f"file://{self.directory}/meeting?timeout=2"},
                "xjob": {**OPTIONS, **options},
            }
        )
        with self.configuration_file.open("w") as stream:
            parser.write(stream)

    def start(self) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it is there to be told to stop."""
        log = self.directory / f"worker-{len(self._started)}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, PROGRAM, self.directory, "--config-file", self.configuration_file],
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": str(PROGRAM.parents[2])},
            )
        self._started.append(process)
        eventually(lambda: b"has begun" in log.read_bytes() or process.poll() is not None, "it has begun")
        assert process.poll() is None, log.read_text()
        return process

    def log_of(self, process: subprocess.Popen[bytes]) -> str:
        """Return what a worker has said."""
        return (self.directory / f"worker-{self._started.index(process)}.log").read_text()

    def stop_all(self) -> None:
        """End what still runs."""
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait(30)
        self.database.close()

    def ask(self, name: str, count: int = 1, *, site: str = "a") -> list[Job]:
        """Ask for jobs about something."""
        return self.requester.request(
            *(Request("after_delete", "server", f"{name}-{number}", site) for number in range(count))
        )

    def let_go_on(self) -> None:
        """Let jobs that are held end."""
        (self.directory / "go-on").touch()

    def await_begun(self, count: int) -> None:
        """Wait until so many attempts have begun."""
        eventually(lambda: sum(self.noted("began").values()) >= count, f"{count} have begun")

    def await_succeeded(self, count: int) -> None:
        """Wait until so many jobs have succeeded."""
        eventually(lambda: self.in_state(JobState.SUCCEEDED) >= count, f"{count} have succeeded")

    def in_state(self, state: JobState) -> int:
        """Count the jobs of a state."""
        return sum(count for (_, found), count in self.store.counts().items() if found is state)

    def noted(self, word: str) -> Counter[str]:
        """Count what the jobs have noted, by job."""
        with contextlib.suppress(FileNotFoundError):
            lines = [line.split() for line in (self.directory / "log").read_text().splitlines()]
            return Counter(job_id for said, job_id, _ in lines if said == word)
        return Counter()

    def events(self, job: Job) -> list[JobEventType]:
        """Return what happened to a job."""
        return [event.event for event in self.store.show(job.id).events]

    def alive(self) -> int:
        """Count the workers that are known to live."""
        workers = WorkerStore(self.database, patience=LEASE).all()
        return sum(worker.alive for worker in workers)
