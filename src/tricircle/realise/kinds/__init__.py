"""The kinds of replicated resources: how a site shows one, and how it is made, changed and deleted there."""

from collections.abc import Mapping
from types import MappingProxyType

from tricircle.realise.kinds.address_group import AddressGroup
from tricircle.realise.kinds.flavor import Flavor
from tricircle.realise.kinds.keypair import Keypair
from tricircle.realise.kinds.kind import Kind
from tricircle.realise.kinds.network import Network
from tricircle.realise.kinds.neutron import NeutronKind
from tricircle.realise.kinds.port import Port
from tricircle.realise.kinds.qos_policy import QosPolicy
from tricircle.realise.kinds.qos_spec import QosSpec
from tricircle.realise.kinds.rbac_policy import RbacPolicy
from tricircle.realise.kinds.remote_members import RemoteMembers
from tricircle.realise.kinds.security_group import SecurityGroup
from tricircle.realise.kinds.subnet import Subnet
from tricircle.realise.kinds.volume_type import VolumeType

FLAVOR: Kind = Flavor()
KEYPAIR: Kind = Keypair()
VOLUME_TYPE: Kind = VolumeType()
QOS_SPEC: Kind = QosSpec()
NETWORK: NeutronKind = Network()
SUBNET: NeutronKind = Subnet()
SECURITY_GROUP: NeutronKind = SecurityGroup()
ADDRESS_GROUP: NeutronKind = AddressGroup()
PORT: NeutronKind = Port()
QOS_POLICY: NeutronKind = QosPolicy()
RBAC_POLICY: NeutronKind = RbacPolicy()
REMOTE_MEMBERS: NeutronKind = RemoteMembers()

NEUTRON_KINDS: Mapping[str, NeutronKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (NETWORK, SUBNET, RBAC_POLICY, SECURITY_GROUP, ADDRESS_GROUP, PORT, QOS_POLICY)
    }
)
"""Those that are defined at the top's Neutron."""

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (FLAVOR, KEYPAIR, VOLUME_TYPE, QOS_SPEC, *NEUTRON_KINDS.values(), REMOTE_MEMBERS)
    }
)

PARTS_OF_NETWORKS = frozenset({SUBNET.name, RBAC_POLICY.name})
"""Those that are read, brought to sites and buried with their network; or with the group that is shared."""

WHERE_NEEDED = frozenset(kind.name for kind in KINDS.values() if not kind.everywhere)
"""The kinds of which a site gets what something there needs, and nothing else."""

__all__ = [
    "ADDRESS_GROUP",
    "FLAVOR",
    "KEYPAIR",
    "KINDS",
    "NETWORK",
    "NEUTRON_KINDS",
    "PARTS_OF_NETWORKS",
    "PORT",
    "QOS_POLICY",
    "QOS_SPEC",
    "RBAC_POLICY",
    "REMOTE_MEMBERS",
    "SECURITY_GROUP",
    "SUBNET",
    "VOLUME_TYPE",
    "WHERE_NEEDED",
    "Kind",
    "NeutronKind",
]
