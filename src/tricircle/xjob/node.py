"""Learns the capacity of a site, and how many of its services are alive.

Source: Compute API reference, `GET /os-hypervisors/statistics` (up to microversion 2.87, so the lowest one is
asked for) and `GET /os-services`; Block Storage API v3 reference, `GET /os-services`.
"""

from collections.abc import Mapping
from typing import Any

from tricircle.errors import BadAnswer, SiteUnavailable
from tricircle.jobs.outcome import Outcome, Succeeded
from tricircle.sites.node import Figures
from tricircle.sites.node_store import NodeStore
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site
from tricircle.xjob.task import Task

_CAPACITY = ("vcpus", "vcpus_used", "memory_mb", "memory_mb_used", "local_gb", "local_gb_used", "running_vms")


def refresh(task: Task) -> Outcome:
    """Keep what a site says of itself."""
    calls, site = task.engine.sites, task.site
    statistics = _object(
        calls.call(site, "compute", "GET", "/v2.1/os-hypervisors/statistics").document,
        "hypervisor_statistics",
        site,
    )
    services = _up(calls, site, "compute", "/v2.1/os-services")
    cause = None
    try:
        services += _up(calls, site, "block-storage", "/v3/os-services")
    except SiteUnavailable as error:
        # What there is room for is known all the same.
        cause = f"Without the volume services: {error.message}"
    capacity = {name: _number(statistics, name) for name in _CAPACITY}
    task.step("keep", services_up=services)
    NodeStore(task.engine.database).put(site.id, site.name, Figures(**capacity, services_up=services))
    return Succeeded(cause)


def _up(calls: ServiceCalls, site: Site, service_type: str, target: str) -> int:
    """Count the services that are enabled and alive."""
    services = calls.call(site, service_type, "GET", target).document.get("services")
    if not isinstance(services, list):
        raise BadAnswer(f"Site {site.name} gave no list of services.", site=site.name)
    return sum(
        service.get("status") == "enabled" and service.get("state") == "up"
        for service in services
        if isinstance(service, dict)
    )


def _object(document: Mapping[str, Any], name: str, site: Site) -> Mapping[str, Any]:
    found = document.get(name)
    if not isinstance(found, dict):
        raise BadAnswer(f"Site {site.name} gave no {name}.", site=site.name)
    return found


def _number(statistics: Mapping[str, Any], name: str) -> int:
    """Read a figure; a site without any hypervisor says null."""
    value = statistics.get(name)
    return int(value) if isinstance(value, int | float) else 0
