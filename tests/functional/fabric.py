"""The fabric that sites share: its physical networks, what each site calls them, and segments of it."""

from typing import Any

from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.network.segments import FIELDS
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.neutron import Neutron

from tricircle.sites.store import SiteStore

SAID = ["vlan", "stretched", 300]
"""A segment that an administrator has asked for."""


def segment(network_type: str, physical_network: str | None, number: int | None) -> Document:
    """Return a segment as Neutron has it."""
    return dict(zip(FIELDS, (network_type, physical_network, number), strict=True))


def provided(administrator: Neutron, *segments: Document, **fields: Any) -> Document:
    """Have an administrator make a network of the project with segments, and a subnet."""
    named = segments[0] if len(segments) == 1 else {"segments": list(segments)}
    network = administrator.make("network", name="net1", project_id=PROJECT, **named, **fields)
    administrator.make_subnet(network, "10.0.1.0/24")  # it is the administrator's own, and not the project's
    return network


def segment_in(site: Site, network: Document) -> list[Any]:
    """Return what a network is in a site that has it once."""
    (there,) = site.network.marked("networks", network["id"])
    return [there[field] for field in FIELDS]


def names(cloud: Cloud, site: str, **physical_networks: str) -> None:
    """Say what a site calls the physical networks of the top, and have its Neutron know these."""
    SiteStore(cloud.database).update(site, physical_networks=physical_networks)
    cloud.sites[site].network.physical_networks = tuple(physical_networks.values())
