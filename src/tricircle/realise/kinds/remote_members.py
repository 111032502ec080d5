"""The members that a security group has in other sites: in each site an address group of their addresses.

Rules of the site that name the group as the remote one name this address group in another rule, and so let in
all members. It is there where the top knows of a member elsewhere, and a rule names the group. Its key is the
security group's, whose mark it bears, and its addresses are each site's own.

Source: Networking API v2.0 reference, "Address groups", "Security group rules" (`remote_address_group_id`).
"""

from collections.abc import Iterable

from tricircle.realise.definition import Body, Definition
from tricircle.realise.kinds.address_group import AddressGroup

_LONGEST_NAME = 255

EXTENSIONS = ("address-group", "security-groups-remote-address-group")
"""What a site's Neutron must have for it."""


class RemoteMembers(AddressGroup):
    """The members of a security group in other sites than the one that has this."""

    name = "remote_members"
    not_found = "Address group {name} could not be found."

    @staticmethod
    def of(group: Definition) -> Body:
        """Return the definition's body of those of a security group."""
        return {
            "id": group.key,
            "name": f"{group.name} in other sites"[:_LONGEST_NAME],
            "project_id": group.project_id,
            "copies": [],
        }


def remote_groups(bodies: Iterable[Body]) -> set[str]:
    """Return the ids of the security groups that rules name as the remote one.

    :param bodies: of security groups.
    """
    named = {rule["remote_group_id"] for body in bodies for rule in body["rules"]}
    return {each for each in named if each is not None}
