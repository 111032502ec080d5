"""Time for tests."""


class Clock:
    """A clock that is set by hand."""

    def __init__(self, time: float = 0.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time
