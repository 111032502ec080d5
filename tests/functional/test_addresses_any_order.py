"""Any order of joins, boots, deletes, looks at sites and crashes, also of two processes in the midst of each
other: no address is ever in two sites, none is lost, and a boot fails for want of one only if all are in use.

The code is that of gateways and workers. The top's Neutron and the sites' are the fakes, which contract tests
and `tests/unit/network` hold to the real ones; they are called without a socket, so that a test can do
something between any two calls.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address, ip_network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.network import Network, ports
from tests.fakes.service import Document, Refusal
from tests.functional.address_world import SITES, Crash, Process, World
from tests.functional.adopting_top import give_network
from tests.functional.workshop import Workshop

from tricircle.db.timestamps import now
from tricircle.errors import TricircleError
from tricircle.jobs.store import JobStore
from tricircle.jobs.types import FOLLOW, REPLICATE
from tricircle.realise.blocks import NoAddressLeft
from tricircle.realise.side_by_side import SideBySide
from tricircle.xjob import idle_addresses, idle_networks

WHEN = st.one_of(st.integers(1, 8), st.integers(1, 25))

IN_THE_MIDST = st.one_of(
    st.none(),
    st.tuples(WHEN, st.just("crash"), st.just("")),
    st.tuples(WHEN, st.sampled_from(["look", "look twice", "boot"]), st.sampled_from(SITES)),
)
"""Before which call of an operation something happens, what, and where."""


class Machine(RuleBasedStateMachine):
    """What may happen to one subnet."""

    world: World

    @initialize(prefix=st.sampled_from([29, 28, 28, 27]))
    def begin(self, prefix: int) -> None:
        self.network = self.world.neutron.make_network("net", f"10.0.1.0/{prefix}")
        self.id = self.network["id"]
        self.subnet_id = self.network["subnets"][0]
        hosts = list(ip_network(f"10.0.1.0/{prefix}").hosts())
        self.every = {str(each) for each in hosts[1:]}
        self.is_disturbed = False

    # -- what there is ---------------------------------------------------------------------------------------

    def blocks(self, name: str | None = None) -> list[Document]:
        found = (each for each in self.world.top.blocks.values() if each["subnet_id"] == self.subnet_id)
        return [each for each in found if name in {None, each["site"]}]

    def subnets(self, name: str) -> list[Document]:
        return self.world.network(name).marked("subnets", self.subnet_id)

    def pools(self, name: str) -> set[str]:
        return numbers(pool for subnet in self.subnets(name) for pool in subnet["allocation_pools"])

    def used(self, name: str) -> list[str]:
        network = self.world.network(name)
        return [fixed["ip_address"] for each in self.subnets(name) for fixed in addresses_on(network, each)]

    def at_top(self) -> set[str]:
        """Return the addresses of ports that were made at the top."""
        top = self.world.top
        own = (port for port in top.ports.values() if port["id"] not in top.adopted)
        return {f["ip_address"] for port in own for f in port["fixed_ips"] if port["network_id"] == self.id}

    def servers(self) -> list[tuple[str, str]]:
        return [
            (name, port["id"])
            for name in SITES
            for port in self.world.network(name).ports.values()
            if port["device_owner"] == "compute:nova"
        ]

    def idle(self) -> int:
        used = {address for name in SITES for address in self.used(name)}
        return len(self.every - used - self.at_top())

    # -- what may happen -------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(SITES), many=st.integers(1, 6), which=st.integers(0, 1), midst=IN_THE_MIDST)
    def boot(self, name: str, many: int, which: int, midst: Any) -> None:
        idle, has_dhcp = self.idle(), bool(self.used(name))
        intent = self.world.intend(name, self.id, many)
        try:
            with self.midst(which, midst) as process:
                self.world.prepare(process, name, self.id, many)
        except NoAddressLeft:
            assert self.is_disturbed or idle < many + (not has_dhcp), f"{idle} are idle"
        except (Crash, TricircleError):
            assert self.is_disturbed
        else:
            self.make_ports(name, many)
        if not self.is_disturbed:
            JobStore(self.world.cloud.database).cancel(intent)

    def make_ports(self, name: str, many: int, address: str = "") -> None:
        try:
            for _ in range(many):
                self.world.make_port(name, self.id, address)
        except (Refusal, ValueError):  # no address, or no network
            assert self.is_disturbed

    @rule(name=st.sampled_from(SITES), last=st.integers(2, 30), which=st.integers(0, 1), midst=IN_THE_MIDST)
    def boot_with_address(self, name: str, last: int, which: int, midst: Any) -> None:
        address = f"10.0.1.{last}"
        if address not in self.every or any(address in self.used(each) for each in SITES):
            return
        intent = self.world.intend(name, self.id, 1, address)
        try:
            with self.midst(which, midst) as process:
                self.world.prepare(process, name, self.id, 1, address)
        except (Crash, TricircleError):
            pass  # it may be another site's
        else:
            if address not in self.used(name):  # the site's DHCP server may just have taken it
                self.make_ports(name, 1, address)
        if not self.is_disturbed:
            JobStore(self.world.cloud.database).cancel(intent)

    @rule(which=st.integers(0, 100))
    def delete(self, which: int) -> None:
        servers = self.servers()
        if servers:
            name, port_id = servers[which % len(servers)]
            del self.world.network(name).ports[port_id]

    @rule(name=st.sampled_from(SITES), but=st.integers(0, 2))
    def delete_all(self, name: str, but: int = 0) -> None:
        for port_id in [port_id for each, port_id in self.servers() if each == name][but:]:
            del self.world.network(name).ports[port_id]

    @rule()
    def take_one_at_the_top(self) -> None:
        with suppress(Refusal):
            ports.make(self.world.top, self.world.top.networks[self.id], PROJECT, {})

    @rule(name=st.sampled_from(SITES), which=st.integers(0, 1), midst=IN_THE_MIDST)
    def look(self, name: str, which: int, midst: Any) -> None:
        try:
            with self.midst(which, midst) as process:
                self.world.look(process, name)
        except (Crash, TricircleError):
            assert self.is_disturbed

    def midst(self, which: int, midst: tuple[int, str, str] | None) -> "Midst":
        return Midst(self, self.world.processes[which], self.world.processes[1 - which], midst)

    @rule()
    def recover(self) -> None:
        """Do all that is to be done: what was asked for, and looks at all sites until nothing changes."""
        self.world.forget_intents()
        for name in SITES:
            self.world.workshop.catch_up(name)  # what has failed for want of addresses, too
        self.world.workshop.hurry(FOLLOW.name, REPLICATE.name)
        self.world.workshop.done.clear()
        before = None
        for _ in range(12):
            for name in SITES:
                self.world.look(self.world.processes[0], name)
            fields = ("site", "start", "end", "returning")
            seen = sorted(tuple(each[field] for field in fields) for each in self.blocks())
            if seen == before:
                break
            before = seen
        else:
            raise AssertionError("addresses go to and fro")
        self.is_disturbed = False
        assert not any(block["returning"] for block in self.blocks())
        for name in SITES:
            assert self.pools(name) == numbers(self.blocks(name)), name

    def teardown(self) -> None:
        if not hasattr(self, "network"):
            return
        for process in self.world.processes:
            process.goes_on()
        for name in SITES:
            self.delete_all(name)
        self.recover()
        assert self.blocks() == [], "none is lost"
        for port_id in list(self.world.top.ports):
            del self.world.top.ports[port_id]
        self.world.neutron.delete("network", self.id)
        self.world.workshop.hurry(FOLLOW.name, REPLICATE.name)

    # -- what must be so -------------------------------------------------------------------------------------

    @invariant()
    def no_address_is_in_two_places(self) -> None:
        if not hasattr(self, "network"):
            return
        for one, other in combinations([numbers([block]) for block in self.blocks()], 2):
            assert one.isdisjoint(other)
        every = [address for name in SITES for address in self.used(name)]
        assert len(every) == len(set(every)), sorted(every)
        for name in SITES:
            own = numbers(self.blocks(name))
            assert self.pools(name) <= own, name
            assert set(self.used(name)) <= own, name
            assert own.isdisjoint(self.at_top())


class Midst:
    """An operation of one process, in whose midst something happens."""

    def __init__(self, machine: Machine, process: Process, other: Process, midst: Any) -> None:
        self._machine = machine
        self._process = process
        self._other = other
        self._midst = midst

    def __enter__(self) -> Process:
        if self._midst is not None:
            number, what, where = self._midst
            self._process.has(number, lambda: self._happen(what, where))
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.goes_on()

    def _happen(self, what: str, where: str) -> None:
        machine, world = self._machine, self._machine.world
        machine.is_disturbed = True
        if what == "crash":
            raise Crash
        with suppress(TricircleError, Refusal, ValueError):
            if what == "boot":
                world.prepare(self._other, where, machine.id, 3)
                for _ in range(3):
                    world.make_port(where, machine.id)
            else:
                for _ in range(2 if what == "look twice" else 1):
                    world.look(self._other, where)


def numbers(runs: Iterable[Document]) -> set[str]:
    """Return the addresses of runs."""
    ends = ((int(ip_address(run["start"])), int(ip_address(run["end"]))) for run in runs)
    return {str(ip_address(each)) for first, last in ends for each in range(first, last + 1)}


def addresses_on(network: Network, subnet: Document) -> list[Document]:
    """Return what ports have of a subnet."""
    every = (fixed for port in network.ports.values() for fixed in port["fixed_ips"])
    return [fixed for fixed in every if fixed["subnet_id"] == subnet["id"]]


@pytest.mark.parametrize("what", ["boot", "look twice", "crash"])
@pytest.mark.parametrize("operation", ["boot", "look"])
def test_whatever_happens_between_two_steps(world: World, operation: str, what: str) -> None:
    """While a site gets the last addresses, and while it gives some back: before each call in turn."""
    Machine.world = world
    number, has_happened = 0, True
    while has_happened:
        number += 1
        machine = Machine()
        machine.begin(prefix=28)
        machine.boot("SiteTwo", 2, 1, None)
        machine.boot("SiteOne", 2 if operation == "boot" else 7, 0, None)
        if operation == "look":
            machine.delete_all("SiteOne", but=1)
            machine.look("SiteOne", 0, None)
        assert not machine.is_disturbed
        midst = (number, what, "SiteTwo" if what == "boot" else "SiteOne")
        if operation == "boot":
            machine.boot("SiteOne", 5, 0, midst)
        else:
            machine.look("SiteOne", 0, midst)
        has_happened = machine.is_disturbed
        machine.no_address_is_in_two_places()
        machine.teardown()
    assert number > 3


@pytest.fixture
def world(cloud: Cloud, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three sites, each in a zone of its own."""
    cloud.add_site("SiteThree", "az3")
    for module in (idle_addresses, idle_networks):
        monkeypatch.setattr(module, "now", lambda: now() + timedelta(hours=1))
    # In one thread, so that the same calls are met each time.
    monkeypatch.setattr(SideBySide, "do", lambda _, works: [work() for work in works])
    monkeypatch.setattr(SideBySide, "do_within", lambda _, __, works: [work() for work in works])
    top = give_network(cloud)
    workshop.clear()
    return World(cloud, top, workshop)


def test_no_address_is_ever_in_two_sites_and_none_is_lost(world: World) -> None:
    machine = type("Machine", (Machine,), {"world": world})
    quickly = settings(
        max_examples=25,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=quickly)
