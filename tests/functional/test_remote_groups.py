"""A rule that names a remote security group lets in the members of that group in every site."""

import pytest
from tests.fakes.cloud import PROJECT
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.group_world import World, both, cidr_of, default_in, let_in
from tests.functional.neutron import calls_of


@pytest.fixture
def world(group_world: World) -> World:
    """A project with one network, at a top of two sites."""
    return group_world


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
        world.finish("intent")
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
        mine = {cidr_of(fixed["ip_address"]) for fixed in port["fixed_ips"]}
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
