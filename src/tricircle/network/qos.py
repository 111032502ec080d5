"""QoS driver `tricircle`: at the top every rule is good that Neutron knows, as the sites enforce it. What
changes of policies and their rules is journalled.

Without a driver Neutron shows no type of rule, and refuses a policy that has rules where it is to be used. A
site that cannot enforce a rule refuses it, and so fails the job that brings it there.

Follows neutron-lib's interface (neutron_lib.services.qos.base.DriverBase): what ends in `precommit` runs in
Neutron's transaction. Where the service plugin `qos` is
not loaded nobody asks for the driver.
"""

from collections.abc import Callable
from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.db import constants as db_constants
from neutron_lib.services.qos import base
from neutron_lib.services.qos import constants as qos

from tricircle.network import journal

POLICY = "qos_policy"

_NUMBER = {"type:range": [0, db_constants.DB_INTEGER_MAX_VALUE]}
_WAY = {"type:values": constants.VALID_DIRECTIONS}
_ANY_WAY = {"type:values": constants.VALID_DIRECTIONS_AND_ANY}

RULES: dict[str, dict[str, Any]] = {
    qos.RULE_TYPE_BANDWIDTH_LIMIT: {qos.MAX_KBPS: _NUMBER, qos.MAX_BURST: _NUMBER, qos.DIRECTION: _WAY},
    qos.RULE_TYPE_PACKET_RATE_LIMIT: {
        qos.MAX_KPPS: _NUMBER,
        qos.MAX_BURST_KPPS: _NUMBER,
        qos.DIRECTION: _WAY,
    },
    qos.RULE_TYPE_DSCP_MARKING: {qos.DSCP_MARK: {"type:values": constants.VALID_DSCP_MARKS}},
    qos.RULE_TYPE_MINIMUM_BANDWIDTH: {qos.MIN_KBPS: _NUMBER, qos.DIRECTION: _WAY},
    qos.RULE_TYPE_MINIMUM_PACKET_RATE: {qos.MIN_KPPS: _NUMBER, qos.DIRECTION: _ANY_WAY},
}
"""What may stand in each type of rule."""


class QosDriver(base.DriverBase):
    """The driver; it lives as long as somebody holds it.

    :param hand_on: hands the journal on, after a change with this context.
    """

    def __init__(self, hand_on: Callable[[Any], None]) -> None:
        super().__init__(
            name="tricircle",
            # Whatever a site's host plugs in, at the top a port on a node is of this type.
            vif_types=[portbindings.VIF_TYPE_OTHER],
            vnic_types=portbindings.VNIC_TYPES,
            supported_rules=RULES,
        )
        self._hand_on = hand_on

    def update_policy_precommit(self, context: Any, policy: Any) -> None:
        """Write that a policy, or a rule of it, changes; a new one is nobody's yet, and concerns no site."""
        # Of one that is deleted Neutron tells the id only.
        project_id = policy.project_id if policy.obj_attr_is_set("project_id") else None
        journal.record(context, POLICY, policy.id, project_id)

    delete_policy_precommit = update_policy_precommit

    def update_policy(self, context: Any, policy: Any) -> None:  # noqa: ARG002  # Neutron's signature
        """Hand on what has changed."""
        self._hand_on(context)

    delete_policy = update_policy
