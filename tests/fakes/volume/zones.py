"""Availability zones and limits: what a site's Cinder says of itself as a whole."""

from typing import TYPE_CHECKING

from tests.fakes.service import Call, Document, Route

if TYPE_CHECKING:
    from tests.fakes.volume.service import BlockStorage


def index(storage: "BlockStorage", call: Call) -> Document:
    """List zones."""
    return {
        "availabilityZoneInfo": [
            {"zoneName": zone, "zoneState": {"available": True}} for zone in storage.zones
        ]
    }


def limits(storage: "BlockStorage", call: Call) -> Document:
    """Show quota and use of a project."""
    project = call.token.project_id
    volumes = [volume for volume in list(storage.volumes.values()) if volume.project_id == project]
    snapshots = [item for item in list(storage.snapshots.values()) if item.project_id == project]
    gigabytes = sum(volume.size for volume in volumes) + sum(item.volume_size for item in snapshots)
    absolute = {
        "maxTotalVolumes": 10,
        "maxTotalSnapshots": 10,
        "maxTotalVolumeGigabytes": 1000,
        "maxTotalBackups": 10,
        "maxTotalBackupGigabytes": 1000,
        "totalVolumesUsed": len(volumes),
        "totalSnapshotsUsed": len(snapshots),
        "totalGigabytesUsed": gigabytes,
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
    return {"limits": {"rate": [], "absolute": absolute}}


ROUTES: tuple[Route, ...] = (("GET", "/os-availability-zone", index), ("GET", "/limits", limits))
