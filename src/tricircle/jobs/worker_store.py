"""The workers that there are: each tells now and then that it lives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.db.tables import workers as table
from tricircle.db.timestamps import now


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker as it has told of itself. Times are naive, UTC.

    :param name: unique: host, process and moment of its start.
    :param alive: whether it has been heard of lately.
    """

    name: str
    host: str
    started_at: datetime
    seen_at: datetime
    alive: bool


class WorkerStore:
    """Reads and writes them; every method raises DatabaseUnavailable where the database cannot be reached.

    :param patience: seconds after its last word for which a worker counts as alive.
    """

    def __init__(
        self, database: Database, *, patience: float = 30.0, clock: Callable[[], datetime] = now
    ) -> None:
        self._database = database
        self._patience = timedelta(seconds=patience)
        self._clock = clock

    def tell(self, name: str, host: str) -> None:
        """Note that a worker lives; a new one is made known."""
        time = self._clock()

        def work(connection: sa.Connection) -> None:
            seen = connection.execute(table.update().where(table.c.name == name).values(seen_at=time))
            if seen.rowcount == 0:
                row = {"name": name, "host": host, "started_at": time, "seen_at": time}
                connection.execute(table.insert(), row)

        self._database.transact(work)

    def leave(self, name: str) -> None:
        """Forget a worker that has stopped."""
        self._database.transact(
            lambda connection: connection.execute(table.delete().where(table.c.name == name))
        )

    def all(self) -> list[WorkerRecord]:
        """Return the workers, by name."""
        oldest = self._clock() - self._patience
        with self._database.read() as connection:
            found = connection.execute(sa.select(table).order_by(table.c.name))
            return [WorkerRecord(**row._mapping, alive=row.seen_at >= oldest) for row in found]

    def purge(self, before: datetime) -> None:
        """Forget the workers that were heard of last before a time."""
        self._database.transact(
            lambda connection: connection.execute(table.delete().where(table.c.seen_at < before))
        )
