"""Availability zones: the top's own, available where some site behind them says so."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from tricircle.gateway.call import Call
from tricircle.sites.site import Site


class State(msgspec.Struct):
    """Whether a zone can be used."""

    available: bool


class SiteZone(msgspec.Struct, rename="camel"):
    """An availability zone as a site shows it."""

    zone_name: str
    zone_state: State


class SiteZones(msgspec.Struct, rename="camel"):
    """A site's answer to `GET /os-availability-zone`, as far as it is looked at."""

    availability_zone_info: list[SiteZone]


def combine_zones(call: Call, answers: Sequence[tuple[Site, SiteZones]]) -> object:
    """Make the answer to `GET /os-availability-zone` of Nova (also `/detail`) and Cinder.

    A site stands in the details as one host: what is behind it is its own operator's business.
    """
    available = {
        (site.id, zone.zone_name)
        for site, answer in answers
        for zone in answer.availability_zone_info
        if zone.zone_state.available
    }
    zones = []
    for zone in call.engine.registry.snapshot.zones.values():
        hosts: defaultdict[str, bool] = defaultdict(bool)
        for member in zone.members:
            hosts[member.site_name] |= (member.site_id, member.az_of(call.engine.service.type)) in available
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
