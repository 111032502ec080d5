"""A database that goes away and comes back, and connections that are cut: real servers, stopped for real."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from tests.servers.database_server import DatabaseServer
from tests.servers.databases import Shared
from tests.servers.port import free_port
from tests.servers.server import HOST
from tests.unit.db.rows import add_site, site_names

from tricircle.db.engine import MOST_LOSSES, Database
from tricircle.errors import CommitLost, DatabaseUnavailable

pytestmark = pytest.mark.only_on("mariadb", "postgresql")

CONNECTION = {"mysql": "SELECT CONNECTION_ID()", "postgresql": "SELECT pg_backend_pid()"}
CUT = {"mysql": "KILL {}", "postgresql": "SELECT pg_terminate_backend({}, 10000)"}


@pytest.fixture
def server(databases: Shared) -> DatabaseServer:
    return databases.server


@pytest.fixture
def cut(server: DatabaseServer) -> Callable[[sa.Connection], None]:
    """Give what makes the server close a connection."""

    def cut(connection: sa.Connection) -> None:
        name = connection.engine.name
        server.execute(CUT[name].format(connection.exec_driver_sql(CONNECTION[name]).scalar()))

    return cut


@pytest.fixture(params=["stop", "kill"])
def ending(request: pytest.FixtureRequest, server: DatabaseServer) -> Callable[[], None]:
    end: Callable[[], None] = getattr(server, request.param)
    return end


def fill_pool(database: Database) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(database.read()).execute(sa.text("SELECT 1"))


def test_a_restart_between_two_uses_is_not_seen(
    database: Database, server: DatabaseServer, ending: Callable[[], None]
) -> None:
    fill_pool(database)
    for name in ("one", "two"):
        ending()
        server.start()
        database.transact(lambda connection, name=name: add_site(connection, name))  # type: ignore[misc]
    ending()
    server.start()
    with database.write() as connection:
        add_site(connection, "three")
    ending()
    server.start()
    assert site_names(database) == {"one", "two", "three"}


def test_a_database_that_is_down_is_unavailable_until_it_is_back(
    database: Database, server: DatabaseServer, ending: Callable[[], None]
) -> None:
    fill_pool(database)
    ending()
    for _ in range(7):
        with pytest.raises(DatabaseUnavailable):
            site_names(database)
    with pytest.raises(DatabaseUnavailable), database.write():
        pytest.fail("there is no database")
    with pytest.raises(DatabaseUnavailable), database.migrate():
        pytest.fail("there is no database")
    with pytest.raises(DatabaseUnavailable):
        database.transact(lambda connection: pytest.fail("there is no database"))
    server.start()
    database.transact(lambda connection: add_site(connection, "one"))
    assert site_names(database) == {"one"}


def test_a_process_that_starts_while_the_database_is_down_works_when_it_is_back(
    database: Database, server: DatabaseServer
) -> None:
    server.stop()
    with pytest.raises(DatabaseUnavailable):
        site_names(database)
    server.start()
    assert site_names(database) == set()


def test_one_thread_at_a_time_tries_a_host_that_does_not_answer(
    conf: cfg.ConfigOpts, server: DatabaseServer
) -> None:
    with socket.create_server((HOST, free_port())) as silent, ThreadPoolExecutor(1) as thread:
        url = sa.make_url(server.url).set(port=silent.getsockname()[1])
        conf.set_override("connection", url.render_as_string(hide_password=False), group="database")
        database = Database(conf)
        for is_known in (False, True, True):
            trying = thread.submit(site_names, database)
            silent.settimeout(30)
            connection, _ = silent.accept()
            if is_known:
                for _ in range(7):
                    with pytest.raises(DatabaseUnavailable):
                        site_names(database)
                silent.settimeout(0)
                with pytest.raises(BlockingIOError):
                    silent.accept()
            connection.close()
            assert isinstance(trying.exception(), DatabaseUnavailable)


def test_work_whose_connection_is_cut_is_done_again(
    database: Database, cut: Callable[[sa.Connection], None]
) -> None:
    attempts = []

    def work(connection: sa.Connection) -> str:
        attempts.append(1)
        add_site(connection, f"{len(attempts)}a")
        if len(attempts) <= MOST_LOSSES:
            cut(connection)
        add_site(connection, f"{len(attempts)}b")
        return "done"

    assert database.transact(work) == "done"
    assert site_names(database) == {f"{MOST_LOSSES + 1}a", f"{MOST_LOSSES + 1}b"}


def test_connections_that_are_cut_again_and_again_are_unavailability(
    database: Database, cut: Callable[[sa.Connection], None]
) -> None:
    attempts = []

    def work(connection: sa.Connection) -> None:
        attempts.append(1)
        cut(connection)
        add_site(connection, "one")

    with pytest.raises(DatabaseUnavailable) as failing:
        database.transact(work)
    assert not isinstance(failing.value, CommitLost)
    assert len(attempts) == MOST_LOSSES + 1
    assert site_names(database) == set()


def test_a_database_that_goes_away_amid_work_is_unavailable_at_once(
    database: Database, server: DatabaseServer
) -> None:
    attempts = []

    def work(connection: sa.Connection) -> None:
        attempts.append(1)
        add_site(connection, "one")
        server.stop()
        add_site(connection, "two")

    with pytest.raises(DatabaseUnavailable) as failing:
        database.transact(work)
    assert not isinstance(failing.value, CommitLost)
    assert len(attempts) == 1
    server.start()
    assert site_names(database) == set()


def test_what_is_written_without_a_function_is_lost_with_its_connection(
    database: Database, cut: Callable[[sa.Connection], None]
) -> None:
    def write() -> None:
        with database.write() as connection:
            add_site(connection, "one")
            cut(connection)
            add_site(connection, "two")

    with pytest.raises(DatabaseUnavailable) as failing:
        write()
    assert not isinstance(failing.value, CommitLost)
    assert site_names(database) == set()


class LostCommit:
    """Loses the answer of a database's first commit.

    :param is_done: the commit itself arrives.
    """

    def __init__(self, database: Database, cut: Callable[[sa.Connection], None], *, is_done: bool) -> None:
        self._cut, self._is_done = cut, is_done
        self.commits = 0
        sa.event.listen(database.engine, "commit", self._commit)

    def _commit(self, connection: sa.Connection) -> None:
        self.commits += 1
        if self.commits > 1:
            return
        if self._is_done:
            connection.connection.commit()
        self._cut(connection)


@pytest.mark.parametrize("is_done", [True, False])
def test_a_commit_whose_answer_is_lost_is_not_repeated(
    database: Database, cut: Callable[[sa.Connection], None], *, is_done: bool
) -> None:
    lost = LostCommit(database, cut, is_done=is_done)
    with pytest.raises(CommitLost) as failing:
        database.transact(lambda connection: add_site(connection, "one"))
    assert failing.value.status == 504
    assert lost.commits == 1
    assert site_names(database) == ({"one"} if is_done else set())


@pytest.mark.parametrize("is_done", [True, False])
def test_a_lost_commit_of_what_was_written_without_a_function_is_told(
    database: Database, cut: Callable[[sa.Connection], None], *, is_done: bool
) -> None:
    LostCommit(database, cut, is_done=is_done)
    with pytest.raises(CommitLost), database.write() as connection:
        add_site(connection, "one")
    assert site_names(database) == ({"one"} if is_done else set())


@pytest.mark.parametrize("is_done", [True, False])
def test_a_commit_whose_answer_is_lost_is_repeated_where_that_does_no_harm(
    database: Database, cut: Callable[[sa.Connection], None], *, is_done: bool
) -> None:
    lost = LostCommit(database, cut, is_done=is_done)

    def work(connection: sa.Connection) -> None:
        connection.exec_driver_sql("DELETE FROM sites")
        add_site(connection, "one")

    database.transact(work, is_idempotent=True)
    assert lost.commits == 2
    assert site_names(database) == {"one"}


def test_what_is_said_of_each_write_is_true_whenever_the_database_goes(
    database: Database, server: DatabaseServer
) -> None:
    """Written: there once. Unavailable: not there. Commit lost: either."""
    written: set[str] = set()
    refused: set[str] = set()
    unknown: set[str] = set()
    enough = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while not enough.is_set():
            name = f"{writer}-{number}"
            number += 1
            try:
                database.transact(lambda connection: add_site(connection, name))  # noqa: B023
            except CommitLost:
                unknown.add(name)
            except DatabaseUnavailable:
                refused.add(name)
            else:
                written.add(name)

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        try:
            for _ in range(3):
                before, refused_before = len(written), len(refused)
                wait_for(lambda before=before: len(written) > before + 20)
                server.kill()
                wait_for(lambda before=refused_before: len(refused) > before)
                server.start()
            before = len(written)
            wait_for(lambda before=before: len(written) > before + 20)
        finally:
            enough.set()
            server.start()
        for writer in writers:
            writer.result()
    found = site_names(database)
    assert written - found == set()
    assert found & refused == set()
    assert found <= written | unknown


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)
