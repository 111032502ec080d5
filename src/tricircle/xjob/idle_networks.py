"""Networks go from a site where nothing has been on them for a while; also those that a failed boot brought.

A network is idle in a site when there is no port of it but those that Neutron itself has everywhere (DHCP,
metadata), no server is being made on it, and none was asked for lately. It is noted first that it leaves, and
then looked once more whether somebody asks for a server: whoever asks has noted that before looking whether
the network is there, so one of both sees the other. A boot that comes later has it stay, or brings it back.

The addresses that the top has delegated stay the site's: they are there when the network comes back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from tricircle.db.timestamps import now
from tricircle.jobs.boots import was_booted_on
from tricircle.realise.definition import Definition, DefinitionState, Known
from tricircle.realise.kinds import NETWORK
from tricircle.realise.reach import sites_of
from tricircle.sites.service_calls import SiteRefused
from tricircle.xjob.port_rows import PortRows
from tricircle.xjob.ports import Item
from tricircle.xjob.task import Task

NEUTRONS_OWN = ("network:dhcp", "network:distributed")
"""Owners of ports that are on each network, and go with it."""

_IN_USE = 409


def take_out_if_idle(task: Task, network_id: str, shown: Sequence[Item]) -> bool:
    """Take a network out of the task's site, if nothing there needs it.

    :param network_id: the top's.
    :param shown: its ports in the site.
    :return: whether it is gone from there.
    """
    idle = timedelta(seconds=task.engine.conf.xjob.network_idle_time)
    if not idle or any(port.get("device_owner") not in NEUTRONS_OWN for port in shown):
        return False
    known = task.engine.replicas.store.find(NETWORK.name, network_id)
    if known is None or not _may_leave(task, known):
        return False
    return _take_out(task, known.definition, now() - idle)


def _may_leave(task: Task, known: Known) -> bool:
    """Say whether a network is in the site, and only for as long as something there needs it."""
    site, definition = task.site, known.definition
    # Where its hints name the site it is there from the start.
    hints = definition.body["availability_zone_hints"]
    return (
        definition.state is DefinitionState.ACTIVE
        and known.in_step(site.id)
        and site.id not in sites_of(task.engine.registry.snapshot, hints)
    )


def _take_out(task: Task, network: Definition, since: datetime) -> bool:
    """Take a network out, unless a server was asked for on it; return whether it is gone."""
    engine, site = task.engine, task.site
    task.step("leave")
    if not engine.database.transact(partial(_leave, task=task, network=network, since=since)):
        return False
    with engine.database.read() as connection:
        is_needed = was_booted_on(connection, network.key, site.id, since)
    try:
        if not is_needed:
            engine.replicas.realiser.realise(network.id, site, step=task.step)
            return True
    except SiteRefused as error:
        if error.site_status != _IN_USE:
            raise
    _stay(task, network)
    return False


def _leave(connection: sa.Connection, *, task: Task, network: Definition, since: datetime) -> bool:
    store, site_id = task.engine.replicas.store, task.site.id
    if was_booted_on(connection, network.key, site_id, since):
        return False
    return store.leave(connection, network, site_id, since)


def _stay(task: Task, network: Definition) -> None:
    """Have it be needed in the site again."""
    engine, site = task.engine, task.site
    engine.database.transact(lambda connection: engine.replicas.store.want(connection, network.id, site.id))
    engine.replicas.realiser.realise(network.id, site, step=task.step)


def forget_rows(task: Task, rows: PortRows) -> None:
    """Remove the rows of Neutron's own ports on networks that the site has no longer."""
    names = task.engine.replicas.store.names([NETWORK.name])
    here = {key for _, key, site_id, _ in names if site_id == task.site.id}
    own: Mapping[str, Item] = rows.find(device_owner=NEUTRONS_OWN)
    left = {key: row for key, row in own.items() if row["network_id"] not in here}
    if left:
        rows.settle([], left)
