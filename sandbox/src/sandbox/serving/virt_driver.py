"""Nova's fake hypervisor, less two ways in which it differs from a real one that matter to a client."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import Any

from nova import context as nova_context
from nova import objects
from nova.image import glance
from nova.virt import fake

from sandbox.control import MARK
from sandbox.layout import Layout
from sandbox.serving.virtual_server import VirtualServer

SNAPSHOT = b"a snapshot of a server that never had a disk\n"


class SandboxDriver(fake.FakeDriverWithoutFakeNodes):
    """A hypervisor that remembers its servers over a restart, and whose snapshots become images."""

    def init_host(self, host: str) -> None:
        """Take over the servers that this host had when it was stopped."""
        super().init_host(host)
        for instance in objects.InstanceList.get_by_host(nova_context.get_admin_context(), host):
            self.instances[instance.uuid] = fake.FakeInstance(
                instance.name, instance.power_state, instance.uuid
            )

    def snapshot(self, context: Any, instance: Any, image_id: str, update_task_state: Any) -> None:
        """Upload a few bytes, without which the image would stay queued and Nova would delete it."""
        super().snapshot(context, instance, image_id, update_task_state)
        metadata = {"status": "active", "disk_format": "raw", "container_format": "bare", "properties": {}}
        glance.API().update(context, image_id, metadata, io.BytesIO(SNAPSHOT), purge_props=False)


class PluggingDriver(SandboxDriver):
    """A hypervisor whose servers are on a network, though nothing computes in them.

    Nova has it plug what every server had before a restart, as it does with any hypervisor.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.servers: dict[str, VirtualServer] = {}
        self.plugging = threading.Lock()

    def plug_vifs(self, instance: Any, network_info: Any) -> None:
        """Give a server the interfaces of its ports."""
        with self.plugging:
            server = self.servers.get(instance.uuid) or self.make(instance.uuid)
            for vif in network_info or ():
                server.plug(vif)

    def unplug_vifs(self, instance: Any, network_info: Any) -> None:
        """Take them away."""
        with self.plugging:
            for vif in network_info or () if instance.uuid in self.servers else ():
                self.servers[instance.uuid].unplug(vif["id"])

    def make(self, server_id: str) -> VirtualServer:
        """Return a new server that is on no network yet."""
        layout = Layout.load(Path(os.environ[MARK]))
        assert layout is not None  # noqa: S101 - it is how we were started
        site = next(site for site in layout.sites if site.host == self._host)
        return self.servers.setdefault(server_id, VirtualServer(layout, site, server_id))

    def spawn(
        self, context: Any, instance: Any, *more: Any, network_info: Any = None, **options: Any
    ) -> None:
        """Start a server, on its networks."""
        super().spawn(context, instance, *more, network_info=network_info, **options)
        self.plug_vifs(instance, network_info)

    def destroy(self, context: Any, instance: Any, network_info: Any, *more: Any, **options: Any) -> None:
        """End a server, and its network with it."""
        super().destroy(context, instance, network_info, *more, **options)
        with self.plugging:
            server = self.servers.pop(instance.uuid, None)
            if server is not None:
                server.close()

    def attach_interface(self, context: Any, instance: Any, image_meta: Any, vif: Any) -> None:
        """Give a server that runs a further interface."""
        super().attach_interface(context, instance, image_meta, vif)
        self.plug_vifs(instance, [vif])

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        """Take an interface away from a server that runs."""
        super().detach_interface(context, instance, vif)
        self.unplug_vifs(instance, [vif])
