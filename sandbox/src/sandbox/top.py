"""The top: its database, its web services from the product's own environment, and the sites it knows."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING, Any

from keystoneauth1.exceptions import Conflict

from sandbox.errors import SandboxError
from sandbox.layout import ADMIN_API, CINDER, NOVA, PRODUCT_ENVIRONMENT
from sandbox.readiness import polled
from sandbox.rest import Api

if TYPE_CHECKING:
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
    """Return the condition that both gateways have heeded all sites, at which they look every few seconds."""
    zones = {site.top_availability_zone for site in layout.sites}
    gateways = [Api(session, service.url(layout.top_address)) for service in (NOVA, CINDER)]

    def look() -> bool:
        answers = [gateway.get("/os-availability-zone")["availabilityZoneInfo"] for gateway in gateways]
        return all({zone["zoneName"] for zone in answer} >= zones for answer in answers)

    return polled("the gateways to heed the sites", look)


def register_sites(layout: Layout, session: Any) -> None:
    """Tell the top of its sites, and give each an availability zone of its own."""
    admin = Api(session, ADMIN_API.url(layout.top_address))
    for site in layout.sites:
        with contextlib.suppress(Conflict):  # it knows
            admin.post("/v1/sites", site={"name": site.name, "region_name": site.name})
        zone = {"sites": [{"site": site.name, "site_az": "nova"}]}
        admin.put(f"/v1/availability-zones/{site.top_availability_zone}", availability_zone=zone)
