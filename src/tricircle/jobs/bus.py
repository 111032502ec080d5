"""How workers are told that jobs wait: over the message bus, or not at all.

A wake is a courtesy. The row is the truth, and a worker's next sweep finds what no message announced: so
nothing here waits for the bus, and nothing fails when it is away.
"""

from collections.abc import Sequence
from typing import Protocol

from oslo_config import cfg

from tricircle.jobs.job import Job


class Bus(Protocol):
    """Where workers hear of jobs."""

    def wake(self, jobs: Sequence[Job]) -> None:
        """Tell a worker that jobs wait, once they are committed. Never blocks, never fails."""

    def close(self) -> None:
        """Let go of the bus; what was not told yet is left to the sweep."""


class NoBus:
    """No bus: workers find by themselves what waits."""

    def wake(self, jobs: Sequence[Job]) -> None:
        """Tell nobody."""

    def close(self) -> None:
        """Do nothing."""


def make_bus(conf: cfg.ConfigOpts) -> Bus:
    """Make a process's way to the workers, as `[DEFAULT] transport_url` says.

    :raises ValueError: the URL names no transport that is there.
    """
    if not conf.transport_url:
        return NoBus()
    # Only here: it brings much along that a process without a bus can do without.
    from tricircle.jobs.message_bus import MessageBus  # noqa: PLC0415

    return MessageBus(conf)
