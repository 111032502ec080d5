"""One after the other, where two of one process at a time would do the same twice."""

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

_LOCKS = 256


class Turns:
    """Locks by what is done; two things may share one, which costs nothing but a wait."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def of(self, thing: Hashable) -> threading.Lock:
        """Return the lock of something."""
        return self._locks[hash(thing) % _LOCKS]


class LongTurns:
    """Turns that last, each of one thing alone."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: dict[Hashable, tuple[threading.Lock, int]] = {}

    @contextmanager
    def waiting(self, thing: Hashable, seconds: float) -> Iterator[bool]:
        """Take the turn of something for the length of a `with` block; go on without it after some seconds.

        :return: whether others may have done meanwhile what is to be done.
        """
        with self._guard:
            lock, others = self._turns.get(thing, (threading.Lock(), 0))
            self._turns[thing] = lock, others + 1
        has_turn = lock.acquire(timeout=seconds)
        try:
            yield others > 0
        finally:
            if has_turn:
                lock.release()
            with self._guard:
                lock, others = self._turns.pop(thing)
                if others > 1:
                    self._turns[thing] = lock, others - 1
