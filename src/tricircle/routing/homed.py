"""The types of homed resources: both gateways meet those of the other (a server is made from a volume), and
jobs meet all of them."""

from collections.abc import Mapping
from types import MappingProxyType

from tricircle.routing.resource_type import ResourceType

_MICROSECONDS = "%Y-%m-%dT%H:%M:%S.%f"

SERVER_TYPE = ResourceType(
    name="server",
    service_type="compute",
    path="/v2.1/servers/{id}",
    envelope="server",
    not_found="Instance {id} could not be found.",
)
SERVER_GROUP_TYPE = ResourceType(
    name="server_group",
    service_type="compute",
    path="/v2.1/os-server-groups/{id}",
    envelope="server_group",
    not_found="Instance group {id} could not be found.",
    project_field="project_id",
    # 2.13 is the first microversion that shows a group's project.
    version="2.13",
)
VOLUME_TYPE = ResourceType(
    name="volume",
    service_type="block-storage",
    path="/v3/volumes/{id}",
    envelope="volume",
    not_found="Volume {id} could not be found.",
    project_field="os-vol-tenant-attr:tenant_id",
    created_field="created_at",
    time_format=_MICROSECONDS,
)
SNAPSHOT_TYPE = ResourceType(
    name="snapshot",
    service_type="block-storage",
    path="/v3/snapshots/{id}",
    envelope="snapshot",
    not_found="Snapshot {id} could not be found.",
    project_field="os-extended-snapshot-attributes:project_id",
    created_field="created_at",
    time_format=_MICROSECONDS,
)
ATTACHMENT_TYPE = ResourceType(
    name="attachment",
    service_type="block-storage",
    path="/v3/attachments/{id}",
    envelope="attachment",
    not_found="Volume attachment could not be found with filter: attachment_id = {id}.",
    # An attachment shows neither its project nor when it was made.
    project_field="project_id",
    created_field="created_at",
    # 3.27 is the first microversion that has them.
    version="3.27",
)

HOMED: Mapping[str, ResourceType] = MappingProxyType(
    {
        kind.name: kind
        for kind in (SERVER_TYPE, SERVER_GROUP_TYPE, VOLUME_TYPE, SNAPSHOT_TYPE, ATTACHMENT_TYPE)
    }
)
"""All of them, by name."""
