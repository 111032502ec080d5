"""Addresses of servers on one network in two sites: of both families, of two projects, of several subnets."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import SiteAdmin
from tests.integration.conditions import side_by_side
from tests.integration.drawing import Document, Drawing, adopted, marked, on

pytestmark = pytest.mark.usefixtures("nothing_left")


def addresses_in_nova(server: Any, network: Document) -> set[str]:
    """Return the addresses of a server, which is on one network only."""
    assert list(server.addresses) == [network["name"]]
    return {each["addr"] for each in server.addresses[network["name"]]}


def addresses_of(port: Document) -> set[str]:
    """Return the addresses of a port."""
    return {each["ip_address"] for each in port["fixed_ips"]}


def made_of(mac: str, prefix: str) -> str:
    """Return the address that a host makes of its MAC address (RFC 4291, appendix A)."""
    first, *rest = (int(each, 16) for each in mac.split(":"))
    own = bytes([first ^ 2, *rest[:2], 0xFF, 0xFE, *rest[2:]])
    return str(ip_network(prefix)[int.from_bytes(own)])


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless", "dhcpv6-stateful"])
def test_servers_have_one_of_each_family_and_no_two_the_same(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], mode: str
) -> None:
    network, prefix = drawing.network(), "fd42::/64"
    drawing.subnet(network, prefix, ipv6_address_mode=mode, ipv6_ra_mode=mode)
    both = [site.site.zone for site in sites for _ in range(2)]
    made = side_by_side(lambda zone: servers.server("dual", zone, networks=on(network)), both)
    ports = [adopted(drawing, server) for server in made]
    for server, port in zip(made, ports, strict=True):
        found = addresses_of(port)
        assert found == addresses_in_nova(server, network)
        assert sorted(ip_address(each).version for each in found) == [4, 6]
        if mode != "dhcpv6-stateful":
            assert made_of(port["mac_address"], prefix) in found
    assert len({each for port in ports for each in addresses_of(port)}) == 2 * len(made)


def test_a_port_that_was_made_first_has_both_in_either_zone(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    for prefix, mode in (("fd42::/64", "slaac"), ("fd43::/64", "dhcpv6-stateful")):
        drawing.subnet(network, prefix, ipv6_address_mode=mode, ipv6_ra_mode=mode)
    ports = [drawing.port(network) for _ in sites]
    assert [len(port["fixed_ips"]) for port in ports] == [3, 3]

    def boot(site: SiteAdmin) -> Any:
        port = ports[sites.index(site)]
        return servers.server("dual", site.site.zone, networks=[{"port": port["id"]}])

    for port, server in zip(ports, side_by_side(boot, sites), strict=True):
        assert addresses_in_nova(server, network) == addresses_of(port)


def test_two_projects_with_the_same_addresses_are_two_networks_everywhere(
    drawing: Drawing,
    servers: Belongings,
    strangers_drawing: Drawing,
    strangers_servers: Belongings,
    sites: list[SiteAdmin],
) -> None:
    people = [(drawing, servers), (strangers_drawing, strangers_servers)]
    networks = [each.network("10.44.0.0/28", name="the-same") for each, _ in people]

    def boot(place: tuple[int, SiteAdmin]) -> Document:
        number, site = place
        its_drawing, its_servers = people[number]
        server = its_servers.server("one-of-two", site.site.zone, networks=on(networks[number]))
        port = adopted(its_drawing, server)
        assert addresses_in_nova(server, networks[number]) == addresses_of(port)
        shown = its_servers.owner.compute.get(f"/servers/{server.id}/os-interface").json()
        (interface,) = shown["interfaceAttachments"]
        assert (interface["port_id"], interface["net_id"]) == (port["id"], networks[number]["id"])
        assert interface["fixed_ips"] == port["fixed_ips"]
        return port

    places = [(number, site) for site in sites for number in range(len(people))]
    made = side_by_side(boot, places)
    for number, (its_drawing, its_servers) in enumerate(people):
        mine = {port["id"] for (whose, _), port in zip(places, made, strict=True) if whose == number}
        seen = {
            port["id"]: port for port in its_drawing.ports() if port["device_owner"].startswith("compute:")
        }
        assert seen.keys() == mine
        assert {port["project_id"] for port in seen.values()} == {its_servers.owner.project_id}
        for site in sites:
            (there,) = marked(site, "networks", networks[number]["id"])
            assert there["project_id"] == its_servers.owner.project_id
