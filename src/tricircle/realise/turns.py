"""One after the other, where two of one process at a time would do the same twice."""

import threading
from collections.abc import Hashable

_LOCKS = 256


class Turns:
    """Locks by what is done; two things may share one, which costs nothing but a wait."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def of(self, thing: Hashable) -> threading.Lock:
        """Return the lock of something."""
        return self._locks[hash(thing) % _LOCKS]
