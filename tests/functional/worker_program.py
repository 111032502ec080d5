"""`tricircle-xjob` with handlers of a test's own: run as a program, told by files what to do.

Each attempt appends a line `began ID` and, unless it is cut off, `ended ID` to the file `log` of a directory.
A job about something `held` goes from step to step until the file `go-on` is there.
"""

import os
import sys
import threading
from pathlib import Path

from oslo_config import cfg

from tricircle.cmd.xjob import main
from tricircle.jobs.outcome import Outcome, Succeeded
from tricircle.xjob.engine import make_engine
from tricircle.xjob.service import Service
from tricircle.xjob.task import Task

DIRECTORY = Path(sys.argv[1])

_LOOK_INTERVAL = 0.02


def note(word: str, task: Task) -> None:
    """Write a line; whole, whoever writes beside."""
    line = f"{word} {task.job.id} {os.getpid()}\n".encode()
    with (DIRECTORY / "log").open("ab", buffering=0) as stream:
        stream.write(line)


def handle(task: Task) -> Outcome:
    """Do what the job's resource is called."""
    note("began", task)
    if task.job.resource_id.startswith("held"):
        pause = threading.Event()
        while not (DIRECTORY / "go-on").exists():
            task.step("held")
            pause.wait(_LOOK_INTERVAL)
    note("ended", task)
    return Succeeded()


def make(conf: cfg.ConfigOpts) -> Service:
    """Make the service."""
    return Service(make_engine(conf), {"after_delete": handle})


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], make))
