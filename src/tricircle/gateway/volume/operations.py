"""The table of the Block Storage API: every operation, and what it means over many sites.

Source: Block Storage API v3 reference, up to microversion 3.71.
"""

from functools import partial

from tricircle.errors import NotFound
from tricircle.gateway.addressable import require_addressable_spec, require_addressable_specs
from tricircle.gateway.aggregated import Aggregate
from tricircle.gateway.create import Create
from tricircle.gateway.forward import Forward
from tricircle.gateway.limits import CombinedLimits, SiteLimits
from tricircle.gateway.listing import Listing
from tricircle.gateway.operation import Kind, Operation, rows
from tricircle.gateway.prerequisites import volume_needs
from tricircle.gateway.replicated import AnySite, Named, deleted
from tricircle.gateway.replicated_make import MakeReplicated, identify_by_name
from tricircle.gateway.replicated_write import Change
from tricircle.gateway.volume import resources
from tricircle.gateway.volume.qos import Associate, associated_types
from tricircle.gateway.volume.volumes import (
    VolumeAction,
    attachment_bonds,
    snapshot_bonds,
    volume_bonds,
    volume_intent,
)
from tricircle.gateway.zones import SiteZones, combine_zones
from tricircle.realise import kinds
from tricircle.routing.homed import ATTACHMENT_TYPE, SNAPSHOT_TYPE, VOLUME_TYPE

_HOMED, _REPLICATED, _AGGREGATED = Kind.HOMED, Kind.REPLICATED, Kind.AGGREGATED

_CREATE_VOLUME = Create(
    VOLUME_TYPE,
    resources.VOLUME,
    volume_bonds,
    unknown_zone="Availability zone '{zone}' is invalid.",
    intent=volume_intent,
    needs=volume_needs,
)
_CREATE_SNAPSHOT = Create(SNAPSHOT_TYPE, resources.SNAPSHOT, snapshot_bonds, zone_field=None)
_CREATE_ATTACHMENT = Create(ATTACHMENT_TYPE, resources.ATTACHMENT, attachment_bonds, zone_field=None)
_VOLUMES = Listing(
    "/volumes/detail",
    resources.VOLUME,
    resources.VOLUME_SHAPE,
    resources.VOLUME_SORTING,
    kind=VOLUME_TYPE,
    unknown_marker=NotFound,
)
_VOLUMES_SHORT = Listing(
    "/volumes/detail",
    resources.VOLUME,
    resources.VOLUME_SHAPE,
    resources.VOLUME_SORTING,
    kind=VOLUME_TYPE,
    unknown_marker=NotFound,
    summary_fields=("id", "name", "links"),
)
_SNAPSHOTS = Listing(
    "/snapshots/detail",
    resources.SNAPSHOT,
    resources.SNAPSHOT_SHAPE,
    resources.SNAPSHOT_SORTING,
    kind=SNAPSHOT_TYPE,
    unknown_marker=NotFound,
)
_SNAPSHOTS_SHORT = Listing(
    "/snapshots/detail",
    resources.SNAPSHOT,
    resources.SNAPSHOT_SHAPE,
    resources.SNAPSHOT_SORTING,
    kind=SNAPSHOT_TYPE,
    unknown_marker=NotFound,
    summary_fields=(
        "id",
        "name",
        "description",
        "created_at",
        "updated_at",
        "status",
        "size",
        "volume_id",
        "metadata",
        "user_id",
        "consumes_quota",
    ),
)
_ATTACHMENTS, _ATTACHMENTS_DETAIL = (
    Listing(
        path,
        resources.ATTACHMENT,
        resources.ATTACHMENT_SHAPE,
        resources.ATTACHMENT_SORTING,
        kind=ATTACHMENT_TYPE,
        unknown_marker=NotFound,
    )
    for path in ("/attachments", "/attachments/detail")
)
_TYPES = Listing(
    "/types",
    resources.VOLUME_TYPE,
    resources.VOLUME_TYPE_SHAPE,
    resources.VOLUME_TYPE_SORTING,
    deleted=partial(deleted, kind=kinds.VOLUME_TYPE),
)
_QOS_SPECS = Listing(
    "/qos-specs",
    resources.QOS_SPEC,
    resources.QOS_SPEC_SHAPE,
    resources.QOS_SPEC_SORTING,
    deleted=partial(deleted, kind=kinds.QOS_SPEC),
)
_A_TYPE = Named(kinds.VOLUME_TYPE, "volume_type_id")
_A_QOS_SPEC = Named(kinds.QOS_SPEC, "qos_id")
_LIMITS = Aggregate(
    SiteLimits,
    CombinedLimits(
        "maxTotalBackupGigabytes",
        "maxTotalBackups",
        "maxTotalSnapshots",
        "maxTotalVolumeGigabytes",
        "maxTotalVolumes",
        "totalBackupGigabytesUsed",
        "totalBackupsUsed",
        "totalGigabytesUsed",
        "totalSnapshotsUsed",
        "totalVolumesUsed",
    ),
)

OPERATIONS: tuple[Operation, ...] = (
    # Volumes
    *rows(_HOMED, "volume", _CREATE_VOLUME, "POST /volumes"),
    *rows(_HOMED, "volume", _VOLUMES_SHORT, "GET /volumes"),
    *rows(_HOMED, "volume", _VOLUMES, "GET /volumes/detail"),
    *rows(_AGGREGATED, "volume", None, "GET /volumes/summary"),
    *rows(
        _HOMED,
        "volume",
        Forward(VOLUME_TYPE, "volume_id", resources.VOLUME, is_member=True),
        "GET PUT DELETE /volumes/{volume_id}",
    ),
    *rows(_HOMED, "volume", VolumeAction(), "POST /volumes/{volume_id}/action"),
    *rows(
        _HOMED,
        "volume",
        Forward(VOLUME_TYPE, "volume_id"),
        "GET /volumes/{volume_id}/encryption",
        "GET /volumes/{volume_id}/encryption/{key}",
        "GET POST PUT /volumes/{volume_id}/metadata",
        "GET PUT DELETE /volumes/{volume_id}/metadata/{key}",
        # What a later microversion may add below a volume needs no row of its own.
        "* /volumes/{volume_id}/{rest}",
    ),
    # Snapshots
    *rows(_HOMED, "snapshot", _CREATE_SNAPSHOT, "POST /snapshots"),
    *rows(_HOMED, "snapshot", _SNAPSHOTS_SHORT, "GET /snapshots"),
    *rows(_HOMED, "snapshot", _SNAPSHOTS, "GET /snapshots/detail"),
    *rows(
        _HOMED,
        "snapshot",
        Forward(SNAPSHOT_TYPE, "snapshot_id", resources.SNAPSHOT, is_member=True),
        "GET PUT DELETE /snapshots/{snapshot_id}",
    ),
    *rows(
        _HOMED,
        "snapshot",
        Forward(SNAPSHOT_TYPE, "snapshot_id"),
        "POST /snapshots/{snapshot_id}/action",
        "GET POST PUT /snapshots/{snapshot_id}/metadata",
        "GET PUT DELETE /snapshots/{snapshot_id}/metadata/{key}",
        "* /snapshots/{snapshot_id}/{rest}",
    ),
    # Attachments
    *rows(_HOMED, "attachment", _CREATE_ATTACHMENT, "POST /attachments"),
    *rows(_HOMED, "attachment", _ATTACHMENTS, "GET /attachments"),
    *rows(_HOMED, "attachment", _ATTACHMENTS_DETAIL, "GET /attachments/detail"),
    *rows(
        _HOMED,
        "attachment",
        Forward(ATTACHMENT_TYPE, "attachment_id", resources.ATTACHMENT, is_member=True),
        "GET PUT DELETE /attachments/{attachment_id}",
    ),
    *rows(
        _HOMED,
        "attachment",
        Forward(ATTACHMENT_TYPE, "attachment_id"),
        "POST /attachments/{attachment_id}/action",
        "* /attachments/{attachment_id}/{rest}",
    ),
    # Volume types
    *rows(_REPLICATED, "volume_type", _TYPES, "GET /types"),
    *rows(
        _REPLICATED,
        "volume_type",
        MakeReplicated(kinds.VOLUME_TYPE, "volume_type", identify_by_name, resources.VOLUME_TYPE),
        "POST /types",
    ),
    *rows(_REPLICATED, "volume_type", AnySite(_A_TYPE, resources.VOLUME_TYPE), "GET /types/{volume_type_id}"),
    *rows(_REPLICATED, "volume_type", Change(_A_TYPE, resources.VOLUME_TYPE), "PUT /types/{volume_type_id}"),
    *rows(_REPLICATED, "volume_type", Change(_A_TYPE, deletes=True), "DELETE /types/{volume_type_id}"),
    *rows(
        _REPLICATED,
        "volume_type",
        AnySite(_A_TYPE),
        "GET /types/{volume_type_id}/encryption",
        "GET /types/{volume_type_id}/encryption/{key}",
        "GET /types/{volume_type_id}/extra_specs",
        "GET /types/{volume_type_id}/extra_specs/{key}",
    ),
    *rows(
        _REPLICATED,
        "volume_type",
        AnySite(_A_TYPE, resources.VOLUME_TYPE_ACCESS),
        "GET /types/{volume_type_id}/os-volume-type-access",
    ),
    *rows(
        _REPLICATED,
        "volume_type",
        Change(_A_TYPE),
        "POST /types/{volume_type_id}/action",
        "DELETE /types/{volume_type_id}/extra_specs/{key}",
    ),
    *rows(
        _REPLICATED,
        "volume_type",
        Change(_A_TYPE, checks=require_addressable_specs),
        "POST /types/{volume_type_id}/extra_specs",
    ),
    *rows(
        _REPLICATED,
        "volume_type",
        Change(_A_TYPE, checks=require_addressable_spec),
        "PUT /types/{volume_type_id}/extra_specs/{key}",
    ),
    *rows(
        _REPLICATED,
        "volume_type",
        None,
        "POST /types/{volume_type_id}/encryption",
        "PUT DELETE /types/{volume_type_id}/encryption/{key}",
        "GET /default-types",
        "GET PUT DELETE /default-types/{project}",
    ),
    # QoS specs
    *rows(_REPLICATED, "qos_spec", _QOS_SPECS, "GET /qos-specs"),
    *rows(
        _REPLICATED,
        "qos_spec",
        MakeReplicated(kinds.QOS_SPEC, "qos_specs", identify_by_name, resources.QOS_SPEC),
        "POST /qos-specs",
    ),
    *rows(_REPLICATED, "qos_spec", AnySite(_A_QOS_SPEC, resources.QOS_SPEC), "GET /qos-specs/{qos_id}"),
    *rows(
        _REPLICATED,
        "qos_spec",
        AnySite(_A_QOS_SPEC, resources.QOS_ASSOCIATION),
        "GET /qos-specs/{qos_id}/associations",
    ),
    *rows(
        _REPLICATED,
        "qos_spec",
        Change(_A_QOS_SPEC),
        "PUT /qos-specs/{qos_id}",
        "PUT /qos-specs/{qos_id}/delete_keys",
    ),
    *rows(
        _REPLICATED,
        "qos_spec",
        Change(_A_QOS_SPEC, deletes=True, others=associated_types),
        "DELETE /qos-specs/{qos_id}",
    ),
    *rows(
        _REPLICATED,
        "qos_spec",
        Change(_A_QOS_SPEC, others=associated_types),
        "GET /qos-specs/{qos_id}/disassociate_all",
    ),
    *rows(
        _REPLICATED,
        "qos_spec",
        Associate(_A_QOS_SPEC),
        "GET /qos-specs/{qos_id}/associate",
        "GET /qos-specs/{qos_id}/disassociate",
    ),
    # Computed over all sites
    *rows(_AGGREGATED, "limits", _LIMITS, "GET /limits"),
    *rows(_AGGREGATED, "availability_zone", Aggregate(SiteZones, combine_zones), "GET /os-availability-zone"),
    *rows(
        _AGGREGATED,
        "quota",
        None,
        "GET PUT /os-quota-class-sets/{quota_class}",
        "GET PUT DELETE /os-quota-sets/{project}",
        "GET /os-quota-sets/{project}/defaults",
    ),
    *rows(
        _AGGREGATED,
        "service",
        None,
        "GET /os-services",
        "PUT /os-services/{service_action}",
        "GET PUT /os-hosts",
        "GET PUT /os-hosts/{host}",
        "GET /clusters",
        "GET /clusters/detail",
        "GET PUT /clusters/{cluster}",
        "POST /workers/cleanup",
        "GET /capabilities/{host}",
    ),
    *rows(_AGGREGATED, "pool", None, "GET /scheduler-stats/get_pools"),
    *rows(
        _AGGREGATED, "extension", None, "GET /extensions", "GET /extensions/{alias}", "GET /resource_filters"
    ),
    # Homed, still to come
    *rows(_HOMED, "message", None, "GET /messages", "GET DELETE /messages/{message_id}"),
    *rows(
        _HOMED,
        "backup",
        None,
        "GET POST /backups",
        "GET /backups/detail",
        "POST /backups/import_record",
        "GET PUT DELETE /backups/{backup_id}",
        "POST /backups/{backup_id}/action",
        "GET /backups/{backup_id}/export_record",
        "POST /backups/{backup_id}/restore",
    ),
    *rows(
        _HOMED,
        "group",
        None,
        "GET POST /groups",
        "GET /groups/detail",
        "POST /groups/action",
        "GET PUT DELETE /groups/{group_id}",
        "POST /groups/{group_id}/action",
    ),
    *rows(
        _HOMED,
        "group_snapshot",
        None,
        "GET POST /group_snapshots",
        "GET /group_snapshots/detail",
        "GET DELETE /group_snapshots/{group_snapshot_id}",
        "POST /group_snapshots/{group_snapshot_id}/action",
    ),
    *rows(
        _REPLICATED,
        "group_type",
        None,
        "GET POST /group_types",
        "GET PUT DELETE /group_types/{group_type_id}",
        "GET POST /group_types/{group_type_id}/group_specs",
        "GET PUT DELETE /group_types/{group_type_id}/group_specs/{spec}",
    ),
    *rows(
        _HOMED,
        "consistencygroup",
        None,
        "GET POST /consistencygroups",
        "GET /consistencygroups/detail",
        "POST /consistencygroups/create_from_src",
        "GET PUT DELETE /consistencygroups/{consistencygroup_id}",
        "POST /consistencygroups/{consistencygroup_id}/delete",
        "PUT /consistencygroups/{consistencygroup_id}/update",
        "GET POST /cgsnapshots",
        "GET /cgsnapshots/detail",
        "GET DELETE /cgsnapshots/{cgsnapshot_id}",
    ),
    *rows(
        _HOMED,
        "transfer",
        None,
        "GET POST /volume-transfers",
        "GET /volume-transfers/detail",
        "GET DELETE /volume-transfers/{transfer_id}",
        "POST /volume-transfers/{transfer_id}/accept",
        "GET POST /os-volume-transfer",
        "GET /os-volume-transfer/detail",
        "GET DELETE /os-volume-transfer/{transfer_id}",
        "POST /os-volume-transfer/{transfer_id}/accept",
    ),
    *rows(
        _HOMED,
        "manageable",
        None,
        "GET POST /manageable_volumes",
        "GET /manageable_volumes/detail",
        "GET POST /manageable_snapshots",
        "GET /manageable_snapshots/detail",
        "GET POST /os-volume-manage",
        "GET /os-volume-manage/detail",
        "GET POST /os-snapshot-manage",
        "GET /os-snapshot-manage/detail",
    ),
)
