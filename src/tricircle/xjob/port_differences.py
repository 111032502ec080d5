"""In what the row of a port at the top is not as its site shows the port."""

from collections.abc import Iterable, Mapping
from typing import Any

from tricircle.xjob.ports import OF_EXTENSIONS, Item, comparable

CHANGED_AT_TOP = ("name", "admin_state_up", "security_groups", *OF_EXTENSIONS)
"""What a user changes at the top of a port that the top has adopted."""

_CHANGEABLE = (*CHANGED_AT_TOP, "device_id", "device_owner", "binding:host_id", "status", "fixed_ips")

FIXED = ("network_id", "mac_address", "site")
"""What only a new row can have otherwise."""

_OF_MEMBERS = ("security_groups", "fixed_ips", "allowed_address_pairs", "binding:host_id")
"""What of a port makes it a member of groups, where, and with which addresses."""


def differences(wanted: Mapping[str, Any], row: Mapping[str, Any], names: Iterable[str] = ()) -> Item:
    """Return what is to be otherwise in a row, of what both the site and the top have.

    :param names: only these fields; all where none is given.
    """
    return {
        name: wanted[name]
        for name in (names or (*_CHANGEABLE, *FIXED))
        if name in wanted and name in row and comparable(wanted[name]) != comparable(row[name])
    }


def groups_concerned(wanted: Mapping[str, Item], rows: Mapping[str, Item]) -> set[str]:
    """Return the security groups that get, lose or have other members, as the top calls them."""
    concerned = [item for key, item in wanted.items() if key not in rows]
    concerned += [row for key, row in rows.items() if key not in wanted]
    for key in wanted.keys() & rows.keys():
        if differences(wanted[key], rows[key], _OF_MEMBERS):
            concerned += [wanted[key], rows[key]]
    return {group for item in concerned for group in item["security_groups"]}
