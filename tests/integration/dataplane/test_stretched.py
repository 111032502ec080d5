"""Two servers of one network in two sites reach each other over the stretched VLAN; nobody else does."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.integration.clients import SiteAdmin
from tests.integration.dataplane.ground import Ground
from tests.integration.dataplane.machine import Machine
from tests.integration.sandbox import Sandbox

CIDR, CIDR_6 = "10.61.0.0/24", "fd61::/64"
Document = dict[str, Any]


@dataclass
class Arrangement:
    """A server in each site, and a closed one beside each."""

    network: Document
    group: Document
    open: list[Machine]
    closed: list[Machine]


@pytest.fixture(scope="module")
def arrangement(ground: Ground) -> Arrangement:
    """One network in both sites; a group that lets all of the network in, and one that lets nobody in."""
    network = ground.network_of(CIDR, CIDR_6, pool=("10.61.0.2", "10.61.0.127"))
    group, closed = ground.group(), ground.group()
    ground.let_in(group, protocol="icmp", remote_ip_prefix=CIDR)
    ground.let_in(group, protocol="ipv6-icmp", remote_ip_prefix=CIDR_6, ethertype="IPv6")
    machines = ground.machines(network, ("az1", group), ("az2", group), ("az1", closed), ("az2", closed))
    return Arrangement(network, group, machines[:2], machines[2:])


@pytest.mark.parametrize("version", [4, 6])
def test_they_reach_each_other(arrangement: Arrangement, version: int) -> None:
    one, other = arrangement.open
    assert one.reaches(other.address(version))
    assert other.reaches(one.address(version))


def test_packets_as_large_as_the_network_says_pass_whole(arrangement: Arrangement) -> None:
    one, other = arrangement.open
    headers = 28  # of IP and of ICMP
    assert one.reaches(other.address(), "-M", "do", "-s", str(arrangement.network["mtu"] - headers))


def test_it_is_one_vlan_in_both_sites(arrangement: Arrangement, sites: list[SiteAdmin]) -> None:
    mark = {"description": f"tricircle:{arrangement.network['id']}"}
    found = []
    for site in sites:
        (network,) = site.connection.network.get("/networks", params=mark).json()["networks"]
        found.append({key: value for key, value in network.items() if key.startswith("provider:")})
    assert found[0] == found[1]
    assert found[0]["provider:network_type"] == "vlan"


def test_a_group_that_lets_nobody_in_lets_nobody_in(arrangement: Arrangement) -> None:
    one, other = arrangement.open
    near, far = arrangement.closed
    # They are there: what they ask for is answered.
    assert near.reaches(other.address())
    assert far.reaches(one.address())
    for sender, receiver in ((one, far), (other, near), (one, near), (other, far)):
        assert sender.does_not_reach(receiver.address()), f"{sender}, {receiver}"


def test_a_rule_opens_and_closes_servers_that_run(arrangement: Arrangement, ground: Ground) -> None:
    one, _ = arrangement.open
    late = ground.group()
    (machine,) = ground.machines(arrangement.network, ("az2", late))
    assert machine.reaches(one.address())
    assert one.does_not_reach(machine.address())
    rule = ground.let_in(late, protocol="icmp", remote_ip_prefix=CIDR)
    assert one.reaches(machine.address())
    ground.delete("security-group-rules", rule)
    assert one.stops_reaching(machine.address())


def test_another_network_with_the_same_addresses_is_another_network(
    arrangement: Arrangement, strange_ground: Ground
) -> None:
    group = strange_ground.group()
    strange_ground.let_in(group, protocol="icmp", remote_ip_prefix=CIDR)
    # Of the same subnet, and yet no address is there twice: who answers is who was asked.
    network = strange_ground.network_of(CIDR, pool=("10.61.0.128", "10.61.0.254"))
    near, far = strange_ground.machines(network, ("az1", group), ("az2", group))
    assert near.reaches(far.address())
    for machine in arrangement.open:
        for strange in (near, far):
            assert machine.does_not_reach(strange.address()), f"{machine}, {strange}"
            assert strange.does_not_reach(machine.address()), f"{strange}, {machine}"


def test_servers_are_reached_again_when_their_site_has_been_away(
    arrangement: Arrangement, sandbox: Sandbox, sites: list[SiteAdmin]
) -> None:
    one, other = arrangement.open
    away = sites[1].site.name
    sandbox.stop_site(away)
    assert one.does_not_reach(other.address())
    sandbox.start_site(away)
    assert one.reaches(other.address())
    assert other.reaches(one.address())
