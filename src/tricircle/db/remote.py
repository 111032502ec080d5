"""MariaDB, MySQL and PostgreSQL, the databases of a top that runs on several hosts.

The engine is oslo.db's, with three things decided here and not left to how a server happens to be set up: how
transactions are isolated from each other, that text is any Unicode, and how long a host that is gone is
waited for.

Follows https://mariadb.com/kb/en/set-transaction/, the same of MySQL,
https://www.postgresql.org/docs/current/transaction-iso.html and, for the names of the URL's parameters,
https://www.postgresql.org/docs/current/libpq-connect.html and PyMySQL's `Connection`.
"""

from types import MappingProxyType
from typing import Any

import sqlalchemy
from oslo_db.sqlalchemy import engines
from sqlalchemy import event, pool

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
"""Seconds to open a connection: without it, a request would wait for minutes for a host that is gone."""

ANSWER_TIMEOUT = 60
"""Seconds after which an open connection that says nothing is taken for dead: longer than a server lets one
transaction wait for another one's lock (50 on MariaDB)."""

_PARAMETERS = MappingProxyType(
    {
        "mysql": {
            "connect_timeout": str(CONNECT_TIMEOUT),
            "read_timeout": str(ANSWER_TIMEOUT),
            "write_timeout": str(ANSWER_TIMEOUT),
            # Otherwise oslo.db says `utf8`, in which MariaDB and MySQL take no character above U+FFFF.
            "charset": "utf8mb4",
        },
        # The operating system finds out whether the other host is there: a statement may take its time.
        "postgresql": {
            "connect_timeout": str(CONNECT_TIMEOUT),
            "keepalives_idle": "15",
            "keepalives_interval": "5",
            "keepalives_count": "3",
            "tcp_user_timeout": "30000",
        },
    }
)
"""Parameters of the URL, unless it has them."""

_IMPATIENT = ("read_timeout", "write_timeout")
"""Those that a change of a large table must not have."""

READING = MappingProxyType(
    # Of MariaDB's and MySQL's session, once: it would cost them two more round trips each time.
    {"mysql": {}, "postgresql": {"isolation_level": "REPEATABLE READ"}}
)
WRITING = MappingProxyType(
    {
        "mysql": {"tricircle_begin": "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"},
        "postgresql": {"isolation_level": "READ COMMITTED"},
    }
)
"""Execution options of an engine whose transactions read, or write, by the engine's name.

A reader sees one state of the database from its first look to its last. A writer sees what was committed
before each statement, and locks no more than the rows it changes.
"""

_BEFORE_READS = 1
"""The bit of `wsrep_sync_wait` by which a node waits before it reads."""

_ONE_MIGRATION = MappingProxyType(
    {
        "mysql": "SELECT GET_LOCK(SHA1(CONCAT('tricircle ', DATABASE())), 600)",
        "postgresql": "SET LOCAL lock_timeout = '600s';"
        "SELECT 1 FROM pg_advisory_lock(hashtextextended('tricircle', 0))",
    }
)
"""What lets one session at a time change the tables, until it ends: no transaction outlives DDL on MariaDB.
Waits for ten minutes, and gives 1 where it may go on."""


def make_engine(url: sqlalchemy.URL, options: Any, *, is_patient: bool = False) -> sqlalchemy.Engine:
    """Make the engine for a database server. Opens no connection.

    :param url: `mysql+pymysql://...` or `postgresql+psycopg2://...`; `mariadb` is the same as `mysql`.
    :param options: oslo.db's group `[database]`.
    :param is_patient: a statement may take as long as it takes.
    :raises ValueError: the URL names another database.
    """
    if url.get_backend_name() == "mariadb":
        # oslo.db knows MariaDB's errors by the other name only.
        url = url.set(drivername=url.drivername.replace("mariadb", "mysql", 1))
    backend = url.get_backend_name()
    if backend not in _PARAMETERS:
        raise ValueError(f"[database] connection: {backend} is not supported")
    parameters = {
        name: value for name, value in _PARAMETERS[backend].items() if not (is_patient and name in _IMPATIENT)
    }
    engine: sqlalchemy.Engine = engines.create_engine(
        url.update_query_dict({**parameters, **url.query}).render_as_string(hide_password=False),
        max_retries=0,
        thread_checkin=False,  # yields to green threads, which there are none of
        **{name: options[name] for name in ENGINE_OPTIONS},
    )
    if backend != "postgresql":
        event.listen(engine, "connect", _isolate_readers)
        event.listen(engine, "begin", _isolate_writer)
    return engine


def begin_migration(connection: sqlalchemy.Connection) -> bool:
    """Wait until no other session is changing the tables; keep others from it until the connection is closed.

    :return: False where another one has not finished in time.
    """
    found: object = connection.exec_driver_sql(_ONE_MIGRATION[connection.engine.name]).scalar()
    return found == 1


def may_read_the_past(connection: sqlalchemy.Connection) -> bool:
    """Say whether this is a node of a Galera cluster that answers without waiting for what others committed.

    Follows https://mariadb.com/kb/en/galera-cluster-system-variables/#wsrep_sync_wait.
    """
    if connection.engine.name == "postgresql":
        return False
    names = "'wsrep_on', 'wsrep_sync_wait'"
    rows = connection.exec_driver_sql(f"SHOW SESSION VARIABLES WHERE Variable_name IN ({names})")
    found: dict[str, str] = dict(map(tuple, rows))
    return found.get("wsrep_on") == "ON" and not int(found["wsrep_sync_wait"]) & _BEFORE_READS


def _isolate_readers(connection: Any, _record: pool.ConnectionPoolEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _isolate_writer(connection: sqlalchemy.Connection) -> None:
    statement = connection.get_execution_options().get("tricircle_begin")
    if statement:
        connection.exec_driver_sql(statement)
