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

A block that is about to be given back (`is_returning`) is one like any other here: nobody else gets an
address of it. What it means to the site is in `tricircle.realise.returns`.

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
from oslo_utils import uuidutils

from tricircle.network.db.models import AddressBlock
from tricircle.network.ranges import Run, without

ALLOCATED = constants.IPAM_ALLOCATION_STATUS_ALLOCATED
DELEGATED = "DELEGATED"
ADOPTED = "ADOPTED"

_RETURNED = "RETURNED"
"""Within one transaction only: about to be free."""

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


def first_taken(context: Any, ipam_subnet_id: str, run: Run, version: int) -> str | None:
    """Return one of some addresses that is handed out or delegated; None where all are nobody's."""
    with db_api.CONTEXT_READER.using(context):
        for addresses in _batches(run, version):
            query = sa.select(IpamAllocation.ip_address).where(_is(ipam_subnet_id, addresses)).limit(1)
            taken: str | None = context.session.execute(query).scalars().first()
            if taken is not None:
                return taken
    return None


def delegate(context: Any, ipam_subnet_id: str, subnet: Any, site_id: str, run: Run) -> AddressBlock:
    """Write a block, and a row for each of its addresses.

    :param subnet: Neutron's.
    :raises oslo_db.exception.DBDuplicateEntry: another request took one of the addresses meanwhile.
    """
    addresses = [text(address, subnet.ip_version) for address in range(run.first, run.last + 1)]
    row = {
        "id": uuidutils.generate_uuid(),
        "network_id": subnet.network_id,
        "subnet_id": subnet.id,
        "project_id": subnet.project_id,
        "site_id": site_id,
        "first_ip": addresses[0],
        "last_ip": addresses[-1],
    }
    with db_api.CONTEXT_WRITER.using(context):
        # Not as an object: Neutron would load the network, and all that belongs to it.
        context.session.execute(sa.insert(AddressBlock), row)
        context.session.execute(
            sa.insert(IpamAllocation),
            [
                {"ip_address": address, "ipam_subnet_id": ipam_subnet_id, "status": DELEGATED}
                for address in addresses
            ],
        )
        block: AddressBlock = context.session.get(AddressBlock, row["id"])
        return block


def cut(context: Any, subnet_id: str, site_id: str, run: Run, *, is_returning: bool) -> AddressBlock | None:
    """Make a block of its own of some addresses of a site: one about to be given back, or so no more.

    What is left of the block that they are taken from stays as it is.

    :param is_returning: what the new one is, and the other is not.
    :return: None where no block of the site, that is not so yet, has them all.
    :raises oslo_db.exception.RetryRequest: another request has changed the block meanwhile.
    """
    found = (
        block
        for block in of_subnet(context, subnet_id)
        if (block.site_id, block.is_returning) == (site_id, not is_returning)
        and not without([run], [run_of(block)])
    )
    block = next(found, None)
    if block is None:
        return None
    same = {name: getattr(block, name) for name in ("network_id", "subnet_id", "project_id", "site_id")}
    rest = without([run_of(block)], [run])
    parts = [
        {
            **same,
            "id": uuidutils.generate_uuid(),
            "first_ip": text(part.first, version_of(block)),
            "last_ip": text(part.last, version_of(block)),
            "is_returning": is_returning == (part is run),
        }
        for part in (run, *rest)
    ]
    with db_api.CONTEXT_WRITER.using(context):
        _execute(context, sa.delete(AddressBlock).where(*_as_seen(block)), is_fence=True)
        context.session.expunge(block)
        context.session.execute(sa.insert(AddressBlock), parts)
        made: AddressBlock = context.session.get(AddressBlock, parts[0]["id"])
        return made


def keep(context: Any, ipam_subnet_id: str, block: AddressBlock, kept: Run | None) -> None:
    """Give the addresses of a block back, but for some. Those that ports have become these ports' own.

    :param kept: within the block; None gives back all, and with them the block.
    :raises oslo_db.exception.RetryRequest: another request has changed the block meanwhile.
    """
    run, version = run_of(block), version_of(block)
    change: Any = sa.delete(AddressBlock).where(*_as_seen(block))
    if kept is not None:
        ends = {"first_ip": text(kept.first, version), "last_ip": text(kept.last, version)}
        change = sa.update(AddressBlock).where(*_as_seen(block)).values(**ends)
    with db_api.CONTEXT_WRITER.using(context):
        _execute(context, change, is_fence=True)
        if kept is None:
            context.session.expunge(block)
        else:
            context.session.refresh(block)
        for given_back in without([run], [] if kept is None else [kept]):
            for addresses in _batches(given_back, version):
                _give_back(context, _is(ipam_subnet_id, addresses))


def hold(context: Any, subnet_id: str, site_id: str, address: str) -> bool:
    """See to it that a site's block which has an address stays so until the transaction ends.

    :return: False where the address is not delegated to the site.
    :raises oslo_db.exception.RetryRequest: another request has changed the block meanwhile.
    """
    asked = number(address)
    for block in of_subnet(context, subnet_id):
        if block.site_id == site_id and asked in run_of(block):
            with db_api.CONTEXT_WRITER.using(context):
                lock = {"read": True}
                held = context.session.get(
                    AddressBlock, block.id, with_for_update=lock, populate_existing=True
                )
                if held is None or asked not in run_of(held):
                    raise _changed()
                return True
    return False


def adopt(context: Any, ipam_subnet_id: str, address: str) -> bool:
    """Note that a port which the top adopts has an address of its site's, whose block is held.

    :return: False where another adopted port has it.
    """
    return _execute(context, _step(_is(ipam_subnet_id, [address]), DELEGATED, ADOPTED)) == 1


def let_go(context: Any, ipam_subnet_id: str, address: str) -> None:
    """Note that a port has an address no more: it is free, or its site's."""
    which = _is(ipam_subnet_id, [address])
    free = sa.delete(IpamAllocation).where(which, IpamAllocation.status == ALLOCATED)
    if _execute(context, free) or _execute(context, _step(which, ADOPTED, DELEGATED)):
        return
    _execute(context, free)  # its block was given back between the two


def forget(context: Any, subnet_id: str) -> None:
    """Remove the blocks of a subnet that goes; its rows of addresses go with it."""
    _execute(context, sa.delete(AddressBlock).where(AddressBlock.subnet_id == subnet_id))


def _as_seen(block: AddressBlock) -> tuple[sa.ColumnElement[bool], ...]:
    """Return what is true of a block's row while nobody has changed it."""
    return (
        AddressBlock.id == block.id,
        AddressBlock.first_ip == block.first_ip,
        AddressBlock.last_ip == block.last_ip,
    )


def _is(ipam_subnet_id: str, addresses: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(IpamAllocation.ipam_subnet_id == ipam_subnet_id, IpamAllocation.ip_address.in_(addresses))


def _give_back(context: Any, which: sa.ColumnElement[bool]) -> None:
    """Free addresses, but for those that ports have: these become the ports' own.

    One statement decides it for all of them, and takes hold of each: with two, an address that a port gets or
    loses between them would be missed by both.
    """
    status = sa.case((IpamAllocation.status == ADOPTED, ALLOCATED), else_=_RETURNED)
    delegated = IpamAllocation.status.in_((ADOPTED, DELEGATED))
    _execute(context, sa.update(IpamAllocation).where(which, delegated).values(status=status))
    _execute(context, sa.delete(IpamAllocation).where(which, IpamAllocation.status == _RETURNED))


def _changed() -> db_exc.RetryRequest:
    return db_exc.RetryRequest(RuntimeError("an address block was changed by another request"))


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
            raise _changed()
        return count


def _batches(run: Run, version: int) -> Iterator[list[str]]:
    for first in range(run.first, run.last + 1, _AT_ONCE):
        yield [text(address, version) for address in range(first, min(first + _AT_ONCE, run.last + 1))]
