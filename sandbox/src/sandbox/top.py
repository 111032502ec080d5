"""The top: its database, the sites it knows, and its workers, from the product's own environment."""

from __future__ import annotations

import contextlib
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from keystoneauth1.exceptions import Conflict

from sandbox.errors import SandboxError
from sandbox.layout import ADMIN_API, CINDER, NOVA, PRODUCT_ENVIRONMENT
from sandbox.readiness import polled
from sandbox.rest import Api

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandbox.control import Control
    from sandbox.layout import Layout
    from sandbox.readiness import Condition

MANAGE = PRODUCT_ENVIRONMENT / "bin" / "tricircle-manage"


def upgrade_database(layout: Layout) -> None:
    """Create or upgrade the top's database.

    :raises SandboxError: the product is not installed, or its command failed
    """
    log = layout.log("tricircle-manage")
    command = [str(MANAGE), "--config-file", str(layout.conf("top", "tricircle.conf")), "db", "upgrade"]
    if not MANAGE.exists():
        raise SandboxError(f"{MANAGE} is not there: `make demo` installs it, `--without-top` does without it")
    with log.open("wb") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if done.returncode:
        raise SandboxError("the top's database could not be upgraded", log)


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
