"""Whose an address is: any order of what may happen, against a model, and by many at once on real servers."""

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neutron.ipam import driver as ipam
from neutron.ipam import exceptions as ipam_exc
from neutron.ipam import requests
from neutron.ipam.drivers.neutrondb_ipam import db_models
from neutron_lib.context import get_admin_context
from neutron_lib.db import api as db_api
from oslo_config import cfg
from oslo_db.sqlalchemy import enginefacade
from tests.servers.databases import Databases
from tests.unit.network.base import TricircleTestCase

from tricircle.network import blocks
from tricircle.network.db.models import AddressBlock
from tricircle.network.ipam import AdoptedAddressRequest, DelegatingSubnet
from tricircle.network.ranges import Run

SITES = ("a", "b")
ID = "5e5d5e5d-0000-4000-8000-000000000001"
"""Of the one network, subnet and pool that there are on the servers."""

REFUSED = (ipam_exc.IpAddressAlreadyAllocated, ipam_exc.IpAddressGenerationFailure)

WHATEVER = st.one_of(
    st.tuples(st.just("delegate"), st.sampled_from(SITES), st.integers(1, 8)),
    st.tuples(st.just("allocate")),
    st.tuples(st.just("ask"), st.integers(2, 14)),
    st.tuples(st.just("adopt"), st.sampled_from(SITES), st.integers(2, 14)),
    st.tuples(st.just("let_go"), st.integers(2, 14)),
    st.tuples(st.just("shrink"), st.integers(0, 9), st.integers(0, 7), st.integers(0, 7)),
    st.tuples(st.just("give_back"), st.integers(0, 9)),
    st.tuples(st.just("cut"), st.integers(0, 9), st.integers(0, 3), st.integers(0, 3)),
)


@dataclass
class Model:
    """What must be so: who has which of the addresses 10.0.0.2 to 10.0.0.14, by their last numbers."""

    subnet: Any
    context: Any
    site_of: dict[int, str] = field(default_factory=dict)
    on_port: set[int] = field(default_factory=set)
    blocks: list[str] = field(default_factory=list)

    @property
    def free(self) -> set[int]:
        return set(range(2, 15)) - set(self.site_of) - self.on_port

    def delegate(self, site: str, size: int) -> None:
        try:
            block = self.subnet.delegate(site, size)
        except ipam_exc.IpAddressGenerationFailure:
            assert not self.free
            return
        given_away = set(self.numbers(block))
        assert given_away <= self.free
        assert 1 <= len(given_away) <= size
        self.site_of.update(dict.fromkeys(given_away, site))
        self.blocks.append(block.id)

    def allocate(self) -> None:
        try:
            address = self.subnet.allocate(requests.AnyAddressRequest())
        except ipam_exc.IpAddressGenerationFailure:
            assert not self.free
            return
        self.take(int(address.rpartition(".")[2]))

    def ask(self, number: int) -> None:
        is_free = number in self.free
        if self.succeeds(requests.SpecificAddressRequest(f"10.0.0.{number}")):
            assert is_free
            self.take(number)
        else:
            assert not is_free

    def adopt(self, site: str, number: int) -> None:
        may = number not in self.on_port and self.site_of.get(number, site) == site
        if self.succeeds(AdoptedAddressRequest(f"10.0.0.{number}", site)):
            assert may
            self.on_port.add(number)
        else:
            assert not may

    def let_go(self, number: int) -> None:
        if number in self.on_port:
            self.subnet.deallocate(f"10.0.0.{number}")
            self.on_port.remove(number)

    def shrink(self, which: int, cut_before: int, cut_after: int) -> None:
        if not self.blocks:
            return
        block = self.block(which)
        run = blocks.run_of(block)
        kept = Run(run.first + cut_before, run.last - cut_after)
        if kept.size >= 1:
            before = set(self.numbers(block))
            self.subnet.keep(block, kept)
            self.returned(before - set(self.numbers(block)))

    def give_back(self, which: int) -> None:
        if self.blocks:
            block = self.block(which)
            before = set(self.numbers(block))
            self.blocks.remove(block.id)
            self.subnet.keep(block, None)
            self.returned(before)

    def cut(self, which: int, cut_before: int, cut_after: int) -> None:
        if not self.blocks:
            return
        block = self.block(which)
        run, site, was_returning = blocks.run_of(block), block.site_id, block.is_returning
        part = Run(run.first + cut_before, run.last - cut_after)
        if part.size < 1:
            return
        known, subnet_id = block.id, self.subnet._subnet_id
        assert blocks.cut(self.context, subnet_id, site, part, is_returning=was_returning) is None
        made = blocks.cut(self.context, subnet_id, site, part, is_returning=not was_returning)
        assert (blocks.run_of(made), made.is_returning) == (part, not was_returning)
        self.blocks = [each.id for each in blocks.of_subnet(self.context, subnet_id)]
        assert known not in self.blocks

    def block(self, which: int) -> Any:
        return self.context.session.get(AddressBlock, self.blocks[which % len(self.blocks)])

    def returned(self, numbers: set[int]) -> None:
        for number in numbers:
            del self.site_of[number]

    def take(self, number: int) -> None:
        assert number in self.free
        self.on_port.add(number)

    def succeeds(self, request: Any) -> bool:
        try:
            self.subnet.allocate(request)
        except ipam_exc.IpAddressAlreadyAllocated:
            return False
        return True

    def check(self) -> None:
        """Compare with the rows."""
        expected = {}
        for number in set(self.site_of) | self.on_port:
            in_block = blocks.ADOPTED if number in self.on_port else blocks.DELEGATED
            expected[f"10.0.0.{number}"] = in_block if number in self.site_of else blocks.ALLOCATED
        of_subnet = {"ipam_subnet_id": self.subnet._ipam_subnet_id}
        rows = self.context.session.query(db_models.IpamAllocation).filter_by(**of_subnet)
        assert {row.ip_address: row.status for row in rows.populate_existing()} == expected
        of_blocks = {
            number: block.site_id
            for block in blocks.of_subnet(self.context, self.subnet._subnet_id)
            for number in self.numbers(block)
        }
        assert of_blocks == self.site_of

    @staticmethod
    def numbers(block: Any) -> range:
        run = blocks.run_of(block)
        return range(run.first & 0xFF, (run.last & 0xFF) + 1)


class AnyOrderTestCase(TricircleTestCase):
    def test_no_address_has_two_owners_and_none_is_lost(self) -> None:
        network = self._make_network(self.fmt, "blue", True)

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(st.lists(WHATEVER, min_size=1, max_size=25))
        def any_order(happenings: list[tuple[Any, ...]]) -> None:
            made = self._make_subnet(self.fmt, network, "10.0.0.1", "10.0.0.0/28")["subnet"]
            context = get_admin_context()
            with db_api.CONTEXT_WRITER.using(context):
                subnet = ipam.Pool.get_instance(None, context).get_subnet(made["id"])
                model = Model(subnet, context)
                for name, *arguments in happenings:
                    getattr(model, name)(*arguments)
                    model.check()
                for number in list(model.on_port):
                    model.let_go(number)
                while model.blocks:
                    model.give_back(0)
                model.check()
                assert len(model.free) == 13
            self.core.delete_subnet(context, made["id"])

        any_order()


class StoodInSubnet(DelegatingSubnet):
    """A subnet without the rest of Neutron."""

    @classmethod
    def _fetch_subnet(cls, context: Any, id: str) -> Any:  # noqa: A002
        return Fields(id=id, network_id=ID, project_id="p", ip_version=4, **dict.fromkeys(MODES))


MODES = ("ipv6_address_mode", "ipv6_ra_mode")


class Fields(SimpleNamespace):
    """Fields that are read both ways, as those of Neutron's objects are."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


@pytest.fixture
def ipam_subnet_id(databases: Databases) -> Iterator[str]:
    """Give a subnet in a database of Neutron's that has only what addresses need."""
    manager = enginefacade.transaction_context()
    manager.configure(connection=databases.without_tables())
    engine = manager.writer.get_engine()
    tables = (db_models.IpamSubnet, db_models.IpamAllocationPool, db_models.IpamAllocation, AddressBlock)
    with engine.begin() as connection:
        for name in ("networks", "subnets"):
            connection.exec_driver_sql(f"CREATE TABLE {name} (id VARCHAR(36) PRIMARY KEY)")
            connection.execute(sa.insert(sa.table(name, sa.column("id"))), {"id": ID})
        for table in tables:
            table.__table__.create(connection)
        connection.execute(sa.insert(db_models.IpamSubnet), {"id": ID, "neutron_subnet_id": ID})
        pool = {"id": ID, "ipam_subnet_id": ID, "first_ip": "10.0.0.1", "last_ip": "10.0.0.40"}
        connection.execute(sa.insert(db_models.IpamAllocationPool), pool)
    cfg.CONF([], default_config_files=[])
    restore = db_api.get_context_manager().patch_factory(manager)
    yield ID
    restore()
    engine.dispose()
    cfg.CONF.reset()


@pytest.mark.only_on("mariadb", "postgresql")
def test_many_at_once_never_have_the_same_address(ipam_subnet_id: str) -> None:
    """Ports of the top and of sites, and blocks that come, shrink and go, in the same forty addresses."""
    mine: list[dict[str, str | None]] = []  # of each thread: addresses, and the site whose port has one
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311
        held: dict[str, str | None] = {}
        mine.append(held)
        try:
            for _ in range(15):
                step(chance, held)
        except BaseException as error:  # noqa: BLE001  # the test fails with it
            failures.append(error)

    @db_api.retry_db_errors
    def attempt(chance: random.Random, held: frozenset[str]) -> dict[str, str | None] | str | None:
        context = get_admin_context()
        with db_api.CONTEXT_WRITER.using(context):
            subnet = StoodInSubnet(ipam_subnet_id, context, cidr="10.0.0.0/24", subnet_id=ID)
            choice = chance.randrange(7)
            known = blocks.of_subnet(context, ID)
            if choice == 0:
                return {subnet.allocate(requests.AnyAddressRequest()): None}
            if choice == 1 and known:
                address = blocks.text(chance.randint(*blocks.run_of(chance.choice(known))), 4)
                site = chance.choice(SITES)
                return {subnet.allocate(AdoptedAddressRequest(address, site)): site}
            if choice == 2 and held:
                address = chance.choice(sorted(held))
                subnet.deallocate(address)
                return address  # type: ignore[no-any-return]
            if choice == 3 and known:
                block = chance.choice(known)
                run = blocks.run_of(block)
                subnet.keep(block, Run(run.first, run.last - 1) if run.size > 1 else None)
            if choice == 4 and known:
                subnet.keep(chance.choice(known), None)
            if choice == 5:
                subnet.delegate(chance.choice(SITES), 5)
            if choice == 6 and known:
                block = chance.choice(known)
                run = blocks.run_of(block)
                part = Run(run.first, chance.randint(*run))
                blocks.cut(context, ID, block.site_id, part, is_returning=not block.is_returning)
        return None

    def step(chance: random.Random, held: set[str]) -> None:
        try:
            done = attempt(chance, frozenset(held))
        except REFUSED:
            return
        if isinstance(done, dict):
            held.update(done)
        elif done is not None:
            del held[done]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    on_ports = {address: site for held in mine for address, site in held.items()}
    assert len(on_ports) == sum(map(len, mine))
    context = get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        rows = dict(
            context.session.query(db_models.IpamAllocation.ip_address, db_models.IpamAllocation.status).all()
        )
        known = blocks.of_subnet(context, ID)
        delegated = {
            blocks.text(number, 4): block.site_id
            for block in known
            for number in range(blocks.run_of(block).first, blocks.run_of(block).last + 1)
        }
    assert len(delegated) == sum(blocks.run_of(block).size for block in known)
    assert all(on_ports.get(address, site) == site for address, site in delegated.items())
    assert set(rows) == set(delegated) | set(on_ports)
    assert {address for address, status in rows.items() if status != blocks.DELEGATED} == set(on_ports)
    assert {address for address, status in rows.items() if status != blocks.ALLOCATED} == set(delegated)
