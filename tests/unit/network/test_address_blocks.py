"""Blocks of addresses: whose an address is, and what becomes of it."""

from typing import Any
from unittest.mock import patch

from neutron.ipam import exceptions as ipam_exc
from neutron.ipam.drivers.neutrondb_ipam.db_models import IpamAllocation
from neutron_lib.db import api as db_api
from oslo_utils import uuidutils
from tests.unit.network.base import OTHER, SITE
from tests.unit.network.delegating import DelegatingTestCase, addresses
from tests.unit.sites import register
from tests.unit.sites.wire import site

from tricircle.network import blocks
from tricircle.network.top import Top
from tricircle.sites.registry import Snapshot
from tricircle.sites.store import SiteStore

EVERY = {f"10.0.0.{last}" for last in range(2, 15)}
"""What hosts of the subnet may have."""


class AddressBlocksTestCase(DelegatingTestCase):
    def all_that_can_be_delegated(self) -> set[str]:
        found: set[str] = set()
        while True:
            try:
                body = {"subnet_id": self.subnet_id, "site": OTHER, "size": 16}
                block = self.tricircle.create_address_block(self.admin, {"address_block": body})
            except ipam_exc.IpAddressGenerationFailure:
                return found
            found |= addresses(block)

    def test_why_no_site_gets_a_subnet_without_pools(self) -> None:
        """To stock Neutron none is all: a site would hand out what others have."""
        body = {
            "network_id": self._make_network(self.fmt, "red", True)["network"]["id"],
            "cidr": "10.0.9.0/28",
            "ip_version": 4,
            "allocation_pools": [],
        }
        made = self.call("POST", "subnets", {"subnet": body})["subnet"]
        assert made["allocation_pools"] == [{"start": "10.0.9.2", "end": "10.0.9.14"}]

    def test_a_block_is_the_end_of_the_pools(self) -> None:
        block = self.delegate(self.subnet_id, 8)
        assert {
            "project_id": self.subnet["project_id"],
            "network_id": self.subnet["network_id"],
            "subnet_id": self.subnet_id,
            "site": SITE,
            "size": 8,
            "start": "10.0.0.7",
            "end": "10.0.0.14",
            "returning": False,
        } == {name: value for name, value in block.items() if name not in {"id", "tenant_id"}}
        assert block == self.call("GET", f"address-blocks/{block['id']}")["address_block"]

    def test_stock_allocation_leaves_it_alone(self) -> None:
        block = self.delegate(self.subnet_id, 8)
        assert EVERY - addresses(block) == self.ports(5)
        self._create_port(self.fmt, self.subnet["network_id"], expected_res_status=409)

    def test_a_tenant_cannot_ask_for_an_address_of_it(self) -> None:
        self.delegate(self.subnet_id, 8)
        self.ask_for("10.0.0.10", status=409)

    def test_the_answer_may_be_smaller_than_asked_for(self) -> None:
        self.ask_for("10.0.0.8")
        assert self.delegate(self.subnet_id, 13)["size"] == 6
        assert self.delegate(self.subnet_id, 13)["size"] == 6
        self.delegate(self.subnet_id, 1, status=409)

    def reserve(self, where: str = SITE, status: int | None = None, **wanted: Any) -> dict[str, Any]:
        """Ask for exactly some addresses."""
        body = {"address_block": {"subnet_id": self.subnet_id, "site": where, **wanted}}
        answer = self.call("POST", "address-blocks", body, status=status)
        return answer.get("address_block", answer)

    def test_exactly_what_is_named_is_delegated(self) -> None:
        one = self.reserve(start="10.0.0.5")
        assert (one["site"], one["start"], one["end"], one["size"]) == (SITE, "10.0.0.5", "10.0.0.5", 1)
        by_size = self.reserve(start="10.0.0.7", size=2)
        by_end = self.reserve(OTHER, start="10.0.0.10", end="10.0.0.11", size=2)
        assert [addresses(block) for block in (by_size, by_end)] == [
            {"10.0.0.7", "10.0.0.8"},
            {"10.0.0.10", "10.0.0.11"},
        ]
        assert EVERY - addresses(one) - addresses(by_size) - addresses(by_end) == self.ports(8)

    def test_what_somebody_has_is_not_delegated(self) -> None:
        self.ask_for("10.0.0.5")
        self.reserve(start="10.0.0.9", size=2)
        for wanted in ({"start": "10.0.0.5"}, {"start": "10.0.0.4", "end": "10.0.0.6"}):
            error = self.reserve(**wanted, status=409)["NeutronError"]
            assert error["type"] == "IpAddressAlreadyAllocated"
            assert error["message"] == f"IP address 10.0.0.5 already allocated in subnet {self.subnet_id}"
        for where in (SITE, OTHER):
            self.reserve(where, start="10.0.0.10", status=409)
        assert len(self.call("GET", "address-blocks")["address_blocks"]) == 1
        assert EVERY - {"10.0.0.5", "10.0.0.9", "10.0.0.10"} == self.all_that_can_be_delegated()

    def test_what_was_delegated_by_name_is_given_back(self) -> None:
        block = self.reserve(start="10.0.0.5")
        self.adopt_at("10.0.0.5")
        self.reserve(OTHER, start="10.0.0.5", status=409)
        self.call("DELETE", f"address-blocks/{block['id']}")
        self.ask_for("10.0.0.5", status=409)
        block = self.reserve(start="10.0.0.6")
        self.call("DELETE", f"address-blocks/{block['id']}")
        assert self.reserve(OTHER, start="10.0.0.6")["site"] == OTHER

    def test_the_address_that_the_gateway_has_and_others_out_of_the_pools_are_delegated_by_name_only(
        self,
    ) -> None:
        pools = [{"start": "10.0.0.9", "end": "10.0.0.12"}]
        self.call("PUT", f"subnets/{self.subnet_id}", {"subnet": {"allocation_pools": pools}})
        for address in ("10.0.0.1", "10.0.0.5"):
            assert self.reserve(start=address)["start"] == address
            self.ask_for(address, status=409)
        assert self.all_that_can_be_delegated() == {f"10.0.0.{last}" for last in range(9, 13)}

    def test_an_address_that_a_site_hands_out_is_no_gateway(self) -> None:
        """Neutron itself refuses one within the pools; the site's block need not be in these any more."""
        self.reserve(start="10.0.0.9", end="10.0.0.12")
        change = {"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.8"}], "gateway_ip": "10.0.0.12"}
        body = {"subnet": {**change, "name": "new"}}
        refused = self.call("PUT", f"subnets/{self.subnet_id}", body, status=409)
        assert refused["NeutronError"]["type"] == "GatewayConflictWithAllocationPools"
        assert "10.0.0.9-10.0.0.12" in refused["NeutronError"]["message"]
        shown = self.call("GET", f"subnets/{self.subnet_id}")["subnet"]
        assert (shown["gateway_ip"], shown["name"] == "new") == ("10.0.0.1", False)
        for gateway in ("10.0.0.13", None, "10.0.0.1"):
            body["subnet"]["gateway_ip"] = gateway
            self.call("PUT", f"subnets/{self.subnet_id}", body)

    def test_what_no_port_may_have_is_not_delegated(self) -> None:
        for wanted in (
            {"start": "10.0.0.0"},
            {"start": "10.0.0.15"},
            {"start": "10.0.0.12", "size": 4},
            {"start": "10.0.1.5"},
            {"start": "2001:db8::5"},
            {"start": "::a00:5"},
            {"start": "nonsense"},
            {"start": "10.0.0.5", "end": "10.0.0.4"},
            {"start": "10.0.0.5", "end": "::a00:6"},
            {"start": "10.0.0.5", "end": "10.0.0.6", "size": 1},
            {"start": "10.0.0.5", "size": 0},
            {"start": "10.0.0.5", "end": "10.1.0.5"},
            {"start": "255.255.255.255", "size": 2},
            {"end": "10.0.0.6"},
            {"end": "10.0.0.6", "size": 2},
            {},
        ):
            self.reserve(**wanted, status=400)
        assert self.call("GET", "address-blocks")["address_blocks"] == []

    def test_an_address_that_another_request_takes_meanwhile_is_taken(self) -> None:
        real, looks = blocks.first_taken, iter([None])

        def early(*arguments: Any) -> str | None:
            """Look before the other request has written anything, and again after that."""
            return next(looks, real(*arguments))

        self.reserve(OTHER, start="10.0.0.5")
        with patch.object(blocks, "first_taken", early):
            self.reserve(start="10.0.0.5", status=409)
        assert list(looks) == []
        assert [block["site"] for block in self.call("GET", "address-blocks")["address_blocks"]] == [OTHER]

    def test_blocks_of_one_request_are_all_made_or_none(self) -> None:
        one = {"subnet_id": self.subnet_id, "site": SITE, "size": 13}
        self.call("POST", "address-blocks", {"address_blocks": [one, one]}, status=409)
        assert self.call("GET", "address-blocks")["address_blocks"] == []
        half = {**one, "size": 6}
        made = self.call("POST", "address-blocks", {"address_blocks": [half, half]})["address_blocks"]
        assert [block["size"] for block in made] == [6, 6]

    def test_their_sites_are_looked_up_before_the_transaction(self) -> None:
        within: list[bool] = []

        def look(top: Top) -> Snapshot:
            within.append(db_api.is_session_active(self.admin.session))
            return top._parts.registry.snapshot

        bodies = [
            {"address_block": {"subnet_id": self.subnet_id, "site": name, "size": 2}}
            for name in (SITE, OTHER)
        ]
        with patch.object(Top, "snapshot", property(look)):
            made = self.tricircle.create_address_block_bulk(self.admin, {"address_blocks": bodies})
            self.tricircle.get_address_block(self.admin, made[0]["id"])
        assert set(within) == {False}

    def test_the_pools_that_a_tenant_sees_stay(self) -> None:
        self.delegate(self.subnet_id, 8)
        seen = self.call("GET", f"subnets/{self.subnet_id}")["subnet"]
        assert self.subnet["allocation_pools"] == seen["allocation_pools"]

    def test_pools_can_be_changed_around_blocks(self) -> None:
        block = self.delegate(self.subnet_id, 4)
        pools = [{"start": "10.0.0.9", "end": "10.0.0.12"}]
        self.call("PUT", f"subnets/{self.subnet_id}", {"subnet": {"allocation_pools": pools}})
        assert {"10.0.0.9", "10.0.0.10"} == self.ports(2)
        self._create_port(self.fmt, self.subnet["network_id"], expected_res_status=409)
        assert [block] == self.call("GET", "address-blocks")["address_blocks"]

    def test_a_block_given_back_is_free_but_for_its_ports(self) -> None:
        block = self.delegate(self.subnet_id, 13)
        self.adopt_at("10.0.0.10")
        self.call("DELETE", f"address-blocks/{block['id']}")
        self.ask_for("10.0.0.10", status=409)
        assert EVERY - {"10.0.0.10"} == self.all_that_can_be_delegated()

    def test_an_address_of_a_block_given_back_is_free_after_its_port(self) -> None:
        block = self.delegate(self.subnet_id, 13)
        port = self.adopt_at("10.0.0.10")
        self.call("DELETE", f"address-blocks/{block['id']}")
        self.call("DELETE", f"adopted-ports/{port['id']}")
        self.ask_for("10.0.0.10")

    def test_the_ends_of_a_block_are_given_back(self) -> None:
        block = self.delegate(self.subnet_id, 13)
        self.adopt_at("10.0.0.3")
        kept = {"start": "10.0.0.5", "end": "10.0.0.9"}
        shown = self.call("PUT", f"address-blocks/{block['id']}", {"address_block": kept})["address_block"]
        assert {**block, **kept, "size": 5} == shown
        assert shown == self.call("GET", f"address-blocks/{block['id']}")["address_block"]
        free = EVERY - addresses(shown) - {"10.0.0.3"}
        assert free == self.all_that_can_be_delegated()

    def test_one_end_may_be_left_out(self) -> None:
        block = self.delegate(self.subnet_id, 8)
        path = f"address-blocks/{block['id']}"
        shown = self.call("PUT", path, {"address_block": {"start": "10.0.0.9"}})["address_block"]
        assert (shown["start"], shown["end"]) == ("10.0.0.9", "10.0.0.14")
        assert shown == self.call("PUT", path, {"address_block": {}})["address_block"]

    def test_a_block_cannot_become_what_it_is_not(self) -> None:
        block = self.delegate(self.subnet_id, 8)
        for wrong in (
            {"start": "10.0.0.6"},
            {"end": "10.0.0.15"},
            {"start": "10.0.0.10", "end": "10.0.0.9"},
            {"end": "2001:db8::1"},
            {"start": "nonsense"},
            {"site": OTHER},
            {"size": 4},
        ):
            self.call("PUT", f"address-blocks/{block['id']}", {"address_block": wrong}, status=400)
        assert [block] == self.call("GET", "address-blocks")["address_blocks"]

    def test_what_makes_no_sense_is_refused(self) -> None:
        nowhere = uuidutils.generate_uuid()
        self.delegate(self.subnet_id, 4, "atlantis", status=400)
        self.delegate(self.subnet_id, 0, status=400)
        self.delegate(self.subnet_id, 65537, status=400)
        self.delegate(nowhere, 4, status=404)
        self.delegate("nonsense", 4, status=400)
        self.call("PUT", f"address-blocks/{nowhere}", {"address_block": {"end": "10.0.0.9"}}, status=404)
        self.call("DELETE", f"address-blocks/{nowhere}", status=404)
        self.call("GET", f"address-blocks/{nowhere}", status=404)
        assert self.call("GET", "address-blocks")["address_blocks"] == []

    def test_a_site_may_be_named_by_its_id(self) -> None:
        assert self.delegate(self.subnet_id, 4, f"id-{SITE}")["site"] == SITE

    def test_blocks_are_filtered_sorted_and_paged(self) -> None:
        mine = [self.delegate(self.subnet_id, 2)["id"] for _ in range(3)]
        its = self.delegate(self.subnet_id, 2, OTHER)["id"]

        def listed(query: str) -> list[str]:
            return [block["id"] for block in self.call("GET", f"address-blocks?{query}")["address_blocks"]]

        assert set(mine) == set(listed(f"site={SITE}"))
        assert [its] == listed(f"site={OTHER}")
        assert listed("site=atlantis") == []
        assert {*mine, its} == set(listed(f"subnet_id={self.subnet_id}"))
        assert listed(f"subnet_id={uuidutils.generate_uuid()}") == []
        assert {*mine, its} == set(listed(f"project_id={self.subnet['project_id']}"))
        assert listed("project_id=another") == []
        everything = sorted([*mine, its])
        assert everything == listed("sort_key=id&sort_dir=asc")
        assert everything[::-1] == listed("sort_key=id&sort_dir=desc")
        pages = "sort_key=id&sort_dir=asc&limit=3"
        assert everything[:3] == listed(pages)
        assert everything[3:] == listed(f"{pages}&marker={everything[2]}")
        assert everything[:2] == listed(f"{pages}&marker={everything[2]}&page_reverse=True")
        self.call("GET", f"address-blocks?limit=1&marker={uuidutils.generate_uuid()}", status=404)
        shown = self.call("GET", "address-blocks?fields=site")["address_blocks"]
        assert [{"site"}] * 4 == [set(block) for block in shown]

    def test_a_subnet_takes_its_blocks_along(self) -> None:
        self.delegate(self.subnet_id, 8)
        self.call("DELETE", f"subnets/{self.subnet_id}")
        assert self.call("GET", "address-blocks")["address_blocks"] == []
        assert self.admin.session.query(IpamAllocation).count() == 0

    def test_ipv6_with_addresses_from_dhcp_has_blocks(self) -> None:
        modes = {"ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"}
        subnet = self.v6("2001:db8::/120", "2001:db8::1", **modes)
        block = self.delegate(subnet["id"], 4)
        assert (block["start"], block["end"]) == ("2001:db8::fc", "2001:db8::ff")
        assert self.delegate(subnet["id"], 4, OTHER)["size"] == 4

    def test_hosts_that_choose_their_addresses_need_no_block(self) -> None:
        subnet = self.v6("2001:db8::/64", "2001:db8::1", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
        self.delegate(subnet["id"], 4, status=400)

    def v6(self, cidr: str, gateway: str, **modes: str) -> dict[str, Any]:
        network = {"network": {"id": self.subnet["network_id"], "project_id": self._project_id}}
        subnet: dict[str, Any] = self._make_subnet(self.fmt, network, gateway, cidr, ip_version=6, **modes)[
            "subnet"
        ]
        return subnet

    def test_a_new_site_is_known_at_once(self) -> None:
        self.top._conf.set_override("refresh_interval", 3600, group="sites")
        self.top.close()
        self.delegate(self.subnet_id, 1)
        register.write(self.database, site("three"))
        assert self.delegate(self.subnet_id, 1, "three")["site"] == "three"

    def test_a_renamed_site_keeps_its_blocks(self) -> None:
        block = self.delegate(self.subnet_id, 4)
        SiteStore(self.database).update(SITE, name="uno")
        assert self.call("GET", f"address-blocks/{block['id']}")["address_block"]["site"] == "uno"
