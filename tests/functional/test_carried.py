"""What networks and ports of the top have besides names and addresses is in sites that can have it, too."""

import json
from typing import Any

import pytest
from tests.fakes.network import TopNetwork
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

pytestmark = pytest.mark.usefixtures("workshop")

BOOTFILE = {"opt_name": "bootfile-name", "opt_value": "pxe.0", "ip_version": 4}
NTP = {"opt_name": "ntp-server", "opt_value": "10.0.0.8", "ip_version": 4}


def boot(servers: Api, **wanted: Any) -> None:
    """Boot a server on a network, or with a port."""
    reply = servers.create(availability_zone="az1", networks=[wanted])
    assert reply.status == 202, reply.body


def policy_of(top: TopNetwork, **rules: Document) -> Document:
    """Make a QoS policy at the top, as an operator does, with rules by type."""
    policy: Document = {
        "id": "5f0a3c1e-4a53-4bb3-9d07-0d8f1f5a2c11",
        "name": "gold",
        "description": "",
        "project_id": "c" * 32,
        "shared": True,
        "rules": [{"id": kind, "type": kind, **rule} for kind, rule in rules.items()],
    }
    top.qos_policies[policy["id"]] = policy
    return policy


def told(rules: list[Document]) -> list[Document]:
    """Return rules without their ids."""
    shown = [{name: value for name, value in rule.items() if name != "id"} for rule in rules]
    return sorted(shown, key=lambda rule: str(rule["type"]))


LIMIT: Document = {"max_kbps": 5000, "max_burst_kbps": 0, "direction": "egress"}
FLOOR: Document = {"min_kbps": 4000, "direction": "egress"}


class TestPorts:
    @pytest.fixture
    def network(self, neutron: Neutron) -> Document:
        """A network with a subnet."""
        return neutron.make_network("net1", "10.0.1.0/24")

    def test_dhcp_options_names_and_tags_are_there_before_the_server(
        self, servers: Api, neutron: Neutron, network: Document, site_one: Site, workshop: Workshop
    ) -> None:
        site_one.network.has_dns = True
        fields = {"extra_dhcp_opts": [BOOTFILE], "dns_name": "www", "tags": ["red"]}
        port = neutron.make("port", network_id=network["id"], **fields)
        neutron.top.ports[port["id"]]["tags"] = fields["tags"]
        boot(servers, port=port["id"])
        (there,) = site_one.network.marked("ports", port["id"])
        assert {name: there[name] for name in fields} == fields
        neutron.change("port", port["id"], extra_dhcp_opts=[{**BOOTFILE, "opt_value": None}, NTP])
        workshop.carry()
        assert there["extra_dhcp_opts"] == [NTP]
        assert workshop.parked() == []

    def test_a_name_that_is_taken_back_goes_and_the_site_may_give_one_then(
        self, servers: Api, neutron: Neutron, network: Document, site_one: Site, *, workshop: Workshop
    ) -> None:
        site_one.network.has_dns = True
        port = neutron.make("port", network_id=network["id"], dns_name="www")
        boot(servers, port=port["id"])
        (there,) = site_one.network.marked("ports", port["id"])
        assert there["dns_name"] == "www"
        neutron.change("port", port["id"], dns_name="")
        neutron.change("port", port["id"], name="renamed")
        workshop.carry()
        assert (there["dns_name"], there["name"]) == ("", "renamed")
        there["dns_name"] = "like-its-server"
        for name in ("again", "and again"):
            neutron.change("port", port["id"], name=name)
            workshop.carry()
        assert there["dns_name"] == "like-its-server"

    def test_a_site_without_them_has_the_port_all_the_same(
        self, servers: Api, neutron: Neutron, network: Document, site_one: Site, workshop: Workshop
    ) -> None:
        site_one.network.lacks |= {"extra-dhcp-opt", "standard-attr-tag"}
        fields = {"extra_dhcp_opts": [BOOTFILE], "dns_name": "www", "tags": ["red"]}
        port = neutron.make("port", network_id=network["id"], **fields)
        neutron.top.ports[port["id"]]["tags"] = fields["tags"]
        boot(servers, port=port["id"])
        (there,) = site_one.network.marked("ports", port["id"])
        assert not there.keys() & fields.keys()
        known = workshop.engine.replicas.store.find("port", port["id"])
        assert known is not None
        (realised,) = known.realisations.values()
        assert realised.drift is not None
        assert all(word in realised.drift for word in ("extra_dhcp_opts", "dns_name", "tags"))

    def test_what_nova_finds_a_host_by_is_there_before_the_server(
        self, servers: Api, neutron: Neutron, network: Document, site_one: Site, workshop: Workshop
    ) -> None:
        site_one.network.has_hardware = neutron.top.has_hardware = True
        fields = {
            "binding:vnic_type": "direct",
            "numa_affinity_policy": "preferred",
            "device_profile": "fpga",
        }
        port = neutron.make("port", network_id=network["id"], **fields)
        boot(servers, port=port["id"])
        (made,) = (
            json.loads(request.body)["port"]
            for request in site_one.network.received()
            if (request.method, request.target) == ("POST", "/v2.0/ports")
        )
        assert {name: made.get(name) for name in fields} == fields
        (there,) = site_one.network.marked("ports", port["id"])
        for value in ("legacy", None, "required"):
            neutron.change("port", port["id"], numa_affinity_policy=value)
            workshop.carry()
            assert there["numa_affinity_policy"] == value
        known = workshop.engine.replicas.store.find("port", port["id"])
        assert known is not None
        assert [each.drift for each in known.realisations.values()] == [None]

    def test_addresses_that_hosts_make_are_not_named_to_the_site(
        self, servers: Api, neutron: Neutron, network: Document, site_one: Site
    ) -> None:
        slaac = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
        neutron.make_subnet(network, "2001:db8::/64", **slaac)
        port = neutron.make("port", network_id=network["id"])
        assert len(port["fixed_ips"]) == 2
        boot(servers, port=port["id"])
        (there,) = site_one.network.marked("ports", port["id"])
        addresses = [{each["ip_address"] for each in item["fixed_ips"]} for item in (port, there)]
        assert addresses[0] == addresses[1]


class TestNetworks:
    def test_whom_a_subnet_is_for(
        self, servers: Api, neutron: Neutron, site_one: Site, workshop: Workshop
    ) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24")
        subnet = neutron.make_subnet(network, "10.0.2.0/24", service_types=["network:b", "network:a"])
        boot(servers, uuid=network["id"])
        (there,) = site_one.network.marked("subnets", subnet["id"])
        assert there["service_types"] == ["network:a", "network:b"]
        neutron.change("subnet", subnet["id"], service_types=["compute:nova"])
        workshop.carry()
        assert there["service_types"] == ["compute:nova"]
        neutron.change("subnet", subnet["id"], service_types=[])
        workshop.carry()
        assert there["service_types"] == []
        assert workshop.parked() == []

    def test_tags_of_networks_and_subnets(
        self, servers: Api, neutron: Neutron, site_one: Site, workshop: Workshop
    ) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24")
        (subnet_id,) = network["subnets"]
        neutron.top.networks[network["id"]]["tags"] = ["blue"]
        neutron.top.subnets[subnet_id]["tags"] = ["green"]
        boot(servers, uuid=network["id"])
        (there,) = site_one.network.marked("networks", network["id"])
        assert there["tags"] == ["blue"]
        assert site_one.network.subnets[there["subnets"][0]]["tags"] == ["green"]

    def test_a_smaller_underlay_is_told(
        self, servers: Api, neutron: Neutron, site_one: Site, workshop: Workshop
    ) -> None:
        site_one.network.mtu = 1450
        network = neutron.make_network("net1", "10.0.1.0/24", mtu=1500)
        boot(servers, uuid=network["id"])
        workshop.carry()
        known = workshop.engine.replicas.store.find("network", network["id"])
        assert known is not None
        (realised,) = known.realisations.values()
        assert (realised.version, realised.drift) == (
            known.definition.version,
            "mtu is 1450 and should be 1500",
        )


class TestQos:
    def test_the_policy_is_there_with_the_network_and_follows(
        self, servers: Api, neutron: Neutron, site_one: Site, workshop: Workshop
    ) -> None:
        policy = policy_of(neutron.top, bandwidth_limit=LIMIT, minimum_bandwidth=FLOOR)
        network = neutron.make_network("net1", "10.0.1.0/24", qos_policy_id=policy["id"])
        boot(servers, uuid=network["id"])
        (there,) = site_one.network.marked("qos_policies", policy["id"])
        assert told(there["rules"]) == told(policy["rules"])
        (in_site,) = site_one.network.marked("networks", network["id"])
        assert in_site["qos_policy_id"] == there["id"]
        # Both go up: what is allowed must be changed before what is guaranteed.
        policy["rules"][0]["max_kbps"], policy["rules"][1]["min_kbps"] = 9000, 8000
        neutron._follow("qos_policy", policy["id"])
        workshop.carry()
        assert told(there["rules"]) == told(policy["rules"])
        neutron.change("network", network["id"], qos_policy_id=None)
        del neutron.top.qos_policies[policy["id"]]
        neutron._follow("qos_policy", policy["id"])
        workshop.carry()
        assert in_site["qos_policy_id"] is None
        assert site_one.network.qos_policies == {}
        assert workshop.parked() == []

    def test_a_port_that_is_made_first_has_its_own(
        self, servers: Api, neutron: Neutron, site_one: Site, workshop: Workshop
    ) -> None:
        policy = policy_of(neutron.top, bandwidth_limit=LIMIT)
        network = neutron.make_network("net1", "10.0.1.0/24")
        port = neutron.make("port", network_id=network["id"], qos_policy_id=policy["id"])
        boot(servers, port=port["id"])
        (there,) = site_one.network.marked("qos_policies", policy["id"])
        (in_site,) = site_one.network.marked("ports", port["id"])
        assert in_site["qos_policy_id"] == there["id"]

    def test_a_site_without_qos_has_the_network_all_the_same(
        self, servers: Api, neutron: Neutron, site_one: Site, workshop: Workshop
    ) -> None:
        site_one.network.lacks.add("qos")
        policy = policy_of(neutron.top, bandwidth_limit=LIMIT)
        network = neutron.make_network("net1", "10.0.1.0/24", qos_policy_id=policy["id"])
        boot(servers, uuid=network["id"])
        workshop.carry()
        assert len(site_one.network.marked("networks", network["id"])) == 1
        known = workshop.engine.replicas.store.find("qos_policy", policy["id"])
        assert known is not None
        (realised,) = known.realisations.values()
        assert realised.drift == "Site SiteOne has no qos policy at all."
        assert workshop.parked() == []


class TestAddressGroups:
    def test_one_that_a_rule_names_is_there_and_follows(
        self, servers: Api, neutron: Neutron, site_one: Site, workshop: Workshop
    ) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24")
        partners = neutron.make("address_group", name="partners", addresses=["192.0.2.0/24"])
        group = neutron.make("security_group", name="web")
        rule = neutron.add_rule(group["id"], protocol="tcp", remote_address_group_id=partners["id"])
        where = {"availability_zone": "az1", "networks": [{"uuid": network["id"]}]}
        assert servers.create(**where, security_groups=[{"name": "web"}]).status == 202
        workshop.carry()
        (there,) = site_one.network.marked("address_groups", partners["id"])
        assert there["addresses"] == ["192.0.2.0/24"]
        (web,) = site_one.network.marked("security_groups", group["id"])

        def named() -> list[str]:
            found = (each["remote_address_group_id"] for each in web["security_group_rules"])
            return [each for each in found if each is not None]

        assert named() == [there["id"]]
        more = {"addresses": ["198.51.100.7/32"]}
        target = f"/v2.0/address-groups/{partners['id']}/add_addresses"
        assert neutron._send("PUT", target, more).status == 200
        neutron._follow("address_group", partners["id"])
        workshop.carry()
        assert sorted(there["addresses"]) == ["192.0.2.0/24", "198.51.100.7/32"]
        neutron.delete_rule(group["id"], rule["id"])
        neutron.delete("address_group", partners["id"])
        workshop.carry()
        assert named() == []
        assert site_one.network.marked("address_groups", partners["id"]) == []
        assert workshop.parked() == []
