"""What is needed in a site again while it is being noted that it leaves: it stays."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.unit.sites.register import write
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.realise.definition import DefinitionState
from tricircle.realise.store import DefinitionStore

pytestmark = pytest.mark.every_database

A = site("a")


def test_it_stays(database: Database) -> None:
    write(database, A)
    store = DefinitionStore(database)

    def define(connection: sa.Connection) -> None:
        seen = store.propose(connection, "network", "net", "net")
        version = store.define(connection, seen, key="net", name="net", body={}, state=DefinitionState.ACTIVE)
        store.realised.record(connection, seen.id, A.id, site_resource_id="x", seen=0, version=version)

    database.transact(define)
    known = store.find("network", "net")
    assert known is not None
    is_noted, may_commit = threading.Event(), threading.Event()

    def leave(connection: sa.Connection) -> None:
        assert store.realised.leave(connection, known.definition, A.id, now() + timedelta(hours=1))
        is_noted.set()
        may_commit.wait(0.5)

    def want(connection: sa.Connection) -> None:
        store.realised.want(connection, known.definition.id, A.id)

    with ThreadPoolExecutor(2) as pool:
        leaving = pool.submit(database.transact, leave)
        assert is_noted.wait(30)
        wanting = pool.submit(database.transact, want)
        leaving.result()
        wanting.result()
    assert not store.realised.is_leaving(known.definition.id, A.id)
