"""Servers, where they need more than forwarding: what pins one to a site, and what stands for one whose
site does not answer."""

from collections.abc import Iterable
from typing import Any

import orjson
from oslo_utils.strutils import bool_from_string

from tricircle.errors import BadRequest, SiteUnavailable
from tricircle.gateway.answers import pass_back, rewrite
from tricircle.gateway.call import Call, Reply, json_reply
from tricircle.gateway.compute import networks
from tricircle.gateway.compute.places import SERVER_ACTION
from tricircle.gateway.compute.resources import SERVER
from tricircle.gateway.forward import Forward
from tricircle.gateway.intents import LONGEST_FACT, name_of
from tricircle.gateway.ordering import Parameters
from tricircle.gateway.prerequisites import server_action_needs
from tricircle.gateway.resource import Item
from tricircle.jobs.types import IntentParameters
from tricircle.routing.homed import SERVER_GROUP_TYPE, SERVER_TYPE, SNAPSHOT_TYPE, VOLUME_TYPE
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.sites.site import Site

_PARTIAL = (2, 69)
"""The first microversion with records of servers that cannot be asked about ("Handling Down Cells" in the
Compute API guide)."""

_LONGEST_COUNT = 10
"""Digits."""

_BOUND_BY_SOURCE = {"volume": VOLUME_TYPE, "snapshot": SNAPSHOT_TYPE}


def server_bonds(document: Item, server: Item) -> Iterable[tuple[ResourceType, object]]:
    """Find the homed resources that a new server is bound to: volumes, snapshots, its server group.

    What has not the form that the API reference gives is passed over: the site says what is wrong.
    """
    for device in _objects(server.get("block_device_mapping_v2")):
        kind = _BOUND_BY_SOURCE.get(str(device.get("source_type")))
        if kind is not None:
            yield kind, device.get("uuid")
    for device in _objects(server.get("block_device_mapping")):
        yield VOLUME_TYPE, device.get("volume_id")
    hints = document.get("os:scheduler_hints") or document.get("OS-SCH-HNT:scheduler_hints")
    if not isinstance(hints, dict):
        return
    if ResourceType.is_id(str(hints.get("group"))):
        yield SERVER_GROUP_TYPE, hints["group"]
    near = hints.get("same_host")
    for server_id in near if isinstance(near, list) else [near]:
        if ResourceType.is_id(str(server_id)):
            yield SERVER_TYPE, server_id


def server_intent(server: Item) -> IntentParameters:
    """Tell by what a new server would be known again: its name, its flavor, and its image.

    A server with block devices may boot from a volume, and then shows no image.
    """
    facts: dict[str, Any] = {}
    for field, reference in (("flavor", "flavorRef"), ("image", "imageRef")):
        # Both may be written as a link, which ends with the id.
        found = str(server.get(reference) or "").rpartition("/")[2]
        if found and len(found) <= LONGEST_FACT:
            facts[field] = {"id": found}
    if server.get("block_device_mapping_v2") or server.get("block_device_mapping"):
        facts.pop("image", None)
    most = max(_count(server.get("max_count")), _count(server.get("min_count")))
    return IntentParameters(name_of(server, "name"), most, "", facts)


def absent_servers(call: Call, site: Site, filters: Parameters, room: int) -> list[Item]:
    """Stand in for the servers of a site that does not answer, as Nova does for those of a down cell.

    Only for a list without paging, order and filters, as nothing is known of them by which they could be
    filtered. `all_tenants` is none, nor is `deleted=False`, which the `openstack` client always sends.
    """
    wishes = {name: bool_from_string(value, default=True) for name, value in filters}
    wishes.setdefault("deleted", False)
    everyone = wishes.pop("all_tenants", False) and call.engine.locator.sees_all(call.identity)
    if call.version_number < _PARTIAL or room <= 0 or wishes != {"deleted": False}:
        return []
    project_id = None if everyone else call.identity.project_id
    routes = call.engine.locator.page(SERVER_TYPE, site, project_id, room)
    return [_absent(call, site, route) for route in routes]


class ShowServer(Forward):
    """Handler of `GET /servers/{server_id}`: where the site does not answer, what the top knows."""

    summary = "forwarded to the site that holds it; UNKNOWN from 2.69 on if that does not answer"

    def __init__(self) -> None:
        super().__init__(SERVER_TYPE, "server_id", SERVER, is_member=True)

    def __call__(self, call: Call) -> Reply:
        """Show the server."""
        try:
            return super().__call__(call)
        except SiteUnavailable:
            if call.version_number < _PARTIAL:
                raise
            route = call.engine.locator.known(SERVER_TYPE, call.params["server_id"], call.identity)
            if route is None:
                raise
        site = call.engine.registry.snapshot.by_id.get(route.site_id)
        if site is None:
            raise SiteUnavailable("The site of this server is no longer registered.")
        item = _absent(call, site, route)
        item |= {"OS-EXT-AZ:availability_zone": "UNKNOWN", "OS-EXT-STS:power_state": 0, "user_id": "UNKNOWN"}
        reply = json_reply({"server": item})
        version = call.engine.versions.common.highest if call.version == "latest" else call.version
        reply.headers += call.engine.service.microversions.fields(version or "")
        return reply


class ServerAction(Forward):
    """Handler of `POST /servers/{server_id}/action`: a zone, network or security group named in one is the
    top's."""

    def __init__(self) -> None:
        super().__init__(SERVER_TYPE, "server_id", SERVER)

    def __call__(self, call: Call) -> Reply:
        """Do the action."""
        body = call.body()
        site = call.engine.locator.locate(SERVER_TYPE, call.params["server_id"], call.identity, call.token)
        if body is not None and b"availability_zone" in body:
            body = self._in_site(call, site, body)
        if body is not None and (b"flavorRef" in body or b"key_name" in body):
            self._prepare(call, site, body)
        if self._deletes(call):
            self._have_followed(call, call.params["server_id"], site)
        answer = networks.send(call, site, body, SERVER_ACTION)
        return pass_back(call, site, answer, SERVER)

    def _deletes(self, call: Call) -> bool:
        return b'"forceDelete"' in (call.body() or b"")

    @staticmethod
    def _prepare(call: Call, site: Site, body: bytes) -> None:
        """See that the site has the flavor of a resize, and the keypair of a rebuild."""
        try:
            action = orjson.loads(body)
        except orjson.JSONDecodeError:
            return  # the site says what is wrong
        if isinstance(action, dict):
            server_action_needs(call, action).prepare_if_possible(call, site)

    def _in_site(self, call: Call, site: Site, body: bytes) -> bytes:
        """Name the zone as the site does (`unshelve` from 2.77 on).

        :raises BadRequest: the zone has no place in the site, and servers do not move between sites.
        """
        try:
            action: Any = orjson.loads(body)
            arguments = action["unshelve"]
            zone = arguments["availability_zone"]
        except (ValueError, KeyError, TypeError):
            return body  # another action, or none: the site says what is wrong
        if isinstance(zone, str):
            found = call.engine.registry.snapshot.zones.get(zone)
            members = found.members if found else ()
            names = [member.az_of("compute") for member in members if member.site_id == site.id]
            if not names:
                raise BadRequest(f"The server is in site {site.name}, where zone {zone} has no place.")
            arguments["availability_zone"] = names[0]
        return orjson.dumps(action)


def _absent(call: Call, site: Site, route: Route) -> Item:
    item: Item = {
        "id": route.top_id,
        "status": "UNKNOWN",
        "tenant_id": route.project_id,
        "created": SERVER_TYPE.show_time(route.created_at),
        "links": [{"rel": "self"}, {"rel": "bookmark"}],
    }
    rewrite(call, site, SERVER, item)
    return item


def _objects(value: object) -> Iterable[Item]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _count(value: object) -> int:
    """Read a number of servers, which may stand as text; what makes no sense is the site's to refuse."""
    text = str(value)
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < _LONGEST_COUNT else 1
