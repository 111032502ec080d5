"""Time for tests."""

from datetime import datetime, timedelta

NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # as the columns hold it


class Clock:
    """A clock that is set by hand."""

    def __init__(self, time: float = 0.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time

    def moment(self) -> datetime:
        """Tell it as the database holds it: noon of some day, and as many seconds."""
        return NOON + timedelta(seconds=self.time)
