"""Homed resources as a site shows them to the service user: one by its id, or all of a type page by page.

Everything here raises what `ServiceCalls` raises, and BadAnswer where a site's answer makes no sense.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tricircle.errors import BadAnswer
from tricircle.routing.homed import HOMED, SERVER_TYPE
from tricircle.routing.resource_type import ResourceType
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site

PAGE = 200
"""Resources asked for at once: more of them in detail take some sites longer than a request may last."""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """How a site lists all projects' resources of a type.

    :param path: with what asks for all projects'.
    :param collection: the key of the list.
    :param by_id: what asks for the order of ids; None where the list has no order and no marker, but an
        offset (server groups).
    :param newest: what asks for the order of creation, the newest first.
    """

    path: str
    collection: str
    by_id: str | None = "sort=id:asc"
    newest: str = "sort=created_at:desc"


LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        "server": Listing(
            "/v2.1/servers/detail?all_tenants=1",
            "servers",
            "sort_key=uuid&sort_dir=asc",
            "sort_key=created_at&sort_dir=desc",
        ),
        "server_group": Listing("/v2.1/os-server-groups?all_projects=True", "server_groups", None),
        "volume": Listing("/v3/volumes/detail?all_tenants=1", "volumes"),
        "snapshot": Listing("/v3/snapshots/detail?all_tenants=1", "snapshots"),
        # After the volumes, which know the projects of their attachments.
        "attachment": Listing("/v3/attachments/detail?all_tenants=1", "attachments"),
    }
)
"""By the name of the type."""


def show(calls: ServiceCalls, site: Site, kind: ResourceType, resource_id: str) -> Item | None:
    """Return a resource; None where the service itself says that there is no such thing."""
    target = kind.path.format(id=resource_id)
    answer = calls.call(site, kind.service_type, "GET", target, version=kind.version, expected={404})
    if answer.status == 404:
        if "itemNotFound" in answer.document:
            return None
        # Else some proxy has said so, and a resource is not gone because a proxy is lost.
        raise BadAnswer(f"The 404 of site {site.name} is not its service's own.", site=site.name)
    item = answer.document.get(kind.envelope)
    if not isinstance(item, dict):
        raise BadAnswer(f"Site {site.name} shows no {kind.name}.", site=site.name)
    return item


def is_being_built(calls: ServiceCalls, site: Site, server_id: str) -> bool:
    """Say whether a server is being built.

    That costs a site a fraction of what it costs to show the server, for which Nova asks Neutron, too.
    """
    target = f"/v2.1/servers?all_tenants=1&status=BUILD&uuid={server_id}"
    document = calls.call(site, SERVER_TYPE.service_type, "GET", target).document
    return any(item["id"] == server_id for item in _items(document, LISTINGS[SERVER_TYPE.name], site))


def pages(
    calls: ServiceCalls, site: Site, kind: ResourceType, order: str
) -> Iterator[tuple[list[Item], bool]]:
    """Walk through all resources of a type, a page at a time.

    :param order: a query: one of the listing's orders, and filters if need be.
    :return: for each page its items, and whether another one follows.
    """
    listing = LISTINGS[kind.name]
    marker: str | None = None
    while True:
        target = f"{listing.path}&{order}&limit={PAGE}" + (f"&marker={marker}" if marker else "")
        document = calls.call(site, kind.service_type, "GET", target, version=kind.version).document
        items = _items(document, listing, site)
        more = bool(items) and _has_next(document, listing)
        if more and items[-1]["id"] == marker:
            raise BadAnswer(
                f"The list of {listing.collection} of site {site.name} does not end.", site=site.name
            )
        yield items, more
        if not more:
            return
        marker = items[-1]["id"]


def everything(calls: ServiceCalls, site: Site, kind: ResourceType) -> list[Item]:
    """Return all resources of a type that has no order: they are few."""
    listing = LISTINGS[kind.name]
    found: dict[str, Item] = {}
    offset = 0
    while True:
        target = f"{listing.path}&limit={PAGE}&offset={offset}"
        document = calls.call(site, kind.service_type, "GET", target, version=kind.version).document
        items = _items(document, listing, site)
        new = {item["id"]: item for item in items if item["id"] not in found}
        found |= new
        if not new:
            return list(found.values())
        offset += len(items)


def kinds() -> Iterator[ResourceType]:
    """Walk through the types that sites list, each after those that it needs."""
    return (HOMED[name] for name in LISTINGS)


def _items(document: Mapping[str, Any], listing: Listing, site: Site) -> list[Item]:
    items = document.get(listing.collection)
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in items
    ):
        raise BadAnswer(f"Site {site.name} gave no list of {listing.collection}.", site=site.name)
    return items


def _has_next(document: Mapping[str, Any], listing: Listing) -> bool:
    links = document.get(f"{listing.collection}_links") or ()
    return any(link.get("rel") == "next" for link in links)
