"""Attachments, from microversion 3.27 on."""

import uuid
from typing import TYPE_CHECKING

from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route
from tests.fakes.volume.records import Attachment
from tests.fakes.volume.volumes import time, visible

if TYPE_CHECKING:
    from tests.fakes.volume.service import BlockStorage

SINCE = 27
COMPLETE_SINCE = 44


def index(storage: "BlockStorage", call: Call) -> Document:
    """List attachments."""
    return {"attachments": [_summary(attachment) for attachment in _chosen(storage, call)]}


def detail(storage: "BlockStorage", call: Call) -> Document:
    """List whole attachments."""
    return {"attachments": [_view(attachment) for attachment in _chosen(storage, call)]}


def _chosen(storage: "BlockStorage", call: Call) -> list[Attachment]:
    _require(call, SINCE)
    volume_id = call.request.parameter("volume_id")
    instance_id = call.request.parameter("instance_id")
    return [
        attachment
        for attachment in storage.attachments.values()
        if visible(call, attachment.project_id)
        and volume_id in {None, attachment.volume_id}
        and instance_id in {None, attachment.instance_uuid}
    ]


def create(storage: "BlockStorage", call: Call) -> Document:
    """Reserve a volume for a server, and connect it where a connector is given."""
    _require(call, SINCE)
    wanted = call.body("attachment")
    volume = storage.volume_for(call, wanted["volume_uuid"])
    if volume.status not in {"available", "in-use"}:
        raise Refusal(
            400,
            f"Invalid volume: Volume {volume.id} status must be available or downloading to reserve, but the "
            f"current status is {volume.status}.",
        )
    attachment = Attachment(
        str(uuid.uuid4()),
        call.token.project_id,
        volume.id,
        wanted.get("instance_uuid"),
        storage.clock(),
    )
    storage.attachments[attachment.id] = attachment
    volume.status = "reserved"
    if wanted.get("connector"):
        _connect(attachment)
    return {"attachment": _view(attachment)}


def show(storage: "BlockStorage", call: Call) -> Document:
    """Show an attachment."""
    _require(call, SINCE)
    return {"attachment": _view(_attachment(storage, call))}


def update(storage: "BlockStorage", call: Call) -> Document:
    """Give a reserved attachment its connector."""
    _require(call, SINCE)
    call.body("attachment")
    attachment = _attachment(storage, call)
    _connect(attachment)
    return {"attachment": _view(attachment)}


def delete(storage: "BlockStorage", call: Call) -> Document:
    """Delete an attachment, and make the volume available again."""
    _require(call, SINCE)
    attachment = _attachment(storage, call)
    del storage.attachments[attachment.id]
    storage.volumes[attachment.volume_id].status = "available"
    return {"attachments": []}


def complete(storage: "BlockStorage", call: Call) -> Response:
    """Say that the server has the volume."""
    _require(call, COMPLETE_SINCE)
    call.body("os-complete")
    attachment = _attachment(storage, call)
    attachment.attach_status = "attached"
    attachment.attached_at = storage.clock()
    storage.volumes[attachment.volume_id].status = "in-use"
    return Response(204)


def _connect(attachment: Attachment) -> None:
    attachment.attach_status = "attaching"
    attachment.connection_info = {"driver_volume_type": "fake", "attachment_id": attachment.id}


def _require(call: Call, minor: int) -> None:
    if not call.at_least(minor):
        raise Refusal(
            404, f"API version {call.version[0]}.{call.version[1]} is not supported on this method."
        )


def _attachment(storage: "BlockStorage", call: Call) -> Attachment:
    attachment = storage.attachments.get(call.arguments["id"])
    if attachment is None or not call.sees(attachment.project_id):
        raise Refusal(
            404,
            f"Volume attachment could not be found with filter: attachment_id = {call.arguments['id']}.",
        )
    return attachment


def _summary(attachment: Attachment) -> Document:
    return {
        "id": attachment.id,
        "status": attachment.attach_status,
        "instance": attachment.instance_uuid,
        "volume_id": attachment.volume_id,
    }


def _view(attachment: Attachment) -> Document:
    return _summary(attachment) | {
        "attached_at": time(attachment.attached_at) or "",
        "detached_at": "",
        "attach_mode": attachment.attach_mode,
        "connection_info": attachment.connection_info,
    }


ROUTES: tuple[Route, ...] = (
    ("GET", "/attachments", index),
    ("POST", "/attachments", create),
    ("GET", "/attachments/detail", detail),
    ("GET", "/attachments/{id}", show),
    ("PUT", "/attachments/{id}", update),
    ("DELETE", "/attachments/{id}", delete),
    ("POST", "/attachments/{id}/action", complete),
)
