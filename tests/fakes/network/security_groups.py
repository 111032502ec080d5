"""Security groups and their rules. A project's default group is made when it is first looked for."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.fakes.network import networks, tags
from tests.fakes.network.rows import chosen, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

_MATCHING = (
    *("direction", "ethertype", "protocol", "port_range_min", "port_range_max"),
    *("remote_ip_prefix", "remote_group_id", "remote_address_group_id"),
)
_RULE = (*_MATCHING, "security_group_id", "project_id", "tenant_id", "description")


def ensure_default(network: "Network", project_id: str) -> Document:
    """Return a project's default group, which is made where there is none."""
    for item in network.security_groups.values():
        if item["name"] == "default" and item["project_id"] == project_id:
            return item
    item = _make(network, project_id, "default", "Default security group")
    for ethertype in ("IPv4", "IPv6"):
        wanted = {"direction": "ingress", "ethertype": ethertype, "remote_group_id": item["id"]}
        _add(network, item, wanted, project_id)
    return item


def _make(network: "Network", project_id: str, name: str, description: str, **fields: Any) -> Document:
    item: Document = {
        "id": new_id(),
        "name": name,
        "description": description,
        "project_id": project_id,
        "tenant_id": project_id,
        "stateful": fields.get("stateful", True),
        "shared": False,
        **tags.of_new(network),
        "security_group_rules": [],
        **network.times(),
    }
    for ethertype in ("IPv4", "IPv6"):
        _add(network, item, {"direction": "egress", "ethertype": ethertype}, project_id)
    network.security_groups[item["id"]] = item
    return item


def _add(network: "Network", group: Document, wanted: Document, project_id: str) -> Document:
    """Add a rule, which need not be the group's project's."""
    rule: Document = {name: wanted.get(name) for name in _MATCHING}
    rule["ethertype"] = rule["ethertype"] or "IPv4"
    for other in group["security_group_rules"]:
        if all(other[name] == rule[name] for name in _MATCHING):
            message = f"Security group rule already exists. Rule id is {other['id']}."
            raise refusal(409, "SecurityGroupRuleExists", message)
    rule |= {
        "id": new_id(),
        "security_group_id": group["id"],
        "project_id": project_id,
        "tenant_id": project_id,
        "description": wanted.get("description", ""),
        "normalized_cidr": rule["remote_ip_prefix"],
        **network.times(),
    }
    group["security_group_rules"] = [*group["security_group_rules"], rule]
    return rule


def create(network: "Network", call: Call) -> Response:
    """Make a group."""
    known = ("name", "description", "project_id", "tenant_id", "stateful")
    wanted = require_known(call.body("security_group"), known, "security_group")
    project_id = networks.owner(call, wanted)
    ensure_default(network, project_id)
    if wanted.get("name") == "default":
        message = "Default security group already exists."
        raise refusal(409, "SecurityGroupDefaultAlreadyExists", message)
    fields = {name: wanted[name] for name in ("stateful",) if name in wanted}
    item = _make(network, project_id, wanted.get("name", ""), wanted.get("description", ""), **fields)
    return Response.of_json({"security_group": item}, 201)


def index(network: "Network", call: Call) -> Document:
    """List groups; the default one of the project that is asked for exists from then on."""
    asked = parse_qs(call.request.query)
    projects = asked.get("project_id") or asked.get("tenant_id") or [call.token.project_id]
    ensure_default(network, projects[0])
    items = [_seen(network, call, item) for item in network.security_groups.values()]
    visible = [item for item in items if call.sees(item["project_id"]) or item["shared"]]
    return page(call, "security-groups", chosen(call, visible))


def _seen(network: "Network", call: Call, item: Document) -> Document:
    return item | {"shared": network.is_shared(item["id"], call.token.project_id)}


def _find(network: "Network", call: Call, identifier: str) -> Document:
    item = network.security_groups.get(identifier)
    if item is None or not call.sees(item["project_id"]):
        raise not_found("security_group", identifier)
    return item


def show(network: "Network", call: Call) -> Document:
    """Show a group."""
    item = network.security_groups.get(call.arguments["id"])
    seen = item and _seen(network, call, item)
    if not seen or not (call.sees(seen["project_id"]) or seen["shared"]):
        raise not_found("security_group", call.arguments["id"])
    return {"security_group": shown(call, seen)}


def update(network: "Network", call: Call) -> Document:
    """Rename or describe a group."""
    item = _find(network, call, call.arguments["id"])
    wanted = require_known(call.body("security_group"), ("name", "description", "stateful"), "security_group")
    if item["name"] == "default" and "name" in wanted:
        message = "Updating default security group not allowed."
        raise refusal(409, "SecurityGroupCannotUpdateDefault", message)
    item.update(wanted)
    return {"security_group": item}


def delete(network: "Network", call: Call) -> Response:
    """Delete a group; the rules that name it as the remote one go with it."""
    item = _find(network, call, call.arguments["id"])
    if item["name"] == "default" and not call.admin:
        message = "Insufficient rights for removing default security group."
        raise refusal(409, "SecurityGroupCannotRemoveDefault", message)
    if any(item["id"] in port["security_groups"] for port in network.ports.values()):
        raise refusal(409, "SecurityGroupInUse", f"Security Group {item['id']} in use.")
    del network.security_groups[item["id"]]
    for policy_id, policy in list(network.rbac_policies.items()):
        if policy["object_id"] == item["id"]:
            del network.rbac_policies[policy_id]
    for other in network.security_groups.values():
        other["security_group_rules"] = [
            rule for rule in other["security_group_rules"] if rule["remote_group_id"] != item["id"]
        ]
    return Response(204)


def create_rules(network: "Network", call: Call) -> Response:
    """Make one rule, or many: all or none of them."""
    document = call.request.json()
    many = isinstance(document, dict) and "security_group_rules" in document
    wanted = document["security_group_rules"] if many else [call.body("security_group_rule")]
    checked = [require_known(each, _RULE, "security_group_rule") for each in wanted]
    groups = [_find(network, call, each.get("security_group_id", "")) for each in checked]
    for each in checked:
        if each.get("remote_group_id") is not None:
            if each.get("remote_ip_prefix") is not None:
                message = "Only remote_ip_prefix or remote_group_id may be provided."
                raise refusal(400, "SecurityGroupMultipleRemoteEntites", message)
            _find(network, call, each["remote_group_id"])
        if each.get("remote_address_group_id") is not None:
            _require_address_group(network, each)
    before = {group["id"]: group["security_group_rules"] for group in groups}
    made = []
    try:
        for group, each in zip(groups, checked, strict=True):
            made.append(_add(network, group, each, networks.owner(call, each)))
    except Exception:
        for group in groups:
            group["security_group_rules"] = before[group["id"]]
        raise
    body = {"security_group_rules": made} if many else {"security_group_rule": made[0]}
    return Response.of_json(body, 201)


def _require_address_group(network: "Network", wanted: Document) -> None:
    if "security-groups-remote-address-group" in network.lacks:
        raise refusal(400, "HTTPBadRequest", "Unrecognized attribute(s) 'remote_address_group_id'")
    if wanted.get("remote_group_id") or wanted.get("remote_ip_prefix"):
        message = "Only remote_ip_prefix, remote_group_id or remote_address_group_id may be provided."
        raise refusal(400, "SecurityGroupMultipleRemoteEntites", message)
    if wanted["remote_address_group_id"] not in network.address_groups:
        raise not_found("address_group", wanted["remote_address_group_id"])


def delete_rule(network: "Network", call: Call) -> Response:
    """Delete a rule."""
    identifier = call.arguments["id"]
    for group in network.security_groups.values():
        rules = group["security_group_rules"]
        if call.sees(group["project_id"]) and any(rule["id"] == identifier for rule in rules):
            group["security_group_rules"] = [rule for rule in rules if rule["id"] != identifier]
            return Response(204)
    raise not_found("security_group_rule", identifier)


ROUTES: tuple[Route, ...] = (
    ("GET", "/security-groups", index),
    ("POST", "/security-groups", create),
    ("GET", "/security-groups/{id}", show),
    ("PUT", "/security-groups/{id}", update),
    ("DELETE", "/security-groups/{id}", delete),
    ("POST", "/security-group-rules", create_rules),
    ("DELETE", "/security-group-rules/{id}", delete_rule),
)
