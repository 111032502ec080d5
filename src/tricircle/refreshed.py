"""A value that is read again now and then, by one thread, while the others go on with the old one.

What every request needs and what seldom changes (sites, catalogue, versions) is kept so. When reading
fails the old value stays in use: an outage of what it is read from stops nothing that runs.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from oslo_log import log

from tricircle.errors import TricircleError

LOG = log.getLogger(__name__)

Value = TypeVar("Value")

Start = Callable[[Callable[[], None]], object]
"""Has something done by another thread."""

_PAUSE = 1.0
"""Seconds after a failure of the very first reading before the next one."""


def in_background(work: Callable[[], None]) -> None:
    """Do something in a thread of its own, which ends with it."""
    threading.Thread(target=work, name="refresh", daemon=True).start()


class Refreshed(Generic[Value]):
    """Keeps what `read` returns for `interval` seconds.

    :param what: names the value in the log.
    :param read: makes the value; a TricircleError from it means "not now". The very first one is raised to
        the reader, as there is no old value to go on with.
    :param interval: seconds.
    :param start: has a value that is merely due read by another thread; None for one that is read so quickly
        that its reader may wait. What has expired, or has long been due, is waited for all the same:
        after a long silence the old value may be of no use any more.
    """

    def __init__(
        self,
        what: str,
        read: Callable[[], Value],
        interval: float,
        *,
        start: Start | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._read = read
        self._interval = interval
        self._start = start
        self._clock = clock
        self._lock = threading.Lock()
        self._value: Value | None = None
        self._due = float("-inf")
        self._read_at = float("-inf")
        self._expired = False
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
        if self._start is not None and value is not None and self._is_merely_due():
            self._refresh_aside(self._start)
            return value
        try:
            if self._failure is not None and self._clock() < self._due:
                raise self._failure
            if self._value is None or self._clock() >= self._due:
                self._refresh()
            return self._value  # type: ignore[return-value]  # _refresh has set it, or has raised
        finally:
            self._lock.release()

    def at_hand(self) -> Value | None:
        """Return the value at once, however old; None where it has never been read.

        What is due is read by another thread, where one may be started.
        """
        start = self._start
        if start is not None and self._clock() >= self._due and self._lock.acquire(blocking=False):
            self._refresh_aside(start)
        return self._value

    def expire(self, older_than: float = 0.0) -> None:
        """Have the next reader read again.

        :param older_than: seconds; a younger value is left as it is.
        """
        self._expired = True
        self._due = min(self._due, self._read_at + older_than)

    def _is_merely_due(self) -> bool:
        return not self._expired and self._due <= self._clock() < self._due + self._interval

    def _refresh_aside(self, start: Start) -> None:
        """Have another thread refresh the value and let go of the lock, which this one holds."""

        def work() -> None:
            try:
                with suppress(TricircleError):  # the very first reading
                    self._refresh()
            finally:
                self._lock.release()

        try:
            start(work)
        except RuntimeError:  # there is no room for another thread
            work()

    def _refresh(self) -> None:
        self._expired = False
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
            if not self._expired:
                # From now on, as failing may take longer than the interval: not every reader is to wait.
                self._due = self._clock() + self._interval
            if not self._failing:
                LOG.warning("Cannot refresh %s, going on with what is known: %s", self._what, error.message)
            self._failing = True
        else:
            if self._failing:
                LOG.info("Refreshed %s again", self._what)
            self._failing = False
            self._failure = None
