"""Jobs in memory: what `tricircle.jobs` keeps in a database, in plain dictionaries.

For tests that need jobs and no database, and the model that the real ones are measured by. It knows one
thread and one transaction at a time, so that it needs no locks, no leases to guard and no keys.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from tests.fakes.jobs.queue import Queue
from tests.fakes.jobs.records import Records
from tests.fakes.jobs.requester import Requester
from tests.fakes.jobs.store import Store

from tricircle.db.timestamps import now


class Jobs:
    """Those who ask, those who work and those who look, about the same jobs.

    :param new_id: makes the id of a job.
    """

    def __init__(
        self,
        *,
        lease: float = 30.0,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        records = Records(clock)
        self.requester = Requester(records, new_id)
        self.queue = Queue(records, lease)
        self.store = Store(records)
