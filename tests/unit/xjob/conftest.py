"""What the tests of the worker share."""

from collections.abc import Iterator

import pytest
from oslo_config import cfg

from tricircle.db.engine import Database
from tricircle.xjob.engine import Engine, make_engine


@pytest.fixture
def engine(conf: cfg.ConfigOpts, database: Database) -> Iterator[Engine]:
    """Give a worker's engine on a database with empty tables."""
    engine = make_engine(conf)
    yield engine
    engine.database.close()
