"""clouds.yaml: the top as a tenant and as an admin sees it, and each site for comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from sandbox.layout import PASSWORD, TOP_REGION

if TYPE_CHECKING:
    from sandbox.layout import Layout


def render(layout: Layout) -> str:
    """Return clouds.yaml."""
    clouds = {
        "tricircle": cloud(layout, TOP_REGION, "demo"),
        "tricircle-other": cloud(layout, TOP_REGION, "other"),
        "tricircle-admin": cloud(layout, TOP_REGION, "admin"),
    }
    for site in layout.sites:
        clouds[site.cloud] = cloud(layout, site.name, "admin")
        clouds[f"{site.cloud}-demo"] = cloud(layout, site.name, "demo")
    return str(yaml.safe_dump({"clouds": clouds}, sort_keys=False))


def cloud(layout: Layout, region: str, user: str) -> dict[str, object]:
    """Return one cloud: a user in the project of the same name, in one region."""
    return {
        "auth": {
            "auth_url": layout.keystone_url,
            "username": user,
            "password": PASSWORD,
            "project_name": user,
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": region,
        "identity_api_version": 3,
        "volume_api_version": 3,
        "block_storage_api_version": 3,
    }
