"""The top's Neutron: beside what every Neutron has, blocks of addresses for sites, and ports of sites."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from tests.fakes.network import ports
from tests.fakes.network import service as site
from tests.fakes.network.rows import chosen, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

Run = tuple[int, int]


def _service_only(call: Call) -> None:
    if "service" not in call.token.roles:
        raise Refusal(403, "rule:service_api is disallowed by policy")


def list_blocks(top: "TopNetwork", call: Call) -> Document:
    """List blocks."""
    _service_only(call)
    return page(call, "address-blocks", chosen(call, top.blocks.values()))


def create_block(top: "TopNetwork", call: Call) -> Response:
    """Delegate a block: of the size that is asked for, or of what is left in one piece; or one address."""
    _service_only(call)
    known = ("subnet_id", "site", "size", "start", "end", "project_id", "returning")
    wanted = require_known(call.body("address_block"), known, "address_block")
    subnet = top.subnets.get(wanted["subnet_id"])
    if subnet is None:
        raise not_found("subnet", wanted["subnet_id"])
    if "start" in wanted:
        item = _block_from(top, subnet, wanted)
    else:
        run = top.last_free(subnet, int(wanted["size"]))
        if run is None:
            message = f"No more IP addresses available on network {subnet['network_id']}."
            raise refusal(409, "IpAddressGenerationFailure", message)
        item = _block(top, subnet, wanted["site"], run)
    return Response.of_json({"address_block": item}, 201)


def _block(top: "TopNetwork", subnet: Document, site: str, run: Run, *, returning: bool = False) -> Document:
    make = type(ipaddress.ip_network(subnet["cidr"])[0])
    item: Document = {
        "id": new_id(),
        "project_id": subnet["project_id"],
        "subnet_id": subnet["id"],
        "network_id": subnet["network_id"],
        "site": site,
        "size": run[1] - run[0] + 1,
        "start": str(make(run[0])),
        "end": str(make(run[1])),
        "returning": returning,
    }
    top.blocks[item["id"]] = item
    return item


def _run_of(block: Document) -> Run:
    return int(ipaddress.ip_address(block["start"])), int(ipaddress.ip_address(block["end"]))


def _block_from(top: "TopNetwork", subnet: Document, wanted: Document) -> Document:
    """Delegate exactly some addresses; or have some of a site's return, or return no more."""
    first = int(ipaddress.ip_address(wanted["start"]))
    last = int(ipaddress.ip_address(wanted.get("end", wanted["start"]))) + int(wanted.get("size", 1)) - 1
    returning = bool(wanted.get("returning"))
    for block in list(top.blocks.values()):
        start, end = _run_of(block)
        is_other = (block["site"], block["returning"]) == (wanted["site"], not returning)
        if block["subnet_id"] == subnet["id"] and is_other and start <= first and last <= end:
            del top.blocks[block["id"]]
            for run in ((start, first - 1), (last + 1, end)):
                if run[0] <= run[1]:
                    _block(top, subnet, wanted["site"], run, returning=not returning)
            return _block(top, subnet, wanted["site"], (first, last), returning=returning)
    if returning:
        message = f"No block of the site has all of {wanted['start']} to {last} of subnet {subnet['id']}."
        raise refusal(409, "NotDelegated", message)
    return _block(top, subnet, wanted["site"], _run_from(top, subnet, wanted["start"], last - first + 1))


def _run_from(top: "TopNetwork", subnet: Document, first: str, size: int) -> Run:
    start = ipaddress.ip_address(first)
    cidr = ipaddress.ip_network(subnet["cidr"])
    ends = {cidr.network_address, cidr.broadcast_address} if cidr.version == 4 else set()
    for address in (start + number for number in range(size)):
        if address not in cidr or address in ends:
            message = f"IP address {address} does not belong to subnet {subnet['id']}"
            raise refusal(400, "InvalidIpForSubnet", message)
        if top.is_delegated(subnet, int(address)) or str(address) in top.addresses_in_use(subnet):
            message = f"IP address {address} already allocated in subnet {subnet['id']}"
            raise refusal(409, "IpAddressAlreadyAllocated", message)
    return int(start), int(start) + size - 1


def delete_block(top: "TopNetwork", call: Call) -> Response:
    """Give a block back."""
    _service_only(call)
    if top.blocks.pop(call.arguments["id"], None) is None:
        raise not_found("address_block", call.arguments["id"])
    return Response(204)


_ADOPTED = (
    *("id", "project_id", "network_id", "site", "mac_address", "fixed_ips", "binding:host_id", "device_id"),
    *("device_owner", "name", "admin_state_up", "security_groups", "status", "allowed_address_pairs"),
    *("port_security_enabled", "tags"),
)


UNSAID: Document = {
    "description": "",
    "allowed_address_pairs": [],
    "port_security_enabled": True,
    "extra_dhcp_opts": [],
    "dns_name": "",
    "qos_policy_id": None,
    "tags": [],
}
"""What a port has of which its site says nothing."""


def list_adopted(top: "TopNetwork", call: Call) -> Document:
    """List adopted ports."""
    _service_only(call)
    return page(call, "adopted-ports", chosen(call, top.rows().values()))


def show_adopted(top: "TopNetwork", call: Call) -> Document:
    """Show an adopted port."""
    _service_only(call)
    item = top.rows().get(call.arguments["id"])
    if item is None:
        raise not_found("adopted_port", call.arguments["id"])
    return {"adopted_port": shown(call, item)}


def adopt(top: "TopNetwork", call: Call) -> Response:
    """Adopt a port, or many, or take over how they are now."""
    _service_only(call)
    document = call.request.json()
    many = isinstance(document, dict) and "adopted_ports" in document
    wanted = document["adopted_ports"] if many else [call.body("adopted_port")]
    checked = [require_known(each, _ADOPTED, "adopted_port") for each in wanted]
    for each in checked:
        if each["network_id"] not in top.networks:
            raise not_found("network", each["network_id"])
    rows = [_adopt(top, each) for each in checked]
    return Response.of_json({"adopted_ports": rows} if many else {"adopted_port": rows[0]}, 201)


def _adopt(top: "TopNetwork", wanted: Document) -> Document:
    item = as_port(top, wanted)
    row: Document = {name: item.get(name) for name in _ADOPTED}
    top.adopted[item["id"]] = row
    top.ports[item["id"]] = {name: value for name, value in item.items() if name != "site"}
    return row


def as_port(top: "TopNetwork", wanted: Document) -> Document:
    """Return an ordinary port with what its site says of it."""
    there = top.ports.get(wanted["id"])
    if there is None:
        home = top.networks[wanted["network_id"]]
        there = {**UNSAID, "port_security_enabled": home["port_security_enabled"]}
    item = {**there, **wanted}
    if not item["port_security_enabled"]:
        item = {**item, "security_groups": [], "allowed_address_pairs": [], **wanted}
    item["tenant_id"] = item["project_id"]
    ports.require_sense(top, item)
    return item


def change_adopted(top: "TopNetwork", call: Call) -> Document:
    """Take over how a port is now."""
    _service_only(call)
    identifier = call.arguments["id"]
    wanted = require_known(call.body("adopted_port"), (*_ADOPTED, "revision_number"), "adopted_port")
    follows_from = wanted.pop("revision_number", None)
    there = top.ports.get(identifier, {}).get("revision_number")
    if follows_from not in {None, there}:
        words = f"Constrained to {follows_from}, but current revision is {there}"
        raise refusal(412, "RevisionNumberConstraintFailed", words)
    if identifier not in top.adopted:
        return {"adopted_port": _change_made_here(top, identifier, wanted)}
    known = {"id": identifier, "site": top.adopted[identifier]["site"]}
    return {"adopted_port": _adopt(top, {**known, **wanted})}


def _change_made_here(top: "TopNetwork", identifier: str, wanted: Document) -> Document:
    """Take over what Nova has changed of a port of the top, where it is."""
    port = top.ports.get(identifier)
    if port is None or not port.get("binding:host_id"):
        raise not_found("adopted_port", identifier)
    if not wanted.keys() <= {"security_groups", "fixed_ips", "status"}:
        raise Refusal(400, "of a port that was made at the top no site says so")
    top.ports[identifier] = {**port, **wanted}
    return top.ports[identifier]


def disown(top: "TopNetwork", call: Call) -> Response:
    """Drop an adopted port."""
    _service_only(call)
    identifier = call.arguments["id"]
    if top.adopted.pop(identifier, None) is None:
        raise not_found("adopted_port", identifier)
    top.ports.pop(identifier, None)
    return Response(204)


@dataclass(kw_only=True)
class TopNetwork(site.Network):
    """A Neutron with our plugin."""

    has_dhcp: bool = False
    has_dns: bool = True
    tenant_type: str = "vlan"
    blocks: dict[str, Document] = field(default_factory=dict)
    adopted: dict[str, Document] = field(default_factory=dict)

    routes: ClassVar[Iterable[Route]] = (
        *site.ROUTES,
        ("GET", "/address-blocks", list_blocks),
        ("POST", "/address-blocks", create_block),
        ("DELETE", "/address-blocks/{id}", delete_block),
        ("GET", "/adopted-ports", list_adopted),
        ("POST", "/adopted-ports", adopt),
        ("GET", "/adopted-ports/{id}", show_adopted),
        ("PUT", "/adopted-ports/{id}", change_adopted),
        ("DELETE", "/adopted-ports/{id}", disown),
    )

    def rows(self) -> dict[str, Document]:
        """Return adopted ports, each as the ordinary port is now that it is."""
        return {
            key: item | {name: value for name, value in self.ports.get(key, {}).items() if name in _ADOPTED}
            for key, item in self.adopted.items()
        }

    def type_of_new(self, wanted: Document) -> str:
        """Return the type of a network that says none: one zone is one site here."""
        return "local" if len(wanted.get("availability_zone_hints", ())) == 1 else self.tenant_type

    def is_delegated(self, subnet: Document, number: int) -> bool:
        """Say whether an address is in some block."""
        return any(first <= number <= last for first, last in self._delegated(subnet))

    def _delegated(self, subnet: Document) -> list[Run]:
        return [_run_of(block) for block in list(self.blocks.values()) if block["subnet_id"] == subnet["id"]]

    def last_free(self, subnet: Document, size: int) -> Run | None:
        """Return the run of free addresses that a new block gets: the last that is long enough."""
        taken = [
            *self._delegated(subnet),
            *((int(ipaddress.ip_address(each)),) * 2 for each in self.addresses_in_use(subnet)),
        ]
        best: Run | None = None
        for pool in reversed(subnet["allocation_pools"]):
            first, end = int(ipaddress.ip_address(pool["start"])), int(ipaddress.ip_address(pool["end"]))
            within = ((a, b) for a, b in taken if b >= first and a <= end)
            # By their ends, as addresses of adopted ports lie within blocks.
            cuts = sorted(within, key=lambda cut: cut[1], reverse=True)
            for a, b in [*cuts, (first - 1, first - 1)]:
                if end > b:
                    run = (max(b + 1, end - size + 1), end)
                    if run[1] - run[0] + 1 == size:
                        return run
                    if best is None or run[1] - run[0] > best[1] - best[0]:
                        best = run
                end = min(end, a - 1)
        return best
