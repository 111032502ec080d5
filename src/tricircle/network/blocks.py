"""The addresses of a subnet that are delegated to sites, in Neutron's database.

Each address of a block is a row of Neutron's own `ipamallocations`, in a status of ours:

DELEGATED   the site's, and the top knows of no port that has it
ADOPTED     the site's, on a port that the top has adopted
ALLOCATED   stock Neutron's own: on a port of the top

So the primary key of that table (address, subnet) settles who has an address, on every database and in a
Galera cluster, without a lock; and each step from one status to another names the one it comes from, so that
of two who race for an address one finds nothing to change. Neutron's own decorators try the loser again.
Everyday allocation does not read these rows: it sees the pools less the blocks, so its price does not grow
with what is delegated.

Every function takes neutron_lib's context, and runs in the transaction that this one has open, if any.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import netaddr
import sqlalchemy as sa
from neutron.ipam.drivers.neutrondb_ipam.db_models import IpamAllocation
from neutron_lib import constants
from neutron_lib.db import api as db_api
from oslo_db import exception as db_exc

from tricircle.network.db.models import AddressBlock
from tricircle.network.ranges import Run, without

ALLOCATED = constants.IPAM_ALLOCATION_STATUS_ALLOCATED
DELEGATED = "DELEGATED"
ADOPTED = "ADOPTED"

_AT_ONCE = 500
"""Most addresses that one statement names."""


def number(address: str) -> int:
    """Return an address as arithmetic takes it."""
    return int(netaddr.IPAddress(address))


def text(address: int, version: int) -> str:
    """Write an address as Neutron keeps it.

    :param version: 4 or 6.
    """
    return str(netaddr.IPAddress(address, version))


def run_of(block: AddressBlock) -> Run:
    """Return the addresses of a block."""
    return Run(number(block.first_ip), number(block.last_ip))


def version_of(block: AddressBlock) -> int:
    """Return the version of a block's addresses, 4 or 6."""
    return int(netaddr.IPAddress(block.first_ip).version)


def of_subnet(context: Any, subnet_id: str) -> list[AddressBlock]:
    """Return the blocks of a subnet."""
    with db_api.CONTEXT_READER.using(context):
        return list(context.session.query(AddressBlock).filter_by(subnet_id=subnet_id))


def allocated(context: Any, ipam_subnet_id: str) -> list[str]:
    """Return the addresses that stock Neutron has handed out itself."""
    query = sa.select(IpamAllocation.ip_address).where(
        IpamAllocation.ipam_subnet_id == ipam_subnet_id, IpamAllocation.status == ALLOCATED
    )
    with db_api.CONTEXT_READER.using(context):
        return list(context.session.execute(query).scalars())


def is_taken(context: Any, ipam_subnet_id: str, address: str) -> bool:
    """Say whether an address is handed out or delegated."""
    query = sa.select(IpamAllocation.status).where(_is(ipam_subnet_id, [address]))
    with db_api.CONTEXT_READER.using(context):
        return context.session.execute(query).first() is not None


def delegate(context: Any, ipam_subnet_id: str, subnet: Any, site_id: str, run: Run) -> AddressBlock:
    """Write a block, and a row for each of its addresses.

    :param subnet: Neutron's.
    :raises oslo_db.exception.DBDuplicateEntry: another request took one of the addresses meanwhile.
    """
    addresses = [text(address, subnet.ip_version) for address in range(run.first, run.last + 1)]
    block = AddressBlock(
        network_id=subnet.network_id,
        subnet_id=subnet.id,
        site_id=site_id,
        first_ip=addresses[0],
        last_ip=addresses[-1],
    )
    with db_api.CONTEXT_WRITER.using(context):
        context.session.add(block)
        context.session.execute(
            sa.insert(IpamAllocation),
            [
                {"ip_address": address, "ipam_subnet_id": ipam_subnet_id, "status": DELEGATED}
                for address in addresses
            ],
        )
        context.session.flush()
    return block


def keep(context: Any, ipam_subnet_id: str, block: AddressBlock, kept: Run | None) -> None:
    """Give the addresses of a block back, but for some. Those that ports have become these ports' own.

    :param kept: within the block; None gives back all, and with them the block.
    :raises oslo_db.exception.RetryRequest: another request has changed the block meanwhile.
    """
    run, version = run_of(block), version_of(block)
    as_it_was = (
        AddressBlock.id == block.id,
        AddressBlock.first_ip == block.first_ip,
        AddressBlock.last_ip == block.last_ip,
    )
    change: Any = sa.delete(AddressBlock).where(*as_it_was)
    if kept is not None:
        ends = {"first_ip": text(kept.first, version), "last_ip": text(kept.last, version)}
        change = sa.update(AddressBlock).where(*as_it_was).values(**ends)
    with db_api.CONTEXT_WRITER.using(context):
        _execute(context, change, is_fence=True)
        context.session.expire(block)
        for given_back in without([run], [] if kept is None else [kept]):
            for addresses in _batches(given_back, version):
                which = _is(ipam_subnet_id, addresses)
                _execute(context, _step(which, ADOPTED, ALLOCATED))
                _execute(context, sa.delete(IpamAllocation).where(which, IpamAllocation.status == DELEGATED))


def adopt(context: Any, ipam_subnet_id: str, address: str) -> bool:
    """Note that a port which the top adopts has an address of its site's.

    :return: False where the address is not delegated, or another adopted port has it.
    """
    return _execute(context, _step(_is(ipam_subnet_id, [address]), DELEGATED, ADOPTED)) == 1


def let_go(context: Any, ipam_subnet_id: str, address: str) -> None:
    """Note that a port has an address no more: it is free, or its site's."""
    which = _is(ipam_subnet_id, [address])
    if not _execute(context, sa.delete(IpamAllocation).where(which, IpamAllocation.status == ALLOCATED)):
        _execute(context, _step(which, ADOPTED, DELEGATED))


def forget(context: Any, subnet_id: str) -> None:
    """Remove the blocks of a subnet that goes; its rows of addresses go with it."""
    _execute(context, sa.delete(AddressBlock).where(AddressBlock.subnet_id == subnet_id))


def _is(ipam_subnet_id: str, addresses: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(IpamAllocation.ipam_subnet_id == ipam_subnet_id, IpamAllocation.ip_address.in_(addresses))


def _step(which: sa.ColumnElement[bool], before: str, after: str) -> sa.Update:
    return sa.update(IpamAllocation).where(which, IpamAllocation.status == before).values(status=after)


def _execute(context: Any, statement: Any, *, is_fence: bool = False) -> int:
    """Change rows, whatever of them the session has in memory.

    :param is_fence: one row must be as the statement says.
    :return: how many rows there were.
    """
    with db_api.CONTEXT_WRITER.using(context):
        result = context.session.execute(statement, execution_options={"synchronize_session": False})
        count: int = result.rowcount
        if is_fence and count != 1:
            raise db_exc.RetryRequest(RuntimeError("an address block was changed by another request"))
        return count


def _batches(run: Run, version: int) -> Iterator[list[str]]:
    for first in range(run.first, run.last + 1, _AT_ONCE):
        yield [text(address, version) for address in range(first, min(first + _AT_ONCE, run.last + 1))]
