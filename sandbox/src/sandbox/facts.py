"""``sandbox env``: all that a shell or a test needs to know of a sandbox."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from keystoneauth1.exceptions import ClientException

from sandbox import configuration, content, processes, rest
from sandbox.identity import USERS
from sandbox.layout import (
    ADMIN_API,
    CINDER,
    NEUTRON,
    NOVA,
    PASSWORD,
    PRODUCT_ENVIRONMENT,
    SITE_SERVICES,
    TOP_REGION,
)

if TYPE_CHECKING:
    from sandbox.layout import Layout, Site


def exports(layout: Layout) -> str:
    """Return what a shell evaluates, to have ``openstack`` speak to the top as a tenant."""
    variables = {
        "OS_CLIENT_CONFIG_FILE": str(layout.clouds),
        "OS_CLOUD": "tricircle",
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    path = f'export PATH={shlex.quote(str(PRODUCT_ENVIRONMENT / "bin"))}:"$PATH"'
    return "\n".join([*lines, path])


def collect(layout: Layout) -> dict[str, Any]:
    """Return what a test needs, as ``env --json`` prints it; asks the running services for ids."""
    session = rest.session_of(layout)
    image = content.image(layout, session)
    return {
        "directory": str(layout.directory),
        "subnet": layout.subnet,
        "profile": layout.profile,
        "clouds_yaml": str(layout.clouds),
        "keystone_url": layout.keystone_url,
        "glance_url": layout.glance_url,
        "token_lifetime": layout.token_lifetime,
        "users": {
            user: {"password": PASSWORD, "project": project, "roles": list(roles)}
            for user, (project, roles) in USERS.items()
        },
        "image_id": image["id"] if image else None,
        "flavor_ids": [flavor["id"] for flavor in content.FLAVORS],
        "top": {
            "region": TOP_REGION,
            "address": layout.top_address,
            "compute_url": NOVA.url(layout.top_address),
            "volume_url": CINDER.url(layout.top_address),
            "network_url": NEUTRON.url(layout.top_address),
            "admin_url": ADMIN_API.url(layout.top_address),
            "configuration": str(layout.conf("top", "tricircle.conf")),
            "database_url": configuration.top.connection(layout),
            "network_database_url": layout.database_url("top", NEUTRON.name),
            "workers": len(processes.worker_processes(layout)),
        },
        "sites": [describe(layout, site, session) for site in layout.sites],
    }


def describe(layout: Layout, site: Site, session: Any) -> dict[str, Any]:
    """Return the facts of one site; the network is None when the site does not answer."""
    try:
        network = content.shared_network(site, session)
    except ClientException:
        network = None
    return {
        "name": site.name,
        "region": site.name,
        "address": site.address,
        "host": site.host,
        "availability_zone": "nova",
        "top_availability_zone": site.top_availability_zone,
        "clouds": {"admin": site.cloud, "demo": f"{site.cloud}-demo"},
        "urls": {service.type: service.url(site.address) for service in SITE_SERVICES},
        "shared_network": network
        and {"id": network["id"], "subnet_id": network["subnets"][0], "cidr": site.shared_cidr},
        "faults": str(layout.faults(site)),
    }
