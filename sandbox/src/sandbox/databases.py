"""Gives each service its database in the lite profile: created once for the machine, then copied.

The databases of one region are created in the cache, by the services' own commands, and copied for every site
of every sandbox. A template belongs to one set of locked versions; a new lock file makes a new template.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import configuration, schema
from sandbox.errors import SandboxError
from sandbox.layout import CACHE, CINDER, GLANCE, KEYSTONE, NEUTRON, NOVA, PLACEMENT, REPOSITORY, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED_DATABASES = ("keystone", "glance")
SITE_DATABASES = ("placement", "neutron", "cinder", "nova_api", "nova_cell0", "nova_cell1")
# The longest first, for they are made side by side.
SERVICES = (NOVA, KEYSTONE, NEUTRON, CINDER, GLANCE, PLACEMENT)


def template(report: Callable[[str], None]) -> Layout:
    """Return the template of the locked versions, and create it if it is not there.

    :param report: told which databases are being created
    :raises SandboxError: a service's command failed
    """
    directory = CACHE / f"databases-{version()}"
    if not directory.exists():
        CACHE.mkdir(exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="databases-", suffix=".new", dir=CACHE))
        try:
            create(Layout(directory=scratch, subnet="127.77.0", sites_count=1), report)
            publish(scratch, directory)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return Layout(directory=directory, subnet="127.77.0", sites_count=1)


def version() -> str:
    """Return what tells one template from another: the locked versions, and how this module makes one."""
    sources = (REPOSITORY / "sandbox" / "uv.lock", Path(schema.__file__), Path(__file__))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def create(layout: Layout, report: Callable[[str], None]) -> None:
    """Create all databases of one region, configured as that layout has it."""
    configuration.write(layout)
    layout.save()
    waiting = {service.name for service in SERVICES}
    running: list[subprocess.Popen[bytes]] = []

    def create_one(service: str) -> None:
        log = CACHE / f"databases-{service}.log"
        command = [sys.executable, "-W", "ignore", "-m", "sandbox.schema", service, str(layout.directory)]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        running.append(process)
        if process.wait():
            raise SandboxError(f"the databases of {service} could not be created", log)
        waiting.discard(service)
        report(", ".join(sorted(waiting)))

    report(", ".join(sorted(waiting)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for done in as_completed([pool.submit(create_one, service.name) for service in SERVICES]):
                done.result()
        except BaseException:
            # A failure, or Ctrl-C: leaving the pool waits for its threads, which wait for their processes.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.kill()
            raise


def publish(scratch: Path, directory: Path) -> None:
    """Make a finished template visible under its name, whole or not at all."""
    for file in scratch.glob("db/*/*.sqlite"):
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    rename(scratch, directory)


def rename(scratch: Path, directory: Path) -> None:
    """Give a template its name."""
    try:
        scratch.rename(directory)
    except OSError:
        if not directory.exists():
            raise
        # Another sandbox was faster; its template is as good.


def copy(source: Layout, target: Layout) -> None:
    """Give every site, the shared services and the top's Neutron those databases that they do not have yet.

    The top's Neutron begins as a site's does; the tables of its plugin come with the top's own.
    """
    for name in SHARED_DATABASES:
        copy_file(source.database("shared", name), target.database("shared", name))
    origin = source.sites[0].name
    copy_file(source.database(origin, NEUTRON.name), target.database("top", NEUTRON.name))
    for site in target.sites:
        for name in SITE_DATABASES:
            file = target.database(site.name, name)
            if copy_file(source.database(origin, name), file) and name == "nova_api":
                map_cells(file)


def copy_file(source: Path, target: Path) -> bool:
    """Copy a database, whole or not at all, unless it is there; return whether it was copied."""
    if target.exists():
        return False
    scratch = target.with_suffix(".new")
    shutil.copyfile(source, scratch)
    scratch.replace(target)
    return True


def map_cells(nova_api: Path) -> None:
    """Point Nova's two cell mappings, which name their databases by path, to the files beside this one."""
    connection = sqlite3.connect(nova_api)
    with connection:
        for name in ("cell0", "cell1"):
            url = f"sqlite:///{nova_api.with_name(f'nova_{name}.sqlite')}?timeout=60"
            connection.execute("UPDATE cell_mappings SET database_connection = ? WHERE name = ?", (url, name))
    connection.close()
