"""The group that everyone has by default lets its members in, in whichever site they are, and nobody else."""

from dataclasses import dataclass

import pytest
from tests.integration.dataplane.ground import Ground
from tests.integration.dataplane.machine import Machine

CIDR, CIDR_6 = "10.62.0.0/24", "fd62::/64"


@dataclass
class Arrangement:
    """A member of the default group in each site, and a server of another group beside each."""

    members: list[Machine]
    others: list[Machine]


@pytest.fixture(scope="module")
def arrangement(ground: Ground) -> Arrangement:
    """One network in both sites, and servers on it, of which nothing is said but a group or none."""
    network = ground.network_of(CIDR, CIDR_6)
    other = ground.group()
    ground.let_in(other, protocol="icmp", remote_ip_prefix=CIDR)
    machines = ground.machines(network, ("az1", None), ("az2", None), ("az1", other), ("az2", other))
    return Arrangement(machines[:2], machines[2:])


@pytest.mark.parametrize("version", [4, 6])
def test_it_lets_its_members_in_from_the_other_site(arrangement: Arrangement, version: int) -> None:
    one, other = arrangement.members
    assert one.reaches(other.address(version))
    assert other.reaches(one.address(version))


def test_it_keeps_servers_of_other_groups_out(arrangement: Arrangement) -> None:
    for sender in arrangement.others:
        # It is on the network, and is answered where it may be.
        for receiver in arrangement.others:
            assert sender.reaches(receiver.address())
        for member in arrangement.members:
            assert member.reaches(sender.address())
            assert sender.does_not_reach(member.address()), f"{sender}, {member}"


def test_who_joins_is_let_in_and_who_leaves_is_kept_out(arrangement: Arrangement, ground: Ground) -> None:
    one, _ = arrangement.members
    _, far = arrangement.others
    former = far.port["security_groups"]
    ground.wear(far, one.port["security_groups"])
    assert far.reaches(one.address())
    assert one.reaches(far.address())
    ground.wear(far, former)
    assert far.stops_reaching(one.address())
