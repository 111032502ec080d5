"""Boots that are under way: on which of the top's networks and ports servers are being made.

From before a gateway asks a site for a server until its ports have their rows at the top, an intent or an
`adopt` job waits or runs that names what the server is on (`uses`), and in which security groups it is
(`groups`). In that time nothing else at the top tells that a network, a port that was made first, or an
address that was asked for is in use. What a server gets that is there already counts in the same way.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import Any

import msgspec
import sqlalchemy as sa

from tricircle.db.tables import jobs
from tricircle.jobs.job import JobState
from tricircle.jobs.types import ADOPT, AFTER_DELETE, INTENT, IntentParameters, type_of

_OPEN = jobs.c.state.in_([JobState.WAITING, JobState.RUNNING])
_OF_BOOTS = jobs.c.type.in_([INTENT.name, ADOPT.name])


def address_on(network_id: str, address: str) -> str:
    """Write which address a server is to have on a network, as one of the things that it uses.

    :param address: as the user wrote it.
    """
    with suppress(ValueError):
        address = str(ip_address(address))
    return f"{network_id}={address}"


FAILED = "failed"
"""What an `adopt` job notes as its progress of a server that has come to nothing."""


def was_booted_on(
    connection: sa.Connection, used: str | Collection[str], site_id: str, since: datetime
) -> bool:
    """Say whether a server is being made on a network in a site, or was not long ago.

    :param used: the top's id of the network; or the id and the name of a security group.
    :param since: naive, UTC.
    """
    return _is_there(connection, used, site_id, jobs.c.updated_at >= since)


def came_of_it(connection: sa.Connection, used: str | Collection[str], site_id: str, since: datetime) -> bool:
    """Say whether a server is being made on a network in a site, or was not long ago, and did not fail.

    :param used: as for `was_booted_on`; so `since`.
    """
    has_failed = sa.func.coalesce(jobs.c.progress, "").contains(f'"{FAILED}":true')
    return _is_there(
        connection, used, site_id, (jobs.c.type == ADOPT.name) & ~has_failed & (jobs.c.updated_at >= since)
    )


def addresses_under_way(connection: sa.Connection, network_id: str, site_id: str) -> set[str]:
    """Return the addresses that servers are to have that are being made in a site.

    :param network_id: the top's.
    """
    prefix = address_on(network_id, "")
    found = (parameters.uses for *_, parameters in _open(connection, f'"{prefix}', site_id))
    return {use.removeprefix(prefix) for uses in found for use in uses if use.startswith(prefix)}


def servers_under_way(
    connection: sa.Connection,
    network_id: str,
    site_id: str,
    *,
    with_port: Collection[str] = (),
    besides: str | None = None,
) -> int:
    """Return how many servers that are being made on a network in a site have still to get a port.

    Those of a request for several are counted when they are known one by one: its intent stays when they are
    made, and nobody can tell which ports are theirs. One that a user has deleted meanwhile gets none.

    :param network_id: the top's.
    :param with_port: ids of servers that have one.
    :param besides: a client's request, by its global id: its own intent is not counted.
    """
    count = 0
    made = set()
    for request_id, resource_id, parameters in _open(connection, f'"{network_id}"', site_id):
        if not isinstance(parameters, IntentParameters):
            made.add(resource_id)
        elif besides is not None and request_id == besides:
            besides = None  # clients give several requests one id
        else:
            count += parameters.most == 1
    made -= set(with_port)
    return count + len(made - _deleted(connection, made, site_id))


def _deleted(connection: sa.Connection, server_ids: Collection[str], site_id: str) -> set[str]:
    """Return the servers whose deletion somebody has asked for through the top."""
    query = sa.select(jobs.c.resource_id).where(
        jobs.c.resource_id.in_(server_ids), jobs.c.type == AFTER_DELETE.name, jobs.c.site_id == site_id
    )
    return set(connection.scalars(query)) if server_ids else set()


def _open(connection: sa.Connection, text: str, site_id: str) -> Iterator[tuple[str | None, str, Any]]:
    """Return request, resource and parameters of the jobs of boots in a site whose parameters hold a text."""
    query = sa.select(jobs.c.type, jobs.c.request_id, jobs.c.resource_id, jobs.c.parameters).where(
        _OF_BOOTS, jobs.c.site_id == site_id, _OPEN, jobs.c.parameters.contains(text, autoescape=True)
    )
    for kind, request_id, resource_id, parameters in connection.execute(query):
        yield request_id, resource_id, type_of(kind).read(parameters.encode())


def sites_of_boots_on(
    connection: sa.Connection,
    used: str,
    *,
    besides: str | None = None,
    of: str | None = None,
    not_of: str | None = None,
) -> set[str]:
    """Return the ids of the sites in which servers are being made on a network or port, or in a group.

    :param used: the top's id of it.
    :param besides: a client's request, by its global id, that is not counted.
    :param of: the project whose servers alone are counted.
    :param not_of: a project whose servers are not counted.
    """
    query = sa.select(jobs.c.site_id).where(_OPEN, _OF_BOOTS, _names(used))
    if of is not None:
        query = query.where(jobs.c.project_id == of)
    if not_of is not None:
        query = query.where(jobs.c.project_id != not_of)
    if besides is not None:
        query = query.where(jobs.c.request_id.is_(None) | (jobs.c.request_id != besides))
    return {site_id for site_id in connection.scalars(query) if site_id is not None}


def is_booted_in(connection: sa.Connection, group_id: str, name: str, project_id: str) -> bool:
    """Say whether servers are being made in a security group.

    One that is shared is not found by its name in other projects, which may have one of that name themselves.

    :param group_id: the top's.
    :param project_id: whose it is.
    """
    is_theirs = jobs.c.project_id == project_id
    query = sa.select(is_theirs, jobs.c.type, jobs.c.parameters).where(
        _OPEN, _OF_BOOTS, _names(group_id) | (_names(name) & is_theirs)
    )
    return any(
        not ({group_id, name} if may_name else {group_id}).isdisjoint(
            type_of(kind).read(parameters.encode()).groups
        )
        for may_name, kind, parameters in connection.execute(query)
    )


def _is_there(
    connection: sa.Connection,
    used: str | Collection[str],
    site_id: str,
    has_ended: sa.ColumnElement[bool],
) -> bool:
    query = sa.select(jobs.c.id).where(_OF_BOOTS, jobs.c.site_id == site_id, _OPEN | has_ended, _names(used))
    return connection.execute(query.limit(1)).first() is not None


def _names(used: str | Collection[str]) -> sa.ColumnElement[bool]:
    """Make the condition that a job's parameters name one of some ids or names."""
    words = [used] if isinstance(used, str) else sorted(used)
    written = (msgspec.json.encode(each).decode() for each in words)
    return sa.or_(*(jobs.c.parameters.contains(each, autoescape=True) for each in written))
