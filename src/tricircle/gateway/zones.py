"""Availability zones: the top's own, available where some site behind them says so."""

from collections.abc import Sequence
from typing import Any

from tricircle.gateway.call import Call
from tricircle.sites.site import Site


def combine_zones(call: Call, documents: Sequence[tuple[Site, Any]]) -> object:
    """Make the answer to `GET /os-availability-zone` of Nova (also `/detail`) and Cinder.

    A site stands in the details as one host: what is behind it is its own operator's business.
    """
    available = {
        (site.id, zone["zoneName"])
        for site, document in documents
        for zone in document["availabilityZoneInfo"]
        if zone["zoneState"]["available"]
    }
    zones = []
    for zone in call.engine.registry.snapshot.zones.values():
        hosts = {
            member.site_name: (member.site_id, member.az_of(call.engine.service.type)) in available
            for member in zone.members
        }
        shown: dict[str, Any] = {"zoneName": zone.name, "zoneState": {"available": any(hosts.values())}}
        if call.engine.service.type == "compute":
            detailed = call.operation.path.endswith("/detail")
            shown["hosts"] = _hosts(hosts) if detailed else None
        zones.append(shown)
    return {"availabilityZoneInfo": zones}


def _hosts(hosts: dict[str, bool]) -> dict[str, Any]:
    return {
        name: {"nova-compute": {"available": up, "active": up, "updated_at": None}}
        for name, up in hosts.items()
    }
