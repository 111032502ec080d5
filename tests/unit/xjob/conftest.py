"""What the tests of the worker share."""

from collections.abc import Iterator

import pytest
from oslo_config import cfg
from tests.unit.xjob.neutrons import Office

from tricircle.db.engine import Database
from tricircle.xjob import adopt
from tricircle.xjob.engine import Engine, make_engine


@pytest.fixture
def engine(conf: cfg.ConfigOpts, database: Database) -> Iterator[Engine]:
    """Give a worker's engine on a database with empty tables."""
    engine = make_engine(conf)
    yield engine
    engine.database.close()


@pytest.fixture
def office(engine: Engine) -> Office:
    """Give a worker whose top and sites are there."""
    return Office(engine)


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no job wait because it is young."""
    monkeypatch.setattr(adopt, "_NOTICE", -1.0)
