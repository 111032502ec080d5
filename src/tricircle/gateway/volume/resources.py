"""The resources of the Block Storage API, and how lists of them are sorted.

Source: Block Storage API v3 reference.
"""

from tricircle.gateway.merge import Shape
from tricircle.gateway.ordering import Sorting
from tricircle.gateway.resource import Resource

VOLUME = Resource(
    "volume",
    "volumes",
    zone_fields=("availability_zone",),
    replicated=(("volume_type_id", "volume_type"),),
)
VOLUME_SORTING = Sorting(
    {
        "availability_zone": "availability_zone",
        "bootable": "bootable",
        "created_at": "created_at",
        "display_name": "name",
        "host": "os-vol-host-attr:host",
        "id": "id",
        "name": "name",
        "size": "size",
        "status": "status",
        "updated_at": "updated_at",
        "user_id": "user_id",
    },
    default=("created_at",),
)
VOLUME_SHAPE = Shape("volumes", project_field="os-vol-tenant-attr:tenant_id", created_field="created_at")

SNAPSHOT = Resource("snapshot", "snapshots")
SNAPSHOT_SORTING = Sorting(
    {
        "created_at": "created_at",
        "display_name": "name",
        "id": "id",
        "name": "name",
        "status": "status",
        "updated_at": "updated_at",
        "volume_id": "volume_id",
        "volume_size": "size",
    },
    default=("created_at",),
)
SNAPSHOT_SHAPE = Shape(
    "snapshots", project_field="os-extended-snapshot-attributes:project_id", created_field="created_at"
)

# Cinder sorts attachments and types by times that it does not show: each site's are listed as it lists
# them, one site after the other.
ATTACHMENT = Resource("attachment", "attachments")
ATTACHMENT_SORTING = Sorting({"id": "id"})
ATTACHMENT_SHAPE = Shape("attachments")

VOLUME_TYPE = Resource(
    "volume_type", "volume_types", replicated=(("id", "volume_type"), ("qos_specs_id", "qos_spec"))
)
VOLUME_TYPE_SORTING = Sorting({"id": "id", "is_public": "is_public", "name": "name"})
# Each site has given its types ids of its own; what users choose a type by is its name.
VOLUME_TYPE_SHAPE = Shape("volume_types", same_by="name", links_key="volume_type_links")

VOLUME_TYPE_ACCESS = Resource(
    "volume_type_access", "volume_types", replicated=(("volume_type_id", "volume_type"),)
)

QOS_SPEC = Resource("qos_specs", "qos-specs", replicated=(("id", "qos_spec"),), links_beside=True)
QOS_SPEC_SORTING = Sorting({"consumer": "consumer", "id": "id", "name": "name"})
QOS_SPEC_SHAPE = Shape("qos_specs", same_by="name")

QOS_ASSOCIATION = Resource("qos_associations", "types", replicated=(("id", "volume_type"),))
