"""nova.conf of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.configuration import ini
from sandbox.layout import NOVA

if TYPE_CHECKING:
    from sandbox.layout import Layout, Site


def sections(layout: Layout, site: Site) -> ini.Sections:
    """Return nova.conf."""
    return {
        "DEFAULT": {
            **ini.site_process(layout, site, NOVA),
            "compute_driver": f"sandbox.{'PluggingDriver' if layout.has_data_plane else 'SandboxDriver'}",
            "instances_path": layout.state(site.name, NOVA.name) / "instances",
            "rootwrap_config": ini.PACKAGED / "nova" / "rootwrap.conf",
            # One host in each site, and a resize has to go somewhere.
            "allow_resize_to_same_host": True,
            "block_device_allocate_retries_interval": 1,
            "report_interval": 10,
            "service_down_time": 60,
            # Nothing is plugged: the emulated agent's "up" may come before or after Nova waits for it.
            "vif_plugging_is_fatal": False,
            "vif_plugging_timeout": 0,
        },
        "api": {"auth_strategy": "keystone"},
        "wsgi": {"api_paste_config": ini.PACKAGED / "nova" / "api-paste.ini"},
        "api_database": ini.database(layout, site.name, "nova_api"),
        "database": ini.database(layout, site.name, "nova_cell1"),
        "filter_scheduler": {"track_instance_changes": False},
        "quota": {
            "instances": 1000,
            "cores": 1000,
            "ram": 1000000,
            "key_pairs": 1000,
            "server_groups": 100,
            "server_group_members": 1000,
        },
        "vnc": {"enabled": True, "server_listen": site.address},
        "glance": {"region_name": site.name},
        "cinder": {"os_region_name": site.name, "catalog_info": "block-storage::publicURL"},
        "keystone_authtoken": ini.token_check(layout, NOVA),
        "placement": ini.credentials(layout, "placement", region_name=site.name),
        "neutron": ini.credentials(layout, "neutron", region_name=site.name),
        "service_user": ini.credentials(layout, "nova", send_service_user_token=True),
        "oslo_messaging_notifications": {"driver": "noop"},
        **ini.bus(layout),
        "oslo_concurrency": ini.lock(layout, site.name, NOVA),
    }
