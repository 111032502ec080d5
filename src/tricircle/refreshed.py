"""A value that is read again now and then, by one thread, while the others go on with the old one.

What every request needs and what seldom changes (sites, catalogue, versions) is kept so. When reading
fails the old value stays in use: an outage of what it is read from stops nothing that runs.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from oslo_log import log

from tricircle.errors import TricircleError

LOG = log.getLogger(__name__)

Value = TypeVar("Value")

_PAUSE = 1.0
"""Seconds after a failure of the very first reading before the next one."""


class Refreshed(Generic[Value]):
    """Keeps what `read` returns for `interval` seconds.

    :param what: names the value in the log.
    :param read: makes the value; a TricircleError from it means "not now". The very first one is raised to
        the reader, as there is no old value to go on with.
    :param interval: seconds.
    """

    def __init__(
        self,
        what: str,
        read: Callable[[], Value],
        interval: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._read = read
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._value: Value | None = None
        self._due = float("-inf")
        self._read_at = float("-inf")
        self._failing = False
        self._failure: TricircleError | None = None

    def get(self) -> Value:
        """Return the value; costs a look at the clock unless it is due."""
        value = self._value
        if value is not None and self._clock() < self._due:
            return value
        # Only the first reading is waited for: afterwards whoever finds it due refreshes it, alone.
        if not self._lock.acquire(blocking=value is None):
            return value  # type: ignore[return-value]  # not None: else the lock had been waited for
        try:
            if self._failure is not None and self._clock() < self._due:
                raise self._failure
            if self._value is None or self._clock() >= self._due:
                self._refresh()
            return self._value  # type: ignore[return-value]  # _refresh has set it, or has raised
        finally:
            self._lock.release()

    def expire(self, older_than: float = 0.0) -> None:
        """Have the next reader read again.

        :param older_than: seconds; a younger value is left as it is.
        """
        self._due = min(self._due, self._read_at + older_than)

    def _refresh(self) -> None:
        self._read_at = self._clock()
        self._due = self._read_at + self._interval  # before reading: `expire` may come meanwhile
        try:
            self._value = self._read()
        except TricircleError as error:
            if self._value is None:
                # Those who have waited for it meanwhile need not each wait for a failure of their own.
                self._failure = error
                self._due = self._clock() + min(self._interval, _PAUSE)
                raise
            if not self._failing:
                LOG.warning("Cannot refresh %s, going on with what is known: %s", self._what, error.message)
            self._failing = True
        else:
            if self._failing:
                LOG.info("Refreshed %s again", self._what)
            self._failing = False
            self._failure = None
