"""What boots bring to a site, networks and groups, and whether it is gone."""

from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.workshop import Workshop

from tricircle.jobs.types import ADOPT, AFTER_DELETE, CLEAN_UP, FOLLOW, INTENT, MEMBERS, REPLICATE

ASKED_FOR = (FOLLOW, REPLICATE, INTENT, ADOPT, AFTER_DELETE, CLEAN_UP, MEMBERS)
"""The types of jobs that boots and what comes of them ask for."""


def boot(servers: Api, network: Document, group: Document | None = None, **more: str) -> Reply:
    """Boot a server on a network, in a group or in none."""
    groups = [] if group is None else [{"name": group["name"]}]
    return servers.create(
        availability_zone="az1", networks=[{"uuid": network["id"]}], security_groups=groups, **more
    )


def settle(workshop: Workshop) -> None:
    """Have all jobs done that boots asked for; none is parked."""
    workshop.hurry(*(kind.name for kind in ASKED_FOR))
    assert workshop.parked() == []


def groups_in(site: Site) -> set[str]:
    """Return the names of a site's groups."""
    return {group["name"] for group in site.network.security_groups.values()}


def is_clean(workshop: Workshop, site: Site) -> bool:
    """Say whether a site has nothing of the top but the default group, and the top believes so, too."""
    site_id = workshop.site_id(site.name)
    kinds = ("network", "subnet", "port", "security_group", "rbac_policy", "address_group")
    noted = [
        known.definition.name
        for kind in kinds
        for known in workshop.known(kind)
        if site_id in known.realisations and known.definition.name != "default"
    ]
    network = site.network
    there = [*network.networks, *network.subnets, *network.ports, *network.address_groups]
    return noted == [] and there == [] and groups_in(site) <= {"default"}
