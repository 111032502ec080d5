"""The way to the database: one engine a process, connections for reading and for writing.

Fails with `DatabaseUnavailable` where the database cannot be reached, is busy for too long, or keeps choosing
the same transaction to break a deadlock; with `CommitLost` where a commit was sent and not answered. Every
other error passes as SQLAlchemy or oslo.db raises it.

A connection that died in the pool is replaced when it is next used, so a database that went away and came
back needs nothing done here. The log has one line when it goes away, and one when it is back.

How far transactions are isolated is said in `remote`; in `embedded` one sees nothing of another.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import sqlalchemy
from oslo_config import cfg
from oslo_db import api, exception
from oslo_log import log

from tricircle.db import embedded, remote
from tricircle.errors import CommitLost, DatabaseUnavailable

LOG = log.getLogger(__name__)

Result = TypeVar("Result")

MOST_LOSSES = 2
"""How often a transaction is begun anew because its connection was lost."""

_SERIALIZATION_FAILURE = "40001"
"""PostgreSQL's code for a transaction that it rolled back because of what others did meanwhile."""


def _was_rolled_back(error: BaseException) -> bool:
    """Say whether PostgreSQL asks for the transaction to be tried again; oslo.db does not know this one."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "pgcode", None) == _SERIALIZATION_FAILURE


_retrying = api.wrap_db_retry(
    max_retries=5,
    retry_interval=0.05,
    max_retry_interval=1,
    retry_on_deadlock=True,
    jitter=True,
    exception_checker=_was_rolled_back,
)

_UNREACHABLE = (
    exception.DBConnectionError,
    exception.DBNonExistentDatabase,
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.TimeoutError,
)


class Database:
    """The top's database, shared by all threads of a process. No connection is made before the first use.

    :param conf: the configuration; its group `database` is oslo.db's.
    :raises ValueError: `[database] connection` is missing, or names an SQLite database in memory.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        if not conf.database.connection:
            raise ValueError("[database] connection is not set")
        url = sqlalchemy.make_url(conf.database.connection)
        self._url, self._options = url, conf.database
        self._absence = _Absence()
        self._writers_turn: Callable[[], AbstractContextManager[object]] = nullcontext
        if url.get_backend_name() == "sqlite":
            self.engine = self._reader = embedded.make_engine(url, conf.database)
            self._writer = self.engine.execution_options(**embedded.WRITING)
            self._writing = threading.Lock()
            self._writers_turn = self._wait_for_turn
        else:
            self.engine = remote.make_engine(url, conf.database)
            self._reader = self.engine.execution_options(**remote.READING[self.engine.name])
            self._writer = self.engine.execution_options(**remote.WRITING[self.engine.name])

    @contextmanager
    def read(self) -> Iterator[sqlalchemy.Connection]:
        """Lend a connection that sees one state of the database, that of the first look.

        :raises DatabaseUnavailable: see the module.
        """
        with self._translated(), self._connected(self._reader) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlalchemy.Connection]:
        """Lend a connection in one transaction: committed at the end, rolled back by an exception.

        :raises DatabaseUnavailable: see the module. Nothing was written.
        :raises CommitLost: see the module. Everything was written, or nothing.
        """
        with (
            self._translated(),
            self._writers_turn(),
            self._connected(self._writer) as connection,
            _transaction(connection),
        ):
            yield connection

    def transact(
        self, work: Callable[[sqlalchemy.Connection], Result], *, is_idempotent: bool = False
    ) -> Result:
        """Run `work` in one transaction, and again where that was rolled back through no fault of its own.

        That is so where the database broke a deadlock, could not put transactions in an order, or cut the
        connection before the commit was sent.

        :param work: takes the connection; has no effect outside the database, as it may run several times.
        :param is_idempotent: doing it once more after it was committed does no harm: it is then done again
            where the commit's answer was lost.
        :return: what `work` returned in the run that was committed.
        :raises DatabaseUnavailable: see the module. Nothing was written.
        :raises CommitLost: see the module. Everything was written, or nothing.
        """
        losses = 0

        @_retrying  # type: ignore[untyped-decorator]
        def attempt() -> Result:
            nonlocal losses
            with self._writers_turn(), self._connected(self._writer) as connection:
                try:
                    with _transaction(connection):
                        return work(connection)
                except (exception.DBConnectionError, CommitLost) as error:
                    losses += 1
                    is_safe = is_idempotent or not isinstance(error, CommitLost)
                    if is_safe and losses <= MOST_LOSSES:
                        raise exception.RetryRequest(error) from error
                    raise

        with self._translated():
            result: Result = attempt()
            return result

    @contextmanager
    def migrate(self) -> Iterator[sqlalchemy.Connection]:
        """Lend a connection for changing the tables, to one process at a time; otherwise as `write` does.

        MariaDB and MySQL commit each change of a table by itself.

        :raises DatabaseUnavailable: see the module; or another process does not finish its changes.
        """
        if self.engine.name == "sqlite":
            with self.write() as connection:
                yield connection
            return
        engine = remote.make_engine(self._url, self._options, is_patient=True)
        try:  # to close the connection, and with it the right to change the tables
            with self._translated(), engine.connect() as connection:
                if not remote.begin_migration(connection):
                    raise DatabaseUnavailable("Another process is changing the tables.")
                connection.rollback()  # what was read so far must not be what the changes are based on
                with _transaction(connection):
                    yield connection
        finally:
            engine.dispose()

    def last_write(self) -> object:
        """Return what is another value after any process has written; None where that is not so easily told.

        It may change although nothing else did, as databases tidy up.
        """
        if self.engine.name != "sqlite" or self._url.database is None:
            return None
        return embedded.last_write(self._url.database)

    def may_read_the_past(self) -> bool:
        """Say whether what is read may be from before what another process has committed.

        :raises DatabaseUnavailable: see the module.
        """
        if self.engine.name == "sqlite":
            return False
        with self.read() as connection:
            return remote.may_read_the_past(connection)

    def close(self) -> None:
        """Close the connections that nobody holds. The next use opens new ones."""
        self.engine.dispose()

    @contextmanager
    def _wait_for_turn(self) -> Iterator[None]:
        # SQLite lets the writers of all processes try again and again, in no order. Those of this process
        # queue here instead, so that each gets its turn.
        if not self._writing.acquire(timeout=embedded.BUSY_TIMEOUT):
            raise DatabaseUnavailable("The database is busy.")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _connected(self, engine: sqlalchemy.Engine) -> Iterator[sqlalchemy.Connection]:
        self._absence.require_turn()
        with engine.connect() as connection:
            self._absence.end_trial()
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exception.DBDeadlock as error:  # it is there, and busy
            LOG.warning("A transaction was given up: %s", _first_line(error))
            raise DatabaseUnavailable("The database cannot be reached.") from error
        except _UNREACHABLE as error:
            # The client is not told: it names hosts, and may be a defect of ours that the driver files there.
            self._absence.begin(_first_line(error))
            raise DatabaseUnavailable("The database cannot be reached.") from error
        self._absence.end()


class _Absence:
    """Whether the database is away: said in the log when that changes, however many threads find it so.

    While it is, one thread at a time tries to connect, which takes seconds where a host does not answer; the
    others fail at once.
    """

    def __init__(self) -> None:
        self._is_away = False
        self._is_on_trial = False
        self._trial_ends = 0.0
        self._changing = threading.Lock()

    def require_turn(self) -> None:
        """Fail while another thread finds out whether the database is back.

        :raises DatabaseUnavailable: it does.
        """
        if not self._is_on_trial:  # looked at without the lock: this is on the way of every request
            return
        with self._changing:
            if self._is_on_trial and time.monotonic() < self._trial_ends:
                raise DatabaseUnavailable("The database cannot be reached.")
            self._trial_ends = time.monotonic() + remote.CONNECT_TIMEOUT

    def end_trial(self) -> None:
        """Note that it takes connections."""
        self._is_on_trial = False

    def begin(self, words: str) -> None:
        """Note that it cannot be used."""
        with self._changing:
            self._is_on_trial, self._trial_ends = True, 0.0
        if self._changes_to(is_away=True):
            LOG.warning("The database cannot be used: %s", words)

    def end(self) -> None:
        """Note that it was used."""
        if self._is_away and self._changes_to(is_away=False):
            LOG.warning("The database can be used again")

    def _changes_to(self, *, is_away: bool) -> bool:
        with self._changing:
            changes = self._is_away != is_away
            self._is_away = is_away
            return changes


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


@contextmanager
def _transaction(connection: sqlalchemy.Connection) -> Iterator[None]:
    """Commit at the end, and tell a commit that was not answered from what goes wrong before it."""
    is_committing = False
    try:
        with connection.begin():
            yield
            is_committing = True
    except exception.DBConnectionError as error:
        if not is_committing:
            raise
        LOG.warning("The database did not answer a commit: %s", _first_line(error))
        raise CommitLost("The database cannot be reached.") from error
