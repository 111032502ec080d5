"""Tells Neutron's API of `/v2.0/address-blocks` and `/v2.0/adopted-ports`.

Neutron looks for a class named as the file is.
"""

from typing import Any

from neutron.api import extensions
from neutron.api.v2 import base
from neutron_lib.api import extensions as api_extensions
from neutron_lib.plugins import directory

from tricircle.network.attributes import ALIAS, ATTRIBUTES


class Tricircle(api_extensions.ExtensionDescriptor):
    """The two resources."""

    @classmethod
    def get_name(cls) -> str:
        """Name the extension."""
        return "Tricircle"

    @classmethod
    def get_alias(cls) -> str:
        """Give the short name by which clients find it."""
        return ALIAS

    @classmethod
    def get_description(cls) -> str:
        """Say what it is for."""
        return "Blocks of addresses delegated to sites, and ports adopted from sites"

    @classmethod
    def get_updated(cls) -> str:
        """Say when it was changed last."""
        return "2026-11-30T00:00:00-00:00"

    @classmethod
    def get_resources(cls) -> list[Any]:
        """Make what serves each resource."""
        plugin = directory.get_plugin(ALIAS)
        return [
            extensions.ResourceExtension(
                collection.replace("_", "-"),
                base.create_resource(
                    collection,
                    collection.removesuffix("s"),
                    plugin,
                    attributes,
                    allow_bulk=True,
                    allow_pagination=True,
                    allow_sorting=True,
                ),
                attr_map=attributes,
            )
            for collection, attributes in ATTRIBUTES.items()
        ]

    def get_extended_resources(self, version: str) -> dict[str, Any]:
        """Give the attributes of the resources to the API's own checks."""
        return ATTRIBUTES if version == "2.0" else {}
