"""Hands the journal on: asks Tricircle for a job for each resource that changed, then removes the rows.

Any number of processes do so at the same time. Two that read the same rows ask for the same jobs, of which
Tricircle keeps one; each removes only rows that it has read. A process that dies between asking and removing
leaves rows that are asked for again. Nothing here fails: what cannot be handed on stays for the next time.
"""

import threading
import time
from collections.abc import Callable, Iterable

from neutron_lib import context as neutron_context
from oslo_db import exception as db_exc
from oslo_log import log

from tricircle.errors import TricircleError
from tricircle.jobs.job import Request
from tricircle.jobs.types import FOLLOW
from tricircle.network import journal
from tricircle.network.journal import Entry
from tricircle.network.top import Top

LOG = log.getLogger(__name__)

AFTER_A_CHANGE = 50
"""Most rows that a user's request takes along, its own among them."""

IN_A_SWEEP = 500
"""Most rows that a sweep hands on at a time."""

PAUSE = 5.0
"""Seconds for which users' requests leave the journal to the sweep after Tricircle could not be reached."""


class Forwarder:
    """Hands rows on, for all threads of a process.

    :param clock: seconds.
    """

    def __init__(self, top: Top, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._top = top
        self._clock = clock
        self._quiet_until = float("-inf")
        self._is_failing = False
        self._changing = threading.Lock()

    def after_change(self) -> None:
        """Hand on the newest rows, if Tricircle could be reached when it was last tried."""
        if self._clock() >= self._quiet_until:
            self._forward(AFTER_A_CHANGE, newest_first=True)

    def sweep(self) -> int:
        """Hand on all that is there, the oldest first.

        :return: how many rows were handed on.
        """
        total = 0
        while True:
            count = self._forward(IN_A_SWEEP)
            total += count
            if count < IN_A_SWEEP:
                return total

    def _forward(self, limit: int, *, newest_first: bool = False) -> int:
        context = neutron_context.get_admin_context()
        try:
            entries = journal.read(context, limit, newest_first=newest_first)
            if not entries:
                return 0
            self._top.request(_requests(entries))
            self._note(None)
            journal.remove(context, entries)
        except TricircleError as error:
            self._quiet_until = self._clock() + PAUSE
            self._note(error.message)
        except db_exc.DBDeadlock:
            LOG.debug("Others hand the same rows of the journal on")
        except Exception:
            # Whatever it is: the user's own request is done, and must not be said to have failed.
            LOG.exception("The journal was not handed on; it will be tried again")
        else:
            return len(entries)
        return 0

    def _note(self, failure: str | None) -> None:
        """Say in the log when Tricircle goes away, and when it is back."""
        with self._changing:
            was_failing, self._is_failing = self._is_failing, failure is not None
        if failure is not None and not was_failing:
            LOG.warning("Changes wait in the journal, as Tricircle cannot be asked: %s", failure)
        if failure is None and was_failing:
            LOG.info("Changes are handed on to Tricircle again")


def _requests(entries: Iterable[Entry]) -> list[Request]:
    """Make one request for each resource, as its latest row has it."""
    latest: dict[tuple[str, str], Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.id):
        key = (entry.resource_type, entry.resource_id)
        if entry.project_id is not None or key not in latest:
            latest[key] = entry
    return [
        Request(
            FOLLOW.name,
            entry.resource_type,
            entry.resource_id,
            project_id=entry.project_id,
            request_id=entry.request_id,
        )
        for entry in latest.values()
    ]
