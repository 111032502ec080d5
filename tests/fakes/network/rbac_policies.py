"""With whom networks are shared: RBAC policies. Only an administrator shares with everybody."""

from typing import TYPE_CHECKING

from tests.fakes.network import networks
from tests.fakes.network.rows import chosen, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

_SETTABLE = ("object_type", "object_id", "action", "target_tenant", "project_id", "tenant_id")


def create(network: "Network", call: Call) -> Response:
    """Share a network."""
    wanted = require_known(call.body("rbac_policy"), _SETTABLE, "rbac_policy")
    home = network.networks.get(wanted["object_id"])
    if home is None or not call.sees(home["project_id"]):
        raise not_found("network", wanted["object_id"])
    if wanted["target_tenant"] == "*" and not call.admin:
        raise Refusal(403, "rule:restrict_wildcard is disallowed by policy")
    item = make(network, home["id"], networks.owner(call, wanted), wanted["target_tenant"])
    return Response.of_json({"rbac_policy": item}, 201)


def make(network: "Network", network_id: str, project_id: str, target: str) -> Document:
    """Have a network shared with a project, or with everybody (`*`)."""
    item: Document = {
        "object_type": "network",
        "object_id": network_id,
        "action": "access_as_shared",
        "target_tenant": target,
    }
    for other in network.rbac_policies.values():
        if all(other[name] == value for name, value in item.items()):
            raise refusal(409, "DuplicateRbacPolicy", "An RBAC policy already exists with those values.")
    item |= {"id": new_id(), "project_id": project_id, "tenant_id": project_id}
    network.rbac_policies[item["id"]] = item
    return item


def index(network: "Network", call: Call) -> Document:
    """List policies; of those of others only administrators know."""
    items = [item for item in network.rbac_policies.values() if call.sees(item["project_id"])]
    return page(call, "rbac-policies", chosen(call, items))


def _find(network: "Network", call: Call) -> Document:
    item = network.rbac_policies.get(call.arguments["id"])
    if item is None or not call.sees(item["project_id"]):
        raise not_found("rbac_policy", call.arguments["id"])
    return item


def show(network: "Network", call: Call) -> Document:
    """Show a policy."""
    return {"rbac_policy": shown(call, _find(network, call))}


def update(network: "Network", call: Call) -> Document:
    """Share with somebody else."""
    item = _find(network, call)
    item.update(require_known(call.body("rbac_policy"), ("target_tenant",), "rbac_policy"))
    return {"rbac_policy": item}


def delete(network: "Network", call: Call) -> Response:
    """Share no more, unless ports of others are on the network because of it."""
    item = _find(network, call)
    home = network.networks[item["object_id"]]
    for port in network.ports.values():
        owner = port["project_id"]
        needs_it = port["network_id"] == home["id"] and item["target_tenant"] in {"*", owner}
        others = [each for each in targets(network, home["id"]) if each != item["target_tenant"]]
        if needs_it and owner != home["project_id"] and not {"*", owner} & set(others):
            words = "cannot be removed because other objects depend on it."
            raise refusal(409, "RbacPolicyInUse", f"RBAC policy on object {home['id']} {words}")
    del network.rbac_policies[item["id"]]
    return Response(204)


def targets(network: "Network", network_id: str) -> set[str]:
    """Return with whom a network is shared."""
    return {
        item["target_tenant"] for item in network.rbac_policies.values() if item["object_id"] == network_id
    }


ROUTES: tuple[Route, ...] = (
    ("GET", "/rbac-policies", index),
    ("POST", "/rbac-policies", create),
    ("GET", "/rbac-policies/{id}", show),
    ("PUT", "/rbac-policies/{id}", update),
    ("DELETE", "/rbac-policies/{id}", delete),
)
