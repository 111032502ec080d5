"""The table of the Compute API: every operation, and what it means over many sites.

Source: Compute API reference, v2.1 up to microversion 2.104, and Nova's own list of routes.
"""

from functools import partial

from tricircle.errors import BadRequest, Gone
from tricircle.gateway.addressable import require_addressable_spec, require_addressable_specs
from tricircle.gateway.aggregated import Aggregate
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.compute.networks import Interfaces, OnNetworks, ShowsServers
from tricircle.gateway.compute.places import ACTION_EVENTS
from tricircle.gateway.compute.resources import (
    FLAVOR,
    FLAVOR_SHAPE,
    FLAVOR_SORTING,
    KEYPAIR,
    KEYPAIR_SHAPE,
    KEYPAIR_SORTING,
    SERVER,
    SERVER_GROUP,
    SERVER_GROUP_SHAPE,
    SERVER_GROUP_SORTING,
    SERVER_SHAPE,
    SERVER_SORTING,
)
from tricircle.gateway.compute.server_security_groups import ServerSecurityGroups
from tricircle.gateway.compute.servers import (
    ServerAction,
    ShowServer,
    absent_servers,
    server_bonds,
    server_intent,
)
from tricircle.gateway.create import Create
from tricircle.gateway.forward import Forward
from tricircle.gateway.limits import CombinedLimits, SiteLimits
from tricircle.gateway.listing import Listing
from tricircle.gateway.operation import Kind, Operation, rows
from tricircle.gateway.prerequisites import server_needs
from tricircle.gateway.replicated import AnySite, Named, NamedKeypair, deleted, deleted_keypairs
from tricircle.gateway.replicated_make import MakeReplicated, identify_flavor, identify_keypair
from tricircle.gateway.replicated_write import Change
from tricircle.gateway.zones import SiteZones, combine_zones
from tricircle.realise import kinds
from tricircle.routing.homed import SERVER_GROUP_TYPE, SERVER_TYPE


def _gone(_: Call) -> Reply:
    """Answer as Nova does."""
    raise Gone("This resource is no longer available. No forwarding address is given.")


_HOMED, _REPLICATED, _AGGREGATED = Kind.HOMED, Kind.REPLICATED, Kind.AGGREGATED

_CREATE_SERVER = Create(
    SERVER_TYPE,
    SERVER,
    server_bonds,
    unknown_zone="The requested availability zone is not available",
    unknown_bond=BadRequest,
    intent=server_intent,
    needs=server_needs,
)
_SERVERS = Listing(
    "/servers/detail", SERVER, SERVER_SHAPE, SERVER_SORTING, kind=SERVER_TYPE, absent=absent_servers
)
_SERVERS_SHORT = Listing(
    "/servers/detail",
    SERVER,
    SERVER_SHAPE,
    SERVER_SORTING,
    kind=SERVER_TYPE,
    absent=absent_servers,
    summary_fields=("id", "name", "links"),
)
_OF_SERVER = Forward(SERVER_TYPE, "server_id")
_MAKE_FLAVOR = MakeReplicated(kinds.FLAVOR, "flavor", identify_flavor, FLAVOR)
_MAKE_KEYPAIR = MakeReplicated(kinds.KEYPAIR, "keypair", identify_keypair, KEYPAIR)
_A_FLAVOR = Named(kinds.FLAVOR, "flavor_id")
_DELETED_FLAVORS = partial(deleted, kind=kinds.FLAVOR)
_FLAVORS = Listing("/flavors/detail", FLAVOR, FLAVOR_SHAPE, FLAVOR_SORTING, deleted=_DELETED_FLAVORS)
_FLAVORS_SHORT = Listing(
    "/flavors/detail",
    FLAVOR,
    FLAVOR_SHAPE,
    FLAVOR_SORTING,
    deleted=_DELETED_FLAVORS,
    summary_fields=("id", "name", "description", "links"),
)
_KEYPAIRS = Listing("/os-keypairs", KEYPAIR, KEYPAIR_SHAPE, KEYPAIR_SORTING, deleted=deleted_keypairs)
_SERVER_GROUPS = Listing(
    "/os-server-groups", SERVER_GROUP, SERVER_GROUP_SHAPE, SERVER_GROUP_SORTING, kind=SERVER_GROUP_TYPE
)
_LIMITS = Aggregate(
    SiteLimits,
    CombinedLimits(
        "maxServerGroups",
        "maxTotalCores",
        "maxTotalFloatingIps",
        "maxTotalInstances",
        "maxTotalRAMSize",
        "totalCoresUsed",
        "totalFloatingIpsUsed",
        "totalInstancesUsed",
        "totalRAMUsed",
        "totalServerGroupsUsed",
    ),
)

OPERATIONS: tuple[Operation, ...] = (
    # Servers
    *rows(_HOMED, "server", ShowsServers(_CREATE_SERVER), "POST /servers"),
    *rows(_HOMED, "server", _SERVERS_SHORT, "GET /servers"),
    *rows(_HOMED, "server", ShowsServers(_SERVERS), "GET /servers/detail"),
    *rows(_HOMED, "server", ShowsServers(ShowServer()), "GET /servers/{server_id}"),
    *rows(
        _HOMED,
        "server",
        ShowsServers(Forward(SERVER_TYPE, "server_id", SERVER, is_member=True)),
        "PUT DELETE /servers/{server_id}",
    ),
    *rows(_HOMED, "server", ShowsServers(ServerAction()), "POST /servers/{server_id}/action"),
    *rows(
        _HOMED,
        "server",
        Interfaces(),
        "GET POST /servers/{server_id}/os-interface",
        "GET DELETE /servers/{server_id}/os-interface/{port_id}",
    ),
    *rows(_HOMED, "server", ServerSecurityGroups(), "GET /servers/{server_id}/os-security-groups"),
    *rows(
        _HOMED,
        "server",
        OnNetworks(ACTION_EVENTS),
        "GET /servers/{server_id}/os-instance-actions/{request_id}",
    ),
    *rows(
        _HOMED,
        "server",
        _OF_SERVER,
        "GET POST /servers/{server_id}/consoles",
        "GET DELETE /servers/{server_id}/consoles/{console_id}",
        "GET /servers/{server_id}/diagnostics",
        "GET /servers/{server_id}/ips",
        "GET /servers/{server_id}/ips/{network_label}",
        "GET POST PUT /servers/{server_id}/metadata",
        "GET PUT DELETE /servers/{server_id}/metadata/{key}",
        "GET /servers/{server_id}/migrations",
        "GET DELETE /servers/{server_id}/migrations/{migration_id}",
        "POST /servers/{server_id}/migrations/{migration_id}/action",
        "GET /servers/{server_id}/os-instance-actions",
        "GET DELETE /servers/{server_id}/os-server-password",
        "GET /servers/{server_id}/os-virtual-interfaces",
        "GET POST /servers/{server_id}/os-volume_attachments",
        "GET PUT DELETE /servers/{server_id}/os-volume_attachments/{volume_id}",
        "POST /servers/{server_id}/remote-consoles",
        "GET POST /servers/{server_id}/shares",
        "GET DELETE /servers/{server_id}/shares/{share_id}",
        "GET PUT DELETE /servers/{server_id}/tags",
        "GET PUT DELETE /servers/{server_id}/tags/{tag}",
        "GET /servers/{server_id}/topology",
        # What a later microversion may add below a server needs no row of its own.
        "* /servers/{server_id}/{rest}",
    ),
    # Flavors
    *rows(_REPLICATED, "flavor", _FLAVORS_SHORT, "GET /flavors"),
    *rows(_REPLICATED, "flavor", _FLAVORS, "GET /flavors/detail"),
    *rows(_REPLICATED, "flavor", _MAKE_FLAVOR, "POST /flavors"),
    *rows(_REPLICATED, "flavor", AnySite(_A_FLAVOR, FLAVOR), "GET /flavors/{flavor_id}"),
    *rows(_REPLICATED, "flavor", Change(_A_FLAVOR, FLAVOR), "PUT /flavors/{flavor_id}"),
    *rows(_REPLICATED, "flavor", Change(_A_FLAVOR, deletes=True), "DELETE /flavors/{flavor_id}"),
    *rows(
        _REPLICATED,
        "flavor",
        AnySite(_A_FLAVOR),
        "GET /flavors/{flavor_id}/os-extra_specs",
        "GET /flavors/{flavor_id}/os-extra_specs/{key}",
        "GET /flavors/{flavor_id}/os-flavor-access",
    ),
    *rows(
        _REPLICATED,
        "flavor",
        Change(_A_FLAVOR),
        "POST /flavors/{flavor_id}/action",
        "DELETE /flavors/{flavor_id}/os-extra_specs/{key}",
    ),
    *rows(
        _REPLICATED,
        "flavor",
        Change(_A_FLAVOR, checks=require_addressable_specs),
        "POST /flavors/{flavor_id}/os-extra_specs",
    ),
    *rows(
        _REPLICATED,
        "flavor",
        Change(_A_FLAVOR, checks=require_addressable_spec),
        "PUT /flavors/{flavor_id}/os-extra_specs/{key}",
    ),
    # Keypairs
    *rows(_REPLICATED, "keypair", _KEYPAIRS, "GET /os-keypairs"),
    *rows(_REPLICATED, "keypair", _MAKE_KEYPAIR, "POST /os-keypairs"),
    *rows(_REPLICATED, "keypair", AnySite(NamedKeypair(), KEYPAIR), "GET /os-keypairs/{keypair_name}"),
    *rows(_REPLICATED, "keypair", Change(NamedKeypair(), deletes=True), "DELETE /os-keypairs/{keypair_name}"),
    # Server groups
    *rows(_REPLICATED, "server_group", _SERVER_GROUPS, "GET /os-server-groups"),
    *rows(
        _REPLICATED,
        "server_group",
        Forward(SERVER_GROUP_TYPE, "server_group_id", SERVER_GROUP, is_member=True),
        "GET /os-server-groups/{server_group_id}",
    ),
    *rows(
        _REPLICATED,
        "server_group",
        None,
        "POST /os-server-groups",
        "DELETE /os-server-groups/{server_group_id}",
    ),
    # Computed over all sites
    *rows(_AGGREGATED, "limits", _LIMITS, "GET /limits"),
    *rows(
        _AGGREGATED,
        "availability_zone",
        Aggregate(SiteZones, combine_zones),
        "GET /os-availability-zone",
        "GET /os-availability-zone/detail",
    ),
    *rows(
        _AGGREGATED,
        "quota",
        None,
        "GET PUT /os-quota-class-sets/{quota_class}",
        "GET PUT DELETE /os-quota-sets/{project}",
        "GET /os-quota-sets/{project}/defaults",
        "GET /os-quota-sets/{project}/detail",
    ),
    *rows(
        _AGGREGATED,
        "usage",
        None,
        "GET /os-simple-tenant-usage",
        "GET /os-simple-tenant-usage/{project}",
        "GET /os-instance_usage_audit_log",
        "GET /os-instance_usage_audit_log/{before}",
    ),
    *rows(
        _AGGREGATED,
        "hypervisor",
        None,
        "GET /os-hypervisors",
        "GET /os-hypervisors/detail",
        "GET /os-hypervisors/statistics",
        "GET /os-hypervisors/{hypervisor_id}",
        "GET /os-hypervisors/{hypervisor_id}/search",
        "GET /os-hypervisors/{hypervisor_id}/servers",
        "GET /os-hypervisors/{hypervisor_id}/uptime",
    ),
    *rows(_AGGREGATED, "service", None, "GET /os-services", "PUT DELETE /os-services/{service_id}"),
    *rows(
        _AGGREGATED,
        "host",
        None,
        "GET /os-hosts",
        "GET PUT /os-hosts/{host}",
        "GET /os-hosts/{host}/reboot",
        "GET /os-hosts/{host}/shutdown",
        "GET /os-hosts/{host}/startup",
    ),
    *rows(
        _AGGREGATED,
        "aggregate",
        None,
        "GET POST /os-aggregates",
        "GET PUT DELETE /os-aggregates/{aggregate_id}",
        "POST /os-aggregates/{aggregate_id}/action",
        "POST /os-aggregates/{aggregate_id}/images",
    ),
    # Homed, for administrators and for other services
    *rows(_HOMED, "migration", None, "GET /os-migrations"),
    *rows(_HOMED, "console", None, "GET /os-console-auth-tokens/{console_token}"),
    *rows(_HOMED, "external_event", None, "POST /os-server-external-events"),
    *rows(
        _HOMED,
        "assisted_snapshot",
        None,
        "POST /os-assisted-volume-snapshots",
        "DELETE /os-assisted-volume-snapshots/{snapshot_id}",
    ),
    # About the API itself
    *rows(
        _AGGREGATED,
        "extension",
        None,
        "GET /extensions",
        "GET /extensions/{alias}",
        "GET /versions/{version}",
    ),
    # Proxies to other services, which Nova serves up to microversion 2.35 only
    *rows(
        _HOMED,
        "image",
        None,
        "GET /images",
        "GET /images/detail",
        "GET DELETE /images/{image_id}",
        "GET POST PUT /images/{image_id}/metadata",
        "GET PUT DELETE /images/{image_id}/metadata/{key}",
    ),
    *rows(
        _HOMED,
        "floating_ip",
        None,
        "GET /os-floating-ip-pools",
        "GET POST /os-floating-ips",
        "GET DELETE /os-floating-ips/{floating_ip_id}",
    ),
    *rows(
        _AGGREGATED, "baremetal_node", None, "GET /os-baremetal-nodes", "GET /os-baremetal-nodes/{node_id}"
    ),
    *rows(_HOMED, "network", None, "GET /os-networks", "GET /os-networks/{network_id}"),
    *rows(_HOMED, "network", None, "GET /os-tenant-networks", "GET /os-tenant-networks/{network_id}"),
    *rows(
        _REPLICATED,
        "security_group",
        None,
        "GET POST /os-security-groups",
        "GET PUT DELETE /os-security-groups/{security_group_id}",
        "POST /os-security-group-rules",
        "DELETE /os-security-group-rules/{rule_id}",
    ),
    *rows(
        _HOMED,
        "snapshot",
        None,
        "GET POST /os-snapshots",
        "GET /os-snapshots/detail",
        "GET DELETE /os-snapshots/{snapshot_id}",
    ),
    *rows(
        _HOMED,
        "volume",
        None,
        "GET POST /os-volumes",
        "GET /os-volumes/detail",
        "GET DELETE /os-volumes/{volume_id}",
    ),
    # Removed from Nova, in 23.0.0 at the latest
    *rows(
        _AGGREGATED,
        "removed",
        _gone,
        "GET POST /os-agents",
        "PUT DELETE /os-agents/{agent_id}",
        "POST /os-baremetal-nodes",
        "DELETE /os-baremetal-nodes/{node_id}",
        "POST /os-baremetal-nodes/{node_id}/action",
        "GET POST /os-cells",
        "GET /os-cells/capacities",
        "GET /os-cells/detail",
        "GET /os-cells/info",
        "POST /os-cells/sync_instances",
        "GET PUT DELETE /os-cells/{cell_id}",
        "GET /os-cells/{cell_id}/capacities",
        "POST /os-certificates",
        "GET /os-certificates/{certificate_id}",
        "GET POST /os-cloudpipe",
        "PUT /os-cloudpipe/{cloudpipe_id}",
        "GET /os-fixed-ips/{fixed_ip}",
        "POST /os-fixed-ips/{fixed_ip}/action",
        "GET /os-floating-ip-dns",
        "PUT DELETE /os-floating-ip-dns/{domain}",
        "GET PUT DELETE /os-floating-ip-dns/{domain}/entries/{entry}",
        "GET POST /os-floating-ips-bulk",
        "GET PUT /os-floating-ips-bulk/{host}",
        "GET /os-fping",
        "GET /os-fping/{server_id}",
        "POST /os-networks",
        "POST /os-networks/add",
        "DELETE /os-networks/{network_id}",
        "POST /os-networks/{network_id}/action",
        "GET POST /os-security-group-default-rules",
        "GET DELETE /os-security-group-default-rules/{rule_id}",
        "POST /os-tenant-networks",
        "DELETE /os-tenant-networks/{network_id}",
    ),
    # An older way to make servers from volumes, which Nova serves by its own code for servers
    *rows(
        _HOMED,
        "server",
        None,
        "GET POST /os-volumes_boot",
        "GET /os-volumes_boot/detail",
        "GET PUT DELETE /os-volumes_boot/{server_id}",
        "POST /os-volumes_boot/{server_id}/action",
    ),
)
