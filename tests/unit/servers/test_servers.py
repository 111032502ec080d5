"""The servers that tests start: they keep what they were told, and nothing stays of them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import amqp
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool
from tests.servers.database_server import DatabaseServer
from tests.servers.rabbitmq import RabbitMQ

ENDINGS = pytest.mark.parametrize("ending", ["stop", "kill"])

RUN = """
import signal, sys
from tests.servers.{module} import {name}
server = {name}()
server.start()
print(server.pid, server.directory, flush=True)
signal.pause()
"""


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    server: DatabaseServer = request.getfixturevalue(request.param)
    return server


@ENDINGS
def test_a_database_keeps_its_port_and_its_rows(server: DatabaseServer, ending: str) -> None:
    engine = sa.create_engine(server.make_database("kept"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE rows_kept AS SELECT 7 AS number")
    getattr(server, ending)()
    with pytest.raises(sa.exc.OperationalError):
        engine.connect()
    server.start()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT number FROM rows_kept").scalar() == 7


@pytest.fixture
def queue(rabbitmq: RabbitMQ) -> Iterator[str]:
    name = "messages-kept"
    with _connection(rabbitmq) as connection:
        connection.channel().queue_declare(name, durable=True, auto_delete=False)
    yield name
    rabbitmq.start()
    with _connection(rabbitmq) as connection:
        connection.channel().queue_delete(name)


def test_a_broker_keeps_its_port_and_its_messages(rabbitmq: RabbitMQ, queue: str) -> None:
    # In this order: a new queue is safe from a kill once the broker has been stopped.
    for end in (rabbitmq.stop, rabbitmq.kill):
        with _connection(rabbitmq, confirm_publish=True) as connection:
            connection.channel().basic_publish(amqp.Message("hello", delivery_mode=2), routing_key=queue)
        end()
        with pytest.raises(ConnectionRefusedError):
            _connection(rabbitmq).connect()
        rabbitmq.start()
        with _connection(rabbitmq) as connection:
            message = connection.channel().basic_get(queue, no_ack=True)
            assert message is not None
            assert message.body == "hello"


@pytest.mark.parametrize(
    ("module", "name"), [("mariadb", "MariaDB"), ("postgresql", "PostgreSQL"), ("rabbitmq", "RabbitMQ")]
)
def test_a_server_does_not_outlive_a_run_that_is_killed(
    request: pytest.FixtureRequest, module: str, name: str
) -> None:
    request.getfixturevalue(module)  # skips or fails where there is no such server
    run = subprocess.Popen(
        [sys.executable, "-c", RUN.format(module=module, name=name)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert run.stdout is not None
        pid, directory = run.stdout.readline().split()
        assert Path(directory).is_dir()
        assert Path("/proc", pid).is_dir()
    finally:
        run.kill()
        run.communicate()
    limit = time.monotonic() + 30
    while Path("/proc", pid).is_dir() or Path(directory).is_dir():
        assert time.monotonic() < limit
        time.sleep(0.05)


def _connection(server: RabbitMQ, **options: object) -> amqp.Connection:
    return amqp.Connection(f"127.0.0.1:{server.port}", connect_timeout=5, **options)
