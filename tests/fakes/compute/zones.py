"""Availability zones and limits: what a site says of itself as a whole."""

from typing import TYPE_CHECKING

from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.compute.service import Compute


def index(compute: "Compute", call: Call) -> Document:
    """List zones."""
    return {
        "availabilityZoneInfo": [
            {"zoneName": zone, "zoneState": {"available": True}, "hosts": None} for zone in compute.zones
        ]
    }


def detail(compute: "Compute", call: Call) -> Document:
    """List zones with their hosts. Administrators only."""
    if not call.admin:
        raise Refusal(403, "Policy doesn't allow os_compute_api:os-availability-zone:detail to be performed.")
    updated = compute.clock().strftime("%Y-%m-%dT%H:%M:%S.000000")
    up = {"available": True, "active": True, "updated_at": updated}
    host = f"{compute.region.lower()}-compute-1"
    zones: list[Document] = [
        {
            "zoneName": "internal",
            "zoneState": {"available": True},
            "hosts": {f"{compute.region.lower()}-controller": {"nova-conductor": up, "nova-scheduler": up}},
        }
    ]
    zones += [
        {"zoneName": zone, "zoneState": {"available": True}, "hosts": {host: {"nova-compute": up}}}
        for zone in compute.zones
    ]
    return {"availabilityZoneInfo": zones}


def limits(compute: "Compute", call: Call) -> Document:
    """Show quota and use of a project."""
    project = call.request.parameter("tenant_id") if call.admin else None
    project = project or call.token.project_id
    servers = [
        server
        for server in list(compute.servers.values())
        if server.project_id == project and not server.deleted
    ]
    groups = [group for group in compute.server_groups.values() if group.project_id == project]
    absolute = compute.quota | {
        "totalRAMUsed": sum(server.flavor.ram for server in servers),
        "totalCoresUsed": sum(server.flavor.vcpus for server in servers),
        "totalInstancesUsed": len(servers),
        "totalServerGroupsUsed": len(groups),
    }
    return {"limits": {"rate": [], "absolute": absolute}}


ROUTES: tuple[Route, ...] = (
    ("GET", "/os-availability-zone", index),
    ("GET", "/os-availability-zone/detail", detail),
    ("GET", "/limits", limits),
)
