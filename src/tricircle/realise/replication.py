"""Requests for the jobs by which sites agree with definitions."""

from collections.abc import Iterable

import sqlalchemy as sa

from tricircle.jobs.completing import complete_precaution
from tricircle.jobs.job import Request
from tricircle.jobs.types import REPLICATE, ReplicateParameters
from tricircle.realise.definition import Definition, Known
from tricircle.realise.kinds import REMOTE_MEMBERS
from tricircle.realise.remote_groups import members_job
from tricircle.sites.site import Site

PATIENCE = 10.0
"""Seconds after which a worker makes what a gateway was to make in a site."""


def replication(
    definition: Definition,
    site: Site,
    request_id: str | None = None,
    *,
    mend: bool = False,
    is_precaution: bool = False,
    delay: float = 0.0,
) -> Request:
    """Ask for a job that makes a site agree with a definition.

    :param is_precaution: see `ReplicateParameters`.
    :param delay: seconds before which nobody does it.
    """
    if definition.kind == REMOTE_MEMBERS.name:
        # There is more to them than what is defined.
        return members_job(definition.key, site.id, definition.project_id, delay=delay)
    return Request(
        REPLICATE.name,
        definition.kind,
        definition.id,
        site.id,
        project_id=definition.project_id,
        parameters=ReplicateParameters(mend, is_precaution),
        delay=delay,
        request_id=request_id,
    )


def completing(there: Iterable[Known], site: Site, request_id: str | None = None) -> list[Request]:
    """Ask for the jobs that complete at once what a site has only as far as its Nova needs it.

    :param there: what `Networks.prepare` returns.
    """
    incomplete = [each.definition for each in there if not each.in_step(site.id)]
    return [replication(each, site, request_id) for each in incomplete]


def precaution(definition: Definition, site: Site, request_id: str | None = None) -> Request:
    """Ask for the job that does what the caller is about to do, should the caller die; it is completed where
    the site agrees before it is due."""
    return replication(definition, site, request_id, is_precaution=True, delay=PATIENCE)


def end_precaution(connection: sa.Connection, definition: Definition, site: Site) -> None:
    """Complete that job, in the transaction that notes that the site agrees with the definition as it is."""
    request = precaution(definition, site)
    if request.type == REPLICATE.name:
        complete_precaution(connection, request)
