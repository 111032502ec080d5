"""Nova's fake hypervisor, less two ways in which it differs from a real one that matter to a client."""

from __future__ import annotations

import io
from typing import Any

from nova import context as nova_context
from nova import objects
from nova.image import glance
from nova.virt import fake

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
