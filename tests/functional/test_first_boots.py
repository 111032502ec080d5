"""What a first boot in a site waits for: what Nova looks at before it accepts a server, and nothing else."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from tests.fakes.faults import Site as Faulty
from tests.fakes.faults import Status
from tests.fakes.network import TopNetwork
from tests.fakes.server import Exchange
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron, calls_of, networks_in
from tests.functional.workshop import Workshop

from tricircle.jobs.types import FOLLOW, REPLICATE

pytestmark = pytest.mark.usefixtures("workshop")


@pytest.fixture
def web(neutron: Neutron) -> Document:
    """A group that lets in more than a new one does."""
    group = neutron.make("security_group", name="web")
    neutron.add_rule(group["id"], protocol="tcp", port_range_min=80, port_range_max=80)
    return neutron.show("security_group", group["id"])


def boot(servers: Api, network: Document, *groups: Document) -> Reply:
    """Boot a server on a network, with groups by their names."""
    more: dict[str, Any] = {"security_groups": [{"name": each["name"]} for each in groups]} if groups else {}
    return servers.create(availability_zone="az1", networks=[{"uuid": network["id"]}], **more)


def follow(workshop: Workshop) -> None:
    """Have changes at the top taken over."""
    workshop.hurry(FOLLOW.name)


def ingress_of(site: Site, group: Document) -> int:
    """Count what a group lets in, in a site."""
    (there,) = site.network.marked("security_groups", group["id"])
    return sum(rule["direction"] == "ingress" for rule in there["security_group_rules"])


@pytest.mark.parametrize("is_followed", [True, False])
def test_a_name_that_a_second_group_has_got_a_moment_ago_is_not_enough(
    servers: Api, neutron: Neutron, workshop: Workshop, net1: Document, web: Document, *, is_followed: bool
) -> None:
    assert boot(servers, net1, web).status == 202
    workshop.hurry(FOLLOW.name, REPLICATE.name)
    neutron.make("security_group", name=web["name"])
    if is_followed:
        follow(workshop)
    refused = boot(servers, net1, web)
    assert refused.status == 409
    assert refused.fault[1].startswith("Multiple security_group matches found for name 'web'")


class TestWhatIsAsked:
    def test_what_is_taken_over_already_is_not_read_and_nothing_is_looked_for(
        self, servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
    ) -> None:
        follow(workshop)
        top = workshop.cloud.network
        assert top is not None
        for network in (top, site_one.network):
            network.requests.clear()
        assert boot(servers, net1, web).status == 202
        (listed, delegated) = calls_of(top)
        assert (listed[0], delegated) == ("GET", ("POST", "/v2.0/address-blocks"))
        assert listed[1].startswith("/v2.0/address-blocks?")
        asked = calls_of(site_one.network)
        made = ["/v2.0/networks", "/v2.0/security-groups", "/v2.0/subnets"]
        assert sorted(asked) == [("POST", each) for each in made]
        assert [target for _, target in asked][-1] != "/v2.0/networks"

    def test_of_several_at_once_one_brings_what_all_need(
        self, servers: Api, net1: Document, top: TopNetwork, site_one: Site
    ) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: boot(servers, net1), range(8)))
        assert {each.status for each in made} == {202}
        ours = f"/v2.0/networks/{net1['id']}"
        assert [target for _, target in calls_of(top, "GET")].count(ours) == 2  # for its user, and for us
        asked = calls_of(site_one.network, "POST")
        assert sorted(asked) == [("POST", f"/v2.0/{each}") for each in ("networks", "subnets")]

    def test_nothing_is_left_to_look_at_again(
        self, servers: Api, workshop: Workshop, net1: Document, web: Document
    ) -> None:
        assert boot(servers, net1, web).status == 202
        workshop.run()
        assert workshop.waiting(REPLICATE.name) == []

    def test_a_network_that_is_used_again_after_it_left_gets_addresses_again(
        self, servers: Api, workshop: Workshop, net1: Document, site_one: Site
    ) -> None:
        follow(workshop)
        assert boot(servers, net1).status == 202
        workshop.hurry(FOLLOW.name, REPLICATE.name)
        store = workshop.engine.replicas.store
        known = store.find("network", net1["id"])
        assert known is not None
        site = workshop.engine.registry.snapshot.by_name["SiteOne"]
        site_one.network.ports.clear()
        workshop.engine.database.transact(
            lambda connection: store.realised.want_no_more(connection, known.definition.id, site.id)
        )
        workshop.engine.replicas.realiser.realise(known.definition.id, site)
        assert networks_in(site_one) == {}
        assert boot(servers, net1).status == 202
        (subnet,) = site_one.network.subnets.values()
        assert site_one.network.pool_size(subnet) >= 32


class TestRules:
    def test_those_that_let_in_more_follow(
        self, servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
    ) -> None:
        assert boot(servers, net1, web).status == 202
        assert ingress_of(site_one, web) == 0
        soon = workshop.waiting(REPLICATE.name)
        workshop.run()  # what is due at once
        assert ingress_of(site_one, web) == 1
        assert {job.resource_type for job in soon} >= {"security_group"}

    def test_where_a_new_group_would_let_through_too_much_they_are_there_first(
        self, servers: Api, neutron: Neutron, net1: Document, web: Document, site_one: Site
    ) -> None:
        for rule in web["security_group_rules"]:
            if rule["direction"] == "egress":
                neutron.delete_rule(web["id"], rule["id"])
        assert boot(servers, net1, web).status == 202
        (there,) = site_one.network.marked("security_groups", web["id"])
        assert [rule["direction"] for rule in there["security_group_rules"]] == ["ingress"]

    def test_one_that_the_site_refuses_is_told_by_a_parked_job(
        self, servers: Api, workshop: Workshop, net1: Document, *, web: Document, site_one: Site
    ) -> None:
        message = "Quota exceeded for resources: ['security_group_rule']."
        body = json.dumps({"NeutronError": {"type": "OverQuota", "message": message, "detail": ""}})
        site_one.network.faults.put(Status(409, body), "/security-group-rules", method="POST")
        assert boot(servers, net1, web).status == 202
        workshop.hurry(REPLICATE.name)
        (parked,) = workshop.parked()
        for words in ("SiteOne", message):
            assert words in (parked.cause or "")

    def test_a_second_boot_waits_for_them_no_more_than_the_first(
        self, servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
    ) -> None:
        for _ in range(2):
            assert boot(servers, net1, web).status == 202
        assert len(site_one.network.marked("security_groups", web["id"])) == 1
        workshop.hurry(FOLLOW.name, REPLICATE.name)
        assert ingress_of(site_one, web) == 1
        assert workshop.parked() == []

    def test_they_are_the_groups_projects_and_count_on_its_quota(
        self, servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
    ) -> None:
        assert boot(servers, net1, web).status == 202
        workshop.hurry(FOLLOW.name, REPLICATE.name)
        (there,) = site_one.network.marked("security_groups", web["id"])
        assert {rule["project_id"] for rule in there["security_group_rules"]} == {web["project_id"]}


class TestChangesOnTheirWay:
    def test_a_subnet_that_was_made_just_now_is_there(
        self, servers: Api, workshop: Workshop, neutron: Neutron, site_one: Site
    ) -> None:
        network = neutron.make_network("bare")
        follow(workshop)
        neutron.make_subnet(network, "10.4.0.0/24")
        assert workshop.waiting(FOLLOW.name)
        assert boot(servers, network).status == 202
        assert networks_in(site_one) == {"bare": ["10.4.0.0/24"]}

    def test_a_group_is_as_strict_as_it_was_made_just_now(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, web: Document
    ) -> None:
        follow(workshop)
        for rule in web["security_group_rules"]:
            neutron.delete_rule(web["id"], rule["id"])
        assert boot(servers, net1, web).status == 202
        (there,) = neutron.cloud.sites["SiteOne"].network.marked("security_groups", web["id"])
        assert there["security_group_rules"] == []

    def test_changes_of_ports_hold_nothing_up(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, top: TopNetwork
    ) -> None:
        follow(workshop)
        neutron.make("port", name="p1", network_id=net1["id"])
        top.requests.clear()
        assert boot(servers, net1).status == 202
        assert [each for each in calls_of(top, "GET") if "networks" in each[1]] == []

    def test_who_read_the_top_before_a_change_does_not_undo_what_others_read_after_it(
        self, workshop: Workshop, neutron: Neutron, top: TopNetwork
    ) -> None:
        """Two workers follow a network and its new subnet at the same time."""
        network = neutron.make_network("bare")

        def meanwhile() -> None:
            neutron.make_subnet(network, "10.4.0.0/24")
            (subnet_id,) = neutron.show("network", network["id"])["subnets"]
            workshop.engine.networks.follow("subnet", subnet_id)

        target = f"/networks/{network['id']}"
        top.faults.put(AnsweredLate(meanwhile), target, method="GET", times=1)
        workshop.engine.networks.follow("network", network["id"])
        known = workshop.engine.replicas.store.find("network", network["id"])
        assert known is not None
        assert len(known.definition.body["subnets"]) == 1


@dataclass
class AnsweredLate:
    """Has something done after an answer was made, and before it is sent."""

    do: Any

    def answer(self, site: Faulty, exchange: Exchange) -> None:
        """Make the answer, do it, and send the answer."""
        reply = site.perform(exchange)
        self.do()
        exchange.reply(reply)

    def release(self) -> None:
        """Nobody is held."""
