"""Provider segments: a port is on its site's, and an administrator names none that a site does not have."""

from typing import Any

from neutron_lib.plugins import directory
from oslo_config import cfg
from tests.unit.network.base import OTHER, SITE, ZONE, TricircleTestCase

from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import Place, ZoneStore

LEFT, RIGHT, STRETCHED = "physnet1", "physnet2", "physnet3"
"""Physical networks that the Neutron of the tests has."""


def segment(network_type: str, physical_network: str | None = None, number: int | None = None) -> Any:
    """Return a segment as a request has it."""
    names = ("network_type", "physical_network", "segmentation_id")
    values = (network_type, physical_network, number)
    return {f"provider:{name}": value for name, value in zip(names, values, strict=True) if value is not None}


class ProviderSegmentsTestCase(TricircleTestCase):
    def setUp(self) -> None:
        """Have tenants' networks be VLANs, as an operator has."""
        super().setUp()
        for name in ("project_network_types", "tenant_network_types"):  # as Neutron 28 calls them
            setattr(self.core.type_manager, name, ["vlan"])

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

    def types_of(self, network: Any) -> list[tuple[str, str | None, int | None]]:
        """Return what a network is, as an administrator is shown it."""
        shown = self.call("GET", f"networks/{network['id']}")["network"]
        names = ("network_type", "physical_network", "segmentation_id")
        return [
            tuple(each[f"provider:{name}"] for name in names) for each in shown.get("segments") or [shown]
        ]

    def as_tenant_makes(self, *hints: str) -> Any:
        """Make a network as a tenant."""
        body = {"network": {"name": "net1", "availability_zone_hints": list(hints)}}
        made = self.call("POST", "networks", body, who=self.as_tenant())["network"]
        assert not {name for name in made if name.startswith("provider:")}
        return made

    def test_one_for_a_single_site_is_local_to_it(self) -> None:
        ZoneStore(self.database).put("az-too", "", [Place(SITE, "other")])
        for hints in ([ZONE], ["az-too"], [ZONE, "az-too"]):
            assert self.types_of(self.as_tenant_makes(*hints)) == [("local", None, None)]

    def test_one_that_may_span_sites_is_of_the_fabric(self) -> None:
        ZoneStore(self.database).put("az-two", "", [Place(OTHER, "nova")])
        for hints in ([], [ZONE, "az-two"]):
            ((network_type, _, _),) = self.types_of(self.as_tenant_makes(*hints))
            assert network_type != "local"

    def test_a_zone_that_got_another_site_a_moment_ago_is_not_taken_for_one(self) -> None:
        self.as_tenant_makes(ZONE)
        ZoneStore(self.database).put(ZONE, "", [Place(SITE, "nova"), Place(OTHER, "nova")])
        ((network_type, _, _),) = self.types_of(self.as_tenant_makes(ZONE))
        assert network_type != "local"

    def test_several_in_one_request_are_each_by_its_hints(self) -> None:
        body = {"networks": [{"name": "near", "availability_zone_hints": [ZONE]}, {"name": "far"}]}
        made = self.call("POST", "networks", body, who=self.as_tenant())["networks"]
        types = {network["name"]: self.types_of(network)[0][0] == "local" for network in made}
        assert types == {"near": True, "far": False}

    def test_what_is_asked_for_is_not_made_local(self) -> None:
        for segments in ([segment("vlan", LEFT, 101)], [segment("vxlan", None, 8)], [segment("vlan")]):
            ((network_type, _, _),) = self.types_of(self.make(*segments, availability_zone_hints=[ZONE]))
            assert network_type == segments[0]["provider:network_type"]
        several = [segment("vlan", LEFT, 102), segment("vlan", RIGHT, 102)]
        assert len(self.types_of(self.make(*several, availability_zone_hints=[ZONE]))) == 2

    def test_an_external_one_is_as_the_configuration_says(self) -> None:
        fields = {"router:external": True, "availability_zone_hints": [ZONE]}
        assert self.types_of(self.make({}, **fields)) == [("local", None, None)]
        cfg.CONF.set_override("external_network_type", "vlan", group="ml2")
        ((network_type, _, _),) = self.types_of(self.make({}, **fields))
        assert network_type == "vlan"

    def test_an_unknown_zone_is_refused_as_ever(self) -> None:
        body = {"network": {"availability_zone_hints": [ZONE, "nowhere"]}}
        self.call("POST", "networks", body, who=self.as_tenant(), status=404)
        assert self.call("GET", "networks")["networks"] == []

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

    def test_what_no_site_would_carry_is_refused(self) -> None:
        for name in ("vlan_transparent", "qinq"):
            self.call("POST", "networks", {"network": {"name": "x", name: True}}, status=400)
        assert self.call("GET", "networks")["networks"] == []
