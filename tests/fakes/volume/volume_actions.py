"""`POST /volumes/{id}/action`."""

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.fakes.server import Response
from tests.fakes.service import Call, Refusal, Route
from tests.fakes.volume.records import Volume

if TYPE_CHECKING:
    from tests.fakes.volume.service import BlockStorage

Performer = Callable[["BlockStorage", Call, Volume, Any], Response]

ACCEPTED = Response(202)


def _extend(storage: "BlockStorage", call: Call, volume: Volume, argument: Any) -> Response:
    size = int(argument["new_size"])
    if size <= volume.size:
        raise Refusal(
            400,
            f"Invalid input received: New size for extend must be greater than current size. (current: "
            f"{volume.size}, extended: {size}).",
        )
    volume.size = size
    return ACCEPTED


def _set_bootable(storage: "BlockStorage", call: Call, volume: Volume, argument: Any) -> Response:
    volume.bootable = str(argument["bootable"]).lower() == "true"
    return Response(200)


def _set_readonly(storage: "BlockStorage", call: Call, volume: Volume, argument: Any) -> Response:
    volume.metadata["readonly"] = str(argument["readonly"])
    return ACCEPTED


def _reset_status(storage: "BlockStorage", call: Call, volume: Volume, argument: Any) -> Response:
    if not call.admin:
        raise Refusal(
            403, "Policy doesn't allow volume_extension:volume_admin_actions:reset_status to be performed."
        )
    volume.status = argument["status"]
    return ACCEPTED


def _force_delete(storage: "BlockStorage", call: Call, volume: Volume, argument: Any) -> Response:
    if not call.admin:
        raise Refusal(
            403, "Policy doesn't allow volume_extension:volume_admin_actions:force_delete to be performed."
        )
    del storage.volumes[volume.id]
    return ACCEPTED


def _retype(storage: "BlockStorage", call: Call, volume: Volume, argument: Any) -> Response:
    kinds = [kind for kind in storage.types.values() if argument["new_type"] in {kind.id, kind.name}]
    if not kinds:
        raise Refusal(404, f"Volume type {argument['new_type']} could not be found.")
    volume.volume_type = kinds[0]
    return ACCEPTED


def _upload_image(storage: "BlockStorage", call: Call, volume: Volume, argument: Any) -> Response:
    image = {
        "id": volume.id,
        "image_id": str(uuid.uuid4()),
        "image_name": argument["image_name"],
        "status": "uploading",
        "size": volume.size,
        "container_format": argument.get("container_format", "bare"),
        "disk_format": argument.get("disk_format", "raw"),
        "display_description": volume.display_description,
    }
    return Response.of_json({"os-volume_upload_image": image}, 202)


def _become(status: str) -> Performer:
    def perform(storage: "BlockStorage", call: Call, volume: Volume, argument: Any) -> Response:
        volume.status = status
        return ACCEPTED

    return perform


ACTIONS: Mapping[str, Performer] = {
    "os-extend": _extend,
    "os-set_bootable": _set_bootable,
    "os-update_readonly_flag": _set_readonly,
    "os-force_delete": _force_delete,
    "os-reset_status": _reset_status,
    "os-retype": _retype,
    "os-volume_upload_image": _upload_image,
    "os-reserve": _become("attaching"),
    "os-unreserve": _become("available"),
    "os-attach": _become("in-use"),
    "os-detach": _become("available"),
    "os-begin_detaching": _become("detaching"),
    "os-roll_detaching": _become("in-use"),
}


def act(storage: "BlockStorage", call: Call) -> Response:
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
    volume = storage.volume_for(call, call.arguments["id"])
    response = performer(storage, call, volume, argument)
    volume.updated_at = storage.clock()
    return response


ROUTES: tuple[Route, ...] = (("POST", "/volumes/{id}/action", act),)
