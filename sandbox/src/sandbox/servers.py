"""What is beneath the services of the full profile: MariaDB, RabbitMQ and memcached, and when they are ready.

They are Debian's programs, run by the supervisor with all that they keep in the sandbox's directory. The
system's own daemons, if there are any, are left alone.
"""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import mariadb, processes
from sandbox.configuration import rabbitmq
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.layout import Layout
    from sandbox.process import Process
    from sandbox.readiness import Condition

PROGRAMS = (
    processes.MARIADB,
    processes.RABBITMQ,
    processes.PORT_MAPPER,
    processes.MEMCACHED,
    processes.HAPROXY,
    mariadb.INSTALL,
)
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
# What a client of RabbitMQ says first; the broker answers when it serves.
PROTOCOL_HEADER = b"AMQP\0\0\x09\x01"
CONNECT_SECONDS = 5


def check_installed() -> None:
    """Raise SandboxError where a program of the full profile is missing."""
    missing = [program for program in PROGRAMS if not Path(program).exists()]
    if missing:
        raise SandboxError(f"{', '.join(missing)}: not installed; `make servers` installs what is missing")


def answers(layout: Layout, process: Process) -> Condition:
    """Return the condition that a server serves."""
    looks = {"mariadb": greets_client, "rabbitmq": speaks_amqp}

    def condition() -> str | None:
        try:
            looks.get(process.name, accepts)(layout, process)
        except OSError:
            return f"{process.name} to answer"
        return None

    return condition


def greets_client(layout: Layout, _process: Process) -> None:
    """Log in to MariaDB."""
    mariadb.connect(layout).close()


def speaks_amqp(_layout: Layout, process: Process) -> None:
    """Begin a conversation with RabbitMQ."""
    with socket.create_connection((process.address, process.port), CONNECT_SECONDS) as connection:
        connection.sendall(PROTOCOL_HEADER)
        if not connection.recv(8):
            raise ConnectionResetError


def accepts(_layout: Layout, process: Process) -> None:
    """Connect."""
    socket.create_connection((process.address, process.port), CONNECT_SECONDS).close()


def add_virtual_hosts(layout: Layout) -> None:
    """Tell a broker that runs already of sites that it does not know.

    :raises SandboxError: its command failed
    """
    command = [
        CONTROL,
        "import_definitions",
        str(layout.conf(processes.SERVERS, "rabbitmq-definitions.json")),
    ]
    log = layout.log("rabbitmqctl")
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            env={**os.environ, **rabbitmq.environment(layout)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise SandboxError("RabbitMQ did not take the sites' virtual hosts", log)
