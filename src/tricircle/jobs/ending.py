"""What becomes of a job whose attempt has ended: a decision that its outcome and its type make."""

from dataclasses import dataclass

from tricircle.jobs.job import Job, JobEventType, JobState
from tricircle.jobs.outcome import Failed, HandedBack, Outcome, Postponed, Succeeded
from tricircle.jobs.types import type_of

_LONGEST_CAUSE = 4000
"""Characters of a cause that are kept."""

_LONGEST_REQUEST_ID = 255


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a job.

    :param attempts: that have counted by then.
    :param delay: seconds before the next one, should it wait again.
    """

    event: JobEventType
    state: JobState
    cause: str | None
    attempts: int
    delay: float = 0.0
    site_request_id: str | None = None


def ending_of(job: Job, outcome: Outcome) -> Ending:
    """Decide what becomes of a job that runs."""
    match outcome:
        case Succeeded(cause, _):
            return Ending(JobEventType.SUCCEEDED, JobState.SUCCEEDED, _on_one_line(cause), job.attempts)
        case Postponed(delay, cause):
            return Ending(
                JobEventType.POSTPONED, JobState.WAITING, _on_one_line(cause), job.attempts - 1, delay=delay
            )
        case HandedBack():
            cause = f"Worker {job.lease_owner} stopped."
            return Ending(JobEventType.HANDED_BACK, JobState.WAITING, cause, job.attempts - 1)
        case Failed(cause, site_request_id, is_final):
            wait = None if is_final else type_of(job.type).retry.delay(job.attempts)
            return Ending(
                JobEventType.FAILED if wait is None else JobEventType.RETRIED,
                JobState.FAILED if wait is None else JobState.WAITING,
                _on_one_line(cause),
                job.attempts,
                delay=wait or 0.0,
                site_request_id=_storable(site_request_id, _LONGEST_REQUEST_ID),
            )


def ending_of_loss(job: Job, cause: str) -> Ending:
    """Park a job whose worker has died and which nobody takes over."""
    if not has_attempt_left(job):
        cause = f"{cause} It was the last of {job.attempts} attempts."
    return Ending(JobEventType.FAILED, JobState.FAILED, cause, job.attempts)


def has_attempt_left(job: Job) -> bool:
    """Say whether the type of a job lets it be tried again."""
    return job.attempts < type_of(job.type).retry.attempts


def _on_one_line(cause: str | None) -> str | None:
    # It is in lists and in the log, a line each; others' words come in any number of lines.
    return None if cause is None else _storable(" ".join(cause.split()), _LONGEST_CAUSE)


def _storable(text: str | None, longest: int) -> str | None:
    # PostgreSQL takes no NUL, and neither it nor MariaDB more than there is room for.
    return None if text is None else text.replace("\0", "")[:longest]
