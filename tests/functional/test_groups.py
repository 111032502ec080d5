"""Security groups of the top are in a site when the first server there needs them."""

from typing import Any

import pytest
from tests.fakes.cloud import PROJECT
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.boots import boot, ports_of
from tests.functional.neutron import Neutron, calls_of, rules_of
from tests.functional.workshop import Workshop

pytestmark = pytest.mark.usefixtures("workshop")


class TestGroups:
    def default(self, site: Site) -> Document:
        """Return the project's default group of a site."""
        (found,) = [
            group
            for group in site.network.security_groups.values()
            if (group["name"], group["project_id"]) == ("default", PROJECT)
        ]
        return found

    def names(self, *services: Any) -> dict[str, str]:
        """Return the names of all groups by id."""
        return {group["id"]: group["name"] for each in services for group in each.security_groups.values()}

    def test_the_default_group_has_the_rules_of_the_tops(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        group = neutron.default_group()
        neutron.add_rule(group["id"], protocol="tcp", port_range_min=22, port_range_max=22)
        neutron.delete_rule(group["id"], neutron.default_group()["security_group_rules"][0]["id"])
        assert boot(servers, net1).status == 202
        names = self.names(neutron.top, site_one.network)
        wanted = rules_of(neutron.default_group(), names)
        assert len(wanted) == 4
        assert rules_of(self.default(site_one), names) == wanted

    def test_rules_that_change_reach_every_site_that_has_the_group(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document
    ) -> None:
        site_one, site_two = neutron.cloud.sites.values()
        for zone in ("az1", "az2"):
            boot(servers, net1, zone=zone)
        workshop.carry()
        group = neutron.default_group()
        rule = neutron.add_rule(group["id"], protocol="tcp", remote_ip_prefix="10.0.0.0/8")
        workshop.carry()
        for site in (site_one, site_two):
            names = self.names(neutron.top, site.network)
            assert rules_of(self.default(site), names) == rules_of(neutron.default_group(), names)
        neutron.delete_rule(group["id"], rule["id"])
        workshop.carry()
        for site in (site_one, site_two):
            assert len(rules_of(self.default(site))) == 4

    def test_one_that_is_named_like_an_id_is_found_by_its_name(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        name = "0f5e3c1a-9b7d-4e28-8a64-c2d10b9f7e35"
        neutron.make("security_group", name=name)
        for _ in range(2):  # read at the top, and then known
            reply = boot(servers, net1, security_groups=[{"name": name}])
            assert reply.status == 202, reply.body
            (port,) = ports_of(site_one, reply.json["server"]["id"])
            groups = [site_one.network.security_groups[each]["name"] for each in port["security_groups"]]
            assert groups == [name]

    @pytest.mark.parametrize("by", ["id", "name"])
    def test_one_that_names_another_has_that_one_there_too(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, by: str
    ) -> None:
        web, database = neutron.make("security_group", name="web"), neutron.make("security_group", name="db")
        neutron.add_rule(
            database["id"],
            protocol="tcp",
            port_range_min=5432,
            port_range_max=5432,
            remote_group_id=web["id"],
        )
        neutron.add_rule(web["id"], protocol="icmp", remote_group_id=database["id"])
        reply = boot(servers, net1, security_groups=[{"name": database[by]}])
        assert reply.status == 202, reply.body
        workshop.carry()
        site_one = neutron.cloud.sites["SiteOne"]
        names = self.names(neutron.top, site_one.network)
        for group in (web, database):
            (there,) = site_one.network.marked("security_groups", group["id"])
            assert rules_of(there, names) == rules_of(neutron.show("security_group", group["id"]), names)
        (port,) = ports_of(site_one, reply.json["server"]["id"])
        assert [names[each] for each in port["security_groups"]] == ["db"]

    def test_later_boots_with_groups_ask_nobody_but_nova(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        web = neutron.make("security_group", name="web")
        wanted = [{"name": web["id"]}, {"name": "default"}]
        boot(servers, net1, security_groups=wanted)
        for service in (neutron.top, site_one.network):
            service.requests.clear()
        assert boot(servers, net1, security_groups=wanted).status == 202
        assert calls_of(neutron.top) == calls_of(site_one.network) == []

    def test_of_two_of_one_name_none_is_chosen(
        self, servers: Api, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        for _ in range(2):
            neutron.make("security_group", name="web")
        reply = boot(servers, net1, security_groups=[{"name": "web"}])
        assert (reply.status, reply.fault[0]) == (409, "conflictingRequest")
        assert site_one.compute.servers == {}

    def test_a_group_that_goes_takes_the_rules_that_name_it_along(
        self, servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site
    ) -> None:
        web, database = neutron.make("security_group", name="web"), neutron.make("security_group", name="db")
        neutron.add_rule(database["id"], protocol="tcp", remote_group_id=web["id"])
        boot(servers, net1, security_groups=[{"name": "db"}])
        workshop.carry()
        neutron.delete("security_group", web["id"])
        workshop.carry()
        assert site_one.network.marked("security_groups", web["id"]) == []
        (there,) = site_one.network.marked("security_groups", database["id"])
        assert len(there["security_group_rules"]) == 2
        assert set(workshop.definitions("security_group").values()) == {"active"}
        assert workshop.parked() == []
