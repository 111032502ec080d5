"""tricircle.conf: what the top's web services, its workers and its management command read."""

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
            **({"transport_url": layout.bus_url("top")} if layout.is_full else {}),
        },
        "database": {"connection": connection(layout)},
        "keystone_authtoken": ini.credentials(layout, "tricircle", www_authenticate_uri=layout.keystone_url),
        # A new site, or a new state of one, is heeded in a second or two instead of up to a minute.
        "sites": {"refresh_interval": 1, "catalog_interval": 2},
        "service_user": ini.credentials(layout, "tricircle"),
        # A killed worker's jobs are taken over while one watches; one that is told to stop does not linger.
        # What was never made counts as that in a minute.
        "xjob": {
            "lease": 10,
            "shutdown_timeout": 5,
            "health_interval": 5,
            "node_interval": 15,
            "intent_horizon": 60,
        },
        **({"coordination": {"backend_url": f"memcached://{layout.memcached}"}} if layout.is_full else {}),
        **ini.bus(layout),
    }


def connection(layout: Layout) -> str:
    """Return the top's database: in the same server as the sites', or a file."""
    if layout.is_full:
        return layout.database_url("top", "tricircle")
    return f"sqlite:///{layout.database('top', 'tricircle')}"
