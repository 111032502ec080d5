"""What an error of a handler means for its job."""

from oslo_log import log

from tricircle.errors import (
    AnswerLost,
    BadAnswer,
    BadRequest,
    IdentityUnavailable,
    SiteUnavailable,
    TricircleError,
)
from tricircle.jobs.job import Job
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Succeeded
from tricircle.jobs.types import CATCH_UP, NODE, PORTS, REBUILD
from tricircle.realise.blocks import NoAddressLeft
from tricircle.xjob.task import SiteGone, SiteRemoved, Stopping
from tricircle.xjob.top_away import outcome_of

LOG = log.getLogger(__name__)

_ASKED_FOR_ANEW = frozenset(kind.name for kind in (REBUILD, NODE, CATCH_UP, PORTS))
"""What is asked for in any case when a site is enabled: an operator need not see that it was not done."""


def verdict(job: Job, error: Exception, top: str | None = None) -> Outcome:
    """Say how an attempt ended that died of an error.

    :param top: what errors of the top's own Neutron name as their site.
    """
    match error:
        case Stopping():
            return HandedBack()
        case SiteGone() if isinstance(error, SiteRemoved) or job.type in _ASKED_FOR_ANEW:
            return Succeeded(error.message)
        case SiteGone() | BadRequest() if not isinstance(error, NoAddressLeft):  # others give some back
            return Failed(error.message, error.request_id, is_final=True)
        case IdentityUnavailable() | SiteUnavailable() | AnswerLost() | BadAnswer() if _is_tops(error, top):
            return outcome_of(job, error)
        case TricircleError():
            # Also where a site refused: its state changes, and others put it right.
            return Failed(error.message, error.request_id)
        case _:
            return _unexpected(job, error)


def _is_tops(error: TricircleError, top: str | None) -> bool:
    """Say whether it is the top that cannot be asked."""
    return isinstance(error, IdentityUnavailable) or (top is not None and error.site == top)


def _unexpected(job: Job, error: Exception) -> Outcome:
    # What it says may hold anything, a password too: it is for the log alone.
    cause = f"Unexpected error {type(error).__name__}; the worker's log has more."
    if job.cause != cause:  # else the log has it from the attempt before
        LOG.error("Unexpected error in %s job %s", job.type, job.id, exc_info=error)
    return Failed(cause)
