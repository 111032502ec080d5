"""Server groups."""

import uuid
from typing import TYPE_CHECKING

from tests.fakes.compute.records import ServerGroup
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.compute.service import Compute


def index(compute: "Compute", call: Call) -> Document:
    """List a project's groups; all of them for an administrator who asks."""
    everybody = call.admin and "all_projects" in dict(call.request.parameters)
    groups = [
        group
        for group in compute.server_groups.values()
        if everybody or group.project_id == call.token.project_id
    ]
    first = int(call.request.parameter("offset") or 0)
    limit = min(int(call.request.parameter("limit") or compute.max_limit), compute.max_limit)
    return {"server_groups": [_view(compute, call, group) for group in groups[first : first + limit]]}


def create(compute: "Compute", call: Call) -> Document:
    """Make a group."""
    wanted = call.body("server_group")
    policy = wanted.get("policy") if call.at_least(64) else (wanted.get("policies") or [None])[0]
    if policy is None:
        raise Refusal(400, "Invalid input for field/attribute server_group. 'policy' is a required property")
    group = ServerGroup(
        str(uuid.uuid4()),
        wanted["name"],
        policy,
        wanted.get("rules", {}),
        call.token.project_id,
        call.token.user_id,
    )
    compute.server_groups[group.id] = group
    return {"server_group": _view(compute, call, group)}


def show(compute: "Compute", call: Call) -> Document:
    """Show a group."""
    return {"server_group": _view(compute, call, _group(compute, call))}


def delete(compute: "Compute", call: Call) -> Response:
    """Delete a group."""
    del compute.server_groups[_group(compute, call).id]
    return Response(204)


def _group(compute: "Compute", call: Call) -> ServerGroup:
    group = compute.server_groups.get(call.arguments["id"])
    if group is None or not call.sees(group.project_id):
        raise Refusal(404, f"Instance group {call.arguments['id']} could not be found.")
    return group


def _view(compute: "Compute", call: Call, group: ServerGroup) -> Document:
    alive = [member for member in group.members if not compute.servers[member].deleted]
    view: Document = {"id": group.id, "name": group.name, "members": alive}
    if call.at_least(64):
        view |= {"policy": group.policy, "rules": group.rules}
    else:
        view |= {"policies": [group.policy], "metadata": {}}
    if call.at_least(13):
        view |= {"project_id": group.project_id, "user_id": group.user_id}
    return view


ROUTES: tuple[Route, ...] = (
    ("GET", "/os-server-groups", index),
    ("POST", "/os-server-groups", create),
    ("GET", "/os-server-groups/{id}", show),
    ("DELETE", "/os-server-groups/{id}", delete),
)
