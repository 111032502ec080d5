"""cinder.conf of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.configuration import ini
from sandbox.layout import CINDER

if TYPE_CHECKING:
    from sandbox.layout import Layout, Site

BACKEND = "fake"


def sections(layout: Layout, site: Site) -> ini.Sections:
    """Return cinder.conf."""
    packaged = ini.PACKAGED / "cinder"
    return {
        "DEFAULT": {
            **ini.site_process(layout, site, CINDER),
            "auth_strategy": "keystone",
            "api_paste_config": packaged / "api-paste.ini",
            "rootwrap_config": packaged / "rootwrap.conf",
            # Without this file the API ignores filters such as ?status= for anyone but an admin.
            "resource_query_filters_file": packaged / "resource_filters.json",
            "enabled_backends": BACKEND,
            "default_volume_type": "__DEFAULT__",
            "storage_availability_zone": "nova",
            "glance_api_servers": layout.glance_url,
            # The scheduler's start waits so long for the backend's first report, which comes at once.
            "scheduler_driver_init_wait_time": 2,
            "report_interval": 10,
            "service_down_time": 60,
            "quota_volumes": 1000,
            "quota_snapshots": 1000,
            "quota_gigabytes": 100000,
            "quota_groups": 100,
        },
        BACKEND: {
            "volume_driver": "sandbox.serving.volume_driver.SandboxVolumeDriver",
            "volume_backend_name": BACKEND,
        },
        "database": ini.database(layout, site.name, CINDER.name),
        "keystone_authtoken": ini.token_check(layout, CINDER),
        "service_user": ini.credentials(layout, "cinder", send_service_user_token=True),
        "glance": ini.credentials(layout, "cinder", region_name=site.name),
        "nova": ini.credentials(layout, "nova", region_name=site.name),
        "oslo_messaging_notifications": {"driver": "noop"},
        **ini.bus(layout),
        "oslo_concurrency": ini.lock(layout, site.name, CINDER),
    }
