"""The job that has a site get all that it lacks of the replicated resources: when it joins, or comes back.

What the site refused before is asked for again, too: only the site knows whether it still refuses. It leaves
one parked job for each such thing, however often it is asked for (`tricircle.jobs.parked`).
"""

from functools import partial
from itertools import islice

import sqlalchemy as sa

from tricircle.jobs.outcome import Outcome, Succeeded
from tricircle.jobs.requester import JobRequester
from tricircle.realise.definition import Definition
from tricircle.realise.replication import replication
from tricircle.sites.site import Site
from tricircle.xjob.task import Task

_AT_ONCE = 100
"""Jobs that are asked for in one transaction, so that it holds nobody up."""


def catch_up(task: Task) -> Outcome:
    """Ask for a job for each thing that the site is not in step with."""
    engine, site = task.engine, task.site
    behind = engine.replicas.store.behind(site.id)
    remaining, requested = iter(behind), 0
    while chosen := list(islice(remaining, _AT_ONCE)):
        task.step("requesting", requested=requested, of=len(behind))
        engine.database.transact(partial(_request, requester=engine.requester, site=site, chosen=chosen))
        requested += len(chosen)
    return Succeeded(f"{requested} things are to be made the same.")


def _request(
    connection: sa.Connection, *, requester: JobRequester, site: Site, chosen: list[Definition]
) -> None:
    for definition in chosen:
        requester.enqueue(connection, replication(definition, site))
