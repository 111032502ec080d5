"""What a site's Neutron answers about networks and subnets."""

import ipaddress
from typing import Any

import pytest
from tests.contract.neutron import UNKNOWN, Neutron

NETWORK = {
    *("id", "name", "description", "project_id", "tenant_id", "admin_state_up", "status", "shared", "mtu"),
    *("port_security_enabled", "availability_zone_hints", "availability_zones", "router:external", "subnets"),
    *("created_at", "updated_at", "revision_number", "tags", "dns_domain", "qos_policy_id"),
}
SUBNET = {
    *("id", "name", "description", "network_id", "project_id", "tenant_id", "cidr", "ip_version"),
    *("gateway_ip", "enable_dhcp", "dns_nameservers", "host_routes", "ipv6_address_mode", "ipv6_ra_mode"),
    *("subnetpool_id", "service_types", "allocation_pools", "created_at", "updated_at", "revision_number"),
    "tags",
}


def pools(*runs: str) -> list[dict[str, str]]:
    """Write pools as `first-last`."""
    return [dict(zip(("start", "end"), run.split("-"), strict=True)) for run in runs]


def ordered(found: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return pools in one order: Neutron has none."""
    return sorted(found, key=lambda pool: int(ipaddress.ip_address(pool["start"])))


class TestNetworks:
    def test_life(self, neutron: Neutron) -> None:
        made = neutron.make("network", name="contract", description="tricircle:x")
        assert set(made) >= NETWORK
        assert (made["description"], made["subnets"], made["tags"]) == ("tricircle:x", [], [])
        assert (made["port_security_enabled"], made["shared"], made["status"]) == (True, False, "ACTIVE")
        assert (made["dns_domain"], made["qos_policy_id"]) == ("", None)
        made.pop("is_default", None)  # which only the answer to POST tells
        assert neutron.show("network", made["id"]) == made
        changed = neutron.change("network", made["id"], name="other", admin_state_up=False)
        assert changed.status == 200
        wanted = {**made, "name": "other", "admin_state_up": False}
        same = NETWORK - {"updated_at", "revision_number"}
        assert {name: changed.json["network"][name] for name in same} == {name: wanted[name] for name in same}
        gone = neutron.delete("network", made["id"])
        assert (gone.status, gone.text) == (204, "")
        for reply in (neutron.call("GET", f"networks/{made['id']}"), neutron.delete("network", made["id"])):
            assert reply.neutron_error == (
                404,
                "NetworkNotFound",
                f"Network {made['id']} could not be found.",
            )

    def test_is_made_for_another_project_by_an_administrator_only(self, neutron: Neutron) -> None:
        theirs = neutron.projects["member"]
        made = neutron.make("network", project_id=theirs)
        assert (made["project_id"], made["tenant_id"]) == (theirs, theirs)
        assert neutron.show("network", made["id"], who="member")["id"] == made["id"]
        assert neutron.call("GET", f"networks/{made['id']}", who="stranger").status == 404
        assert neutron.ask("network", who="stranger", project_id=theirs).status in {400, 403}

    def test_filters_and_fields(self, neutron: Neutron) -> None:
        member, stranger = neutron.projects["member"], neutron.projects["stranger"]
        made = [
            neutron.make("network", name="contract", project_id=project, description=description)["id"]
            for project, description in ((member, "mark:1"), (stranger, "mark:1"), (member, "mark:2"))
        ]
        assert {item["id"] for item in neutron.list("network", description="mark:1")} == set(made[:2])
        (found,) = neutron.list("network", description="mark:1", project_id=member)
        assert found["id"] == made[0]
        assert {item["id"] for item in neutron.list("network", id=[made[0], made[2]])} == {made[0], made[2]}
        assert neutron.list("network", id=made[1], fields="id") == [{"id": made[1]}]
        assert neutron.list("network", description="mark:none") == []
        assert neutron.list("network", id=made[0], shared="True") == []
        assert len(neutron.list("network", id=made[0], shared="False")) == 1
        reply = neutron.call("GET", "networks?nonsense=1")
        assert reply.neutron_error[:2] == (400, "HTTPBadRequest")
        assert "nonsense" in reply.neutron_error[2]

    @pytest.mark.parametrize(
        ("fields", "type_"),
        [
            ({"nonsense": 1}, "HTTPBadRequest"),
            ({"mtu": 9000}, "InvalidInput"),
            ({"tags": ["a"]}, "HTTPBadRequest"),
        ],
    )
    def test_what_is_refused(self, neutron: Neutron, fields: dict[str, Any], type_: str) -> None:
        assert neutron.ask("network", **fields).neutron_error[:2] == (400, type_)

    def test_mtu(self, neutron: Neutron) -> None:
        most = neutron.make("network")["mtu"]
        made = neutron.make("network", mtu=1300)
        assert made["mtu"] == 1300
        refused = neutron.change("network", made["id"], mtu=most + 1)
        assert refused.neutron_error[:2] == (400, "InvalidInput")
        assert neutron.change("network", made["id"], mtu=most).json["network"]["mtu"] == most

    def test_tags(self, neutron: Neutron) -> None:
        made = neutron.make("network")
        path = f"networks/{made['id']}"
        reply = neutron.call("PUT", f"{path}/tags", {"tags": ["b", "a"]})
        assert (reply.status, sorted(reply.json["tags"])) == (200, ["a", "b"])
        assert sorted(neutron.show("network", made["id"])["tags"]) == ["a", "b"]
        assert [item["id"] for item in neutron.list("network", tags="a,b")] == [made["id"]]
        assert neutron.call("PUT", f"{path}/tags", {"tags": []}).json == {"tags": []}
        assert neutron.show("network", made["id"])["tags"] == []


class TestSubnets:
    def test_life(self, neutron: Neutron) -> None:
        network, (made,) = neutron.network("10.91.0.0/24")
        assert set(made) >= SUBNET
        assert (made["cidr"], made["gateway_ip"], made["ip_version"]) == ("10.91.0.0/24", "10.91.0.1", 4)
        assert made["allocation_pools"] == pools("10.91.0.2-10.91.0.254")
        assert neutron.show("network", network["id"])["subnets"] == [made["id"]]
        assert neutron.show("subnet", made["id"]) == made
        assert neutron.list("subnet", network_id=network["id"]) == [made]
        changed = neutron.change("subnet", made["id"], name="other", dns_nameservers=["10.9.9.9", "10.9.9.8"])
        assert (changed.status, changed.json["subnet"]["dns_nameservers"]) == (200, ["10.9.9.9", "10.9.9.8"])
        routes = [{"destination": "10.8.0.0/16", "nexthop": "10.91.0.9"}]
        assert (
            neutron.change("subnet", made["id"], host_routes=routes).json["subnet"]["host_routes"] == routes
        )
        assert neutron.delete("subnet", made["id"]).status == 204
        assert neutron.show("network", network["id"])["subnets"] == []
        assert neutron.delete("subnet", made["id"]).neutron_error == (
            404,
            "SubnetNotFound",
            f"Subnet {made['id']} could not be found.",
        )

    def test_goes_with_its_network(self, neutron: Neutron) -> None:
        network, (subnet,) = neutron.network("10.91.0.0/24")
        assert neutron.delete("network", network["id"]).status == 204
        assert neutron.call("GET", f"subnets/{subnet['id']}").status == 404

    def test_revisions(self, neutron: Neutron) -> None:
        """Pools alone are no new revision, pools with a description are; and another one is refused."""
        _, (made,) = neutron.network("10.91.0.0/24")
        before = made["revision_number"]
        smaller = {"allocation_pools": pools("10.91.0.32-10.91.0.63")}
        changed = neutron.change("subnet", made["id"], revision=before, **smaller)
        assert (changed.status, changed.json["subnet"]["revision_number"]) == (200, before)
        other = {"allocation_pools": pools("10.91.0.40-10.91.0.63"), "description": "tricircle:x."}
        changed = neutron.change("subnet", made["id"], revision=before, **other)
        assert (changed.status, changed.json["subnet"]["revision_number"]) == (200, before + 1)
        for fields in (smaller, {"allocation_pools": [], "description": "tricircle:x"}):
            refused = neutron.change("subnet", made["id"], revision=before, **fields)
            words = f"Constrained to {before}, but current revision is {before + 1}"
            assert refused.neutron_error == (412, "RevisionNumberConstraintFailed", words)
        assert neutron.show("subnet", made["id"])["allocation_pools"] == other["allocation_pools"]
        changed = neutron.change("subnet", made["id"], revision=before + 1, dns_nameservers=["10.9.9.9"])
        assert changed.json["subnet"]["revision_number"] == before + 1
        names = neutron.change("subnet", made["id"], revision=before + 1, name="other", enable_dhcp=True)
        assert names.json["subnet"]["revision_number"] == before + 2

    def test_one_of_several_descriptions(self, neutron: Neutron) -> None:
        _, made = neutron.network("10.91.0.0/24", "10.92.0.0/24", "10.93.0.0/24")
        for subnet, words in zip(made, ("tricircle:y", "tricircle:y.", "tricircle:z"), strict=True):
            assert neutron.change("subnet", subnet["id"], description=words).status == 200
        found = neutron.list("subnet", description=["tricircle:y", "tricircle:y."])
        assert {subnet["id"] for subnet in found} == {subnet["id"] for subnet in made[:2]}

    @pytest.mark.parametrize(
        ("fields", "shown"),
        [
            ({"gateway_ip": None}, pools("10.91.0.1-10.91.0.254")),
            ({"gateway_ip": "10.91.0.100"}, pools("10.91.0.1-10.91.0.99", "10.91.0.101-10.91.0.254")),
            (
                {"allocation_pools": pools("10.91.0.32-10.91.0.63", "10.91.0.96-10.91.0.127")},
                pools("10.91.0.32-10.91.0.63", "10.91.0.96-10.91.0.127"),
            ),
        ],
    )
    def test_pools(self, neutron: Neutron, fields: dict[str, Any], shown: list[dict[str, str]]) -> None:
        network, _ = neutron.network()
        made = neutron.subnet(network, "10.91.0.0/24", **fields)
        assert ordered(made["allocation_pools"]) == shown

    def test_pools_narrow_grow_and_shrink_while_in_use(self, neutron: Neutron) -> None:
        network, _ = neutron.network()
        subnet = neutron.subnet(network, "10.91.0.0/24", allocation_pools=pools("10.91.0.32-10.91.0.33"))

        def address() -> str:
            port = neutron.make("port", network_id=network["id"])
            return str(port["fixed_ips"][0]["ip_address"])

        assert {address(), address()} == {"10.91.0.32", "10.91.0.33"}
        empty = neutron.ask("port", network_id=network["id"])
        assert empty.neutron_error == (
            409,
            "IpAddressGenerationFailure",
            f"No more IP addresses available on network {network['id']}.",
        )
        for wanted, handed in (
            (pools("10.91.0.32-10.91.0.34"), "10.91.0.34"),
            (pools("10.91.0.64-10.91.0.64"), "10.91.0.64"),
            (pools("10.91.0.32-10.91.0.33", "10.91.0.200-10.91.0.200"), "10.91.0.200"),
        ):
            changed = neutron.change("subnet", subnet["id"], allocation_pools=wanted)
            assert changed.status == 200
            assert ordered(changed.json["subnet"]["allocation_pools"]) == wanted
            assert address() == handed
        assert neutron.ask("port", network_id=network["id"]).status == 409

    @pytest.mark.parametrize(
        ("wanted", "error"),
        [
            (pools("10.91.0.250-10.91.1.9"), (400, "OutOfBoundsAllocationPool")),
            (pools("10.91.0.1-10.91.0.9"), (409, "GatewayConflictWithAllocationPools")),
            (pools("10.91.0.8-10.91.0.19", "10.91.0.15-10.91.0.30"), (409, "OverlappingAllocationPools")),
        ],
    )
    def test_pools_that_are_none(
        self, neutron: Neutron, wanted: list[dict[str, str]], error: tuple[int, str]
    ) -> None:
        network, (subnet,) = neutron.network("10.91.0.0/24")
        assert neutron.change("subnet", subnet["id"], allocation_pools=wanted).neutron_error[:2] == error
        neutron.delete("subnet", subnet["id"])
        fields = {"network_id": network["id"], "cidr": "10.91.0.0/24", "ip_version": 4}
        assert neutron.ask("subnet", allocation_pools=wanted, **fields).neutron_error[:2] == error

    def test_two_of_the_same_addresses(self, neutron: Neutron) -> None:
        network, _ = neutron.network("10.91.0.0/24")
        fields = {"network_id": network["id"], "ip_version": 4}
        reply = neutron.ask("subnet", cidr="10.91.0.0/25", **fields)
        assert reply.neutron_error[:2] == (400, "InvalidInput")
        assert "overlaps with another subnet" in reply.neutron_error[2]

    def test_what_does_not_change(self, neutron: Neutron) -> None:
        _, (subnet,) = neutron.network("10.91.0.0/24")
        for fields in ({"cidr": "10.91.0.0/25"}, {"ip_version": 6}, {"ipv6_ra_mode": "slaac"}):
            assert neutron.change("subnet", subnet["id"], **fields).status == 400

    def test_in_use(self, neutron: Neutron) -> None:
        network, (subnet,) = neutron.network("10.91.0.0/24")
        port = neutron.make("port", network_id=network["id"], device_owner="compute:nova", device_id="x")
        in_use = neutron.delete("subnet", subnet["id"]).neutron_error
        assert in_use[:2] == (409, "SubnetInUse")
        assert subnet["id"] in in_use[2]
        in_use = neutron.delete("network", network["id"]).neutron_error
        assert in_use[:2] == (409, "NetworkInUse")
        assert network["id"] in in_use[2]
        neutron.delete("port", port["id"])
        assert neutron.delete("network", network["id"]).status == 204

    def test_of_an_unknown_network(self, neutron: Neutron) -> None:
        reply = neutron.ask("subnet", network_id=UNKNOWN, cidr="10.91.0.0/24", ip_version=4)
        assert reply.neutron_error[:2] == (404, "NetworkNotFound")
        reply = neutron.ask("subnet", network_id=None, cidr="10.91.0.0/24", ip_version=4)
        assert reply.neutron_error[:2] == (400, "HTTPBadRequest")

    def test_tags(self, neutron: Neutron) -> None:
        _, (subnet,) = neutron.network("10.91.0.0/24")
        assert subnet["tags"] == []
        assert neutron.call("PUT", f"subnets/{subnet['id']}/tags", {"tags": ["a"]}).json == {"tags": ["a"]}
        assert neutron.show("subnet", subnet["id"])["tags"] == ["a"]

    def test_modes_of_ipv6(self, neutron: Neutron) -> None:
        network, _ = neutron.network()
        slaac = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac", "enable_dhcp": True}
        made = neutron.subnet(network, "2001:db8:91::/64", **slaac)
        assert (made["ipv6_address_mode"], made["ipv6_ra_mode"]) == ("slaac", "slaac")
        assert made["gateway_ip"] == "2001:db8:91::"
        fields = {"network_id": network["id"], "cidr": "10.91.0.0/24", "ip_version": 4}
        assert neutron.ask("subnet", ipv6_ra_mode="slaac", **fields).status == 400


class TestServiceTypes:
    def test_are_given_and_taken(self, neutron: Neutron) -> None:
        network, _ = neutron.network()
        subnet = neutron.subnet(network, "10.91.0.0/24", service_types=["network:a"])
        assert subnet["service_types"] == ["network:a"]
        for types in (["compute:nova", "network:b"], []):
            changed = neutron.change("subnet", subnet["id"], service_types=types)
            assert sorted(changed.json["subnet"]["service_types"]) == types


class TestAvailability:
    def test_counts_what_is_in_use(self, neutron: Neutron) -> None:
        network, _ = neutron.network()
        subnet = neutron.subnet(network, "10.91.0.0/24", allocation_pools=pools("10.91.0.32-10.91.0.39"))
        for fields in ({}, {"fixed_ips": [{"ip_address": "10.91.0.100"}]}):
            neutron.make("port", network_id=network["id"], **fields)
        reply = neutron.call("GET", f"network-ip-availabilities/{network['id']}")
        shown = reply.json["network_ip_availability"]
        counts = {"total_ips": 8, "used_ips": 2}
        of_network = {
            "network_id": network["id"],
            "network_name": "contract",
            "project_id": network["project_id"],
            "tenant_id": network["project_id"],
            **counts,
        }
        of_subnet = {
            "subnet_id": subnet["id"],
            "subnet_name": "",
            "cidr": "10.91.0.0/24",
            "ip_version": 4,
            **counts,
        }
        assert {name: shown[name] for name in of_network} == of_network
        (entry,) = shown["subnet_ip_availability"]
        assert {name: entry[name] for name in of_subnet} == of_subnet

    def test_of_an_unknown_network(self, neutron: Neutron) -> None:
        reply = neutron.call("GET", f"network-ip-availabilities/{UNKNOWN}")
        assert reply.neutron_error[:2] == (404, "NetworkNotFound")
