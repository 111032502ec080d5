"""What the top's Neutron shows, put together as it is defined: a thing with what belongs to it."""

from tricircle.realise.kinds import RBAC_POLICY, SECURITY_GROUP
from tricircle.realise.kinds.rbac_policy import EXTERNAL, SHARED
from tricircle.realise.room import spare_of
from tricircle.realise.top_network import Item

Shown = tuple[str, Item]
"""A kind, and an item of it as the top's Neutron shows it."""


def with_parts(network: Item, subnets: list[Item], policies: list[Item]) -> list[Shown]:
    """Return a network with its subnets and policies, as they are defined."""
    known = [subnet for subnet in subnets if subnet["id"] in network["subnets"]]
    shown = {
        **network,
        "subnets": [subnet["id"] for subnet in known],
        "sharing": _targets(policies, SHARED),
        "external": _targets(policies, EXTERNAL),
        "spare": spare_of(known),
    }
    return [("network", shown), *(("subnet", subnet) for subnet in known), *_policies(policies)]


def with_policies(group: Item, policies: list[Item]) -> list[Shown]:
    """Return a security group with those with whom it is shared, as they are defined."""
    shown = {**group, "sharing": _targets(policies, SHARED)}
    return [(SECURITY_GROUP.name, shown), *_policies(policies)]


def _policies(policies: list[Item]) -> list[Shown]:
    return [(RBAC_POLICY.name, {**policy, "name": policy["target_tenant"]}) for policy in policies]


def _targets(policies: list[Item], action: str) -> list[list[str]]:
    return [[each["id"], each["target_tenant"]] for each in policies if each["action"] == action]
