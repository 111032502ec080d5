"""The way to the database: one engine a process, connections for reading and for writing.

Fails with `DatabaseUnavailable` where the database cannot be reached, is busy for too long, or keeps choosing
the same transaction to break a deadlock. Every other error passes as SQLAlchemy or oslo.db raises it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import sqlalchemy
from oslo_config import cfg
from oslo_db import api, exception
from oslo_db.sqlalchemy import engines
from oslo_log import log

from tricircle.db import embedded
from tricircle.errors import DatabaseUnavailable

LOG = log.getLogger(__name__)

Result = TypeVar("Result")

ENGINE_OPTIONS = (
    "connection_debug",
    "connection_parameters",
    "connection_recycle_time",
    "connection_trace",
    "max_overflow",
    "max_pool_size",
    "mysql_sql_mode",
    "mysql_wsrep_sync_wait",
    "pool_timeout",
)
"""What of the options of oslo.db's `[database]` group goes into the engine.

`max_retries` does not: a process starts also while the database is down, and answers 503 until it is back.
"""

CONNECT_TIMEOUT = 5
"""Seconds to open a connection, unless the URL says otherwise: without it, a request would wait for minutes
for a host that is gone. The drivers of MariaDB, MySQL and PostgreSQL call it `connect_timeout`."""

_retrying_deadlocks = api.wrap_db_retry(
    max_retries=5, retry_interval=0.05, max_retry_interval=1, retry_on_deadlock=True, jitter=True
)

_UNREACHABLE = (
    exception.DBConnectionError,
    exception.DBDeadlock,
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
        self._writers_turn: Callable[[], AbstractContextManager[object]] = nullcontext
        if url.get_backend_name() == "sqlite":
            self.engine = embedded.make_engine(url, conf.database)
            self._writing = threading.Lock()
            self._writers_turn = self._wait_for_turn
        else:
            self.engine = _make_engine(url, conf.database)
        self._writer = self.engine.execution_options(**embedded.WRITING)

    @contextmanager
    def read(self) -> Iterator[sqlalchemy.Connection]:
        """Lend a connection that sees one state of the database where the database can do that.

        :raises DatabaseUnavailable: see the module.
        """
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlalchemy.Connection]:
        """Lend a connection in one transaction: committed at the end, rolled back by an exception.

        :raises DatabaseUnavailable: see the module. Nothing was written.
        """
        with _translated(), self._writers_turn(), self._writer.begin() as connection:
            yield connection

    def transact(self, work: Callable[[sqlalchemy.Connection], Result]) -> Result:
        """Run `work` in one transaction, and again where the database rolled it back to break a deadlock.

        :param work: takes the connection; has no effect outside the database, as it may run several times.
        :return: what `work` returned in the run that was committed.
        :raises DatabaseUnavailable: see the module. Nothing was written.
        """

        @_retrying_deadlocks  # type: ignore[untyped-decorator]
        def attempt() -> Result:
            with self._writers_turn(), self._writer.begin() as connection:
                return work(connection)

        with _translated():
            result: Result = attempt()
            return result

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


def _make_engine(url: sqlalchemy.URL, options: Any) -> sqlalchemy.Engine:
    parameters = {"connect_timeout": str(CONNECT_TIMEOUT)}
    if url.get_backend_name() in {"mysql", "mariadb"}:
        # Otherwise oslo.db says `utf8`, in which MariaDB and MySQL take no character above U+FFFF.
        parameters["charset"] = "utf8mb4"
    url = url.update_query_dict({**parameters, **url.query})
    engine: sqlalchemy.Engine = engines.create_engine(
        url.render_as_string(hide_password=False),
        max_retries=0,
        thread_checkin=False,  # yields to green threads, which there are none of
        **{name: options[name] for name in ENGINE_OPTIONS},
    )
    return engine


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _UNREACHABLE as error:
        # The client is not told: it names hosts, and may be a defect of ours that the driver files there.
        LOG.warning("The database cannot be used: %s", str(error).partition("\n")[0])
        raise DatabaseUnavailable("The database cannot be reached.") from error
