"""Provider segments: a port is on its site's, and an administrator names none that a site does not have."""

from typing import Any

from neutron_lib.plugins import directory
from tests.unit.network.base import OTHER, SITE, ZONE, TricircleTestCase

from tricircle.sites.store import SiteStore

LEFT, RIGHT, STRETCHED = "physnet1", "physnet2", "physnet3"
"""Physical networks that the Neutron of the tests has."""


def segment(network_type: str, physical_network: str | None = None, number: int | None = None) -> Any:
    """Return a segment as a request has it."""
    names = ("network_type", "physical_network", "segmentation_id")
    values = (network_type, physical_network, number)
    return {f"provider:{name}": value for name, value in zip(names, values, strict=True) if value is not None}


class ProviderSegmentsTestCase(TricircleTestCase):
    def has(self, site: str, names: dict[str, str]) -> None:
        """Say what a site calls the physical networks of the top."""
        SiteStore(self.database).update(site, physical_networks=names)

    def make(self, *segments: Any, status: int | None = None, **fields: Any) -> Any:
        """Make a network with segments as an administrator."""
        named = {"segments": list(segments)} if len(segments) > 1 else dict(*segments)
        body = {"network": {**named, **fields}}
        answer = self.call("POST", "networks", body, status=status)
        return answer if status else answer["network"]

    def bound(self, port: Any) -> tuple[str, str, int]:
        """Return the segment that a port is bound to."""
        plugin: Any = directory.get_plugin()
        host = plugin.get_port(self.admin, port["id"])["binding:host_id"]
        network = plugin.get_network(self.admin, port["network_id"])
        original = plugin.get_bound_port_context(self.admin, port["id"], host)
        assert original.network.current["id"] == network["id"]
        found = original.bottom_bound_segment
        return found["network_type"], found["physical_network"], found["segmentation_id"]

    def port_on(self, network: Any, host: str) -> Any:
        """Make a port of the top on a node."""
        body = {"port": {"network_id": network["id"], "binding:host_id": host}}
        return self.call("POST", "ports", body)["port"]

    def test_a_port_is_bound_to_the_segment_of_its_site(self) -> None:
        self.has(SITE, {STRETCHED: "wan1", LEFT: "wan2"})
        self.has(OTHER, {STRETCHED: "wan1", RIGHT: "wan2"})
        network = self.make(segment("vlan", LEFT, 101), segment("vlan", RIGHT, 102))
        assert self.bound(self.port_on(network, SITE)) == ("vlan", LEFT, 101)
        assert self.bound(self.port_on(network, OTHER)) == ("vlan", RIGHT, 102)
        for site, expected in ((SITE, ("vlan", LEFT, 101)), (OTHER, ("vlan", RIGHT, 102))):
            adopted = self.adopt(network_id=network["id"], site=site, fixed_ips=[], security_groups=[])
            assert self.bound({**adopted, "network_id": network["id"]}) == expected

    def test_a_site_without_one_of_the_fabric_has_what_is_not_in_the_fabric(self) -> None:
        self.has(SITE, {LEFT: "wan1"})
        self.has(OTHER, {})
        network = self.make(segment("vlan", LEFT, 101), segment("vxlan", None, 7))
        assert self.bound(self.port_on(network, SITE)) == ("vlan", LEFT, 101)
        assert self.bound(self.port_on(network, OTHER)) == ("vxlan", None, 7)

    def test_where_nothing_tells_it_is_the_first(self) -> None:
        network = self.make(segment("vlan", LEFT, 101), segment("vlan", RIGHT, 102))
        assert self.bound(self.port_on(network, SITE)) == ("vlan", LEFT, 101)
        self.has(SITE, {})
        assert self.bound(self.port_on(network, SITE)) == ("vlan", LEFT, 101)

    def test_one_that_the_site_of_the_hints_does_not_have_is_refused(self) -> None:
        self.has(SITE, {LEFT: "wan1"})
        for segments in (
            [segment("vlan", RIGHT, 102)],
            [segment("vlan", RIGHT)],
            [segment("vlan", RIGHT, 102), segment("vlan", STRETCHED, 103)],
        ):
            refused = self.make(*segments, availability_zone_hints=[ZONE], status=400)
            assert f"is in site {SITE}; see its physical_networks" in refused["NeutronError"]["message"]
        assert self.call("GET", "networks")["networks"] == []
        self.has(SITE, {RIGHT: "wan1"})
        assert self.make(segment("vlan", RIGHT, 102), availability_zone_hints=[ZONE])

    def test_what_it_has_and_what_nobody_asks_for_is_not(self) -> None:
        self.has(SITE, {LEFT: "wan1"})
        for segments in (
            [segment("vlan", LEFT, 101)],
            [segment("vlan", LEFT, 102), segment("vlan", RIGHT, 102)],
            [segment("vlan", RIGHT, 103), segment("vxlan", None, 7)],
            [segment("vxlan", None, 8)],
            [segment("vlan")],
            [],
        ):
            assert self.make(*segments, availability_zone_hints=[ZONE])
        assert self.make(segment("vlan", RIGHT, 104))
