"""What MariaDB reads: its options, and what it does at each start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox.layout import MARIADB_PORT, PASSWORD, SERVICES_USER

if TYPE_CHECKING:
    from sandbox.configuration import ini
    from sandbox.layout import Layout


def sections(layout: Layout) -> ini.Sections:
    """Return the options file."""
    data = layout.data("mariadb")
    options: dict[str, object] = {
        "datadir": data,
        "bind-address": layout.servers_address,
        "port": MARIADB_PORT,
        # Where it works, in the data directory: a socket's whole path may be too long.
        "socket": "mariadb.sock",
        "pid-file": "mariadb.pid",
        "init-file": layout.conf("servers", "mariadb.sql"),
        "character-set-server": "utf8mb4",
        "max-connections": 2000,
        "max-allowed-packet": "64M",
        "skip-name-resolve": 1,
        "skip-log-bin": 1,
        "performance-schema": 0,
        # What is committed outlives the server, however it ends; of a power cut nobody asks.
        "innodb-flush-log-at-trx-commit": 2,
        "innodb-doublewrite": 0,
        "innodb-buffer-pool-size": "128M",
        "innodb-log-file-size": "64M",
    }
    if os.getuid() == 0:
        options["user"] = "root"
    return {"mariadbd": options}


def statements() -> str:
    """Return what MariaDB does before it accepts a connection; each statement is a line."""
    return (
        f"CREATE USER IF NOT EXISTS {SERVICES_USER}@'%' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO {SERVICES_USER}@'%';\n"
        "CREATE DATABASE IF NOT EXISTS sandbox;\n"
        "CREATE TABLE IF NOT EXISTS sandbox.loaded (name VARCHAR(64) PRIMARY KEY);\n"
    )
