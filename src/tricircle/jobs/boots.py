"""Boots that are under way: on which of the top's networks and ports servers are being made.

From before a gateway asks a site for a server until its ports have their rows at the top, an intent or an
`adopt` job waits or runs that names what the server is on (`uses`). In that time nothing else at the top
tells that a network, or a port that was made first, is in use.
"""

from datetime import datetime

import sqlalchemy as sa

from tricircle.db.tables import jobs
from tricircle.jobs.job import JobState
from tricircle.jobs.types import ADOPT, INTENT


def was_booted_on(connection: sa.Connection, used: str, site_id: str, since: datetime) -> bool:
    """Say whether a server is being made on a network in a site, or was not long ago.

    :param used: the top's id of the network.
    :param since: naive, UTC.
    """
    query = sa.select(jobs.c.id).where(
        jobs.c.type.in_([INTENT.name, ADOPT.name]),
        jobs.c.site_id == site_id,
        jobs.c.state.in_([JobState.WAITING, JobState.RUNNING]) | (jobs.c.updated_at >= since),
        jobs.c.parameters.contains(f'"{used}"', autoescape=True),
    )
    return connection.execute(query.limit(1)).first() is not None


def sites_of_boots_on(connection: sa.Connection, used: str, *, besides: str | None = None) -> set[str]:
    """Return the ids of the sites in which servers are being made on a network or port.

    :param used: the top's id of it.
    :param besides: a client's request, by its global id, that is not counted.
    """
    query = sa.select(jobs.c.site_id).where(
        jobs.c.state.in_([JobState.WAITING, JobState.RUNNING]),
        jobs.c.type.in_([INTENT.name, ADOPT.name]),
        jobs.c.parameters.contains(f'"{used}"', autoescape=True),
    )
    if besides is not None:
        query = query.where(jobs.c.request_id.is_(None) | (jobs.c.request_id != besides))
    return {site_id for site_id in connection.scalars(query) if site_id is not None}
