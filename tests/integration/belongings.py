"""What a test makes over the top's API, and puts away again."""

from typing import Any

from tests.integration.clients import Client
from tests.integration.conditions import BOUND, eventually, side_by_side


class Belongings:
    """Servers, volumes and snapshots of one user, made for a while."""

    def __init__(self, owner: Client) -> None:
        self.owner = owner
        self._image_id: str = owner.facts["image_id"]
        self._flavor_id: str = owner.facts["flavor_ids"][0]
        self._kept: dict[str, list[str]] = {"servers": [], "snapshots": [], "volumes": [], "images": []}

    def keep(self, collection: str, item_id: str) -> str:
        """Remember something that was made elsewhere, so that it is put away too."""
        self._kept[collection].append(item_id)
        return item_id

    def server(self, name: str, zone: str | None = None, **more: Any) -> Any:
        """Boot a server, and return it when it is ACTIVE."""
        return self.active(self.booting(name, zone, **more))

    def booting(self, name: str, zone: str | None = None, **more: Any) -> Any:
        """Boot a server, and return it at once."""
        wishes = {"image_id": self._image_id, "flavor_id": self._flavor_id, "networks": "none", **more}
        if zone is not None:
            wishes["availability_zone"] = zone
        server = self.owner.compute.create_server(name=name, **wishes)
        self.keep("servers", server.id)
        return server

    def active(self, server: Any) -> Any:
        """Wait for a server to be ACTIVE."""
        return self.owner.compute.wait_for_server(server, interval=0.2, wait=BOUND)

    def volume(self, name: str, zone: str | None = None, **more: Any) -> Any:
        """Create a volume, and return it when it is available."""
        wishes = {"size": 1, **more}
        if zone is not None:
            wishes["availability_zone"] = zone
        volume = self.owner.volume.create_volume(name=name, **wishes)
        self.keep("volumes", volume.id)
        return self.available(volume)

    def snapshot(self, name: str, volume: Any, **more: Any) -> Any:
        """Take a snapshot of a volume, and return it when it is available."""
        snapshot = self.owner.volume.create_snapshot(name=name, volume_id=volume.id, **more)
        self.keep("snapshots", snapshot.id)
        return self.available(snapshot)

    def available(self, item: Any, status: str = "available") -> Any:
        """Wait for a volume or a snapshot."""
        return self.owner.volume.wait_for_status(item, status, ["error"], interval=0.1, wait=BOUND)

    def attach(self, server: Any, volume: Any) -> Any:
        """Attach a volume to a server, and return the volume when it is in use."""
        self.owner.compute.create_volume_attachment(server, volume_id=volume.id)
        return self.available(volume, "in-use")

    def put_away(self) -> None:
        """Delete everything, and see it gone; what hangs on something goes before it."""
        for collection in ("servers", "snapshots", "volumes", "images"):
            paths = [f"/{collection}/{item_id}" for item_id in self._kept[collection]]
            for deleted in side_by_side(self._service(collection).delete, paths):
                assert deleted.status_code in {202, 204, 404}, f"{deleted.url}: {deleted.text}"
            # One after another: to show one that is going costs a site nearly as much as to delete it.
            for path in paths:
                self._see_gone(self._service(collection), path)
            self._kept[collection].clear()

    def _service(self, collection: str) -> Any:
        return {
            "servers": self.owner.compute,
            "volumes": self.owner.volume,
            "snapshots": self.owner.volume,
            "images": self.owner.connection.image,
        }[collection]

    @staticmethod
    def _see_gone(service: Any, path: str) -> None:
        eventually(lambda: service.get(path).status_code == 404, f"{path} gone")
