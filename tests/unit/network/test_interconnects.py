"""A driver of an interconnect behind ours is told all that it needs; if it fails nothing is lost or left."""

import sys
from pathlib import Path
from typing import Any
from unittest import mock

from neutron_lib.plugins import directory
from stevedore import ExtensionManager
from tests.unit.network.base import OTHER, SITE, TricircleTestCase
from tests.unit.network.test_provider_segments import LEFT, RIGHT, segment

from tricircle.sites.store import SiteStore

DRIVERS = Path(__file__).parents[2] / "dci"
ON_LEFT, ON_RIGHT = ("vlan", LEFT, 101), ("vlan", RIGHT, 102)


class InterconnectTestCase(TricircleTestCase):
    _mechanism_drivers = ["tricircle", "recorder"]  # noqa: RUF012  # Neutron's name and way

    def setUp(self) -> None:
        """Install the driver, and make a network with a segment for each site."""
        sys.path.insert(0, str(DRIVERS))
        self.addCleanup(sys.path.remove, str(DRIVERS))
        # Which drivers there are is looked up once in a process.
        fresh = mock.patch.dict(ExtensionManager.ENTRY_POINT_CACHE)
        fresh.start()
        self.addCleanup(fresh.stop)
        ExtensionManager.ENTRY_POINT_CACHE.clear()
        super().setUp()
        self.call("GET", "security-groups")  # makes the default group
        plugin: Any = directory.get_plugin()
        self.recorder = plugin.mechanism_manager.mech_drivers["recorder"].obj
        SiteStore(self.database).update(SITE, physical_networks={LEFT: "wan"})
        SiteStore(self.database).update(OTHER, physical_networks={RIGHT: "wan"})
        self.network = self.make("networks", "network", segments=[segment(*ON_LEFT), segment(*ON_RIGHT)])
        fields = {"network_id": self.network["id"], "ip_version": 4, "cidr": "10.0.0.0/28"}
        self.subnet = self.make("subnets", "subnet", **fields)
        self.forget_jobs()

    def make(self, collection: str, resource: str, status: int | None = None, **fields: Any) -> Any:
        """Make something."""
        answer = self.call("POST", collection, {resource: fields}, status=status)
        return answer if status else answer[resource]

    def told(self, resource_id: str) -> list[Any]:
        """Return what the driver was told of something, since this was last asked."""
        calls = [call for call in self.recorder.calls if call.current["id"] == resource_id]
        self.recorder.calls.clear()
        return calls

    def moments(self, resource_id: str) -> list[str]:
        """Return when the driver was told of something, since this was last asked."""
        return [call.moment for call in self.told(resource_id)]

    def fails(self, *moments: str) -> None:
        """Have the driver fail, from now on."""
        self.recorder.broken.clear()
        self.recorder.broken.update(moments)
        self.recorder.calls.clear()

    def a_port(self) -> dict[str, Any]:
        """Make a body that adopts a new port at an address of the block."""
        address = {"subnet_id": self.subnet["id"], "ip_address": "10.0.0.14"}
        return {
            **super().a_port(),
            "network_id": self.network["id"],
            "device_id": "a-server",
            "device_owner": "compute:nova",
            "fixed_ips": [address],
            "status": "ACTIVE",
        }

    def test_networks_and_subnets_come_with_the_segments_of_all_sites(self) -> None:
        made = self.told(self.network["id"])
        assert [call.moment for call in made] == ["create_network_precommit", "create_network_postcommit"]
        assert [call.segments for call in made] == [[ON_LEFT, ON_RIGHT]] * 2
        self.call("PUT", f"networks/{self.network['id']}", {"network": {"name": "x"}})
        for call in self.told(self.network["id"]):
            assert call.moment.startswith("update_network_")
            assert (call.original["name"], call.current["name"]) == ("", "x")
        self.call("PUT", f"subnets/{self.subnet['id']}", {"subnet": {"name": "x"}})
        changed = self.told(self.subnet["id"])
        assert [call.moment for call in changed] == ["update_subnet_precommit", "update_subnet_postcommit"]
        assert [call.segments for call in changed] == [[ON_LEFT, ON_RIGHT]] * 2
        self.call("DELETE", f"networks/{self.network['id']}")
        calls = self.recorder.calls
        gone = [(call.moment, call.current["id"]) for call in calls if call.moment.endswith("postcommit")]
        assert gone == [
            ("delete_subnet_postcommit", self.subnet["id"]),
            ("delete_network_postcommit", self.network["id"]),
        ]
        assert [call.segments for call in calls if "network" in call.moment] == [[ON_LEFT, ON_RIGHT]] * 2

    def test_an_adopted_port_is_on_its_sites_segment_from_the_first(self) -> None:
        self.delegate(self.subnet["id"], 4)
        port = self.adopt()
        made = self.told(port["id"])
        last = made[-1]
        assert {call.moment for call in made} >= {"create_port_precommit", "create_port_postcommit"}
        assert [call.host for call in made] == [SITE] * len(made)
        assert (last.bound, last.segments) == (ON_LEFT, [ON_LEFT, ON_RIGHT])
        expected = {"mac_address": port["mac_address"], "fixed_ips": port["fixed_ips"], "status": "ACTIVE"}
        assert {name: last.current[name] for name in expected} == expected
        assert last.current["binding:host_id"] == SITE
        self.call("PUT", f"adopted-ports/{port['id']}", {"adopted_port": {"status": "DOWN"}})
        changed = self.told(port["id"])
        assert changed[-1].moment == "update_port_postcommit"
        assert (changed[-1].original["status"], changed[-1].current["status"]) == ("ACTIVE", "DOWN")
        assert changed[-1].bound == ON_LEFT
        self.call("DELETE", f"adopted-ports/{port['id']}")
        gone = self.told(port["id"])
        assert [call.moment for call in gone] == ["delete_port_precommit", "delete_port_postcommit"]
        assert [(call.host, call.bound) for call in gone] == [(SITE, ON_LEFT)] * 2

    def test_a_port_that_moves_is_seen_on_one_segment_and_then_the_other(self) -> None:
        port = self.make("ports", "port", network_id=self.network["id"])
        assert [(call.host, call.bound) for call in self.told(port["id"])] == [("", None)] * 2
        for host, bound in ((SITE, ON_LEFT), (OTHER, ON_RIGHT)):
            self.call("PUT", f"ports/{port['id']}", {"port": {"binding:host_id": host}})
            last = self.told(port["id"])[-1]
            assert (last.moment, last.host, last.bound) == ("update_port_postcommit", host, bound)
            assert last.current["status"] == "ACTIVE"

    def test_what_it_refuses_before_the_commit_never_was(self) -> None:
        self.fails("create_network_precommit", "create_subnet_precommit", "create_port_precommit")
        self.make("networks", "network", status=500)
        fields = {"network_id": self.network["id"], "ip_version": 4, "cidr": "10.0.1.0/28"}
        self.make("subnets", "subnet", status=500, **fields)
        self.make("ports", "port", status=500, network_id=self.network["id"])
        assert [each["id"] for each in self.call("GET", "networks")["networks"]] == [self.network["id"]]
        assert self.call("GET", "ports")["ports"] == []
        assert (self.journal(), self.jobs()) == ([], set())

    def test_what_it_refuses_after_the_commit_goes_again(self) -> None:
        self.fails("create_network_postcommit", "create_subnet_postcommit", "create_port_postcommit")
        self.make("networks", "network", status=500)
        network_id = self.recorder.calls[0].current["id"]
        assert self.moments(network_id)[-1] == "delete_network_postcommit"
        fields = {"network_id": self.network["id"], "ip_version": 4, "cidr": "10.0.1.0/28"}
        self.make("subnets", "subnet", status=500, **fields)
        subnet_id = self.recorder.calls[0].current["id"]
        assert self.moments(subnet_id)[-1] == "delete_subnet_postcommit"
        self.make("ports", "port", status=500, network_id=self.network["id"])
        port_id = self.recorder.calls[0].current["id"]
        assert self.moments(port_id)[-1] == "delete_port_postcommit"
        for collection, resource_id in (("networks", network_id), ("subnets", subnet_id), ("ports", port_id)):
            self.call("GET", f"{collection}/{resource_id}", status=404)
        # Whoever follows looks whether it is there: it is not.
        assert self.jobs() == {("network", network_id), ("subnet", subnet_id), ("port", port_id)}
        assert self.journal() == []

    def test_a_change_that_it_fails_to_follow_is_made_all_the_same(self) -> None:
        self.fails("update_network_postcommit", "delete_network_postcommit", "delete_subnet_postcommit")
        path = f"networks/{self.network['id']}"
        self.call("PUT", path, {"network": {"name": "x"}}, status=500)
        assert self.call("GET", path)["network"]["name"] == "x"
        assert self.jobs() == {("network", self.network["id"])}
        self.call("DELETE", path)
        self.call("GET", path, status=404)
        assert self.jobs() == {("network", self.network["id"]), ("subnet", self.subnet["id"])}
        assert self.journal() == []

    def test_a_change_that_it_refuses_is_not_made(self) -> None:
        self.fails("update_network_precommit", "delete_network_precommit")
        path = f"networks/{self.network['id']}"
        self.call("PUT", path, {"network": {"name": "x"}}, status=500)
        self.call("DELETE", path, status=500)
        assert self.call("GET", path)["network"]["name"] == ""
        assert ("network", self.network["id"]) not in self.jobs()

    def test_an_adoption_that_it_refuses_leaves_nothing_and_may_be_tried_again(self) -> None:
        self.delegate(self.subnet["id"], 4)
        wanted = self.a_port()
        for moment in ("create_port_precommit", "create_port_postcommit"):
            self.fails(moment)
            self.call("POST", "adopted-ports", {"adopted_port": wanted}, status=500)
            several = {"adopted_ports": [{"adopted_port": wanted}["adopted_port"]]}
            self.call("POST", "adopted-ports", several, status=500)
            assert self.call("GET", "adopted-ports")["adopted_ports"] == []
            self.call("GET", f"ports/{wanted['id']}", status=404)
            assert (self.journal(), self.jobs()) == ([], set())
        self.fails()
        adopted = self.call("POST", "adopted-ports", {"adopted_port": wanted})["adopted_port"]
        assert adopted["fixed_ips"] == wanted["fixed_ips"], "the address is the site's still"

    def test_an_adopted_port_goes_though_it_fails(self) -> None:
        self.delegate(self.subnet["id"], 4)
        port = self.adopt()
        self.fails("delete_port_postcommit")
        self.call("DELETE", f"adopted-ports/{port['id']}")
        self.call("GET", f"ports/{port['id']}", status=404)
        again = self.adopt()
        assert again["fixed_ips"] == port["fixed_ips"]
