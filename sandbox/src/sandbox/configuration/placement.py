"""placement.conf of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.configuration import ini
from sandbox.layout import PLACEMENT

if TYPE_CHECKING:
    from sandbox.layout import Layout, Site


def sections(layout: Layout, site: Site) -> ini.Sections:
    """Return placement.conf."""
    return {
        "DEFAULT": {"use_stderr": True},
        "api": {"auth_strategy": "keystone"},
        "placement_database": ini.database(layout, site.name, PLACEMENT.name),
        "keystone_authtoken": ini.token_check(layout, PLACEMENT),
    }
