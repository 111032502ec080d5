"""glance-api.conf: the one Glance that the top and all sites share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.configuration import ini
from sandbox.layout import GLANCE

if TYPE_CHECKING:
    from sandbox.layout import Layout


def sections(layout: Layout) -> ini.Sections:
    """Return glance-api.conf."""
    state = layout.state("shared", GLANCE.name)
    return {
        "DEFAULT": {
            "use_stderr": True,
            "transport_url": "fake://",  # it only notifies, and nobody listens
            "enabled_backends": "local:file",
            "worker_self_reference_url": layout.glance_url,
        },
        "glance_store": {"default_backend": "local"},
        "local": {"filesystem_store_datadir": state / "images"},
        "os_glance_staging_store": {"filesystem_store_datadir": state / "staging"},
        "os_glance_tasks_store": {"filesystem_store_datadir": state / "tasks"},
        "database": ini.database(layout, "shared", GLANCE.name),
        "paste_deploy": {
            "flavor": "keystone",
            "config_file": ini.PACKAGED / "glance" / "glance-api-paste.ini",
        },
        "keystone_authtoken": ini.token_check(layout, GLANCE),
        "oslo_concurrency": ini.lock(layout, "shared", GLANCE),
    }
