"""The top: its databases, the sites it knows, its Neutron and its workers, from the product's environment."""

from __future__ import annotations

import contextlib
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keystoneauth1.exceptions import Conflict

from sandbox import processes
from sandbox.errors import SandboxError
from sandbox.layout import ADMIN_API, CINDER, NEUTRON, NOVA, PRODUCT_ENVIRONMENT
from sandbox.readiness import polled
from sandbox.rest import Api

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandbox.control import Control
    from sandbox.layout import Layout
    from sandbox.process import Process
    from sandbox.readiness import Condition

MANAGE = PRODUCT_ENVIRONMENT / "bin" / "tricircle-manage"
NETWORK_MANAGE = PRODUCT_ENVIRONMENT / "bin" / "neutron-db-manage"


def upgrade_database(layout: Layout) -> None:
    """Create or upgrade the top's database.

    :raises SandboxError: the product is not installed, or its command failed
    """
    run(layout, MANAGE, "--config-file", str(layout.conf("top", "tricircle.conf")), "db", "upgrade")


def upgrade_network_database(layout: Layout) -> None:
    """Upgrade the database of the top's Neutron, and make the tables of Tricircle's plugin in it.

    Neutron's own migrations cannot run on SQLite; there they have nothing to do, as the template has it all.

    :raises SandboxError: the product is not installed, or its command failed
    """
    run(layout, NETWORK_MANAGE, *processes.network_files(layout), "upgrade", "heads")


def run(layout: Layout, program: Path, *arguments: str) -> None:
    """Run one of the product's commands on a database.

    :raises SandboxError: it is not installed, or it failed
    """
    log = layout.log(program.name)
    if not program.exists():
        raise SandboxError(
            f"{program} is not there: `make demo` installs it, `--without-top` does without it"
        )
    with log.open("wb") as output:
        done = subprocess.run(
            [str(program), *arguments],
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise SandboxError(f"{program.name} failed", log)


def serves_networks(process: Process, session: Any) -> Condition:
    """Return the condition that a Networking API of the top has answered a user.

    It is asked before others ask it side by side: it reads its policies when it first needs them, and what
    comes while it reads may be refused.
    """
    neutron = Api(session, NEUTRON.url(process.address))
    return polled(f"networks of {process.name}", lambda: "networks" in neutron.get("/v2.0/networks"))


def has_worker(process: Process, control: Control) -> Condition:
    """Return the condition that a process has forked its worker, which it does when all is set up."""

    def condition() -> str | None:
        pid = control.children()[process.name]["pid"]
        return None if has_child(pid) else f"{process.name} to begin"

    return condition


def has_child(pid: int | None) -> bool:
    """Return whether a process has a child, whichever of its threads forked it."""
    try:
        return any(children.read_text() for children in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return False  # a thread, or all of it, has ended while we looked


def knows_sites(layout: Layout, session: Any) -> Condition:
    """Return the condition that all gateways have heeded all sites, at which they look every few seconds."""
    zones = {site.top_availability_zone for site in layout.sites}
    gateways = [
        Api(session, service.url(address))
        for service in (NOVA, CINDER)
        for address in layout.gateway_addresses
    ]

    def look() -> bool:
        answers = [gateway.get("/os-availability-zone")["availabilityZoneInfo"] for gateway in gateways]
        return all({zone["zoneName"] for zone in answer} >= zones for answer in answers)

    return polled("the gateways to heed the sites", look)


def workers_are_alive(layout: Layout, session: Any, control: Control, names: Collection[str]) -> Condition:
    """Return the condition that workers which run here tell of themselves in the top's database.

    One that was killed a moment ago seems alive there for a while: it is not one of those that began since.
    """
    admin = Api(session, ADMIN_API.url(layout.top_address))

    def look() -> bool:
        children = control.children()
        since = datetime.fromtimestamp(int(min(children[name]["since"] for name in names)), UTC)
        workers = [worker for worker in admin.get("/v1/workers")["workers"] if worker["alive"]]
        begun = [worker for worker in workers if datetime.fromisoformat(worker["started_at"]) >= since]
        return len(begun) >= len(names)

    return polled("the workers", look)


def register_sites(layout: Layout, session: Any) -> None:
    """Tell the top of its sites, and give each an availability zone of its own."""
    admin = Api(session, ADMIN_API.url(layout.top_address))
    for site in layout.sites:
        with contextlib.suppress(Conflict):  # it knows
            admin.post("/v1/sites", site={"name": site.name, "region_name": site.name})
        zone = {"sites": [{"site": site.name, "site_az": "nova"}]}
        admin.put(f"/v1/availability-zones/{site.top_availability_zone}", availability_zone=zone)
