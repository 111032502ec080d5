"""What a new cloud has in it: flavors and a shared network in each site, and one image for all."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from keystoneauth1.exceptions import Conflict

from sandbox.layout import IMAGE, NEUTRON, NOVA, SHARED_NETWORK
from sandbox.rest import Api

if TYPE_CHECKING:
    from sandbox.layout import Layout, Site

# The same names and ids in every site, as the top requires of flavors that its tenants use.
FLAVORS = (
    {"id": "1", "name": "m1.tiny", "ram": 64, "vcpus": 1, "disk": 1},
    {"id": "2", "name": "m1.small", "ram": 128, "vcpus": 1, "disk": 2},
)
IMAGE_BYTES = b"no operating system at all\n" * 32


def populate_site(site: Site, session: Any) -> None:
    """Make a site's flavors and its shared network."""
    nova = Api(session, NOVA.url(site.address))
    for flavor in FLAVORS:
        with contextlib.suppress(Conflict):  # it is there
            nova.post("/flavors", flavor=flavor)
    neutron = Api(session, NEUTRON.url(site.address))
    network = shared_network(site, session)
    if network is None:
        wanted = {"name": SHARED_NETWORK, "shared": True}
        network = neutron.post("/v2.0/networks", network=wanted)["network"]
    if not network["subnets"]:  # an interrupted `up` may have made the one without the other
        subnet = {
            "name": SHARED_NETWORK,
            "network_id": network["id"],
            "ip_version": 4,
            "cidr": site.shared_cidr,
        }
        neutron.post("/v2.0/subnets", subnet=subnet)


def shared_network(site: Site, session: Any) -> dict[str, Any] | None:
    """Return a site's shared network, or None before it is made."""
    found = Api(session, NEUTRON.url(site.address)).get(f"/v2.0/networks?name={SHARED_NETWORK}")["networks"]
    return found[0] if found else None


def populate_image(layout: Layout, session: Any) -> None:
    """Upload the image that all sites boot from."""
    if image(layout, session) is None:
        glance = Api(session, layout.glance_url)
        facts = {"disk_format": "raw", "container_format": "bare", "visibility": "public"}
        image_id = glance.post("/v2/images", name=IMAGE, **facts)["id"]
        headers = {"Content-Type": "application/octet-stream"}
        glance.call("PUT", f"/v2/images/{image_id}/file", data=IMAGE_BYTES, headers=headers)


def image(layout: Layout, session: Any) -> dict[str, Any] | None:
    """Return the image, or None before it is uploaded."""
    query = f"/v2/images?name={IMAGE}&status=active&visibility=public"
    found = Api(session, layout.glance_url).get(query)["images"]
    return found[0] if found else None
