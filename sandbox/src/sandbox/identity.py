"""Keystone's content: projects, users, roles, and the catalogue of the top and all sites.

Level-triggered: it compares what is there with what must be, and makes the difference. So it serves a new
sandbox, one that gets another site, and one whose addresses have changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.layout import (
    CATALOGUE,
    PASSWORD,
    SHARED_SERVICES,
    SITE_SERVICES,
    TOP_REGION,
    TOP_SERVICES,
)
from sandbox.rest import Api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.layout import Layout

ROLES = ("admin", "member", "reader", "service")
PROJECTS = ("admin", "demo", "other", "service")
# Each user's project and roles there.
USERS = {
    "admin": ("admin", ("admin",)),
    "demo": ("demo", ("member",)),
    "other": ("other", ("member",)),
    "nova": ("service", ("admin", "service")),
    "neutron": ("service", ("admin", "service")),
    "cinder": ("service", ("admin", "service")),
    "glance": ("service", ("admin", "service")),
    "placement": ("service", ("admin", "service")),
    "tricircle": ("service", ("admin", "service")),
}
INTERFACES = ("public", "internal", "admin")


def populate(layout: Layout, session: Any) -> None:
    """Make Keystone's content what this sandbox needs."""
    keystone = Api(session, layout.keystone_url)
    roles = {name: ensure(keystone, "role", name) for name in ROLES}
    projects = {name: ensure(keystone, "project", name, domain_id="default") for name in PROJECTS}
    for name, (project, granted) in USERS.items():
        user = ensure(keystone, "user", name, domain_id="default", password=PASSWORD)
        for role in granted:
            keystone.put(f"/projects/{projects[project]}/users/{user}/roles/{roles[role]}")
    populate_catalogue(layout, keystone)


def ensure(keystone: Api, kind: str, name: str, **facts: Any) -> str:
    """Return the id of a thing with that name, made if it is not there."""
    found = keystone.get(f"/{kind}s?name={name}")[f"{kind}s"]
    made = found[0] if found else keystone.post(f"/{kind}s", **{kind: {"name": name, **facts}})[kind]
    return str(made["id"])


def populate_catalogue(layout: Layout, keystone: Api) -> None:
    """Make regions, services and endpoints."""
    for region in (TOP_REGION, *(site.name for site in layout.sites)):
        if not keystone.find(f"/regions/{region}"):
            keystone.post("/regions", region={"id": region})
    services = {
        service.type: ensure(keystone, "service", service.name, type=service.type) for service in CATALOGUE
    }
    present = {
        (endpoint["region_id"], endpoint["service_id"], endpoint["interface"]): endpoint
        for endpoint in keystone.get("/endpoints")["endpoints"]
    }
    for region, type_, url in endpoints(layout):
        for interface in INTERFACES:
            there = present.get((region, services[type_], interface))
            facts = {"region_id": region, "service_id": services[type_], "interface": interface, "url": url}
            if there is None:
                keystone.post("/endpoints", endpoint=facts)
            elif there["url"] != url:
                keystone.patch(f"/endpoints/{there['id']}", endpoint=facts)


def endpoints(layout: Layout) -> Iterator[tuple[str, str, str]]:
    """Return region, service type and URL of every endpoint.

    Block storage is registered under its official type only, as a new cloud does today.
    """
    for service in TOP_SERVICES:
        yield TOP_REGION, service.type, service.url(layout.top_address)
    for region in (TOP_REGION, *(site.name for site in layout.sites)):
        for service in SHARED_SERVICES:
            yield region, service.type, service.url(layout.shared_address)
    for site in layout.sites:
        for service in SITE_SERVICES:
            yield site.name, service.type, service.url(site.address)
