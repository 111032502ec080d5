"""Addresses that a site does not need any more are there for other sites again."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address

import pytest
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.db.timestamps import now
from tricircle.jobs.job import Request
from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, INTENT, REPLICATE, AdoptParameters
from tricircle.sites.store import SiteStore
from tricircle.xjob import idle_addresses, periodic

Compare = Callable[[str], str]


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an hour later for whoever looks what is idle."""
    monkeypatch.setattr(idle_addresses, "now", lambda: now() + timedelta(hours=1))


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


def boot(servers: Api, network: Document, zone: str = "az1", *, address: str = "", count: int = 1) -> Reply:
    """Boot servers on a network."""
    wanted = {"uuid": network["id"], **({"fixed_ip": address} if address else {})}
    many = {"min_count": count, "max_count": count} if count > 1 else {}
    return servers.create(availability_zone=zone, networks=[wanted], **many)


def settle(workshop: Workshop) -> None:
    """Have all jobs done that the boots asked for."""
    workshop.hurry(FOLLOW.name, REPLICATE.name, INTENT.name, ADOPT.name, AFTER_DELETE.name)


def empty(servers: Api, site: Site, workshop: Workshop) -> None:
    """Delete all servers of a site."""
    for server in list(site.compute.servers):
        assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
    settle(workshop)


def delegated(top: AdoptingTop, site: str) -> int:
    """Return how many addresses are a site's."""
    return sum(block["size"] for block in top.blocks.values() if block["site"] == site)


def addresses(top: AdoptingTop, *, returning: bool) -> set[str]:
    """Return the addresses that are some site's, and return or do not."""
    found = (block for block in top.blocks.values() if block["returning"] is returning)
    ends = ((ip_address(block["start"]), ip_address(block["end"])) for block in found)
    return {str(ip_address(each)) for first, last in ends for each in range(int(first), int(last) + 1)}


def pools(site: Site) -> int:
    """Return how many addresses a site hands out, on its only subnet."""
    (subnet,) = site.network.subnets.values()
    return site.network.pool_size(subnet)


class TestIdle:
    def test_what_is_above_the_spare_comes_back_in_two_looks(
        self, servers: Api, workshop: Workshop, net1: Document, top: AdoptingTop, compare: Compare
    ) -> None:
        site_one = workshop.cloud.sites["SiteOne"]
        keeps = boot(servers, net1).json["server"]["id"]
        assert boot(servers, net1, count=150).status == 202
        settle(workshop)
        before = delegated(top, "SiteOne")
        for server in list(site_one.compute.servers):
            if server != keeps:
                servers.client.delete(f"/v2.1/servers/{server}")
        settle(workshop)
        assert "came back" not in compare("SiteOne")
        assert delegated(top, "SiteOne") == before, "nobody else may have them yet"
        kept = pools(site_one)
        assert kept < before
        assert f"{before - kept} addresses came back." in compare("SiteOne")
        assert delegated(top, "SiteOne") == kept == 64
        assert "came back" not in compare("SiteOne"), "it comes to rest"
        assert delegated(top, "SiteOne") == pools(site_one) == kept
        top.requests.clear()
        compare("SiteOne")
        assert [each.target for each in top.received() if "address-blocks" in each.target] == [
            each.target for each in top.received() if each.target.startswith("/v2.0/address-blocks?limit")
        ], "one look for all networks"

    def test_they_stay_where_servers_were_asked_for_lately(
        self, servers: Api, workshop: Workshop, net1: Document, compare: Compare, top: AdoptingTop
    ) -> None:
        idle_addresses.now = now  # put back by the fixture
        boot(servers, net1)
        boot(servers, net1, count=150)
        settle(workshop)
        before = delegated(top, "SiteOne")
        for server in list(workshop.cloud.sites["SiteOne"].compute.servers)[1:]:
            servers.client.delete(f"/v2.1/servers/{server}")
        settle(workshop)
        for _ in range(3):
            compare("SiteOne")
        assert delegated(top, "SiteOne") == before

    def test_one_that_was_named_comes_back_after_its_server(
        self, servers: Api, workshop: Workshop, net1: Document, top: AdoptingTop, compare: Compare
    ) -> None:
        boot(servers, net1)
        server = boot(servers, net1, address="10.0.1.50").json["server"]["id"]
        settle(workshop)
        compare("SiteOne")
        compare("SiteOne")
        assert boot(servers, net1, "az2", address="10.0.1.50").status == 400
        servers.client.delete(f"/v2.1/servers/{server}")
        settle(workshop)
        compare("SiteOne")
        assert boot(servers, net1, "az2", address="10.0.1.50").status == 400
        assert "1 addresses came back." in compare("SiteOne")
        assert boot(servers, net1, "az2", address="10.0.1.50").status == 202

    def test_one_that_is_used_before_it_is_given_back_stays(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop, compare: Compare
    ) -> None:
        """A site takes any address that a request names, also one that is not in its pools."""
        net = neutron.make_network("net", "10.0.1.0/28")
        site_one = workshop.cloud.sites["SiteOne"]
        keeps = boot(servers, net).json["server"]["id"]
        boot(servers, net, count=6)
        settle(workshop)
        for server in list(site_one.compute.servers):
            if server != keeps:
                servers.client.delete(f"/v2.1/servers/{server}")
        settle(workshop)
        compare("SiteOne")
        returning = sorted(addresses(top, returning=True))
        assert len(returning) == 6
        assert boot(servers, net, address=returning[0]).status == 202  # the top knows
        there = Neutron(neutron.cloud, site_one.network, neutron.token)
        (known_as,) = site_one.network.networks
        there.make("port", network_id=known_as, fixed_ips=[{"ip_address": returning[1]}])  # it does not
        compare("SiteOne")
        assert {*returning[:2]} <= addresses(top, returning=False)
        assert addresses(top, returning=False).isdisjoint(returning[2:])
        assert addresses(top, returning=True) == set()

    def test_all_come_back_where_a_site_is_not_registered_any_more(
        self, servers: Api, workshop: Workshop, net1: Document, top: AdoptingTop
    ) -> None:
        boot(servers, net1)
        boot(servers, net1, "az2")
        settle(workshop)
        for block in top.blocks.values():
            if block["site"] == "SiteTwo":  # as the plugin shows a site that it does not find
                block["site"] = "0a0a0a0a-0000-4000-8000-000000000000"
        periodic._take_back(workshop.engine)
        assert {block["site"] for block in top.blocks.values()} == {"SiteOne"}
        assert SiteStore(workshop.engine.database).page() != []


class TestForABoot:
    def test_what_one_site_has_idle_serves_another(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop
    ) -> None:
        few = neutron.make_network("few", "10.0.1.0/28")
        site_one, site_two = workshop.cloud.sites.values()
        booted = 0
        while boot(servers, few).status == 202:
            booted += 1
        assert booted == 12, "all but the gateway's, and one for DHCP"
        settle(workshop)
        assert boot(servers, few, "az2").status == 400
        empty(servers, site_one, workshop)
        again = 0
        while boot(servers, few, "az2").status == 202:
            again += 1
        assert again == 12, "nothing is on the network in the first one, where it is no more"
        assert site_one.network.networks == {}
        settle(workshop)
        assert site_one.compute.faults_seen == site_two.compute.faults_seen == []
        empty(servers, site_two, workshop)
        assert boot(servers, few, count=12).status == 202

    def test_what_is_used_stays(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop
    ) -> None:
        few = neutron.make_network("few", "10.0.1.0/28")
        site_one, site_two = workshop.cloud.sites.values()
        keeps = boot(servers, few).json["server"]["id"]
        assert boot(servers, few, count=11).status == 202
        settle(workshop)
        for server in list(site_one.compute.servers):
            if server != keeps:
                servers.client.delete(f"/v2.1/servers/{server}")
        settle(workshop)
        again = 0
        while boot(servers, few, "az2").status == 202:
            again += 1
        assert again == 10, "two serve DHCP"
        (subnet,) = site_one.network.subnets.values()
        assert site_one.network.pool_size(subnet) == len(site_one.network.addresses_in_use(subnet)) == 2
        assert site_one.compute.faults_seen == site_two.compute.faults_seen == []

    def test_of_a_large_subnet_too(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop
    ) -> None:
        net = neutron.make_network("net", "10.0.1.0/26")
        site_one, site_two = workshop.cloud.sites.values()
        assert boot(servers, net, count=60).status == 202
        settle(workshop)
        assert boot(servers, net, "az2").status == 400
        empty(servers, site_one, workshop)
        assert boot(servers, net, "az2", count=60).status == 202
        assert boot(servers, net, "az2").status == 400
        assert boot(servers, net, "az1").status == 400
        assert site_one.compute.faults_seen == site_two.compute.faults_seen == []

    def test_what_is_delegated_and_not_handed_out_yet_is_used(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop
    ) -> None:
        """Another process was to write it into the site's pools, and has died."""
        few = neutron.make_network("few", "10.0.1.0/28")
        site_one = workshop.cloud.sites["SiteOne"]
        assert boot(servers, few).status == 202
        blocks = workshop.engine.networks.returns._blocks
        known = workshop.engine.replicas.store.find("subnet", few["subnets"][0])
        assert known is not None
        blocks.grow(known.definition.body, workshop.engine.registry.snapshot.by_name["SiteOne"], 13)
        assert delegated(top, "SiteOne") == 13
        assert boot(servers, few, count=11).status == 202
        assert boot(servers, few).status == 400
        assert site_one.compute.faults_seen == []

    def test_a_subnet_that_was_full_comes_when_it_is_not_any_more(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop, compare: Compare
    ) -> None:
        net = neutron.make_network("net", "10.0.1.0/28")
        site_one, site_two = workshop.cloud.sites.values()
        while boot(servers, net).status == 202:
            pass
        neutron.make_subnet(net, "10.0.2.0/24")
        workshop.engine.networks.follow("network", net["id"])
        settle(workshop)

        def there() -> list[str]:
            return sorted(each["cidr"] for each in site_two.network.subnets.values())

        assert boot(servers, net, "az2").status == 202
        settle(workshop)
        assert there() == ["10.0.2.0/24"]
        empty(servers, site_one, workshop)
        for _ in range(2):
            compare("SiteOne")
        workshop.catch_up("SiteTwo")
        workshop.run()
        settle(workshop)
        assert there() == ["10.0.1.0/28", "10.0.2.0/24"]

    def test_servers_that_have_no_port_yet_get_theirs_too(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop
    ) -> None:
        few = neutron.make_network("few", "10.0.1.0/28")
        site_one, site_two = workshop.cloud.sites.values()
        assert boot(servers, few, "az2").status == 202
        assert boot(servers, few, count=10).status == 202
        settle(workshop)
        for server in list(site_one.compute.servers)[1:]:
            servers.client.delete(f"/v2.1/servers/{server}")
        settle(workshop)
        adopts = [
            Request(
                ADOPT.name,
                "server",
                name,
                workshop.site_id("SiteTwo"),
                parameters=AdoptParameters((few["id"],)),
            )
            for name in ("accepted", "also")
        ]
        workshop.engine.requester.request(*adopts)
        assert boot(servers, few, "az2").status == 202
        (subnet,) = site_two.network.subnets.values()
        used = len(site_two.network.addresses_in_use(subnet))
        assert site_two.network.pool_size(subnet) - used >= len(adopts)

    def test_what_a_site_was_about_to_give_back_is_its_own_first(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop, compare: Compare
    ) -> None:
        few = neutron.make_network("few", "10.0.1.0/28")
        keeps = boot(servers, few).json["server"]["id"]
        boot(servers, few, count=11)
        settle(workshop)
        site_one = workshop.cloud.sites["SiteOne"]
        for server in list(site_one.compute.servers):
            if server != keeps:
                servers.client.delete(f"/v2.1/servers/{server}")
        settle(workshop)
        compare("SiteOne")
        assert any(block["returning"] for block in top.blocks.values())
        assert boot(servers, few, count=11).status == 202
        assert site_one.compute.faults_seen == []
        assert not any(block["returning"] for block in top.blocks.values())

    def test_a_site_that_is_away_gives_none(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop
    ) -> None:
        few = neutron.make_network("few", "10.0.1.0/28")
        site_one = workshop.cloud.sites["SiteOne"]
        assert boot(servers, few, count=12).status == 202
        settle(workshop)
        empty(servers, site_one, workshop)
        site_one.network.stop()
        blocks = dict(top.blocks)
        assert boot(servers, few, "az2").status == 400
        assert top.blocks.keys() == blocks.keys()
        site_one.network.start()

    def test_while_one_of_its_sites_is_away_scarcity_lasts(
        self, servers: Api, workshop: Workshop, neutron: Neutron, compare: Compare
    ) -> None:
        network = neutron.make_network("scarce", "10.0.1.0/26")
        assert boot(servers, network, "az2").status == 202
        assert boot(servers, network, count=40).status == 202
        settle(workshop)
        workshop.cloud.sites["SiteTwo"].network.stop()
        compare("SiteOne")
        known = workshop.engine.replicas.store.find("network", network["id"])
        assert known is not None
        assert known.definition.body["spare"] == 0

    def test_scarcity_ends(
        self, servers: Api, workshop: Workshop, neutron: Neutron, top: AdoptingTop, compare: Compare
    ) -> None:
        network = neutron.make_network("scarce", "10.0.1.0/26")
        assert boot(servers, network, count=60).status == 202

        def spare() -> int | None:
            known = workshop.engine.replicas.store.find("network", network["id"])
            return None if known is None else known.definition.body["spare"]

        assert spare() == 0
        settle(workshop)
        compare("SiteOne")
        assert spare() == 0
        empty(servers, workshop.cloud.sites["SiteOne"], workshop)
        compare("SiteOne")
        assert spare() == 15
