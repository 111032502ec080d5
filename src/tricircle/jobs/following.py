"""Whether the top's definitions are as its Neutron has them, as far as this tells of changes.

The plugin asks for a `follow` job before whoever changes something there has the answer. So while none waits
or runs, what is defined is what users have been told.
"""

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.db.tables import jobs
from tricircle.jobs.job import JobState
from tricircle.jobs.types import FOLLOW

_PORT = "port"
"""Changes of ports change nothing else."""


def is_under_way(database: Database) -> bool:
    """Say whether changes at the top are still to be taken over.

    :raises DatabaseUnavailable: the database cannot be reached.
    """
    query = sa.select(jobs.c.id).where(
        jobs.c.state.in_([JobState.WAITING, JobState.RUNNING]),
        jobs.c.priority == FOLLOW.priority,
        jobs.c.type == FOLLOW.name,
        jobs.c.resource_type != _PORT,
    )
    with database.read() as connection:
        return connection.execute(query.limit(1)).first() is not None
