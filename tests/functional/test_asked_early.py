"""A site's Nova is asked for a first server while the site makes the last thing that the server needs."""

import json
import threading
from typing import Any

import pytest
from tests.fakes.cloud import Cloud
from tests.fakes.faults import Fault, HangUp, Status
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.brought import is_clean, settle
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron, calls_of, networks_in
from tests.functional.test_boots_meet import Meanwhile
from tests.functional.test_first_boots import AnsweredLate
from tests.functional.test_shared_networks import share
from tests.functional.workshop import Workshop
from tests.integration.conditions import eventually

IN_STEP = {"net1": ["10.0.1.0/24"]}

LIMIT = 30.0
"""Seconds for which one thing waits for another; what is tested comes at once."""


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


@pytest.fixture
def nova_first(site_one: Site) -> None:
    """The subnet is made when Nova has answered that there is none."""
    answered = threading.Event()
    site_one.compute.faults.put(AnsweredLate(answered.set), "/servers", method="POST", times=1)
    site_one.network.faults.put(Meanwhile(lambda: answered.wait(LIMIT)), "/subnets", method="POST", times=1)


@pytest.fixture
def subnet_first(site_one: Site) -> None:
    """Nova looks at the network when the subnet is there."""

    def wait() -> None:
        eventually(lambda: site_one.network.subnets, "the subnet", within=LIMIT)

    site_one.compute.faults.put(Meanwhile(wait), "/servers", method="POST", times=1)


def boot(servers: Api, network: Document, **more: Any) -> Reply:
    """Boot a server on a network."""
    return servers.create(availability_zone="az1", networks=[{"uuid": network["id"]}], **more)


def asked(site: Site) -> int:
    """Count how often the site's Nova was asked for a server."""
    return sum(target.endswith("/servers") for _, target in calls_of(site.compute, "POST"))


def is_whole(workshop: Workshop, site: Site) -> bool:
    """Say whether a site has one server, and the network as it is at the top."""
    settle(workshop)
    site_id, (known,) = workshop.site_id(site.name), workshop.known("network")
    return len(site.compute.servers) == 1 and networks_in(site) == IN_STEP and known.in_step(site_id)


@pytest.mark.parametrize(("first", "times"), [("nova_first", 2), ("subnet_first", 1)])
def test_it_is_asked_again_only_where_it_is_quicker_than_the_subnet_is_made(
    request: pytest.FixtureRequest,
    servers: Api,
    workshop: Workshop,
    net1: Document,
    *,
    site_one: Site,
    first: str,
    times: int,
) -> None:
    request.getfixturevalue(first)
    assert boot(servers, net1).status == 202
    assert asked(site_one) == times
    assert is_whole(workshop, site_one)


def test_others_find_the_network_there_before_nova_has_answered(
    servers: Api, workshop: Workshop, net1: Document, site_one: Site
) -> None:
    site_id = workshop.site_id("SiteOne")
    seen: list[bool] = []

    def is_in_step() -> bool:
        known = workshop.engine.replicas.store.find("network", net1["id"])
        return known is not None and known.in_step(site_id)

    def look() -> None:
        seen.append(eventually(is_in_step, "the network in step", within=LIMIT))

    site_one.compute.faults.put(Meanwhile(look), "/servers", method="POST", times=1)
    assert boot(servers, net1).status == 202
    assert seen == [True]


def test_what_the_site_refuses_is_told_as_ever(
    servers: Api, workshop: Workshop, net1: Document, site_one: Site
) -> None:
    message = "Quota exceeded for resources: ['subnet']."
    body = json.dumps({"NeutronError": {"type": "OverQuota", "message": message, "detail": ""}})
    site_one.network.faults.put(Status(409, body), "/subnets", method="POST")
    reply = boot(servers, net1)
    assert reply.status == 409
    assert message in reply.fault[1]
    assert site_one.compute.servers == {}


@pytest.mark.usefixtures("subnet_first")
def test_a_subnet_whose_answer_is_lost_is_there_and_so_is_the_server(
    servers: Api, workshop: Workshop, net1: Document, site_one: Site
) -> None:
    site_one.network.faults.put(HangUp(performed=True), "/subnets", method="POST", times=1)
    assert boot(servers, net1).status == 202
    assert asked(site_one) == 1
    assert is_whole(workshop, site_one)


@pytest.mark.usefixtures("subnet_first")
@pytest.mark.parametrize("fault", [HangUp(performed=True), Status(500)])
def test_a_server_of_which_nobody_knows_is_looked_for(
    servers: Api, workshop: Workshop, net1: Document, site_one: Site, fault: Fault
) -> None:
    site_one.compute.faults.put(fault, "/servers", method="POST", times=1)
    assert boot(servers, net1).status >= 500
    assert asked(site_one) == 1


def test_what_nova_refuses_for_good_leaves_nothing(
    servers: Api, workshop: Workshop, net1: Document, site_one: Site
) -> None:
    assert boot(servers, net1, flavorRef="none").status == 400
    assert asked(site_one) == 2
    settle(workshop)
    assert is_clean(workshop, site_one)


@pytest.mark.parametrize(
    "what",
    ["two networks", "two subnets", "two servers", "an address", "few addresses", "a policy", "few places"],
)
def test_what_takes_more_than_a_subnet_is_there_before(
    cloud: Cloud, servers: Api, neutron: Neutron, net1: Document, *, site_one: Site, what: str
) -> None:
    networks, more = [{"uuid": net1["id"]}], {}
    if what == "two networks":
        networks.append({"uuid": neutron.make_network("net2", "10.0.2.0/24")["id"]})
    elif what == "two subnets":
        neutron.make_subnet(net1, "2001:db8::/64", ipv6_address_mode="slaac", ipv6_ra_mode="slaac")
    elif what == "two servers":
        more = {"min_count": 2, "max_count": 2}
    elif what == "an address":
        networks[0]["fixed_ip"] = "10.0.1.7"
    elif what == "a policy":
        share(neutron, net1)
    elif what == "few places":
        cloud.configuration.set_override("max_concurrency", 3, group="sites")
    else:
        networks = [{"uuid": neutron.make_network("net2", "10.0.2.0/29")["id"]}]
        others = {"min_count": 2, "max_count": 2}  # which leaves one of five
        assert servers.create(availability_zone="az2", networks=networks, **others).status == 202
    there: list[bool] = []
    is_asked = threading.Event()

    def look() -> None:
        is_asked.set()
        homes = {subnet["network_id"] for subnet in site_one.network.subnets.values()}
        there.append(len(site_one.network.subnets) >= len(networks) and len(homes) == len(networks))

    # Who asks early does so while the subnet is made, and is waited for.
    site_one.network.faults.put(Meanwhile(lambda: is_asked.wait(0.2)), "/subnets", method="POST")
    site_one.compute.faults.put(Meanwhile(look), "/servers", method="POST")
    assert servers.create(availability_zone="az1", networks=networks, **more).status == 202
    assert there == [True]
