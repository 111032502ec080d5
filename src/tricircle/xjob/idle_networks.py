"""Networks go from a site where nothing has been on them for a while, and at once where nothing ever was.

A network is idle in a site when there is no port of it but those that Neutron itself has everywhere (DHCP,
metadata), no server is being made on it, and none was asked for lately. One that came there lately, and for
servers that all came to nothing, goes as soon as that is known.

The addresses that the top has delegated come back at once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from tricircle.db.timestamps import now
from tricircle.jobs.boots import came_of_it
from tricircle.realise.definition import Definition, Known
from tricircle.realise.kinds import NETWORK
from tricircle.realise.leaving import NEUTRONS_OWN, Note, is_empty, may_leave, take_network_out
from tricircle.xjob.leaving import take_out
from tricircle.xjob.port_rows import PortRows
from tricircle.xjob.ports import Item, ports_in
from tricircle.xjob.task import Task


def idle_since(task: Task) -> datetime | None:
    """Return since when nothing must have needed what is idle; None where all stays that once was needed."""
    idle = timedelta(seconds=task.engine.conf.xjob.network_idle_time)
    return now() - idle if idle else None


def take_out_if_idle(task: Task, network_id: str, shown: Sequence[Item]) -> bool:
    """Take a network out of the task's site, if nothing there needs it.

    :param network_id: the top's.
    :param shown: its ports in the site.
    :return: whether it is gone from there.
    """
    since, engine, site = idle_since(task), task.engine, task.site
    if since is None or not _is_empty(shown):
        return False
    known = engine.replicas.store.find(NETWORK.name, network_id)
    if known is None or not known.in_step(site.id) or not _may_leave(task, known.definition):
        return False
    realiser = engine.replicas.realiser
    is_gone = take_network_out(engine.database, realiser, known.definition, site, since, step=task.step)
    if is_gone:
        _release(task, network_id)
    return is_gone


def take_out_if_new(task: Task, known: Known, since: datetime) -> bool:
    """Take a network out of the task's site, if it came there lately for servers that came to nothing.

    :param since: when it must not have been there yet.
    :return: whether it is gone from there.
    """
    engine, site, definition = task.engine, task.site, known.definition
    if not _may_leave(task, definition):
        return False
    there = known.id_in(site.id)
    if there is not None and not _is_empty(ports_in(engine.sites, site, network_id=there)):
        return False
    is_gone = take_out(
        task,
        definition,
        is_asked_for=partial(came_of_it, used=definition.key, site_id=site.id, since=since),
        note=leaves_if_new(task, since),
    )
    if is_gone:
        _release(task, definition.key)
    return is_gone


def _release(task: Task, network_id: str) -> None:
    """Have the addresses of a network come back that is gone from the site."""
    task.engine.networks.returns.release(network_id, task.site, step=task.step)


def leaves_if_idle(task: Task, since: datetime) -> Note:
    """Return what notes that something leaves of which nothing was noted since a time."""
    realised, site_id = task.engine.replicas.store.realised, task.site.id
    return lambda connection, each: realised.leave(connection, each, site_id, since)


def leaves_if_new(task: Task, since: datetime) -> Note:
    """Return what notes that something leaves that has come since a time."""
    realised, site_id = task.engine.replicas.store.realised, task.site.id
    return lambda connection, each: realised.leave_if_new(connection, each.id, site_id, since)


def _is_empty(shown: Sequence[Item]) -> bool:
    return is_empty(port.get("device_owner") for port in shown)


def _may_leave(task: Task, network: Definition) -> bool:
    return may_leave(network, task.site, task.engine.registry.snapshot)


def forget_rows(task: Task, rows: PortRows, **filters: Sequence[str]) -> None:
    """Remove the rows of Neutron's own ports on networks that the site has no longer.

    :param filters: of the rows that are looked at, as `PortRows.find` has them.
    """
    names = task.engine.replicas.store.realised.names([NETWORK.name])
    here = {key for _, key, site_id, _ in names if site_id == task.site.id}
    own: Mapping[str, Item] = rows.find(device_owner=sorted(NEUTRONS_OWN), **filters)
    left = {key: row for key, row in own.items() if row["network_id"] not in here}
    if left:
        rows.settle(list, left)
