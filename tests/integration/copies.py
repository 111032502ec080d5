"""What one Neutron has, and what a site's has for what is the top's, in the top's words."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from tests.integration.conditions import side_by_side
from tests.integration.drawing import Document

MARK = "tricircle:"

_LISTS = {
    "networks": "/networks",
    "subnets": "/subnets",
    "ports": "/ports",
    "security_groups": "/security-groups",
    "address_groups": "/address-groups",
    "policies": "/qos/policies",
    "rbac_policies": "/rbac-policies",
}

_MARKED = {
    "networks": "network",
    "subnets": "subnet",
    "ports": "port",
    "security_groups": "security_group",
    "policies": "qos_policy",
}

_RULE = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix")

_SAME_OF_NETWORK = ("name", "admin_state_up", "port_security_enabled", "project_id")
_SAME_OF_SUBNET = (
    *("name", "project_id", "cidr", "ip_version", "gateway_ip", "enable_dhcp", "dns_nameservers"),
    *("ipv6_address_mode", "ipv6_ra_mode"),
)
_SAME_OF_PORT = (
    *("name", "project_id", "mac_address", "admin_state_up", "port_security_enabled"),
    *("device_id", "device_owner", "status"),
)

_MOST_ADDRESSES = 4096
"""Of a pool, that are told one by one."""

NameOf = Callable[[str], str]


class Neutron:
    """All that one Neutron lists to its administrator, each by id."""

    networks: Mapping[str, Document]
    subnets: Mapping[str, Document]
    ports: Mapping[str, Document]
    security_groups: Mapping[str, Document]
    address_groups: Mapping[str, Document]
    policies: Mapping[str, Document]
    rbac_policies: Mapping[str, Document]

    def __init__(self, neutron: Any) -> None:
        def read(name: str) -> dict[str, Document]:
            answer = neutron.get(_LISTS[name])
            assert answer.status_code == 200, answer.text
            return {item["id"]: item for item in answer.json()[name]}

        for name, items in zip(_LISTS, side_by_side(read, _LISTS), strict=True):
            setattr(self, name, items)

    def all(self) -> Iterator[tuple[str, Document]]:
        """Return all that may bear a mark, with its kind."""
        for name in (*_MARKED, "address_groups"):
            for item in getattr(self, name).values():
                yield _MARKED.get(name, "remote_members"), item


class Copies:
    """What a site has for what is the top's.

    :ivar ids: the top's id of each thing that the site has for one of the top.
    :param zone: the zone of the top that stands for the site's only one.
    :param blocks: the addresses that the top has delegated to the site.
    """

    def __init__(self, site: str, zone: str, top: Neutron, there: Neutron, blocks: list[Document]) -> None:
        self.site = site
        self._zone = zone
        self.there = there
        self._top = top
        self._blocks = blocks
        self.ids = {
            # A subnet's has a dot behind it every other time that pools are written.
            item["id"]: item["description"].removeprefix(MARK).removesuffix(".")
            for _, item in there.all()
            if (item.get("description") or "").startswith(MARK)
        }
        default = {group["project_id"]: key for key, group in _default(top)}
        self.ids |= {
            key: default[group["project_id"]]
            for key, group in _default(there)
            if group["project_id"] in default
        }
        # A port that the site made has the same id at both.
        self.ids |= {
            port["id"]: self.ids.get(port["id"], port["id"])
            for port in there.ports.values()
            if port["network_id"] in self.ids
        }

    def marked(self) -> Iterator[tuple[str, str]]:
        """Return what bears a mark, but for what rules name beside it: kind, and the site's id."""
        for kind, item in self.there.all():
            if (item.get("description") or "").startswith(MARK):
                yield kind, item["id"]

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Return all addresses that ports of the site have, or it may give to one, with the top's subnet."""
        found = set()
        for port in self.there.ports.values():
            for fixed in port["fixed_ips"]:
                if fixed["subnet_id"] in self.ids:
                    found.add((self.ids[fixed["subnet_id"]], fixed["ip_address"]))
        for subnet in self._copies("subnets"):
            if subnet["ipv6_address_mode"] not in {"slaac", "dhcpv6-stateless"}:
                for address in _each(subnet["allocation_pools"]):
                    found.add((self.ids[subnet["id"]], address))
        return iter(found)

    def differences(self) -> Iterator[str]:
        """Say in what the site differs from the top."""
        for name, kind in _MARKED.items():
            shown = _SHOWN[name]
            at_top: Mapping[str, Document] = getattr(self._top, name)
            for item in self._copies(name):
                key = self.ids[item["id"]]
                if key not in at_top:
                    yield f"{kind} {item['id']} is for {key}, which the top does not have"
                    continue
                is_there = shown(item, self._name_of, self.there)
                wanted = self._wanted(name, shown(at_top[key], str, self._top))
                for field, value in wanted.items():
                    if is_there[field] != value:
                        yield f"{kind} {key}: {field} is {is_there[field]}, at the top {value}"
            copied = [self.ids[item["id"]] for item in self._copies(name)]
            if len(copied) != len(set(copied)):
                yield f"something is there twice: {kind} {copied}"
        yield from self._different_mtu()
        yield from self._different_pools()
        yield from self._different_members()

    def _copies(self, name: str) -> list[Document]:
        items: Mapping[str, Document] = getattr(self.there, name)
        return [item for item in items.values() if item["id"] in self.ids]

    def _name_of(self, identifier: str) -> str:
        return self.ids.get(identifier, f"the site's own {identifier}")

    def _wanted(self, name: str, at_top: Document) -> Document:
        """Return how a site should show something."""
        if name == "networks":
            # A site that has no address of a subnet does not have that.
            here = {self.ids[subnet["id"]] for subnet in self._copies("subnets")}
            delegated = {block["subnet_id"] for block in self._blocks}
            automatic = {key for key, subnet in self._top.subnets.items() if _is_automatic(subnet)}
            return at_top | {"subnets": sorted(set(at_top["subnets"]) & (here | delegated | automatic))}
        if name == "ports" and at_top["device_owner"].startswith("compute:"):
            is_here = at_top["device_owner"] == f"compute:{self._zone}"
            return at_top | {"device_owner": "compute:nova" if is_here else "of another zone"}
        if name == "security_groups":
            extra = {
                (*rule[:-2], None, f"members of {rule[-2]}")
                for rule in at_top["rules"]
                if rule[-2] is not None and self._members(rule[-2]) is not None
            }
            return at_top | {"rules": at_top["rules"] | extra}
        return at_top

    def _members(self, group_id: str) -> Document | None:
        """Return the address group that the site has of a group's members elsewhere."""
        found = [
            group
            for group in self.there.address_groups.values()
            if group["description"] == f"{MARK}{group_id}"
        ]
        assert len(found) <= 1, found
        return next(iter(found), None)

    def _different_members(self) -> Iterator[str]:
        named = {
            rule["remote_group_id"]
            for group in self._copies("security_groups")
            for rule in group["security_group_rules"]
        }
        for group_id in {self.ids[each] for each in named if each in self.ids}:
            expected = sorted(
                {
                    str(ip_network(each["ip_address"], strict=False))
                    for port in self._top.ports.values()
                    if group_id in port["security_groups"] and port["binding:host_id"] not in {"", self.site}
                    for each in (*port["fixed_ips"], *port["allowed_address_pairs"])
                }
            )
            there = self._members(group_id)
            shown = [] if there is None else sorted(there["addresses"])
            if shown != expected:
                yield f"members of {group_id} elsewhere: {shown}, at the top {expected}"

    def _different_mtu(self) -> Iterator[str]:
        for network in self._copies("networks"):
            at_top = self._top.networks.get(self.ids[network["id"]])
            if at_top is not None and network["mtu"] > at_top["mtu"]:
                yield f"network {at_top['id']}: mtu is {network['mtu']}, at the top {at_top['mtu']}"

    def _different_pools(self) -> Iterator[str]:
        known = {self.ids[subnet["id"]] for subnet in self._copies("subnets")}
        for subnet in self._copies("subnets"):
            key = self.ids[subnet["id"]]
            if subnet["ipv6_address_mode"] in {"slaac", "dhcpv6-stateless"}:
                continue
            pools = _runs(subnet["allocation_pools"])
            delegated = _runs(block for block in self._blocks if block["subnet_id"] == key)
            if pools != delegated:
                yield f"subnet {key} hands out {pools}, and was given {delegated}"
        for block in self._blocks:
            if block["subnet_id"] not in known:
                yield f"{block['start']} to {block['end']} is delegated, and there is no such subnet"


def _default(neutron: Neutron) -> Iterator[tuple[str, Document]]:
    return ((key, group) for key, group in neutron.security_groups.items() if group["name"] == "default")


def _is_automatic(subnet: Document) -> bool:
    return subnet["ipv6_address_mode"] in {"slaac", "dhcpv6-stateless"}


def _network(item: Document, name_of: NameOf, its: Neutron) -> Document:
    shares = {
        (policy["action"], policy["target_tenant"])
        for policy in its.rbac_policies.values()
        if policy["object_id"] == item["id"]
    }
    return {
        **{name: item[name] for name in _SAME_OF_NETWORK},
        "subnets": sorted(name_of(each) for each in item["subnets"]),
        "qos_policy_id": item["qos_policy_id"] and name_of(item["qos_policy_id"]),
        "tags": sorted(item["tags"]),
        "shares": shares,
    }


def _subnet(item: Document, name_of: NameOf, _its: Neutron) -> Document:
    return {
        **{name: item[name] for name in _SAME_OF_SUBNET},
        "network_id": name_of(item["network_id"]),
        "host_routes": sorted((each["destination"], each["nexthop"]) for each in item["host_routes"]),
        "tags": sorted(item["tags"]),
    }


def _port(item: Document, name_of: NameOf, _its: Neutron) -> Document:
    return {
        **{name: item[name] for name in _SAME_OF_PORT},
        "network_id": name_of(item["network_id"]),
        "fixed_ips": sorted((name_of(each["subnet_id"]), each["ip_address"]) for each in item["fixed_ips"]),
        "security_groups": sorted(map(name_of, item["security_groups"])),
        "allowed_address_pairs": sorted(
            (each["ip_address"], each["mac_address"]) for each in item["allowed_address_pairs"]
        ),
        "extra_dhcp_opts": sorted(
            (each["opt_name"], each["opt_value"], each["ip_version"]) for each in item["extra_dhcp_opts"]
        ),
        "qos_policy_id": item["qos_policy_id"] and name_of(item["qos_policy_id"]),
        "tags": sorted(item["tags"]),
    }


def _group(item: Document, name_of: NameOf, its: Neutron) -> Document:
    def rule(shown: Document) -> tuple[Any, ...]:
        remote, addresses = shown["remote_group_id"], shown["remote_address_group_id"]
        if addresses is not None:
            mark = its.address_groups[addresses]["description"]
            addresses = (
                f"members of {mark.removeprefix(MARK)}" if mark.startswith(MARK) else name_of(addresses)
            )
        return (*(shown[name] for name in _RULE), remote and name_of(remote), addresses)

    return {
        **{name: item[name] for name in ("name", "project_id", "stateful")},
        "tags": sorted(item["tags"]),
        "rules": {rule(each) for each in item["security_group_rules"]},
    }


def _policy(item: Document, _name_of: NameOf, _its: Neutron) -> Document:
    unsaid = {"id", "qos_policy_id", "revision_number", "created_at", "updated_at", "tags"}
    return {
        "name": item["name"],
        "project_id": item["project_id"],
        "rules": sorted(
            tuple(sorted((name, value) for name, value in each.items() if name not in unsaid))
            for each in item["rules"]
        ),
    }


_SHOWN: Mapping[str, Callable[[Document, NameOf, Neutron], Document]] = {
    "networks": _network,
    "subnets": _subnet,
    "ports": _port,
    "security_groups": _group,
    "policies": _policy,
}


def _runs(pools: Iterable[Document]) -> list[tuple[str, str]]:
    """Return first and last addresses of runs, without seams."""
    found: list[list[Any]] = []
    for first, last in sorted((ip_address(pool["start"]), ip_address(pool["end"])) for pool in pools):
        if found and int(first) == int(found[-1][1]) + 1:
            found[-1][1] = last
        else:
            found.append([first, last])
    return [(str(first), str(last)) for first, last in found]


def _each(pools: Iterable[Document]) -> Iterator[str]:
    for pool in pools:
        first, last = ip_address(pool["start"]), ip_address(pool["end"])
        assert int(last) - int(first) < _MOST_ADDRESSES, pool
        for number in range(int(first), int(last) + 1):
            yield str(type(first)(number))
