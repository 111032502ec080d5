"""PostgreSQL."""

import signal
from collections.abc import Sequence
from pathlib import Path

from tests.servers.database_server import DatabaseServer
from tests.servers.server import HOST

_PROGRAMS = Path("/usr/lib/postgresql")


class PostgreSQL(DatabaseServer):
    """A PostgreSQL server, the newest one installed, without a password."""

    PACKAGE = "postgresql"
    ACCOUNT = "postgres"
    READY = b"database system is ready to accept connections"
    # Each of its children is in a session of its own: only the server itself can end them.
    STOP = signal.SIGINT
    KILL = signal.SIGQUIT
    DRIVER = "postgresql+psycopg2"
    USER = "tricircle"
    MAINTENANCE = "postgres"

    @classmethod
    def find_program(cls) -> str | None:
        """Say where the server's program is; None where the package is not installed."""
        found = sorted(_PROGRAMS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
        return str(found[-1]) if found else None

    def _prepare(self) -> None:
        self._run(
            str(Path(self.find_program() or "postgres").with_name("initdb")),
            f"--pgdata={self.directory}/data",
            f"--username={self.USER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )

    def _command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": self.directory,
            # Written at each commit, and left to the kernel to bring to the disk.
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 300,
            # Tests make the same few rows and delete them, over and over: look for the dead ones often.
            "autovacuum_naptime": "1s",
            # A test that leaves a lock fails the next one, and does not hang it.
            "lock_timeout": "20s",
        }
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return (self.find_program() or "postgres", "-D", f"{self.directory}/data", *arguments)

    def _drop(self, name: str) -> str:
        return f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"

    def _create(self, name: str) -> str:
        return f"CREATE DATABASE {name}"
