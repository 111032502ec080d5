"""tricircle.conf: what the top's three web services and its management command read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.configuration import ini
from sandbox.layout import TOP_REGION

if TYPE_CHECKING:
    from sandbox.layout import Layout


def sections(layout: Layout) -> ini.Sections:
    """Return tricircle.conf."""
    return {
        "DEFAULT": {
            "debug": False,
            "region_name": TOP_REGION,
            "default_availability_zone": layout.sites[0].top_availability_zone,
        },
        "database": {"connection": f"sqlite:///{layout.database('top', 'tricircle')}"},
        "keystone_authtoken": ini.credentials(layout, "tricircle", www_authenticate_uri=layout.keystone_url),
        # A new site, or a new state of one, is heeded in a second or two instead of up to a minute.
        "sites": {"refresh_interval": 1, "catalog_interval": 2},
        "service_user": ini.credentials(layout, "tricircle"),
    }
