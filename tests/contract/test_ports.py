"""What a site's Neutron answers about ports."""

import uuid
from typing import Any

import pytest
from tests.contract.neutron import UNKNOWN, Item, Neutron

PORT = {
    *("id", "name", "description", "network_id", "project_id", "tenant_id", "mac_address", "admin_state_up"),
    *("status", "device_id", "device_owner", "allowed_address_pairs", "port_security_enabled", "fixed_ips"),
    *("binding:host_id", "binding:vnic_type", "tags", "created_at", "updated_at", "revision_number"),
    *("security_groups", "extra_dhcp_opts", "dns_name", "dns_assignment", "qos_policy_id", "ip_allocation"),
}
CIDR = "10.92.0.0/24"


@pytest.fixture
def network(neutron: Neutron) -> Item:
    """A network with a subnet."""
    return neutron.network(CIDR)[0]


@pytest.fixture
def subnet(neutron: Neutron, network: Item) -> Item:
    """Its subnet."""
    return neutron.list("subnet", network_id=network["id"])[0]


def options(*wanted: tuple[str, str | None, int]) -> list[dict[str, Any]]:
    """Write DHCP options, in the order of their names."""
    return [dict(zip(("opt_name", "opt_value", "ip_version"), each, strict=True)) for each in sorted(wanted)]


def in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return DHCP options in the order of their names: Neutron has none."""
    return sorted(found, key=lambda option: (option["opt_name"], option["ip_version"]))


class TestLife:
    def test_make_show_change_delete(self, neutron: Neutron, network: Item, subnet: Item) -> None:
        made = neutron.make("port", network_id=network["id"], name="p", description="tricircle:x")
        assert set(made) >= PORT
        assert (made["status"], made["device_id"], made["device_owner"]) == ("DOWN", "", "")
        assert (made["extra_dhcp_opts"], made["dns_name"], made["qos_policy_id"]) == ([], "", None)
        assert (made["tags"], made["allowed_address_pairs"], made["binding:host_id"]) == ([], [], "")
        assert [each["subnet_id"] for each in made["fixed_ips"]] == [subnet["id"]]
        (default,) = neutron.list("security_group", name="default", project_id=network["project_id"])
        assert made["security_groups"] == [default["id"]]
        shown = neutron.show("port", made["id"])
        assert {name: shown[name] for name in PORT} == {name: made[name] for name in PORT}
        changed = neutron.change("port", made["id"], name="q", device_id="d", device_owner="compute:nova")
        assert changed.status == 200
        assert {name: changed.json["port"][name] for name in ("name", "device_id", "device_owner")} == {
            "name": "q",
            "device_id": "d",
            "device_owner": "compute:nova",
        }
        assert neutron.delete("port", made["id"]).status == 204  # in use or not
        for reply in (neutron.call("GET", f"ports/{made['id']}"), neutron.delete("port", made["id"])):
            assert reply.neutron_error == (404, "PortNotFound", f"Port {made['id']} could not be found.")

    def test_filters_fields_and_pages(self, neutron: Neutron, network: Item) -> None:
        device = str(uuid.uuid4())
        made = [neutron.make("port", network_id=network["id"], device_id=device)["id"] for _ in range(3)]
        other = neutron.make("port", network_id=network["id"], description=f"tricircle:{device}")["id"]
        ids = sorted(made)
        assert {item["id"] for item in neutron.list("port", device_id=device)} == set(made)
        assert {item["id"] for item in neutron.list("port", network_id=network["id"])} == {*made, other}
        assert [item["id"] for item in neutron.list("port", description=f"tricircle:{device}")] == [other]
        assert {item["id"] for item in neutron.list("port", id=[ids[0], other])} == {ids[0], other}
        names = {"id": ids[0], "device_id": device}
        assert neutron.list("port", id=ids[0], fields=["id", "device_id"]) == [names]
        query = f"ports?device_id={device}&limit=2&sort_key=id&sort_dir=asc&fields=id"
        first = neutron.call("GET", query).json
        assert [item["id"] for item in first["ports"]] == ids[:2]
        assert "next" in {link["rel"] for link in first["ports_links"]}
        rest = neutron.call("GET", f"{query}&marker={ids[1]}").json
        assert [item["id"] for item in rest["ports"]] == ids[2:]
        assert "next" not in {link["rel"] for link in rest.get("ports_links", ())}
        mac = neutron.show("port", ids[0])["mac_address"]
        assert len(neutron.list("port", network_id=network["id"], mac_address=mac)) == 1

    def test_of_others(self, neutron: Neutron, network: Item) -> None:
        theirs = neutron.make("port", network_id=network["id"], project_id=neutron.projects["member"])
        assert neutron.show("port", theirs["id"], who="member")["id"] == theirs["id"]
        assert neutron.call("GET", f"ports/{theirs['id']}", who="stranger").status == 404
        assert neutron.delete("port", theirs["id"], who="stranger").status == 404
        assert neutron.ask("port", who="stranger", network_id=network["id"]).status == 404

    def test_on_an_unknown_network(self, neutron: Neutron) -> None:
        assert neutron.ask("port", network_id=UNKNOWN).neutron_error[:2] == (404, "NetworkNotFound")

    def test_tags(self, neutron: Neutron, network: Item) -> None:
        # They may be said of a new one, and are not heard.
        made = neutron.make("port", network_id=network["id"], tags=["b", "a"])
        assert neutron.show("port", made["id"])["tags"] == []
        reply = neutron.call("PUT", f"ports/{made['id']}/tags", {"tags": ["c"]})
        assert (reply.status, reply.json) == (200, {"tags": ["c"]})
        assert neutron.show("port", made["id"])["tags"] == ["c"]


class TestAddresses:
    def test_without_any_because_there_is_none_or_none_is_wanted(
        self, neutron: Neutron, network: Item
    ) -> None:
        bare = neutron.make("network", name="bare", project_id=network["project_id"])
        lacking = neutron.make("port", network_id=bare["id"])
        assert (lacking["fixed_ips"], lacking["ip_allocation"]) == ([], "immediate")
        without = neutron.make("port", network_id=network["id"], fixed_ips=[])
        assert (without["fixed_ips"], without["ip_allocation"]) == ([], "none")

    def test_that_are_asked_for(self, neutron: Neutron, network: Item, subnet: Item) -> None:
        address = {"subnet_id": subnet["id"], "ip_address": "10.92.0.77"}
        for asked in ({"ip_address": "10.92.0.77"}, address):
            made = neutron.make("port", network_id=network["id"], fixed_ips=[asked])
            assert made["fixed_ips"] == [address]
            taken = neutron.ask("port", network_id=network["id"], fixed_ips=[asked])
            assert taken.neutron_error[:2] == (409, "IpAddressAlreadyAllocated")
            assert all(word in taken.neutron_error[2] for word in ("10.92.0.77", subnet["id"]))
            neutron.delete("port", made["id"])
        one = neutron.make("port", network_id=network["id"], fixed_ips=[{"subnet_id": subnet["id"]}])
        assert one["fixed_ips"][0]["subnet_id"] == subnet["id"]
        none = neutron.make("port", network_id=network["id"], fixed_ips=[])
        assert none["fixed_ips"] == []

    def test_out_of_the_pools(self, neutron: Neutron, network: Item, subnet: Item) -> None:
        narrow = [{"start": "10.92.0.32", "end": "10.92.0.33"}]
        assert neutron.change("subnet", subnet["id"], allocation_pools=narrow).status == 200
        asked = [{"ip_address": "10.92.0.200"}]
        made = neutron.make("port", network_id=network["id"], fixed_ips=asked)
        assert made["fixed_ips"][0]["ip_address"] == "10.92.0.200"

    def test_that_are_none_of_the_networks(self, neutron: Neutron, network: Item, subnet: Item) -> None:
        reply = neutron.ask("port", network_id=network["id"], fixed_ips=[{"ip_address": "10.93.0.1"}])
        assert reply.neutron_error[:2] == (400, "InvalidIpForNetwork")
        wanted = {"subnet_id": subnet["id"], "ip_address": "10.93.0.1"}
        reply = neutron.ask("port", network_id=network["id"], fixed_ips=[wanted])
        assert reply.neutron_error[:2] == (400, "InvalidIpForSubnet")
        reply = neutron.ask("port", network_id=network["id"], fixed_ips=[{"subnet_id": UNKNOWN}])
        assert reply.neutron_error[0] in {400, 404}

    def test_change(self, neutron: Neutron, network: Item) -> None:
        made = neutron.make("port", network_id=network["id"], fixed_ips=[{"ip_address": "10.92.0.50"}])
        other = neutron.make("port", network_id=network["id"], fixed_ips=[{"ip_address": "10.92.0.51"}])
        wanted = [{"ip_address": "10.92.0.52"}]
        changed = neutron.change("port", made["id"], fixed_ips=wanted).json["port"]
        assert [each["ip_address"] for each in changed["fixed_ips"]] == ["10.92.0.52"]
        taken = neutron.change("port", other["id"], fixed_ips=wanted)
        assert taken.neutron_error[:2] == (409, "IpAddressAlreadyAllocated")

    def test_of_both_versions(self, neutron: Neutron, network: Item, subnet: Item) -> None:
        slaac = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac", "enable_dhcp": True}
        six = neutron.subnet(network, "2001:db8:92::/64", **slaac)
        mac = "fa:16:3e:12:34:56"
        eui = "2001:db8:92:0:f816:3eff:fe12:3456"
        made = neutron.make("port", network_id=network["id"], mac_address=mac)
        assert {each["subnet_id"] for each in made["fixed_ips"]} == {subnet["id"], six["id"]}
        assert {each["ip_address"] for each in made["fixed_ips"]} >= {eui}
        # Those of servers are there where only another one is asked for, too.
        neutron.delete("port", made["id"])
        asked = [{"ip_address": "10.92.0.60"}]
        made = neutron.make("port", network_id=network["id"], mac_address=mac, fixed_ips=asked)
        assert {each["ip_address"] for each in made["fixed_ips"]} == {"10.92.0.60", eui}
        # A new port is given it in any case, and so it must not be named: it is then given twice.
        neutron.delete("port", made["id"])
        for address, error in (
            (eui, (409, "IpAddressAlreadyAllocated")),
            ("2001:db8:92::9", (400, "AllocationOnAutoAddressSubnet")),
        ):
            asked = [{"subnet_id": six["id"], "ip_address": address}]
            reply = neutron.ask("port", network_id=network["id"], mac_address=mac, fixed_ips=asked)
            assert reply.neutron_error[:2] == error
        # In a change it may be.
        made = neutron.make("port", network_id=network["id"], mac_address=mac)
        wanted = [
            {"subnet_id": subnet["id"], "ip_address": "10.92.0.61"},
            {"subnet_id": six["id"], "ip_address": eui},
        ]
        for named in (wanted, wanted[:1]):
            changed = neutron.change("port", made["id"], fixed_ips=named).json["port"]
            assert {each["ip_address"] for each in changed["fixed_ips"]} == {"10.92.0.61", eui}

    def test_a_later_subnet_of_ipv6_gives_addresses_to_ports_that_are_there(
        self, neutron: Neutron, network: Item
    ) -> None:
        made = neutron.make("port", network_id=network["id"], mac_address="fa:16:3e:12:34:56")
        slaac = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac", "enable_dhcp": True}
        six = neutron.subnet(network, "2001:db8:92::/64", **slaac)
        found = {
            each["subnet_id"]: each["ip_address"] for each in neutron.show("port", made["id"])["fixed_ips"]
        }
        assert found[six["id"]] == "2001:db8:92:0:f816:3eff:fe12:3456"
        # They do not keep it from going.
        assert neutron.delete("subnet", six["id"]).status == 204
        assert len(neutron.show("port", made["id"])["fixed_ips"]) == 1

    def test_with_a_stateful_subnet_of_ipv6(self, neutron: Neutron, network: Item) -> None:
        mode = {
            "ipv6_address_mode": "dhcpv6-stateful",
            "ipv6_ra_mode": "dhcpv6-stateful",
            "enable_dhcp": True,
        }
        runs = [{"start": "2001:db8:92::10", "end": "2001:db8:92::10"}]
        neutron.subnet(network, "2001:db8:92::/64", allocation_pools=runs, **mode)
        made = neutron.make("port", network_id=network["id"])
        assert {each["ip_address"] for each in made["fixed_ips"]} >= {"2001:db8:92::10"}
        assert len(made["fixed_ips"]) == 2


class TestMac:
    def test_is_one_ports_of_a_network(self, neutron: Neutron, network: Item) -> None:
        mac = "fa:16:3e:aa:bb:cc"
        made = neutron.make("port", network_id=network["id"], mac_address=mac)
        assert made["mac_address"] == mac
        taken = neutron.ask("port", network_id=network["id"], mac_address=mac)
        assert taken.neutron_error[:2] == (409, "MacAddressInUse")
        assert all(word in taken.neutron_error[2] for word in (mac, network["id"]))
        other, _ = neutron.network()
        assert neutron.make("port", network_id=other["id"], mac_address=mac)["mac_address"] == mac

    def test_changes(self, neutron: Neutron, network: Item) -> None:
        made = neutron.make("port", network_id=network["id"])
        other = neutron.make("port", network_id=network["id"])
        changed = neutron.change("port", made["id"], mac_address="fa:16:3e:aa:bb:cd")
        assert changed.json["port"]["mac_address"] == "fa:16:3e:aa:bb:cd"
        taken = neutron.change("port", other["id"], mac_address="fa:16:3e:aa:bb:cd")
        assert taken.neutron_error[:2] == (409, "MacAddressInUse")

    def test_of_a_bound_port_stays(self, neutron: Neutron, network: Item) -> None:
        made = neutron.make("port", network_id=network["id"], **{"binding:host_id": "some-host"})
        kept = neutron.change("port", made["id"], mac_address="fa:16:3e:aa:bb:ce")
        assert kept.status in {200, 409}


class TestSecurity:
    def test_address_pairs(self, neutron: Neutron, network: Item) -> None:
        made = neutron.make(
            "port", network_id=network["id"], allowed_address_pairs=[{"ip_address": "10.92.0.0/28"}]
        )
        pair = {"ip_address": "10.92.0.0/28", "mac_address": made["mac_address"]}
        assert made["allowed_address_pairs"] == [pair]
        wanted = [{"ip_address": "10.92.0.9", "mac_address": "fa:16:3e:00:00:01"}]
        changed = neutron.change("port", made["id"], allowed_address_pairs=wanted)
        assert changed.json["port"]["allowed_address_pairs"] == wanted

    def test_without_port_security(self, neutron: Neutron, network: Item) -> None:
        made = neutron.make("port", network_id=network["id"], port_security_enabled=False)
        assert (made["port_security_enabled"], made["security_groups"]) == (False, [])
        pairs = [{"ip_address": "10.92.0.9"}]
        refused = neutron.ask(
            "port", network_id=network["id"], port_security_enabled=False, allowed_address_pairs=pairs
        )
        assert refused.neutron_error[:2] == (409, "AddressPairAndPortSecurityRequired")
        guarded = neutron.make("port", network_id=network["id"])
        refused = neutron.change("port", guarded["id"], port_security_enabled=False)
        assert refused.neutron_error[:2] == (409, "PortSecurityPortHasSecurityGroup")
        done = neutron.change("port", guarded["id"], port_security_enabled=False, security_groups=[])
        assert (done.status, done.json["port"]["security_groups"]) == (200, [])

    def test_neutrons_own_have_no_port_security(self, neutron: Neutron, network: Item) -> None:
        made = neutron.make("port", network_id=network["id"], device_owner="network:dhcp")
        assert (made["port_security_enabled"], made["security_groups"]) == (False, [])

    def test_a_network_without_port_security(self, neutron: Neutron) -> None:
        network = neutron.make("network", port_security_enabled=False)
        made = neutron.make("port", network_id=network["id"])
        assert (made["port_security_enabled"], made["security_groups"]) == (False, [])

    def test_unknown_groups(self, neutron: Neutron, network: Item) -> None:
        reply = neutron.ask("port", network_id=network["id"], security_groups=[UNKNOWN])
        assert reply.neutron_error[:2] == (404, "SecurityGroupNotFound")


class TestWhatServersAreTold:
    def test_dhcp_options(self, neutron: Neutron, network: Item) -> None:
        wanted = options(("bootfile-name", "pxe.0", 4), ("tftp-server", "10.0.0.9", 4))
        made = neutron.make("port", network_id=network["id"], extra_dhcp_opts=wanted)
        assert in_order(neutron.show("port", made["id"])["extra_dhcp_opts"]) == wanted
        # What is not named stays as it is; None takes one away.
        changes = options(("bootfile-name", "other.0", 4), ("ntp-server", "10.0.0.8", 4))
        changed = neutron.change("port", made["id"], extra_dhcp_opts=changes)
        assert in_order(changed.json["port"]["extra_dhcp_opts"]) == options(
            ("bootfile-name", "other.0", 4), ("ntp-server", "10.0.0.8", 4), ("tftp-server", "10.0.0.9", 4)
        )
        gone = options(("bootfile-name", None, 4), ("ntp-server", None, 4), ("tftp-server", None, 4))
        assert neutron.change("port", made["id"], extra_dhcp_opts=gone).json["port"]["extra_dhcp_opts"] == []

    def test_dhcp_options_of_both_versions(self, neutron: Neutron, network: Item) -> None:
        wanted = options(("ntp-server", "10.0.0.8", 4), ("ntp-server", "2001:db8::8", 6))
        made = neutron.make("port", network_id=network["id"], extra_dhcp_opts=wanted)
        assert in_order(made["extra_dhcp_opts"]) == wanted
        assert in_order(neutron.show("port", made["id"])["extra_dhcp_opts"]) == wanted

    def test_dns_names(self, neutron: Neutron, network: Item) -> None:
        made = neutron.make("port", network_id=network["id"], dns_name="www")
        assert made["dns_name"] == "www"
        (assigned,) = made["dns_assignment"]
        assert set(assigned) == {"hostname", "ip_address", "fqdn"}
        assert assigned["hostname"] == "www"
        assert neutron.change("port", made["id"], dns_name="db").json["port"]["dns_name"] == "db"
        assert neutron.change("port", made["id"], dns_name="").json["port"]["dns_name"] == ""
        assert neutron.ask("port", network_id=network["id"], dns_name="-").neutron_error[0] == 400


class TestHardware:
    def test_what_a_port_is_plugged_into(self, neutron: Neutron) -> None:
        network, _ = neutron.network(CIDR)
        port = neutron.make("port", network_id=network["id"], **{"binding:vnic_type": "direct"})
        assert port["binding:vnic_type"] == "direct"
        changed = neutron.change("port", port["id"], **{"binding:vnic_type": "normal"})
        assert changed.json["port"]["binding:vnic_type"] == "normal"
