"""What is to be done at the top's Neutron waits while that is away: no job about ports fails of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tricircle.db.timestamps import now
from tricircle.errors import AnswerLost, BadAnswer, SiteUnavailable
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
        age = (now() - task.job.created_at).total_seconds()
        if age > GIVEN_UP:
            raise TopAway(Failed(error.message, error.request_id, is_final=True)) from error
        wait = min(max(age / 2, 1.0), _LONGEST_WAIT)
        raise TopAway(Postponed(wait, f"{error.message} The servers run, and are adopted later.")) from error
