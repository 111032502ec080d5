"""What is to be done waits while the top's own services are away, Neutron or Keystone: no job fails of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tricircle.db.timestamps import now
from tricircle.errors import AnswerLost, BadAnswer, SiteUnavailable, TricircleError
from tricircle.jobs.job import Job
from tricircle.jobs.outcome import Failed, Outcome, Postponed
from tricircle.xjob.task import Task

_LONGEST_WAIT = 60.0
"""Seconds between two tries."""

GIVEN_UP = 24 * 3600.0
"""Seconds after which an outage is no outage."""


class TopAway(Exception):
    """The top's Neutron cannot be reached: what is to be done there has to wait.

    :param outcome: of the job.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@contextmanager
def top_needed(task: Task) -> Iterator[None]:
    """Tell what goes wrong at the top from what goes wrong in a site, which passes.

    :raises TopAway: the top's Neutron cannot be reached.
    """
    try:
        yield
    except (SiteUnavailable, AnswerLost, BadAnswer) as error:
        if error.site != task.engine.networks.top.site.name:
            raise
        outcome = outcome_of(task.job, error, "The servers run, and are adopted later.")
        raise TopAway(outcome) from error


def outcome_of(job: Job, error: TricircleError, meanwhile: str = "") -> Outcome:
    """Say what becomes of a job that cannot be done while a service of the top is away.

    :param meanwhile: what that means for users.
    """
    age = (now() - job.created_at).total_seconds()
    if age > GIVEN_UP:
        return Failed(error.message, error.request_id, is_final=True)
    return Postponed(min(max(age / 2, 1.0), _LONGEST_WAIT), f"{error.message} {meanwhile}".rstrip())
