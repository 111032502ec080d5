"""Ports that were made at the top, and what a site tells of them: what its Nova has changed there."""

from typing import Any
from unittest import mock

from tests.unit.network.base import SITE, AdoptingTestCase

from tricircle.network import journal
from tricircle.network.forwarder import Forwarder


class PortsMadeHereTestCase(AdoptingTestCase):
    def setUp(self) -> None:
        """Make a port that a server in the site has."""
        super().setUp()
        made = {"network_id": self.network_id, "tenant_id": self._project_id, "fixed_ips": self.at(3)}
        self.port_id = self.call("POST", "ports", {"port": made})["port"]["id"]
        bound = {"device_id": "a-server", "device_owner": "compute:az-one", "binding:host_id": SITE}
        self.call("PUT", f"ports/{self.port_id}", {"port": bound})
        self.hand_on()

    def hand_on(self) -> None:
        """Have Tricircle told of all that has changed."""
        journal.remove(self.admin, journal.read(self.admin, 100))

    def in_group(self) -> str:
        """Make a group."""
        group = {"security_group": {"name": "new", "tenant_id": self._project_id}}
        made: str = self.call("POST", "security-groups", group)["security_group"]["id"]
        return made

    def blocks(self) -> list[tuple[str, str]]:
        """The addresses that the site has."""
        found = self.call("GET", "address-blocks")["address_blocks"]
        return sorted((block["start"], block["end"]) for block in found)

    def test_its_groups_and_addresses_are_as_there(self) -> None:
        group = self.in_group()
        self.hand_on()
        self.put(self.port_id, security_groups=[group], fixed_ips=self.at(3, 10))
        port = self.port(self.port_id)
        addresses = sorted(port["fixed_ips"], key=lambda each: each["ip_address"], reverse=True)
        assert (port["security_groups"], addresses) == ([group], self.at(3, 10))
        assert (port["binding:host_id"], port["device_id"]) == (SITE, "a-server")
        assert self.journal() == []

    def test_its_status_is_as_there(self) -> None:
        assert self.port(self.port_id)["status"] == "ACTIVE"
        for status in ("DOWN", "ACTIVE"):
            self.put(self.port_id, status=status)
            assert self.port(self.port_id)["status"] == status
        assert self.journal() == []

    def test_an_address_of_the_sites_is_its_own_when_the_site_has_given_it_back(self) -> None:
        body = {"subnet_id": self.subnet["id"], "site": SITE, "returning": True}
        body |= {"start": "10.0.0.10", "end": "10.0.0.10"}
        block = self.call("POST", "address-blocks", {"address_block": body})["address_block"]
        self.put(self.port_id, fixed_ips=self.at(3, 10))
        self.call("DELETE", f"address-blocks/{block['id']}")
        assert all("10.0.0.10" not in run for run in self.blocks())
        taken = {"network_id": self.network_id, "fixed_ips": self.at(10)}
        self.call("POST", "ports", {"port": taken}, status=409)
        self.put(self.port_id, fixed_ips=self.at(3))
        self.call("POST", "ports", {"port": taken})

    def test_a_user_cannot_take_an_address_of_the_sites(self) -> None:
        body = {"port": {"fixed_ips": self.at(3, 10)}}
        self.call("PUT", f"ports/{self.port_id}", body, status=409, who=self.as_tenant())
        nothing: dict[str, Any] = {"adopted_port": {}}
        self.call("PUT", f"adopted-ports/{self.port_id}", nothing, status=404, who=self.as_tenant())

    def test_what_a_user_has_just_changed_is_not_taken_back(self) -> None:
        with mock.patch.object(Forwarder, "after_change"):
            self.call("PUT", f"ports/{self.port_id}", {"port": {"security_groups": []}})
        self.put(self.port_id, 412, fixed_ips=self.at(3, 10))
        assert self.port(self.port_id)["fixed_ips"] == self.at(3)
        self.hand_on()
        there = self.port(self.port_id)["revision_number"]
        self.put(self.port_id, 412, fixed_ips=self.at(3, 10), revision_number=there - 1)
        self.put(self.port_id, fixed_ips=self.at(3, 10), revision_number=there)

    def test_all_else_is_for_the_top_to_say(self) -> None:
        changes: dict[str, Any]
        for changes in ({"name": "no"}, {"device_id": "x"}, {"tags": ["no"]}):
            refused = self.put(self.port_id, 400, **changes)
            assert "made at the top" in refused["NeutronError"]["message"]

    def test_of_one_that_no_site_has_no_site_says_anything(self) -> None:
        self.call("PUT", f"ports/{self.port_id}", {"port": {"binding:host_id": ""}})
        self.put(self.port_id, 404, security_groups=[])
        assert self.call("GET", "adopted-ports")["adopted_ports"] == []
