"""The one parent of a sandbox's processes: it starts them, knows what became of them, and ends with them.

It is started by the first ``sandbox up`` and spoken to over a socket in the sandbox's directory: one JSON
object a line each way. What a client started is its own until it says ``keep``: a client that goes away
before that, however it ends, has its processes ended. And when nothing is left that someone wants to keep,
the supervisor ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fcntl
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from sandbox.claim import claim
from sandbox.errors import SandboxError
from sandbox.layout import Layout
from sandbox.process import PATIENCE, Process


@dataclasses.dataclass
class Child:
    """A process that was started, whether it still runs or not."""

    process: Process
    pid: int | None = None
    status: int | None = None
    kept: bool = False
    doomed: bool = False
    since: float = dataclasses.field(default_factory=time.time)
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    @property
    def running(self) -> bool:
        """Whether it has not ended; true from the order to start it."""
        return not self.ended.is_set()

    def end(self, status: int) -> None:
        """Note that it has ended."""
        self.status = status
        self.ended.set()

    def kill(self, by: signal.Signals) -> None:
        """Signal it and all that it started; one that is still to be forked is killed when it is."""
        self.doomed = True
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, by)

    def to_json(self) -> dict[str, Any]:
        """Return what a client may know about it."""
        facts = {"pid": self.pid, "running": self.running, "status": self.status, "since": self.since}
        return {"process": self.process.to_json(), **facts}


class Supervisor:
    """The processes of one sandbox, and those who may command them."""

    def __init__(self, directory: Path, subnet: str) -> None:
        self.directory = directory
        self.subnet = subnet
        self.children: dict[str, Child] = {}
        self.zygotes: dict[str, asyncio.subprocess.Process] = {}
        self.clients = 0
        self.over = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()

    # -- processes ------------------------------------------------------------------------------------------

    async def zygote(self, program: str) -> asyncio.subprocess.Process:
        """Return the zygote of a program, started if it is not there."""
        running = self.zygotes.get(program)
        if running is not None and running.returncode is None:
            return running
        log = (self.directory / "log" / f"zygote-{program}.log").open("wb")
        zygote = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-m", "sandbox.zygote", program),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self.zygotes[program] = zygote
        task = asyncio.create_task(self.follow(program, zygote))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return zygote

    async def follow(self, program: str, zygote: asyncio.subprocess.Process) -> None:
        """Take in what a zygote tells, to its end."""
        assert zygote.stdout is not None  # noqa: S101 - we asked for a pipe
        async for line in zygote.stdout:
            event = json.loads(line)
            match event["event"]:
                case "started":
                    child = self.children[event["name"]]
                    child.pid = event["pid"]
                    if child.doomed:
                        child.kill(signal.SIGKILL)
                case "ended":
                    child = self.children[event["name"]]
                    child.kill(signal.SIGKILL)  # what it left behind in its group
                    child.end(event["status"])
        status = await zygote.wait()
        for child in self.children.values():
            if child.process.program == program and child.running:
                child.end(status)

    async def start(self, processes: list[Process]) -> set[str]:
        """Start those processes that do not run, and return the names of the started."""
        started = set()
        for process in processes:
            child = self.children.get(process.name)
            if child is not None and child.running:
                continue
            zygote = await self.zygote(process.program)
            assert zygote.stdin is not None  # noqa: S101 - we asked for a pipe
            self.children[process.name] = Child(process)
            zygote.stdin.write(json.dumps(process.to_json()).encode() + b"\n")
            started.add(process.name)
        return started

    async def stop(self, names: set[str], *, kill: bool = False) -> None:
        """End processes: politely and then not, or not politely at all."""
        await asyncio.gather(
            *(
                self.stop_one(child, kill=kill)
                for child in self.children.values()
                if child.process.name in names and child.running
            )
        )

    @staticmethod
    async def stop_one(child: Child, *, kill: bool) -> None:
        """End one process."""
        ways = [(signal.SIGTERM, child.process.patience), (signal.SIGKILL, PATIENCE)]
        for by, patience in ways[1:] if kill else ways:
            if child.running:
                child.kill(by)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await child.ended.wait()

    async def end(self) -> None:
        """End everything."""
        for program, zygote in self.zygotes.items():
            if not any(child.pid for child in self.children.values() if child.process.program == program):
                # Still importing, with nothing forked: it would not read an order before it is done.
                with contextlib.suppress(ProcessLookupError):
                    zygote.kill()
        await self.stop(set(self.children))
        for zygote in self.zygotes.values():
            with contextlib.suppress(ProcessLookupError):
                zygote.kill()
            await zygote.wait()

    def to_json(self) -> dict[str, Any]:
        """Return what a client may know; a zygote that became its program is no zygote any more."""
        pids = {child.pid for child in self.children.values()}
        return {
            "supervisor": os.getpid(),
            "zygotes": {
                program: zygote.pid
                for program, zygote in self.zygotes.items()
                if zygote.returncode is None and zygote.pid not in pids
            },
            "children": [child.to_json() for child in self.children.values()],
        }

    # -- clients --------------------------------------------------------------------------------------------

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it goes away."""
        self.clients += 1
        owned: set[str] = set()
        try:
            async for line in reader:
                request = json.loads(line)
                answer = await self.answer(request, owned)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.clients -= 1
            await self.tidy(owned)
            writer.close()  # only now, so that a client that waits for it knows that all is done

    async def tidy(self, owned: set[str]) -> None:
        """End what a client that went away did not keep; end the supervisor if that was all."""
        wanted = any(child.running and child.kept for child in self.children.values())
        if wanted:
            await self.stop({name for name in owned if not self.children[name].kept})
        elif not self.clients:
            await self.end()
            self.over.set()

    async def answer(self, request: dict[str, Any], owned: set[str]) -> Any:
        """Do what a client asks."""
        match request["do"]:
            case "hello":
                return {"subnet": self.subnet, "pid": os.getpid()}
            case "preload":
                for program in request["programs"]:
                    await self.zygote(program)
            case "start":
                started = await self.start([Process.from_json(facts) for facts in request["processes"]])
                owned |= started
                return sorted(started)
            case "keep":
                for name in owned:
                    self.children[name].kept = True
            case "stop":
                await self.stop(set(request["names"]), kill=request.get("kill", False))
            case "list":
                return self.to_json()
            case "down":
                await self.end()
                self.over.set()
        return None


async def supervise(directory: Path, subnet: str, first_client: socket.socket) -> None:
    """Serve until nothing is left to supervise."""
    supervisor = Supervisor(directory, subnet)
    loop = asyncio.get_running_loop()
    for by in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(by, supervisor.over.set)
    path = directory / "run" / "supervisor.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    here = os.open(path.parent, os.O_PATH)
    listener.bind(f"/proc/self/fd/{here}/{path.name}")
    server = await asyncio.start_unix_server(supervisor.converse, sock=listener)
    reader, writer = await asyncio.open_unix_connection(sock=first_client)
    first = asyncio.create_task(supervisor.converse(reader, writer))
    await supervisor.over.wait()
    path.unlink(missing_ok=True)
    server.close()
    await supervisor.end()
    first.cancel()


def main() -> None:
    """Supervise a sandbox: ``python -m sandbox.supervisor DIRECTORY SUBNET FD``.

    The subnet may be ``-``, for the remembered one or the first that is free. The file descriptor is the
    connection to the client that started us, so that there is no moment at which it could go away unnoticed.
    """
    directory, wanted, connection = Path(sys.argv[1]), sys.argv[2], socket.socket(fileno=int(sys.argv[3]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lock = (directory / "run" / "supervisor.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    remembered = Layout.load(directory)
    try:
        subnet, claimed = claim(None if wanted == "-" else wanted, remembered.subnet if remembered else None)
    except SandboxError as error:
        connection.sendall(json.dumps({"error": str(error)}).encode() + b"\n")
        sys.exit(1)
    with claimed:
        asyncio.run(supervise(directory, subnet, connection))


if __name__ == "__main__":
    main()
