"""A process that has imported one program, and forks it as often as it is told.

Importing Nova takes four seconds and 150 MB. Done once, before the fork, every further site costs neither:
the memory is shared, and a site that is stopped is back in a second. Nothing that starts a thread or reads
configuration may happen before the fork.

Run by the supervisor as ``python -m sandbox.zygote PROGRAM``. Each line on standard input is a process to
start, as JSON; each line on standard output says what happened (``ready``, ``started``, ``ended``). It lives
as long as the supervisor, and its children live no longer than it: the kernel sees to both.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from sandbox import deathwatch
from sandbox.process import SHARED, Process

if TYPE_CHECKING:
    from types import ModuleType


class Zygote:
    """Forks one program, and tells what becomes of its children."""

    def __init__(self, program: ModuleType, orders: int, events: int) -> None:
        self.program = program
        self.orders = orders
        self.events = events
        self.selector = selectors.DefaultSelector()
        self.selector.register(orders, selectors.EVENT_READ)
        self.buffer = b""

    def run(self) -> None:
        """Serve orders until the supervisor closes the pipe."""
        self.tell(event="ready")
        while True:
            for key, _ in self.selector.select():
                if key.fd != self.orders:
                    self.bury(key.fd, *key.data)
                elif not self.obey():
                    return

    def obey(self) -> bool:
        """Start what the supervisor orders; False at the end of its orders."""
        data = os.read(self.orders, 65536)
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            process = Process.from_json(json.loads(line))
            if process.owner == SHARED:
                # One of its kind: to fork it would only keep what it was forked from in memory.
                self.tell(event="started", name=process.name, pid=os.getpid())
                self.become(process)
            self.start(process)
        return bool(data)

    def start(self, process: Process) -> None:
        """Fork one process."""
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            # A command may have children of its own, and gets the chance to end them.
            by = signal.SIGTERM if process.arguments else signal.SIGKILL
            deathwatch.die_with_parent(parent, by)
            self.become(process)
        self.selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (process.name, pid))
        self.tell(event="started", name=process.name, pid=pid)

    def bury(self, pidfd: int, name: str, pid: int) -> None:
        """Tell that a child has ended."""
        self.selector.unregister(pidfd)
        os.close(pidfd)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.tell(event="ended", name=name, status=status)

    def tell(self, **event: Any) -> None:
        """Send one event to the supervisor."""
        os.write(self.events, json.dumps(event).encode() + b"\n")

    def become(self, process: Process) -> NoReturn:
        """Be the process."""
        status = 1
        try:
            self.selector.close()
            os.close(self.orders)
            os.close(self.events)
            log = os.open(process.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.environ.update(process.environment)
            self.program.run(process)
            status = 0
        except BaseException:  # noqa: BLE001 - the log is the only one to tell, and the exit code follows
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)


def main() -> None:
    """Import the program that the command line names, and wait for orders."""
    deathwatch.die_with_parent()
    orders, events = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    # Ctrl-C is for the command that the user runs; it tells the supervisor, which tells the processes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    program = importlib.import_module(f"sandbox.serving.{sys.argv[1]}")
    program.preload()
    gc.collect()
    gc.freeze()
    Zygote(program, orders, events).run()


if __name__ == "__main__":
    main()
