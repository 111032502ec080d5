"""Gives each service its database in MariaDB: made once for the machine, kept as dumps, and loaded.

The databases of one region are made by the services' own commands in the first sandbox that needs them,
under names that begin with ``template_``, and dumped into the cache. From then on a sandbox, or a site that
it gets, loads the dumps. A database is noted as loaded when all of it is there; one that is not noted is what
an interrupted `up` has left, and is made anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import databases, schema
from sandbox.errors import SandboxError
from sandbox.layout import CACHE, MARIADB_PORT, NEUTRON, PASSWORD, REPOSITORY, SERVICES_USER, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALL = "/usr/bin/mariadb-install-db"
CLIENT = "/usr/bin/mariadb"
DUMP = "/usr/bin/mariadb-dump"
TEMPLATE = "template_"
TOP_DATABASE = ("top", "tricircle")
CELLS = {"cell0": "nova_cell0", "cell1": "nova_cell1"}


def initialise(layout: Layout) -> None:
    """Make MariaDB's own tables, whole or not at all, where they are not there yet.

    :raises SandboxError: MariaDB's command failed
    """
    data, log = layout.data("mariadb"), layout.log("mariadb-install")
    if data.exists():
        return
    scratch = data.with_name("mariadb.new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o700)
    command = [INSTALL, "--no-defaults", "--skip-test-db", f"--datadir={scratch}"]
    if os.getuid() == 0:
        command.append("--user=root")
    with log.open("wb") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if done.returncode:
        raise SandboxError("MariaDB's own tables could not be made", log)
    scratch.rename(data)


def connect(layout: Layout) -> Any:
    """Return a connection, on which each statement is a transaction.

    :raises ConnectionError: MariaDB does not answer
    """
    import pymysql  # only here: every other command does without

    try:
        return pymysql.connect(
            host=layout.servers_address,
            port=MARIADB_PORT,
            user=SERVICES_USER,
            password=PASSWORD,
            autocommit=True,
            connect_timeout=5,
        )
    except pymysql.OperationalError as error:
        raise ConnectionRefusedError(str(error)) from error


def fill(layout: Layout, report: Callable[[str], None]) -> None:
    """Give the top, every site and the shared services those databases that they do not have yet.

    :param report: told which databases are being made
    :raises SandboxError: a service's command, or one of MariaDB's, failed
    """
    with connect(layout) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS " + layout.schema(*TOP_DATABASE))
        cursor.execute("SELECT name FROM sandbox.loaded")
        loaded = {row[0] for row in cursor.fetchall()}
    missing = [(file, name) for file, name in wanted(layout) if name not in loaded]
    if missing:
        dumps = template(layout, report)
        report(f"{len(missing)} databases")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda item: load(layout, dumps / item[0], item[1]), missing):
                pass
    for site in layout.sites:
        map_cells(layout, site.name)


def wanted(layout: Layout) -> list[tuple[str, str]]:
    """Return the dump and the name of each database; the top's Neutron begins as a site's does."""
    return [*templates(layout), (f"{NEUTRON.name}.sql", layout.schema("top", NEUTRON.name))]


def templates(layout: Layout) -> list[tuple[str, str]]:
    """Return the dump and the name of each database that is made anew for a template, the largest first."""
    shared = [(f"{name}.sql", layout.schema("shared", name)) for name in databases.SHARED_DATABASES]
    homed = [
        (f"{name}.sql", layout.schema(site.name, name))
        for name in databases.SITE_DATABASES
        for site in layout.sites
    ]
    return [*shared, *homed]


def template(layout: Layout, report: Callable[[str], None]) -> Path:
    """Return the directory of the dumps of the locked versions, and make it if it is not there."""
    directory = CACHE / f"mariadb-{version()}"
    if not directory.exists():
        CACHE.mkdir(exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="mariadb-", suffix=".new", dir=CACHE))
        try:
            create(layout, scratch, report)
            databases.rename(scratch / "dumps", directory)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return directory


def version() -> str:
    """Return what tells one set of dumps from another: the locked versions, and how they are made."""
    sources = (REPOSITORY / "sandbox" / "uv.lock", Path(schema.__file__), Path(__file__))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def create(layout: Layout, directory: Path, report: Callable[[str], None]) -> None:
    """Have the services make the databases of one region, and dump them."""
    scratch = dataclasses.replace(layout, directory=directory, sites_count=1, database_prefix=TEMPLATE)
    names = templates(scratch)
    with connect(layout) as connection, connection.cursor() as cursor:
        for _, name in names:
            renew(cursor, name)
        databases.create(scratch, report)
        report("dumps")
        (directory / "dumps").mkdir()
        for file, name in names:
            dump(layout, name, directory / "dumps" / file)
            cursor.execute(f"DROP DATABASE {name}")


def renew(cursor: Any, name: str) -> None:
    """Make a database that is empty."""
    cursor.execute(f"DROP DATABASE IF EXISTS {name}")
    cursor.execute(f"CREATE DATABASE {name}")


def load(layout: Layout, dumped: Path, name: str) -> None:
    """Make a database from its dump."""
    with connect(layout) as connection, connection.cursor() as cursor:
        renew(cursor, name)
        with dumped.open("rb") as statements:
            run(layout, [CLIENT], name, stdin=statements)
        cursor.execute("INSERT IGNORE INTO sandbox.loaded VALUES (%s)", (name,))


def dump(layout: Layout, name: str, target: Path) -> None:
    """Write a database as the statements that make it."""
    options = ["--skip-comments", "--skip-add-drop-table", "--skip-add-locks", "--no-tablespaces"]
    with target.open("wb") as statements:
        run(layout, [DUMP], *options, name, stdout=statements)


def run(layout: Layout, program: list[str], *arguments: str, **streams: Any) -> None:
    """Run one of MariaDB's clients.

    :raises SandboxError: it failed
    """
    login = [f"--host={layout.servers_address}", f"--port={MARIADB_PORT}", f"--user={SERVICES_USER}"]
    done = subprocess.run(
        [*program, "--no-defaults", *login, *arguments],
        env={**os.environ, "MYSQL_PWD": PASSWORD},
        stderr=subprocess.PIPE,
        check=False,
        **streams,
    )
    if done.returncode:
        raise SandboxError(f"{program[0]}: {done.stderr.decode(errors='replace').strip()}")


def map_cells(layout: Layout, site: str) -> None:
    """Tell Nova where its cells are: it keeps their URLs, which are the template's, or of another subnet."""
    mappings = f"{layout.schema(site, 'nova_api')}.cell_mappings"
    with connect(layout) as connection, connection.cursor() as cursor:
        for cell, database in CELLS.items():
            cursor.execute(
                f"UPDATE {mappings} SET database_connection = %s WHERE name = %s",  # noqa: S608 - our own name
                (layout.database_url(site, database), cell),
            )
        cursor.execute(
            f"UPDATE {mappings} SET transport_url = %s WHERE name = 'cell1'",  # noqa: S608 - our own name
            (layout.bus_url(site),),
        )
