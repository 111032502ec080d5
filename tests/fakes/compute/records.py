"""What fake Nova keeps: servers, flavors, keypairs, server groups."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Flavor:
    """A flavor, the same for all projects."""

    id: str
    name: str
    ram: int = 512
    disk: int = 1
    vcpus: int = 1
    ephemeral: int = 0
    swap: int = 0
    rxtx_factor: float = 1.0
    is_public: bool = True
    description: str | None = None
    extra_specs: dict[str, str] = field(default_factory=dict)
    projects: list[str] = field(default_factory=list)
    """Those that may use it, where it is private."""


@dataclass
class Keypair:
    """A public key of a user."""

    name: str
    user_id: str
    public_key: str
    fingerprint: str
    type: str
    created: datetime

    @property
    def id(self) -> str:
        """What a marker of its list is."""
        return self.name


@dataclass
class ServerGroup:
    """A group of a project's servers."""

    id: str
    name: str
    policy: str
    rules: dict[str, Any]
    project_id: str
    user_id: str
    members: list[str] = field(default_factory=list)


@dataclass
class Interface:
    """A port of a server."""

    port_id: str
    net_id: str
    mac_addr: str
    address: str
    tag: str | None = None
    more_addresses: list[str] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        """All of them, the first first."""
        return [self.address, *self.more_addresses]

    @property
    def subnet_id(self) -> str:
        """The one subnet of its network."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, self.net_id))


@dataclass
class VolumeAttachment:
    """A volume of a server."""

    volume_id: str
    device: str
    tag: str | None = None
    delete_on_termination: bool = False
    attachment_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    mapping_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Action:
    """One thing that was done with a server."""

    action: str
    request_id: str
    user_id: str
    project_id: str
    start_time: datetime
    failure: str = ""
    """What its one event died of."""


@dataclass
class Server:
    """A server. Attribute names are those of Nova's database, because sort keys are."""

    id: str
    sequence: int
    """Nova's own key, ascending as servers are made; ties of the sort order end there."""
    project_id: str
    user_id: str
    display_name: str
    created_at: datetime
    updated_at: datetime
    flavor: Flavor
    availability_zone: str
    image_ref: str | None = None
    vm_state: str = "active"
    task_state: str | None = None
    power_state: int = 1
    host: str = "compute-1"
    key_name: str | None = None
    display_description: str | None = None
    pinned_zone: str | None = None
    config_drive: str = ""
    locked: bool = False
    locked_reason: str | None = None
    deleted: bool = False
    root_device_name: str = "/dev/vda"
    user_data: str | None = None
    group_id: str | None = None
    hints: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    security_groups: list[str] = field(default_factory=lambda: ["default"])
    """Ids of those that `group_names` knows, names of others."""
    interfaces: list[Interface] = field(default_factory=list)
    volumes: list[VolumeAttachment] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    network_names: dict[str, str] = field(default_factory=dict)
    group_names: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    """Why it is in the state `error`."""

    @property
    def uuid(self) -> str:
        """The id under the name that a sort key has."""
        return self.id

    @property
    def instance_type_id(self) -> str:
        """The flavor under the name that a sort key has."""
        return self.flavor.id

    @property
    def launched_at(self) -> datetime:
        """Ready as soon as it was made."""
        return self.created_at

    @property
    def hostname(self) -> str:
        """The name that the guest has."""
        return self.display_name.lower().replace(" ", "-")

    @property
    def status(self) -> str:
        """What the API shows."""
        if self.deleted:
            return "DELETED"
        return STATUSES[self.vm_state]


STATUSES = {
    "active": "ACTIVE",
    "building": "BUILD",
    "stopped": "SHUTOFF",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "rescued": "RESCUE",
    "resized": "VERIFY_RESIZE",
    "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
    "soft-delete": "SOFT_DELETED",
    "error": "ERROR",
}
