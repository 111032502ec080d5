"""The fields of an address block and of an adopted port, as Neutron's API checks them.

Follows neutron-lib's attribute maps (doc/source/contributor/api_attributes.rst of neutron-lib).
"""

from typing import Any

from neutron_lib import constants
from neutron_lib.api import converters
from neutron_lib.db import constants as limits

ALIAS = "tricircle"

STATUSES = ("ACTIVE", "DOWN", "BUILD", "ERROR")

MOST_ADDRESSES = 65536
"""Of one block: each is a row."""

_UUID = {"type:uuid": None}
_TEXT = {"type:string": limits.NAME_FIELD_SIZE}
_NAME = {"type:not_empty_string": limits.NAME_FIELD_SIZE}
_PROJECT = {"type:not_empty_string": limits.PROJECT_ID_FIELD_SIZE}
_ADDRESS = {"type:ip_address": None}
_PAIR = {
    "ip_address": {"type:ip_or_subnet_or_none": None, "required": True},
    "mac_address": {"type:mac_address": None, "required": False},
}


def _field(validate: dict[str, Any], methods: str = "", **more: Any) -> dict[str, Any]:
    """Describe a field.

    :param methods: in which bodies it may be.
    """
    return {
        "allow_post": "POST" in methods,
        "allow_put": "PUT" in methods,
        "is_visible": True,
        "validate": validate,
        **more,
    }


_LOOKED_FOR: dict[str, Any] = {"is_filter": True, "is_sort_key": True}
_OPTIONAL = {"default": constants.ATTR_NOT_SPECIFIED}

ADDRESS_BLOCK: dict[str, Any] = {
    "id": _field(_UUID, **_LOOKED_FOR, primary_key=True),
    "project_id": _field(_PROJECT, "POST", required_by_policy=True, is_filter=True),
    "subnet_id": _field(_UUID, "POST", **_LOOKED_FOR),
    "network_id": _field(_UUID, **_LOOKED_FOR),
    "site": _field(_NAME, "POST", is_filter=True),
    "size": _field(
        {"type:range": [1, MOST_ADDRESSES]}, "POST", **_OPTIONAL, convert_to=converters.convert_to_int
    ),
    "start": _field(_ADDRESS, "POST PUT", **_OPTIONAL),
    "end": _field(_ADDRESS, "POST PUT", **_OPTIONAL),
    "returning": _field(
        {"type:boolean": None}, "POST", default=False, convert_to=converters.convert_to_boolean
    ),
}

ADOPTED_PORT: dict[str, Any] = {
    "id": _field(_UUID, "POST", **_LOOKED_FOR, primary_key=True),
    "project_id": _field(_PROJECT, "POST", required_by_policy=True, **_LOOKED_FOR),
    "network_id": _field(_UUID, "POST", **_LOOKED_FOR),
    "site": _field(_NAME, "POST", is_filter=True),
    "mac_address": _field({"type:mac_address": None}, "POST", **_LOOKED_FOR),
    "fixed_ips": _field(
        {"type:fixed_ips": None},
        "POST PUT",
        is_filter=True,
        default=[],
        convert_list_to=converters.convert_kvp_list_to_dict,
    ),
    "binding:host_id": _field(_TEXT, "POST PUT", **_OPTIONAL, is_filter=True),
    "device_id": _field(_TEXT, "POST PUT", default="", **_LOOKED_FOR),
    "device_owner": _field(_TEXT, "POST PUT", default="", **_LOOKED_FOR),
    "name": _field(_TEXT, "POST PUT", default="", **_LOOKED_FOR),
    "admin_state_up": _field(
        {"type:boolean": None},
        "POST PUT",
        default=True,
        convert_to=converters.convert_to_boolean,
        **_LOOKED_FOR,
    ),
    "security_groups": _field({"type:uuid_list": None}, "POST PUT", **_OPTIONAL, is_filter=True),
    # Not as Neutron checks them: its own limit is on what users ask for.
    "allowed_address_pairs": _field(
        {"type:list_of_dict_or_nodata": {"key_specs": _PAIR}},
        "POST PUT",
        **_OPTIONAL,
        convert_to=converters.convert_none_to_empty_list,
    ),
    "port_security_enabled": _field(
        {"type:boolean": None}, "POST PUT", **_OPTIONAL, convert_to=converters.convert_to_boolean
    ),
    "tags": _field({"type:list_of_unique_strings": limits.NAME_FIELD_SIZE}, "POST PUT", **_OPTIONAL),
    "status": _field({"type:values": list(STATUSES)}, "POST PUT", default="ACTIVE", **_LOOKED_FOR),
    "revision_number": _field(
        {"type:non_negative": None}, "PUT", convert_to=converters.convert_to_int, **_LOOKED_FOR
    ),
}

ATTRIBUTES: dict[str, dict[str, Any]] = {"address_blocks": ADDRESS_BLOCK, "adopted_ports": ADOPTED_PORT}
