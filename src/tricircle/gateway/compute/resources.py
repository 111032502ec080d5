"""The resources of the Compute API, and how lists of them are sorted.

Source: Compute API reference, and "sort keys" of `GET /servers` in it.
"""

from tricircle.gateway.merge import Shape
from tricircle.gateway.ordering import Sorting
from tricircle.gateway.resource import Resource

SERVER = Resource(
    "server",
    "servers",
    linked=(("flavor", "flavors"), ("image", "images")),
    zone_fields=("OS-EXT-AZ:availability_zone", "pinned_availability_zone"),
)
SERVER_SORTING = Sorting(
    {
        "access_ip_v4": "accessIPv4",
        "access_ip_v6": "accessIPv6",
        "auto_disk_config": "OS-DCF:diskConfig",
        "availability_zone": "OS-EXT-AZ:availability_zone",
        "config_drive": "config_drive",
        "created_at": "created",
        "display_description": "description",
        "display_name": "name",
        "host": "OS-EXT-SRV-ATTR:host",
        "key_name": "key_name",
        "launched_at": "OS-SRV-USG:launched_at",
        "locked": "locked",
        "node": "OS-EXT-SRV-ATTR:hypervisor_hostname",
        "power_state": "OS-EXT-STS:power_state",
        "progress": "progress",
        "project_id": "tenant_id",
        "task_state": "OS-EXT-STS:task_state",
        "terminated_at": "OS-SRV-USG:terminated_at",
        "updated_at": "updated",
        "user_id": "user_id",
        "uuid": "id",
        "vm_state": "OS-EXT-STS:vm_state",
    },
    default=("created_at",),
)
SERVER_SHAPE = Shape("servers")

FLAVOR = Resource("flavor", "flavors")
FLAVOR_SORTING = Sorting(
    {
        "description": "description",
        "disabled": "OS-FLV-DISABLED:disabled",
        "ephemeral_gb": "OS-FLV-EXT-DATA:ephemeral",
        "flavorid": "id",
        "is_public": "os-flavor-access:is_public",
        "memory_mb": "ram",
        "name": "name",
        "root_gb": "disk",
        "rxtx_factor": "rxtx_factor",
        "swap": "swap",
        "vcpus": "vcpus",
    },
    default=("flavorid",),
    direction="asc",
)
FLAVOR_SHAPE = Shape("flavors")

KEYPAIR = Resource("keypair", "keypairs", id_field="name")
KEYPAIR_SORTING = Sorting({"name": "name"}, default=("name",), direction="asc")
KEYPAIR_SHAPE = Shape("keypairs", id_field="name", wrapper="keypair")

SERVER_GROUP = Resource("server_group", "server_groups")
# Server groups have no order and no marker: each site's are listed as it lists them, site after site.
SERVER_GROUP_SORTING = Sorting({})
SERVER_GROUP_SHAPE = Shape("server_groups", project_field="project_id", links_key="")
