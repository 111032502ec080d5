"""Ports: how a site shows them, how they stand at the top, and what is carried from the top to a site.

A port that a site made has the same id at both, and a route (type `port`) from its adoption on: so it is
known which site has a port of which the top knows nothing any more. A port that was made at the top first
has another id in its site.

Everything here raises what `ServiceCalls.call` raises, and BadAnswer where an answer makes no sense.

Source: Networking API v2 reference, "Ports", "Resource tags".
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tricircle.errors import BadAnswer, Conflict
from tricircle.realise.definition import FORMER
from tricircle.realise.kinds.neutron import is_mark, taken_over
from tricircle.realise.kinds.port import OPTIONS, option_changes, sorted_options, sorted_pairs
from tricircle.realise.leaving import NEUTRONS_OWN
from tricircle.realise.port_list import list_ports
from tricircle.realise.sight import require_own_words
from tricircle.realise.site_view import go_on
from tricircle.sites.service_calls import ServiceCalls, SiteAnswer
from tricircle.sites.site import Site
from tricircle.xjob import membership
from tricircle.xjob.engine import Engine

Item = dict[str, Any]

PORT = "port"
"""What routes, definitions and jobs call them."""

SERVICE = "network"

ADOPTED = "/v2.0/adopted-ports"
PORTS = "/v2.0/ports"

GONE, OUTDATED = 404, 412
"""What a Neutron says of what is not there, and of what is not of the revision any more that is named."""

OF_EXTENSIONS = ("allowed_address_pairs", "port_security_enabled", "tags")
"""What a port has only where its Neutron has an extension. What one of the two sides does not have the other
keeps."""

_OF_PORT = (
    *("id", "project_id", "network_id", "mac_address", "fixed_ips", "device_id", "device_owner"),
    *("name", "admin_state_up", "security_groups", "status", "binding:host_id"),
    *OF_EXTENSIONS,
)
_FIELDS = {
    "ports": (*_OF_PORT, "description"),
    "adopted_ports": (*_OF_PORT, "site", "revision_number"),
}
"""Of a port in a list, what has to be known."""

_GROUP = "security_group"

_POLICY = "qos_policy"

_OF_ITS_OWN = "network:"
"""Begins the owner of a port that Neutron itself needs."""

_OF_SERVER = "compute:"
"""Begins the owner of a server's port; what follows is the availability zone that Nova made it in."""

_STATUSES = frozenset({"ACTIVE", "DOWN", "BUILD", "ERROR"})


# -- reading ----------------------------------------------------------------------------------------------


def ports_in(calls: ServiceCalls, site: Site, **filters: str | Iterable[str]) -> list[Item]:
    """Return a site's ports, of all projects.

    :param filters: as the API has them: `device_id`, `network_id`, `id`; several values are alternatives.
    """
    return _list(calls, site, PORTS, "ports", filters)


def adopted_ports(calls: ServiceCalls, top: Site, **filters: str | Iterable[str]) -> dict[str, Item]:
    """Return ports that the top has adopted, by their ids.

    :param filters: as for `ports_in`; and `site`, a site's name.
    """
    found = _list(calls, top, ADOPTED, "adopted_ports", filters)
    return {item["id"]: item for item in found}


def show(calls: ServiceCalls, site: Site, port_id: str) -> Item | None:
    """Return a port with all its fields; None where Neutron itself says that there is none."""
    answer = calls.call(site, SERVICE, "GET", f"{PORTS}/{port_id}", expected={404})
    if answer.status == 404:
        require_own_words(answer.document, site)
        return None
    item = answer.document.get("port")
    if not isinstance(item, dict):
        raise BadAnswer(f"Site {site.name} shows no port.", site=site.name)
    return item


def _list(
    calls: ServiceCalls, site: Site, path: str, collection: str, filters: Mapping[str, str | Iterable[str]]
) -> list[Item]:
    query = [("fields", field) for field in _FIELDS[collection]]
    for name, values in filters.items():
        query += [(name, value) for value in ([values] if isinstance(values, str) else values)]
    return list_ports(calls, site, path, collection, query)


def tell(engine: Engine, port_id: str, fields: Mapping[str, Any]) -> SiteAnswer:
    """Tell the top what has changed of a port that it has: that it is `GONE` or `OUTDATED` is an answer.

    :param fields: as `/v2.0/adopted-ports` takes them.
    """
    target, body = f"{ADOPTED}/{port_id}", {"adopted_port": fields}
    expected = {GONE, OUTDATED}
    return engine.sites.call(engine.networks.top.site, SERVICE, "PUT", target, body, expected=expected)


# -- what the top is told of a site's port ----------------------------------------------------------------


def is_adoptable(item: Mapping[str, Any]) -> bool:
    """Say whether the top adopts such a port at all.

    The addresses of those that are on each network are out of the site's block, as those of servers are. All
    others of Neutron's own follow from other resources of the top (routers, floating IPs). What was made at
    the top first says so, also while that is not noted yet.
    """
    owner = str(item.get("device_owner") or "")
    if is_mark(item.get("description")):
        return False
    return not owner.startswith(_OF_ITS_OWN) or owner in NEUTRONS_OWN


def node_of(engine: Engine, site: Site) -> str:
    """Return the name of the node that stands for a site, which is the host of all its ports at the top."""
    return engine.registry.snapshot.node_name(site)


def owner_at_top(engine: Engine, site: Site, device_owner: str) -> str:
    """Return who has a port as the top says it: a server of a zone of the top, not of the site's own zone.

    The zone is the one that Nova shows at the top. One that no zone of the top stands for stays as it is.
    """
    if not device_owner.startswith(_OF_SERVER):
        return device_owner
    zone = device_owner.removeprefix(_OF_SERVER)
    return _OF_SERVER + engine.registry.snapshot.zone_name(site.id, zone, "compute")


def served_owner(engine: Engine, port: Mapping[str, Any], own: str) -> str:
    """Return the owner with whom the top takes a port: the site's own where a subnet of it is for that.

    Neutron gives addresses of a subnet with service types only to ports whose owner is one of these.

    :param port: with addresses and owner as the top is to have them.
    :param own: the owner as the site has it.
    """
    owner: str = port["device_owner"]
    if own == owner:
        return owner
    found = engine.replicas.store.several([("subnet", fixed["subnet_id"]) for fixed in port["fixed_ips"]])
    return own if any(own in (each.definition.body.get("service_types") or ()) for each in found) else owner


def as_adopted(engine: Engine, site: Site, item: Mapping[str, Any]) -> Item | None:
    """Return a site's port as the top is to have it; None where the top does not know its network.

    Subnets and security groups that the top does not know are left out: they are the site's own.

    :raises BadAnswer: the site shows a port as none is shown.
    """

    def at_top(kind: str, identifier: str) -> str | None:
        return engine.networks.at_top(kind, site.id, identifier)

    try:
        network_id = at_top("network", item["network_id"])
        if network_id is None or not is_adoptable(item):
            return None
        addresses = [
            {"subnet_id": subnet_id, "ip_address": fixed["ip_address"]}
            for fixed in item["fixed_ips"]
            if (subnet_id := at_top("subnet", fixed["subnet_id"])) is not None
        ]
        return {
            "id": item["id"],
            "project_id": item["project_id"],
            "network_id": network_id,
            "site": site.name,
            "mac_address": item["mac_address"],
            "fixed_ips": addresses,
            "binding:host_id": node_of(engine, site),
            "device_id": item["device_id"],
            "device_owner": owner_at_top(engine, site, item["device_owner"]),
            "name": item["name"],
            "admin_state_up": item["admin_state_up"],
            "security_groups": sorted(groups_at_top(engine, item, site)),
            "status": status_of(item),
            **_of_extensions(item),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise BadAnswer(f"Site {site.name} shows a port as none is shown.", site=site.name) from error


def status_of(item: Mapping[str, Any]) -> str:
    """Return the status of a port at the top, which takes no other than these."""
    status: str = item["status"]
    return status if status in _STATUSES else "DOWN"


def _of_extensions(item: Mapping[str, Any]) -> Item:
    found = {name: item[name] for name in OF_EXTENSIONS if item.get(name) is not None}
    if "allowed_address_pairs" in found:
        found["allowed_address_pairs"] = sorted_pairs(found["allowed_address_pairs"], item["mac_address"])
    if "tags" in found:
        found["tags"] = taken_over(found["tags"])
    return found


# -- from the top to a site -------------------------------------------------------------------------------


def carry(engine: Engine, port: Mapping[str, Any], site: Site, *, step: Callable[[str], None] = go_on) -> str:
    """Make a port in its site as it is at the top: name, admin state, security groups, address pairs, port
    security, DHCP options, name for DNS, QoS policy, tags; what the site's Neutron does not have is left out.

    :param port: as the top's Neutron shows it.
    :param step: called between effects; may raise to end the work there.
    :return: what was done, in words.
    :raises Conflict: the site cannot have one of its security groups now.
    """
    there = engine.networks.in_site(PORT, port["id"], site.id) or port["id"]
    shown = show(engine.sites, site, there)
    if shown is None:
        return f"Site {site.name} does not have it."
    wanted = _wanted(engine, port, shown, site, step) | _policy(engine, port, shown, site, step)
    changes = {
        name: value
        for name, value in wanted.items()
        if name in shown and comparable(shown[name]) != comparable(value)
    }
    if OPTIONS in changes:
        changes[OPTIONS] = option_changes(shown[OPTIONS], wanted[OPTIONS])
    tags = changes.pop("tags", None)
    if changes.keys() & {"security_groups", "allowed_address_pairs"}:
        groups = groups_at_top(engine, shown, site) | set(port.get("security_groups") or ())
        membership.changed(engine, site, groups)
    if changes:
        step("change the port")
        engine.sites.call(site, SERVICE, "PUT", f"{PORTS}/{there}", {"port": changes})
    if tags is not None:
        step("change its tags")
        engine.sites.call(site, SERVICE, "PUT", f"{PORTS}/{there}/tags", {"tags": tags})
    changed = [*changes, *(["tags"] if tags is not None else ())]
    return f"Changed in site {site.name}: {', '.join(changed)}." if changed else "It was so already."


def groups_at_top(engine: Engine, shown: Mapping[str, Any], site: Site) -> set[str]:
    """Return what the top calls the security groups of a site's port, as far as it knows them."""
    found = (engine.networks.at_top(_GROUP, site.id, group) for group in shown["security_groups"])
    return {group for group in found if group is not None}


def _wanted(
    engine: Engine,
    port: Mapping[str, Any],
    shown: Mapping[str, Any],
    site: Site,
    step: Callable[[str], None],
) -> Item:
    names = ("name", "admin_state_up", *OF_EXTENSIONS)
    wanted = {name: port[name] for name in names if port.get(name) is not None}
    if "tags" in wanted:
        wanted["tags"] = taken_over(wanted["tags"], shown.get("tags") or ())
    if port.get("dns_name"):  # else the site's Nova names it like its server
        wanted["dns_name"] = port["dns_name"]
    if OPTIONS in port:
        wanted[OPTIONS] = sorted_options(port[OPTIONS])
    if "security_groups" in port:
        wanted["security_groups"] = [
            _group_in(engine, group, site, step) for group in port["security_groups"]
        ]
    return wanted


def _policy(
    engine: Engine,
    port: Mapping[str, Any],
    shown: Mapping[str, Any],
    site: Site,
    step: Callable[[str], None],
) -> Item:
    """Return which QoS policy a port is to have in a site; nothing where that is not the top's to say."""
    key, there = port.get("qos_policy_id"), shown.get("qos_policy_id")
    if key is None:
        # One that the top has not brought there is the site's own.
        is_ours = there is not None and engine.networks.at_top(_POLICY, site.id, there) is not None
        return {"qos_policy_id": None} if is_ours else {}
    if "qos_policy_id" not in shown:
        return {}
    found = engine.networks.in_site(_POLICY, key, site.id)
    if found is None:
        _bring(engine, _POLICY, key, site, step)
        found = engine.networks.in_site(_POLICY, key, site.id)
    if found is None:
        raise Conflict(f"Site {site.name} does not have QoS policy {key} yet.", site=site.name)
    return {"qos_policy_id": found}


def _group_in(engine: Engine, group_id: str, site: Site, step: Callable[[str], None]) -> str:
    """Return what a site calls a security group; the site gets it where it does not have it yet.

    :raises Conflict: it still has none.
    """
    known = engine.replicas.store.find(_GROUP, group_id)
    found = None if known is None or known.version_in(site.id) == FORMER else known.id_in(site.id)
    if found is None:
        _bring(engine, _GROUP, group_id, site, step)
        found = engine.networks.in_site(_GROUP, group_id, site.id)
    if found is None:
        raise Conflict(f"Site {site.name} does not have security group {group_id} yet.", site=site.name)
    return found


def _bring(engine: Engine, kind: str, key: str, site: Site, step: Callable[[str], None]) -> None:
    """Have a site have a QoS policy, or a security group with those that its rules name."""
    definitions = engine.networks.definitions
    shown = definitions.read(kind, key, None)
    step(f"bring a {'group' if kind == _GROUP else 'policy'}")
    for needed in definitions.need(shown, [], site, None):
        engine.replicas.realiser.realise(needed.definition.id, site, step=step)


def comparable(value: Any) -> Any:
    """Return something that is equal where two lists hold the same, in whatever order."""
    if not isinstance(value, list):
        return value
    return sorted(tuple(sorted(each.items())) if isinstance(each, dict) else (each,) for each in value)


def carry_deletion(engine: Engine, port_id: str, *, step: Callable[[str], None] = go_on) -> str:
    """Delete a port, which somebody deleted at the top, in the site that it was adopted from.

    A server's goes even if it is in use, as it does in Neutron. Those that Neutron itself needs stay: they go
    with their network, and are adopted anew until then.

    :return: what was done, in words.
    :raises Conflict: its site is not to be called now.
    """
    done = "No site has it."
    for route in engine.routes.all(port_id):
        if route.resource_type != PORT:
            continue
        site = engine.registry.snapshot.by_id.get(route.site_id)
        if site is None or not site.is_asked:
            raise Conflict("The site that the port was adopted from is disabled.")
        engine.networks.top.require_sight(route.project_id or "")
        shown = show(engine.sites, site, route.site_resource_id)
        if shown is not None and not str(shown.get("device_owner") or "").startswith(_OF_ITS_OWN):
            membership.changed(engine, site, groups_at_top(engine, shown, site))
            step("delete the port")
            target = f"{PORTS}/{route.site_resource_id}"
            engine.sites.call(site, SERVICE, "DELETE", target, expected={404})
            done = f"Deleted in site {site.name}."
        engine.routes.forget(port_id, PORT, site.id)
    return done
