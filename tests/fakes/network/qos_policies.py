"""QoS policies with their rules, and which networks and ports have them (extension `qos`)."""

from typing import TYPE_CHECKING, Any

from tests.fakes.network import networks
from tests.fakes.network.rows import chosen, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

ALIAS = "qos"

_SETTABLE = ("name", "description", "shared", "is_default", "project_id", "tenant_id")

_RULES: dict[str, Document] = {
    "bandwidth_limit": {"max_kbps": None, "max_burst_kbps": 0, "direction": "egress"},
    "dscp_marking": {"dscp_mark": None},
    "minimum_bandwidth": {"min_kbps": None, "direction": "egress"},
    "packet_rate_limit": {"max_kpps": None, "max_burst_kpps": 0, "direction": "egress"},
    "minimum_packet_rate": {"min_kpps": None, "direction": "egress"},
}
"""Fields of each kind of rule, and what they are where nothing is said."""

_AT_LEAST_AND_MOST = (("minimum_bandwidth", "min_kbps", "bandwidth_limit", "max_kbps"),)


def fields(network: "Network") -> tuple[str, ...]:
    """Return what networks and ports have of it."""
    return () if ALIAS in network.lacks else ("qos_policy_id",)


def put_on(network: "Network", item: Document, wanted: Document) -> None:
    """Give a network or a port the policy that is asked for.

    :raises Refusal: there is none.
    """
    for name in fields(network):
        policy = wanted.get(name, item.get(name))
        if policy is not None and policy not in network.qos_policies:
            raise not_found("policy", policy)
        item[name] = policy


def _require_extension(network: "Network") -> None:
    if ALIAS in network.lacks:
        raise Refusal(404, "The resource could not be found.")


def create(network: "Network", call: Call) -> Response:
    """Make a policy, which has no rules."""
    _require_extension(network)
    wanted = require_known(call.body("policy"), _SETTABLE, "policy")
    project_id = networks.owner(call, wanted)
    item: Document = {
        "id": new_id(),
        "name": wanted.get("name", ""),
        "description": wanted.get("description", ""),
        "project_id": project_id,
        "tenant_id": project_id,
        "shared": wanted.get("shared", False),
        "is_default": wanted.get("is_default", False),
        "rules": [],
        "tags": [],
        **network.times(),
    }
    network.qos_policies[item["id"]] = item
    return Response.of_json({"policy": item}, 201)


def index(network: "Network", call: Call) -> Document:
    """List policies."""
    _require_extension(network)
    items = [
        item for item in network.qos_policies.values() if call.sees(item["project_id"]) or item["shared"]
    ]
    return page(call, "policies", chosen(call, items))


def _find(network: "Network", call: Call) -> Document:
    _require_extension(network)
    item = network.qos_policies.get(call.arguments["id"])
    if item is None or not (call.sees(item["project_id"]) or item["shared"]):
        raise not_found("policy", call.arguments["id"])
    return item


def show(network: "Network", call: Call) -> Document:
    """Show a policy."""
    return {"policy": shown(call, _find(network, call))}


def update(network: "Network", call: Call) -> Document:
    """Rename or describe a policy."""
    item = _find(network, call)
    item.update(require_known(call.body("policy"), ("name", "description", "shared", "is_default"), "policy"))
    return {"policy": item}


def delete(network: "Network", call: Call) -> Response:
    """Delete a policy; not while something has it."""
    item = _find(network, call)
    for kind, items in (("network", network.networks), ("port", network.ports)):
        for user in items.values():
            if user.get("qos_policy_id") == item["id"]:
                message = f"QoS Policy {item['id']} is used by {kind} {user['id']}."
                raise refusal(409, "QosPolicyInUse", message)
    del network.qos_policies[item["id"]]
    return Response(204)


# -- rules ------------------------------------------------------------------------------------------------


def _kind(call: Call) -> str:
    kind = call.arguments["rules"].removesuffix("_rules")
    if kind not in _RULES:
        raise Refusal(404, "The resource could not be found.")
    return kind


def create_rule(network: "Network", call: Call) -> Response:
    """Add a rule: one of its kind and direction."""
    policy, kind = _find(network, call), _kind(call)
    wanted = require_known(call.body(f"{kind}_rule"), _RULES[kind], f"{kind}_rule")
    rule = {**_RULES[kind], **wanted, "id": new_id(), "type": kind}
    _require_fit(policy, rule)
    policy["rules"] = [*policy["rules"], rule]
    return Response.of_json({f"{kind}_rule": _own(rule)}, 201)


def _require_fit(policy: Document, rule: Document) -> None:
    others = [other for other in policy["rules"] if other["id"] != rule["id"]]
    same = ("type", "direction")
    if any(all(other.get(name) == rule.get(name) for name in same) for other in others):
        message = f"Rule {rule['type']} conflicts with rule in QoS Policy {policy['id']}."
        raise refusal(409, "QoSRulesConflict", message)
    by_kind: dict[tuple[str, Any], Document] = {
        (each["type"], each.get("direction")): each for each in [*others, rule]
    }
    for least_kind, least, most_kind, most in _AT_LEAST_AND_MOST:
        for direction in ("egress", "ingress"):
            low, high = by_kind.get((least_kind, direction)), by_kind.get((most_kind, direction))
            if low is not None and high is not None and low[least] > high[most]:
                message = f"Unable to add the rule with value {low[least]} to the policy {policy['id']}."
                raise refusal(409, "QoSRuleParameterConflict", message)


def _own(rule: Document) -> Document:
    return {name: value for name, value in rule.items() if name != "type"}


def _find_rule(network: "Network", call: Call) -> tuple[Document, Document]:
    policy, kind = _find(network, call), _kind(call)
    for rule in policy["rules"]:
        if (rule["id"], rule["type"]) == (call.arguments["rule"], kind):
            return policy, rule
    message = f"QoS rule {call.arguments['rule']} for policy {policy['id']} could not be found."
    raise refusal(404, "QosRuleNotFound", message)


def update_rule(network: "Network", call: Call) -> Document:
    """Change a rule."""
    policy, rule = _find_rule(network, call)
    kind = rule["type"]
    wanted = require_known(call.body(f"{kind}_rule"), _RULES[kind], f"{kind}_rule")
    _require_fit(policy, rule | wanted)
    rule.update(wanted)
    return {f"{kind}_rule": _own(rule)}


def delete_rule(network: "Network", call: Call) -> Response:
    """Remove a rule."""
    policy, rule = _find_rule(network, call)
    policy["rules"] = [each for each in policy["rules"] if each is not rule]
    return Response(204)


ROUTES: tuple[Route, ...] = (
    ("GET", "/qos/policies", index),
    ("POST", "/qos/policies", create),
    ("GET", "/qos/policies/{id}", show),
    ("PUT", "/qos/policies/{id}", update),
    ("DELETE", "/qos/policies/{id}", delete),
    ("POST", "/qos/policies/{id}/{rules}", create_rule),
    ("PUT", "/qos/policies/{id}/{rules}/{rule}", update_rule),
    ("DELETE", "/qos/policies/{id}/{rules}/{rule}", delete_rule),
)
