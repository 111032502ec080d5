"""A job that workers are killed at, and what there is before it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.kill.arrangement import Arrangement
from tests.integration.kill.order import Arranged

from tricircle.jobs.types import JobType

Arrange = Callable[[Arrangement], Arranged]


@dataclass(frozen=True)
class Scenario:
    """A job, and what there is before it."""

    type: str
    arrange: Arrange


class Scenarios(dict[str, Scenario]):
    """Scenarios, by name."""

    def of(self, kind: JobType) -> Callable[[Arrange], Arrange]:
        """Enter what arranges a job of a type, by the name that it has."""

        def enter(arrange: Arrange) -> Arrange:
            self[arrange.__name__.replace("_", "-")] = Scenario(kind.name, arrange)
            return arrange

        return enter
