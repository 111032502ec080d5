"""What pins new resources of the Block Storage API to a site."""

from collections.abc import Iterable

from tricircle.gateway.homed import SERVER_TYPE, SNAPSHOT_TYPE, VOLUME_TYPE
from tricircle.gateway.resource import Item
from tricircle.routing.resource_type import ResourceType


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


def snapshot_bonds(_: Item, snapshot: Item) -> Iterable[tuple[ResourceType, object]]:
    """Find the volume that a new snapshot is of."""
    yield VOLUME_TYPE, snapshot.get("volume_id")


def attachment_bonds(_: Item, attachment: Item) -> Iterable[tuple[ResourceType, object]]:
    """Find the volume that a new attachment is of."""
    yield VOLUME_TYPE, attachment.get("volume_uuid")
