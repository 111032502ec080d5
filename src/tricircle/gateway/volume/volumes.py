"""Volumes, where they need more than forwarding: what pins one to a site, by what a new one is known again,
and the action that names a volume type."""

from collections.abc import Iterable
from typing import Any

import orjson

from tricircle.gateway.answers import pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.forward import Forward
from tricircle.gateway.intents import LONGEST_FACT, name_of
from tricircle.gateway.prerequisites import volume_action_needs
from tricircle.gateway.resource import Item
from tricircle.jobs.types import IntentParameters
from tricircle.routing.homed import SERVER_TYPE, SNAPSHOT_TYPE, VOLUME_TYPE
from tricircle.routing.resource_type import ResourceType
from tricircle.sites.site import Site


class VolumeAction(Forward):
    """Handler of `POST /volumes/{volume_id}/action`: a volume type named in one is the top's."""

    def __init__(self) -> None:
        super().__init__(VOLUME_TYPE, "volume_id")

    def __call__(self, call: Call) -> Reply:
        """Do the action."""
        body = call.body()
        if body is None or b"os-retype" not in body:
            return super().__call__(call)
        site = call.engine.locator.locate(VOLUME_TYPE, call.params["volume_id"], call.identity, call.token)
        return pass_back(call, site, call.send(site, body=self._in_site(call, site, body)))

    def _deletes(self, call: Call) -> bool:
        return b'"os-force_delete"' in (call.body() or b"")

    @staticmethod
    def _in_site(call: Call, site: Site, body: bytes) -> bytes:
        """Name the type as the site does, which must have it."""
        try:
            action = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body  # the site says what is wrong
        if not isinstance(action, dict):
            return body
        volume_action_needs(call, action).prepare_if_possible(call, site)
        return orjson.dumps(action)


def volume_bonds(document: Item, volume: Item) -> Iterable[tuple[ResourceType, object]]:
    """Find what a new volume is made from, and what the scheduler is asked to put it near."""
    yield SNAPSHOT_TYPE, volume.get("snapshot_id")
    yield VOLUME_TYPE, volume.get("source_volid")
    hints = document.get("OS-SCH-HNT:scheduler_hints")
    if isinstance(hints, dict):
        yield SERVER_TYPE, hints.get("local_to_instance")
        near = hints.get("same_host")
        for volume_id in near if isinstance(near, list) else [near]:
            yield VOLUME_TYPE, volume_id


def volume_intent(volume: Item) -> IntentParameters:
    """Tell by what a new volume would be known again: its name, its size, and the name of its type."""
    facts: dict[str, Any] = {}
    size = volume.get("size")
    if isinstance(size, int):
        facts["size"] = size
    kind = volume.get("volume_type")
    # A site shows the name of the type, also where the request had its id.
    if isinstance(kind, str) and kind and len(kind) <= LONGEST_FACT and not ResourceType.is_id(kind):
        facts["volume_type"] = kind
    return IntentParameters(name_of(volume, "name", "display_name"), 1, "", facts)


def snapshot_bonds(_: Item, snapshot: Item) -> Iterable[tuple[ResourceType, object]]:
    """Find the volume that a new snapshot is of."""
    yield VOLUME_TYPE, snapshot.get("volume_id")


def attachment_bonds(_: Item, attachment: Item) -> Iterable[tuple[ResourceType, object]]:
    """Find the volume that a new attachment is of."""
    yield VOLUME_TYPE, attachment.get("volume_uuid")
