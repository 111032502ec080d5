"""What fake Cinder keeps: volumes, snapshots, attachments, types, QoS specs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class VolumeType:
    """A volume type, the same for all projects."""

    id: str
    name: str
    is_public: bool = True
    description: str | None = None
    extra_specs: dict[str, str] = field(default_factory=dict)
    projects: list[str] = field(default_factory=list)
    """Those that may use it, where it is private."""
    qos_spec_id: str | None = None


@dataclass
class QosSpec:
    """What is promised of the volumes of a type."""

    id: str
    name: str
    consumer: str
    specs: dict[str, str] = field(default_factory=dict)


@dataclass
class Volume:
    """A volume. Attribute names are those of Cinder's database, because sort keys are."""

    id: str
    project_id: str
    user_id: str
    size: int
    created_at: datetime
    updated_at: datetime
    availability_zone: str
    volume_type: VolumeType
    display_name: str | None = None
    display_description: str | None = None
    status: str = "available"
    bootable: bool = False
    multiattach: bool = False
    snapshot_id: str | None = None
    source_volid: str | None = None
    group_id: str | None = None
    host: str = "storage-1@lvm#lvm"
    metadata: dict[str, str] = field(default_factory=dict)
    image_metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class Snapshot:
    """A snapshot of a volume."""

    id: str
    project_id: str
    user_id: str
    volume_id: str
    volume_size: int
    created_at: datetime
    updated_at: datetime
    display_name: str | None = None
    display_description: str | None = None
    status: str = "available"
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class Attachment:
    """A volume attached to a server."""

    id: str
    project_id: str
    volume_id: str
    instance_uuid: str | None
    created_at: datetime
    attach_status: str = "reserved"
    attach_mode: str = "null"
    attached_at: datetime | None = None
    connection_info: dict[str, Any] = field(default_factory=dict)
