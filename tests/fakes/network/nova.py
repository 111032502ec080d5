"""A Nova that asks its site's Neutron: whether networks and groups exist, and for ports of new servers."""

from dataclasses import dataclass
from typing import Any

from tests.fakes.compute import Compute, servers
from tests.fakes.compute.records import Interface
from tests.fakes.network import networks, ports
from tests.fakes.network.security_groups import ensure_default
from tests.fakes.network.service import Network
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Outcome, Refusal, Route

SEVERAL = "Multiple possible networks found, use a Network ID to be more specific."


def create(compute: "NetworkedCompute", call: Call) -> Outcome:
    """Boot servers, each with a port on each network that is asked for."""
    network = compute.network
    if network is None:
        return servers.create(compute, call)
    with network.turn:
        wanted = call.body("server")
        homes = _homes(network, call, wanted)
        groups = _groups(network, call, wanted)
        compute.group_names = {group["id"]: group["name"] for group in network.security_groups.values()}
        before = set(compute.servers)
        response = servers.create(compute, call)
        for server_id in compute.servers.keys() - before:
            server = compute.servers[server_id]
            server.interfaces = []
            try:
                made = [_port(network, call, server_id, home, groups) for home in homes]
            except Refusal as refusal:  # as it goes in Nova, whose compute host finds out
                server.vm_state = "error"
                compute.faults_seen.append(refusal.message)
                continue
            server.interfaces = [
                Interface(port["id"], port["network_id"], port["mac_address"], _address(port))
                for port in made
            ]
        compute.network_names.update({each["id"]: each["name"] for each in network.networks.values()})
        return response


def _homes(network: Network, call: Call, wanted: Document) -> list[Document]:
    """Return what is asked for: networks, or ports that exist."""
    asked = wanted.get("networks")
    if asked == "none":
        return []
    if asked in (None, "auto", []):
        every = [each for each in network.networks.values() if _may_use(network, call, each)]
        if len(every) > 1:
            raise Refusal(409, SEVERAL)
        return every
    found = []
    for each in asked or ():
        if each.get("port"):
            port = network.ports.get(each["port"])
            if port is None or port["project_id"] != call.token.project_id:
                raise Refusal(400, f"Port id {each['port']} could not be found.")
            if port["device_id"]:
                raise Refusal(409, f"Port {port['id']} is still in use.")
            found.append(port)
            continue
        home = network.networks.get(each.get("uuid"))
        if home is None or not _may_use(network, call, home):
            raise Refusal(400, f"Network {each.get('uuid')} could not be found.")
        if not any(subnet["network_id"] == home["id"] for subnet in network.subnets.values()):
            raise Refusal(400, f"Network {home['id']} requires a subnet in order to boot instances on.")
        found.append(home | {"fixed_ip": each.get("fixed_ip")})
    return found


def _may_use(network: Network, call: Call, home: Document) -> bool:
    return networks.sees(network, call, home)


def _groups(network: Network, call: Call, wanted: Document) -> list[str]:
    project_id = call.token.project_id
    every = network.security_groups.values()
    shared = [group for group in every if network.is_shared(group["id"], project_id)]
    own = [group for group in every if group["project_id"] == project_id]
    found = []
    for each in wanted.get("security_groups") or [{"name": "default"}]:
        name = each["name"]
        if name == "default":
            found.append(ensure_default(network, call.token.project_id)["id"])
            continue
        ids = [group["id"] for group in own if group["id"] == name] or [
            group["id"] for group in own if group["name"] == name
        ]
        if len(ids) > 1:
            message = (
                f"Multiple security_group matches found for name '{name}', use an ID to be more specific."
            )
            raise Refusal(409, message)
        ids = ids or [group["id"] for group in shared if name in {group["id"], group["name"]}]
        if not ids:
            raise Refusal(400, f"Security group {name} not found.")
        found += ids
    return found


def _port(network: Network, call: Call, server_id: str, home: Document, groups: list[str]) -> Document:
    taken: Document = {"device_id": server_id, "device_owner": "compute:nova", "status": "ACTIVE"}
    if "mac_address" in home:
        home.update(taken)
        return home
    is_shared = network.is_shared(home["id"], call.token.project_id)
    if network.is_external(home["id"]) and not is_shared and not call.admin:
        raise Refusal(403, f"It is not allowed to create an interface on external network {home['id']}")
    wanted: dict[str, Any] = {"security_groups": groups, **taken}
    del wanted["status"]
    if home.get("fixed_ip"):
        wanted["fixed_ips"] = [{"ip_address": home["fixed_ip"]}]
    return ports.make(network, home, call.token.project_id, wanted)


def _address(port: Document) -> str:
    return str(port["fixed_ips"][0]["ip_address"]) if port["fixed_ips"] else ""


def delete(compute: "NetworkedCompute", call: Call) -> Response:
    """Delete a server with the ports that were made for it."""
    response = servers.delete(compute, call)
    network = compute.network
    if network is not None:
        with network.turn:
            mine = [port for port in network.ports.values() if port["device_id"] == call.arguments["id"]]
            for port in mine:
                if port["description"]:  # made before the server
                    port.update({"device_id": "", "device_owner": "", "status": "DOWN"})
                else:
                    del network.ports[port["id"]]
    return response


_ROUTES: tuple[Route, ...] = (
    ("POST", "/servers", create),
    ("DELETE", "/servers/{id}", delete),
)


@dataclass(kw_only=True)
class NetworkedCompute(Compute):
    """A Nova.

    :param network: the Neutron that it asks; None for a Nova that takes every network for granted.
    """

    network: Network | None = None

    routes = (*_ROUTES, *Compute.routes)

    def __post_init__(self) -> None:
        """Begin without failures."""
        super().__post_init__()
        self.faults_seen: list[str] = []
        """Why servers came out broken."""
