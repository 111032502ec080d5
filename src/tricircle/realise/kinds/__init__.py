"""The kinds of replicated resources: how a site shows one, and how it is made, changed and deleted there."""

from collections.abc import Mapping
from types import MappingProxyType

from tricircle.realise.kinds.flavor import Flavor
from tricircle.realise.kinds.keypair import Keypair
from tricircle.realise.kinds.kind import Kind
from tricircle.realise.kinds.qos_spec import QosSpec
from tricircle.realise.kinds.volume_type import VolumeType

FLAVOR: Kind = Flavor()
KEYPAIR: Kind = Keypair()
VOLUME_TYPE: Kind = VolumeType()
QOS_SPEC: Kind = QosSpec()

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (FLAVOR, KEYPAIR, VOLUME_TYPE, QOS_SPEC)}
)

__all__ = ["FLAVOR", "KEYPAIR", "KINDS", "QOS_SPEC", "VOLUME_TYPE", "Kind"]
