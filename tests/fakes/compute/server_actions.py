"""`POST /servers/{id}/action`."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.fakes.compute import server_view
from tests.fakes.compute.records import Server
from tests.fakes.compute.servers import find_group, note
from tests.fakes.server import Response
from tests.fakes.service import Call, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.compute.service import Compute

Performer = Callable[["Compute", Call, Server, Any], Response]

ACCEPTED = Response(202, b"", (("Content-Type", "application/json"),))


@dataclass(frozen=True)
class Change:
    """An action that only takes a server from one state to another."""

    name: str
    """What Nova calls it in messages and in the list of actions."""
    come_from: frozenset[str]
    to: str

    def __call__(self, compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
        """Do it, where the server's state allows it."""
        if server.vm_state not in self.come_from:
            raise Refusal(
                409,
                f"Cannot '{self.name}' instance {server.id} while it is in vm_state {server.vm_state}",
            )
        server.vm_state = self.to
        server.power_state = 1 if self.to in {"active", "rescued", "resized"} else 4
        note(call, server, self.name)
        return ACCEPTED


def _change(name: str, come_from: str, to: str) -> Change:
    return Change(name, frozenset(come_from.split()), to)


def _rebuild(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    if "imageRef" not in argument:
        raise Refusal(400, "Invalid input for field/attribute rebuild. 'imageRef' is a required property")
    server.image_ref = argument["imageRef"]
    server.display_name = argument.get("name", server.display_name)
    server.metadata = argument.get("metadata", server.metadata)
    note(call, server, "rebuild")
    view = server_view.detail(call, server, full=call.at_least(75))
    view["adminPass"] = argument.get("adminPass") or secrets.token_urlsafe(9)
    if call.at_least(57):
        view["user_data"] = server.user_data
    return Response.of_json({"server": view}, 202, (("Location", view["links"][0]["href"]),))


def _resize(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    flavor = compute.flavors.get(str(argument.get("flavorRef")))
    if flavor is None:
        raise Refusal(400, f"Flavor {argument.get('flavorRef')} could not be found.")
    response = _change("resize", "active stopped", "resized")(compute, call, server, argument)
    server.flavor = flavor
    return response


def _confirm_resize(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    _change("confirmResize", "resized", "active")(compute, call, server, argument)
    return Response(204)


def _create_image(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    if "name" not in (argument or {}):
        raise Refusal(400, "Invalid input for field/attribute createImage. 'name' is a required property")
    image_id = str(uuid.uuid4())
    note(call, server, "createImage")
    if call.at_least(45):
        return Response.of_json({"image_id": image_id}, 202)
    location = f"http://glance.{compute.region.lower()}.example.net/images/{image_id}"
    return Response(202, b"", (("Location", location),))


def _unshelve(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    zone = (argument or {}).get("availability_zone")
    if zone is not None:
        if zone not in compute.zones:
            raise Refusal(400, "The requested availability zone is not available")
        server.availability_zone = server.pinned_zone = zone
    return _change("unshelve", "shelved shelved_offloaded", "active")(compute, call, server, argument)


def _console_output(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    lines = [f"{server.display_name} line {number}" for number in range(1, 51)]
    length = (argument or {}).get("length")
    return Response.of_json({"output": "\n".join(lines if length is None else lines[-int(length) :])})


def _lock(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    server.locked = True
    server.locked_reason = (argument or {}).get("locked_reason") if call.at_least(73) else None
    note(call, server, "lock")
    return ACCEPTED


def _unlock(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    server.locked, server.locked_reason = False, None
    note(call, server, "unlock")
    return ACCEPTED


def _add_security_group(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    server.security_groups.append(find_group(compute, call, argument["name"]))
    return ACCEPTED


def _remove_security_group(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    group = find_group(compute, call, argument["name"])
    if group not in server.security_groups:
        raise Refusal(404, f"Security group {argument['name']} not associated with the instance {server.id}")
    server.security_groups.remove(group)
    return ACCEPTED


def _add_fixed_ip(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    _require_proxies(call)
    for port in server.interfaces:
        if port.net_id == argument["networkId"]:
            port.more_addresses.append(f"10.254.0.{len(port.addresses)}")
            break
    return ACCEPTED  # where there is no such port, too: it is found out later


def _remove_fixed_ip(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    _require_proxies(call)
    for port in server.interfaces:
        if argument["address"] in port.more_addresses:
            port.more_addresses.remove(argument["address"])
    return ACCEPTED


def _force_delete(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    server.deleted = True
    return ACCEPTED


def _require_proxies(call: Call) -> None:
    """Refuse what ended with microversion 2.43."""
    if call.at_least(44):
        raise Refusal(404, "The resource could not be found.")


def _reset_state(compute: "Compute", call: Call, server: Server, argument: Any) -> Response:
    if not call.admin:
        raise Refusal(
            403, "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed."
        )
    server.vm_state = argument["state"]
    return ACCEPTED


ACTIONS: Mapping[str, Performer] = {
    "reboot": _change("reboot", "active", "active"),
    "os-start": _change("start", "stopped", "active"),
    "os-stop": _change("stop", "active error", "stopped"),
    "pause": _change("pause", "active", "paused"),
    "unpause": _change("unpause", "paused", "active"),
    "suspend": _change("suspend", "active", "suspended"),
    "resume": _change("resume", "suspended", "active"),
    "shelve": _change("shelve", "active stopped", "shelved"),
    "shelveOffload": _change("shelveOffload", "shelved", "shelved_offloaded"),
    "revertResize": _change("revertResize", "resized", "active"),
    "changePassword": _change("changePassword", "active", "active"),
    "unshelve": _unshelve,
    "rebuild": _rebuild,
    "resize": _resize,
    "confirmResize": _confirm_resize,
    "createImage": _create_image,
    "os-getConsoleOutput": _console_output,
    "lock": _lock,
    "unlock": _unlock,
    "addSecurityGroup": _add_security_group,
    "removeSecurityGroup": _remove_security_group,
    "addFixedIp": _add_fixed_ip,
    "removeFixedIp": _remove_fixed_ip,
    "os-resetState": _reset_state,
    "forceDelete": _force_delete,
}


def act(compute: "Compute", call: Call) -> Response:
    """Do what the only key of the body says."""
    try:
        document = call.request.json()
    except ValueError:
        raise Refusal(400, "Malformed request body") from None
    if not isinstance(document, dict) or len(document) != 1:
        raise Refusal(400, "Malformed request body")
    name, argument = next(iter(document.items()))
    performer = ACTIONS.get(name)
    if performer is None:
        raise Refusal(400, f"There is no such action: {name}")
    server = compute.server_for(call, call.arguments["id"])
    response = performer(compute, call, server, argument)
    server.updated_at = compute.clock()
    return response


ROUTES: tuple[Route, ...] = (("POST", "/servers/{id}/action", act),)
