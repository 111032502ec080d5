"""What a job's events say of it."""

from collections.abc import Callable, Iterable, Mapping

from tricircle.jobs.job import JobEvent, JobEventType, JobState

Standing = tuple[JobState | None, int]
"""A state and the attempts that have counted."""


def replay(events: Iterable[JobEvent]) -> Standing:
    """Follow the events of a job from the first one on; of a job that runs, to where its attempt began."""
    standing: Standing = (None, 0)
    for event in events:
        standing = _FOLLOWS[event.event](standing, event.attempt)
    return standing


def _stay(standing: Standing, attempt: int) -> Standing:
    assert standing == (JobState.WAITING, attempt)
    return standing


_FOLLOWS: Mapping[JobEventType, Callable[[Standing, int], Standing]] = {
    JobEventType.REQUESTED: lambda standing, attempt: (JobState.WAITING, 0),
    JobEventType.MERGED: _stay,
    JobEventType.REDONE: lambda standing, attempt: (JobState.WAITING, 0),
    JobEventType.CANCELLED: lambda standing, attempt: (JobState.CANCELLED, attempt),
    JobEventType.SUCCEEDED: lambda standing, attempt: (JobState.SUCCEEDED, attempt),
    JobEventType.POSTPONED: lambda standing, attempt: (JobState.WAITING, attempt - 1),
    JobEventType.RETRIED: lambda standing, attempt: (JobState.WAITING, attempt),
    JobEventType.FAILED: lambda standing, attempt: (JobState.FAILED, attempt),
    JobEventType.SUPERSEDED: lambda standing, attempt: (JobState.CANCELLED, attempt),
    JobEventType.HANDED_BACK: lambda standing, attempt: (JobState.WAITING, attempt - 1),
    # Where nothing follows at once, another worker has it by now.
    JobEventType.LOST: lambda standing, attempt: (None, attempt),
}
