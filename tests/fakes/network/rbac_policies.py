"""With whom networks and security groups are shared, and to whom networks are external: RBAC policies.

Only an administrator makes one for everybody.
"""

from typing import TYPE_CHECKING

from tests.fakes.network import networks
from tests.fakes.network.rows import chosen, invalid, new_id, not_found, page, refusal, require_known, shown
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

SHARED, EXTERNAL = "access_as_shared", "access_as_external"
_SETTABLE = ("object_type", "object_id", "action", "target_tenant", "project_id", "tenant_id")


def create(network: "Network", call: Call) -> Response:
    """Share something."""
    wanted = require_known(call.body("rbac_policy"), _SETTABLE, "rbac_policy")
    kind = wanted["object_type"]
    homes = {"network": network.networks, "security_group": network.security_groups}[kind]
    home = homes.get(wanted["object_id"])
    if home is None or not call.sees(home["project_id"]):
        if (kind, wanted["action"]) == ("network", SHARED):
            raise invalid(f"Network {wanted['object_id']} could not be found")
        raise not_found(kind, wanted["object_id"])
    if wanted["target_tenant"] == "*" and not call.admin:
        raise Refusal(403, "rule:restrict_wildcard is disallowed by policy")
    project_id, target = networks.owner(call, wanted), wanted["target_tenant"]
    item = make(network, home["id"], project_id, target, action=wanted["action"], object_type=kind)
    return Response.of_json({"rbac_policy": item}, 201)


def make(
    network: "Network",
    object_id: str,
    project_id: str,
    target: str,
    *,
    action: str = SHARED,
    object_type: str = "network",
) -> Document:
    """Have something shared with a project, or with everybody (`*`); or external to them."""
    item: Document = {
        "object_type": object_type,
        "object_id": object_id,
        "action": action,
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
    if item["object_type"] == "security_group":
        _require_no_ports(network, item)
        del network.rbac_policies[item["id"]]
        return Response(204)
    home = network.networks[item["object_id"]]
    for port in network.ports.values():
        owner = port["project_id"]
        needs_it = port["network_id"] == home["id"] and item["target_tenant"] in {"*", owner}
        others = [each for each in targets(network, home["id"]) if each != item["target_tenant"]]
        if (
            item["action"] == SHARED
            and needs_it
            and owner != home["project_id"]
            and not {"*", owner} & set(others)
        ):
            words = "cannot be removed because other objects depend on it."
            raise refusal(409, "RbacPolicyInUse", f"RBAC policy on object {home['id']} {words}")
    del network.rbac_policies[item["id"]]
    return Response(204)


def _require_no_ports(network: "Network", item: Document) -> None:
    if any(
        item["object_id"] in port["security_groups"] and item["target_tenant"] in {"*", port["project_id"]}
        for port in network.ports.values()
    ):
        words = "cannot be removed because other objects depend on it."
        raise refusal(409, "RbacPolicyInUse", f"RBAC policy on object {item['object_id']} {words}")


def targets(network: "Network", object_id: str, action: str = SHARED) -> set[str]:
    """Return with whom something is shared, or to whom it is external."""
    return {
        item["target_tenant"]
        for item in network.rbac_policies.values()
        if (item["object_id"], item["action"]) == (object_id, action)
    }


ROUTES: tuple[Route, ...] = (
    ("GET", "/rbac-policies", index),
    ("POST", "/rbac-policies", create),
    ("GET", "/rbac-policies/{id}", show),
    ("PUT", "/rbac-policies/{id}", update),
    ("DELETE", "/rbac-policies/{id}", delete),
)
