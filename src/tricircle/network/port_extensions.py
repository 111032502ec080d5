"""What extensions add to a port that a site made: address pairs, port security, tags.

What the top's Neutron does not have is left out. What is in a site already no limit of the top refuses: there
may be more address pairs than `max_allowed_address_pair`, and more tags than users may give.
"""

from typing import Any

from neutron.extensions import tagging
from neutron_lib import exceptions
from neutron_lib.api import attributes
from neutron_lib.api.definitions import allowedaddresspairs, port_security
from neutron_lib.api.definitions import port as port_definition
from neutron_lib.api.extensions import is_extension_supported
from neutron_lib.plugins import directory

from tricircle.network import adoption

PAIRS = allowedaddresspairs.ADDRESS_PAIRS
SECURITY = port_security.PORTSECURITY
TAGS = tagging.TAGS


def had(core: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a port that this Neutron has.

    A port without port security is in no group and has no pairs, and Neutron refuses the one without the
    other: where that is not said, it is added.
    """
    lacking = set()
    if not is_extension_supported(core, port_security.ALIAS):
        lacking.add(SECURITY)
    if directory.get_plugin(tagging.TAG_PLUGIN_TYPE) is None:
        lacking.add(TAGS)
    found = {name: value for name, value in fields.items() if name not in lacking}
    return found if found.get(SECURITY, True) else {"security_groups": [], PAIRS: [], **found}


def create_port(core: Any, context: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Have the core plugin make a port.

    As `neutron_lib.plugins.utils.create_port` does, which would count the address pairs.

    :param fields: also such as no request may name.
    """
    wanted = dict(fields)
    pairs = wanted.pop(PAIRS, None)
    info = attributes.AttributeInfo(attributes.RESOURCES[port_definition.COLLECTION_NAME])
    info.populate_project_id(context, wanted, True)
    info.fill_post_defaults(wanted, check_allow_post=False)
    info.convert_values(wanted)
    if pairs is not None:
        wanted[PAIRS] = pairs
    made: dict[str, Any] = core.create_port(context, {port_definition.RESOURCE_NAME: wanted})
    return made


def write_tags(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    """Write the tags that a site's port has into the transaction that makes or changes its row."""
    context = payload.context
    adopted = adoption.of(context)
    if adopted is None or adopted.tags is None:
        return
    with adoption.telling(context.session):
        directory.get_plugin(tagging.TAG_PLUGIN_TYPE).update_tags(
            context, port_definition.COLLECTION_NAME, payload.resource_id, {TAGS: adopted.tags}
        )


def with_tags(core: Any, context: Any, port: dict[str, Any]) -> dict[str, Any]:
    """Return a port as it is now, where its tags were written: Neutron's own answer is from before that."""
    adopted = adoption.of(context)
    if adopted is None or adopted.tags is None:
        return port
    try:
        found: dict[str, Any] = core.get_port(context, port["id"])
    except exceptions.PortNotFound:  # deleted just now: it was adopted all the same
        return port
    return found
