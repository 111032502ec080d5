"""A Cinder volume driver for volumes that have no bytes: everything succeeds at once."""

from __future__ import annotations

import io
from typing import Any

from cinder import interface
from cinder.volume import driver

CONTENT = b"a volume that never had any bytes\n"


@interface.volumedriver
class SandboxVolumeDriver(driver.VolumeDriver):
    """Creates, clones, snapshots, attaches, extends and uploads volumes that are rows in a database only."""

    VERSION = "1.0"
    CI_WIKI_NAME = "None"

    def check_for_setup_error(self) -> None:
        """There is nothing to set up."""

    def _update_volume_stats(self) -> None:
        """Offer one pool, large enough for any test."""
        name = self.configuration.safe_get("volume_backend_name")
        pool = {
            "pool_name": name,
            "total_capacity_gb": 100000,
            "free_capacity_gb": 100000,
            "provisioned_capacity_gb": 0,
            "reserved_percentage": 0,
            "max_over_subscription_ratio": 20.0,
            "thin_provisioning_support": True,
            "multiattach": True,
            "QoS_support": False,
            "consistent_group_snapshot_enabled": False,
        }
        self._stats = {
            "volume_backend_name": name,
            "vendor_name": "Tricircle",
            "driver_version": self.VERSION,
            "storage_protocol": "fake",
            "pools": [pool],
        }

    def create_volume(self, volume: Any) -> None:
        """Create a volume."""

    def delete_volume(self, volume: Any) -> None:
        """Delete a volume."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Extend a volume."""

    def create_snapshot(self, snapshot: Any) -> None:
        """Create a snapshot."""

    def delete_snapshot(self, snapshot: Any) -> None:
        """Delete a snapshot."""

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        """Create a volume from a snapshot."""

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        """Create a volume from another."""

    def revert_to_snapshot(self, context: Any, volume: Any, snapshot: Any) -> None:
        """Revert a volume to its latest snapshot."""

    def clone_image(
        self, _context: Any, _volume: Any, _location: Any, _meta: Any, _service: Any
    ) -> tuple[Any, bool]:
        """Create a volume from an image: True says that it is done, so Cinder does not download the image."""
        return {}, True

    def copy_image_to_volume(
        self, context: Any, volume: Any, image_service: Any, image_id: Any, **_: Any
    ) -> None:
        """Write an image to a volume."""

    def copy_volume_to_image(self, context: Any, _volume: Any, image_service: Any, image_meta: Any) -> None:
        """Upload a volume as an image: a few bytes stand for it."""
        image_service.update(context, image_meta["id"], {}, io.BytesIO(CONTENT))

    def retype(self, _context: Any, _volume: Any, _new_type: Any, _diff: Any, _host: Any) -> bool:
        """Change a volume's type: True says that it is done."""
        return True

    def ensure_export(self, context: Any, volume: Any) -> None:
        """Export a volume again after a restart."""

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        """Export a volume."""

    def remove_export(self, context: Any, volume: Any) -> None:
        """Stop exporting a volume."""

    def initialize_connection(self, volume: Any, _connector: Any) -> dict[str, Any]:
        """Tell Nova how to reach a volume; the fake hypervisor does not try."""
        return {"driver_volume_type": "fake", "data": {"volume_id": volume["id"]}}

    def terminate_connection(self, volume: Any, connector: Any, **_: Any) -> None:
        """Forget a connection."""
