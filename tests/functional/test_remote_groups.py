"""A rule that names a remote security group lets in the members of that group in every site."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.faults import Status
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop, give_network
from tests.functional.api import Api, compute_api
from tests.functional.gateway import GatewayClient
from tests.functional.neutron import Neutron, calls_of
from tests.functional.workshop import Workshop

from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, MEMBERS, PORTS, REPLICATE
from tricircle.xjob import adopt

ALL = (ADOPT.name, AFTER_DELETE.name, MEMBERS.name, FOLLOW.name, REPLICATE.name)


@dataclass
class World:
    """A project with one network, at a top of two sites."""

    cloud: Cloud
    top: AdoptingTop
    neutron: Neutron
    servers: Api
    workshop: Workshop
    network: Document

    def boot(self, zone: str, *groups: str) -> str:
        """Boot a server, and have its port adopted; return its id."""
        named = {"security_groups": [{"name": name} for name in groups]} if groups else {}
        reply = self.servers.create(availability_zone=zone, networks=[{"uuid": self.network["id"]}], **named)
        assert reply.status == 202, reply.body
        server_id = str(reply.json["server"]["id"])
        site = self.site_of(server_id)
        site.compute.servers[server_id].vm_state = "active"
        for port in self.ports(server_id):
            port["status"] = "ACTIVE"
        self.finish()
        return server_id

    def delete(self, server_id: str) -> None:
        """Delete a server."""
        assert self.servers.client.delete(f"/v2.1/servers/{server_id}").status == 204
        self.finish()

    def finish(self) -> None:
        """Have all that waits done."""
        self.workshop.hurry(*ALL)

    def site_of(self, server_id: str) -> Site:
        """Return the site of a server."""
        return next(site for site in self.cloud.sites.values() if server_id in site.compute.servers)

    def ports(self, server_id: str) -> list[Document]:
        """Return a server's ports, in its site."""
        ports = self.site_of(server_id).network.ports.values()
        return [port for port in ports if port["device_id"] == server_id]

    def addresses(self, *server_ids: str) -> set[str]:
        """Return the addresses of servers."""
        ports = [port for server_id in server_ids for port in self.ports(server_id)]
        return {_cidr(fixed["ip_address"]) for port in ports for fixed in port["fixed_ips"]}

    def jobs(self, kind: str = MEMBERS.name) -> list[Job]:
        """Return all jobs of a type that ever were."""
        return JobStore(self.workshop.engine.database).page(JobFilters(type=kind))

    def compare(self, site: Site) -> None:
        """Compare a site with the definitions, and have all done that follows."""
        self.workshop.look_for_drift(site.name)
        self.finish()

    def compare_ports(self, site: Site) -> None:
        """Compare a site's ports with those of the top, and have all done that follows."""
        site_id = self.workshop.site_id(site.name)
        self.workshop.engine.requester.request(Request(PORTS.name, "site", site_id, site_id))
        self.finish()


@pytest.fixture
def world(cloud: Cloud, compute: GatewayClient, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world."""
    monkeypatch.setattr(adopt, "_NOTICE", 0.0)
    top = give_network(cloud)
    neutron = Neutron(cloud, top, cloud.member)
    workshop.clear()
    network = neutron.make_network("net1", "10.0.1.0/24", "2001:db8::/64")
    return World(cloud, top, neutron, compute_api(compute), workshop, network)


def _cidr(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def default_in(site: Site) -> Document:
    """Return the project's default group in a site."""
    (found,) = [
        group
        for group in site.network.security_groups.values()
        if (group["name"], group["project_id"]) == ("default", PROJECT)
    ]
    return found


def let_in(site: Site, group: Document) -> dict[str, set[str]]:
    """Return whom of other sites the rules of a site's group let in: addresses, by direction and version."""
    return {
        f"{rule['direction']} {rule['ethertype']}": set(
            site.network.address_groups[rule["remote_address_group_id"]]["addresses"]
        )
        for rule in group["security_group_rules"]
        if rule["remote_address_group_id"] is not None
    }


def both(addresses: set[str], direction: str = "ingress") -> dict[str, set[str]]:
    """Return what `let_in` does of a pair of rules, for IPv4 and IPv6."""
    return {f"{direction} IPv4": addresses, f"{direction} IPv6": addresses}


class TestDefaultGroup:
    def test_each_site_lets_in_the_members_of_the_other(
        self, world: World, site_one: Site, site_two: Site
    ) -> None:
        one, two = world.boot("az1"), world.boot("az2")
        assert len(world.addresses(one)) == 2
        assert let_in(site_one, default_in(site_one)) == both(world.addresses(two))
        assert let_in(site_two, default_in(site_two)) == both(world.addresses(one))
        for site in (site_one, site_two):
            own = [
                rule
                for rule in default_in(site)["security_group_rules"]
                if rule["remote_group_id"] == default_in(site)["id"]
            ]
            assert len(own) == 2, "and each its own"
            (group,) = site.network.address_groups.values()
            assert group["project_id"] == PROJECT
            assert group["description"] == f"tricircle:{world.neutron.default_group()['id']}"
        assert world.workshop.parked() == []

    def test_in_one_site_alone_nobody_is_asked_anything(self, world: World, site_one: Site) -> None:
        world.boot("az1")
        world.boot("az1")
        assert world.jobs() == []
        assert site_one.network.address_groups == {}

    def test_a_boot_waits_for_nothing_of_it(self, world: World, site_one: Site, site_two: Site) -> None:
        world.boot("az1")
        world.boot("az2")
        for service in (world.top, site_one.network, site_two.network):
            service.requests.clear()
        wanted = [{"uuid": world.network["id"]}]
        assert world.servers.create(availability_zone="az1", networks=wanted).status == 202
        assert calls_of(world.top) == calls_of(site_one.network) == calls_of(site_two.network) == []

    def test_members_that_come_later_are_let_in_and_those_that_go_are_not(
        self, world: World, site_one: Site, site_two: Site
    ) -> None:
        one, two = world.boot("az1"), world.boot("az2")
        third = world.boot("az1")
        assert let_in(site_two, default_in(site_two)) == both(world.addresses(one, third))
        kept = world.addresses(third)
        world.delete(one)
        assert let_in(site_two, default_in(site_two)) == both(kept)
        world.delete(third)
        assert let_in(site_two, default_in(site_two)) == both(set())
        assert let_in(site_one, default_in(site_one)) == both(world.addresses(two))

    def test_many_at_once_are_few_jobs(self, world: World, site_two: Site) -> None:
        world.boot("az2")
        reply = world.servers.create(
            availability_zone="az1", networks=[{"uuid": world.network["id"]}], min_count=12, max_count=12
        )
        assert reply.status == 202
        world.workshop.hurry("intent", *ALL)
        assert {len(addresses) for addresses in let_in(site_two, default_in(site_two)).values()} == {24}
        assert len(world.jobs()) <= 16

    def test_what_differs_only_is_told(self, world: World, site_two: Site) -> None:
        world.boot("az2")
        world.boot("az1")
        site_two.network.requests.clear()
        third = world.boot("az1")
        changes = calls_of(site_two.network, "POST", "PUT", "DELETE")
        (group,) = site_two.network.address_groups
        assert changes == [("PUT", f"/v2.0/address-groups/{group}/add_addresses")]
        site_two.network.requests.clear()
        world.delete(third)
        changes = calls_of(site_two.network, "POST", "PUT", "DELETE")
        assert changes == [("PUT", f"/v2.0/address-groups/{group}/remove_addresses")]

    def test_a_third_site_hears_of_both(self, world: World) -> None:
        third = world.cloud.add_site("SiteThree", "az3")
        world.workshop.engine.registry.expire()
        world.workshop.clear()
        one, two, three = (world.boot(zone) for zone in ("az1", "az2", "az3"))
        assert let_in(third, default_in(third)) == both(world.addresses(one, two))
        site_one = world.cloud.sites["SiteOne"]
        assert let_in(site_one, default_in(site_one)) == both(world.addresses(two, three))


class TestOtherGroups:
    @pytest.fixture
    def web(self, world: World) -> Document:
        """A group that lets in the members of another one, for one port."""
        return world.neutron.make("security_group", name="web")

    @pytest.fixture
    def clients(self, world: World) -> Document:
        """The other one."""
        return world.neutron.make("security_group", name="clients")

    @pytest.fixture
    def rule(self, world: World, web: Document, clients: Document) -> Document:
        """The rule."""
        fields = {"remote_group_id": clients["id"], "protocol": "tcp", "port_range_min": 80}
        return world.neutron.add_rule(web["id"], **fields, port_range_max=80)

    def web_in(self, site: Site) -> Document:
        """Return the group in a site."""
        (found,) = [group for group in site.network.security_groups.values() if group["name"] == "web"]
        return found

    def test_members_of_a_group_that_is_named_are_let_in_and_no_others(
        self, world: World, rule: Document, site_one: Site
    ) -> None:
        world.boot("az1", "web")
        client = world.boot("az2", "clients")
        world.boot("az2", "web")
        assert let_in(site_one, self.web_in(site_one)) == {"ingress IPv4": world.addresses(client)}
        extra = [
            each
            for each in self.web_in(site_one)["security_group_rules"]
            if each["remote_address_group_id"] is not None
        ]
        assert [(each["protocol"], each["port_range_min"], each["port_range_max"]) for each in extra] == [
            ("tcp", 80, 80)
        ]

    def test_a_rule_that_is_made_later_lets_in_who_is_there_already(
        self, world: World, web: Document, clients: Document, site_one: Site
    ) -> None:
        world.boot("az1", "web")
        client = world.boot("az2", "clients")
        assert site_one.network.address_groups == {}
        world.neutron.add_rule(web["id"], remote_group_id=clients["id"])
        world.finish()
        assert let_in(site_one, self.web_in(site_one)) == {"ingress IPv4": world.addresses(client)}

    def test_a_rule_that_goes_takes_all_of_it_along(
        self, world: World, web: Document, rule: Document, site_one: Site
    ) -> None:
        world.boot("az1", "web")
        world.boot("az2", "clients")
        assert len(site_one.network.address_groups) == 1
        world.neutron.delete_rule(web["id"], rule["id"])
        world.finish()
        assert let_in(site_one, self.web_in(site_one)) == {}
        assert site_one.network.address_groups == {}
        assert world.workshop.parked() == []
        world.neutron.add_rule(web["id"], remote_group_id=rule["remote_group_id"])
        world.finish()
        assert len(let_in(site_one, self.web_in(site_one))) == 1, "and it may come back"

    def test_a_group_that_is_deleted_leaves_nothing(
        self, world: World, web: Document, clients: Document, rule: Document, site_one: Site
    ) -> None:
        server, client = world.boot("az1", "web"), world.boot("az2", "clients")
        world.delete(client)
        world.neutron.delete("security_group", clients["id"])
        world.finish()
        assert let_in(site_one, self.web_in(site_one)) == {}
        assert site_one.network.address_groups == {}
        assert world.workshop.definitions("remote_members") == {}
        world.delete(server)
        world.neutron.delete("security_group", web["id"])
        world.finish()
        assert world.workshop.parked() == []

    def test_a_group_whose_rules_name_others_is_deleted(
        self, world: World, web: Document, rule: Document, site_one: Site
    ) -> None:
        server = world.boot("az1", "web")
        world.boot("az2", "clients")
        world.delete(server)
        world.neutron.delete("security_group", web["id"])
        world.finish()
        assert site_one.network.address_groups == {}
        assert world.workshop.parked() == []

    def test_a_port_that_changes_its_groups_at_the_top(
        self, world: World, clients: Document, rule: Document, site_one: Site
    ) -> None:
        world.boot("az1", "web")
        client, other = world.boot("az2", "clients"), world.boot("az2", "default")
        (leaves,), (joins,) = world.ports(client), world.ports(other)
        default = world.neutron.default_group()["id"]
        world.neutron.change("port", leaves["id"], security_groups=[default])
        world.neutron.change("port", joins["id"], security_groups=[clients["id"]])
        world.finish()
        assert let_in(site_one, self.web_in(site_one)) == {"ingress IPv4": world.addresses(other)}

    def test_address_pairs_are_members_addresses_too(
        self, world: World, rule: Document, site_one: Site
    ) -> None:
        world.boot("az1", "web")
        client = world.boot("az2", "clients")
        (port,) = world.ports(client)
        pairs = [{"ip_address": "10.0.1.250"}, {"ip_address": "10.9.0.7/16"}]
        world.neutron.change("port", port["id"], allowed_address_pairs=pairs)
        world.finish()
        wanted = world.addresses(client) | {"10.0.1.250/32", "10.9.0.0/16"}
        assert let_in(site_one, self.web_in(site_one)) == {"ingress IPv4": wanted}

    def test_a_port_that_is_deleted_at_the_top(self, world: World, rule: Document, site_one: Site) -> None:
        world.boot("az1", "web")
        client = world.boot("az2", "clients")
        (port,) = world.ports(client)
        world.neutron.delete("port", port["id"])
        del world.top.adopted[port["id"]]
        world.finish()
        assert let_in(site_one, self.web_in(site_one)) == {"ingress IPv4": set()}

    def test_a_port_that_was_made_first_counts_while_a_server_has_it(
        self, world: World, clients: Document, rule: Document, site_one: Site, site_two: Site
    ) -> None:
        world.boot("az1", "web")
        world.boot("az2", "clients")
        port = world.neutron.make(
            "port", network_id=world.network["id"], security_groups=[clients["id"]], name="first"
        )
        mine = {_cidr(fixed["ip_address"]) for fixed in port["fixed_ips"]}
        world.finish()
        assert not mine & let_in(site_one, self.web_in(site_one))["ingress IPv4"]
        reply = world.servers.create(availability_zone="az2", networks=[{"port": port["id"]}])
        assert reply.status == 202, reply.body
        server = reply.json["server"]["id"]
        site_two.compute.servers[server].vm_state = "active"
        world.finish()
        assert mine <= let_in(site_one, self.web_in(site_one))["ingress IPv4"]
        world.delete(server)
        assert not mine & let_in(site_one, self.web_in(site_one))["ingress IPv4"]


class TestTrouble:
    def test_a_site_without_address_groups_says_where_the_rule_is_not_in_force(
        self, world: World, site_one: Site
    ) -> None:
        site_one.network.lacks.add("address-group")
        world.boot("az1")
        world.boot("az2")
        (failed,) = [job for job in world.jobs() if job.state is JobState.FAILED]
        group = world.neutron.default_group()["id"]
        assert failed.cause == (
            f"Rules that name security group default ({group}) as the remote one let in, in site SiteOne, "
            "its members of that site only. Its network service lacks address-group: have it there, then "
            "redo this job."
        )
        site_one.network.lacks.clear()
        JobStore(world.workshop.engine.database).redo(failed.id)
        world.finish()
        assert len(let_in(site_one, default_in(site_one))) == 2

    def test_a_rule_that_the_site_refuses_is_told(self, world: World, site_one: Site) -> None:
        world.boot("az1")
        words = "Quota exceeded for resources: ['security_group_rule']."
        site_one.network.faults.put(Status(409, words), "/security-group-rules", method="POST")
        world.boot("az2")
        failed = [job for job in world.jobs() if job.site_id == world.workshop.site_id("SiteOne")]
        assert {job.state for job in failed} == {JobState.FAILED}
        assert all(
            f"members of that site only. Site SiteOne refuses a rule: {words}" in str(job.cause)
            for job in failed
        )

    def test_what_got_lost_is_found_by_the_comparison(
        self, world: World, site_one: Site, site_two: Site
    ) -> None:
        one, two = world.boot("az1"), world.boot("az2")
        world.workshop.run()
        (lost,) = world.ports(one)
        (there,) = site_two.network.address_groups.values()
        there["addresses"] = ["10.66.0.1/32"]
        world.compare(site_two)
        assert let_in(site_two, default_in(site_two)) == both(world.addresses(one))
        del site_one.network.ports[lost["id"]]
        world.compare_ports(site_one)
        assert let_in(site_two, default_in(site_two)) == both(set())
        assert let_in(site_one, default_in(site_one)) == both(world.addresses(two))

    def test_the_comparison_takes_none_of_it_for_strange(
        self, world: World, site_one: Site, site_two: Site
    ) -> None:
        world.boot("az1")
        world.boot("az2")
        before = [dict(site.network.address_groups) for site in (site_one, site_two)]
        for site in (site_one, site_two):
            site.network.requests.clear()
            world.compare(site)
            assert calls_of(site.network, "POST", "PUT", "DELETE") == []
        drift = [
            each.drift
            for kind in ("security_group", "remote_members")
            for known in world.workshop.known(kind)
            for each in known.realisations.values()
        ]
        assert drift == [None] * len(drift)
        assert [dict(site.network.address_groups) for site in (site_one, site_two)] == before

    def test_an_address_group_that_somebody_deletes_is_made_again(self, world: World, site_one: Site) -> None:
        world.boot("az1")
        two = world.boot("az2")
        group = default_in(site_one)
        group["security_group_rules"] = [
            rule for rule in group["security_group_rules"] if rule["remote_address_group_id"] is None
        ]
        site_one.network.address_groups.clear()
        world.compare(site_one)
        assert let_in(site_one, default_in(site_one)) == both(world.addresses(two))

    def test_a_site_that_was_down_hears_of_it_when_it_is_back(
        self, world: World, site_one: Site, site_two: Site
    ) -> None:
        world.boot("az1")
        two = world.boot("az2")
        site_one.network.stop()
        reply = world.servers.create(availability_zone="az2", networks=[{"uuid": world.network["id"]}])
        third = reply.json["server"]["id"]
        site_two.compute.servers[third].vm_state = "active"
        world.workshop.run()
        site_one.network.start()
        world.finish()
        assert let_in(site_one, default_in(site_one)) == both(world.addresses(two, third))

    def test_done_twice_it_is_the_same(self, world: World, site_one: Site) -> None:
        world.boot("az1")
        world.boot("az2")
        group: Any = world.neutron.default_group()["id"]
        site_id = world.workshop.site_id("SiteOne")
        site_one.network.requests.clear()
        for _ in range(2):
            request = Request(MEMBERS.name, "security_group", group, site_id, PROJECT)
            world.workshop.engine.requester.request(request)
            world.finish()
        assert calls_of(site_one.network, "POST", "PUT", "DELETE") == []
