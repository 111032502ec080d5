"""The Admin API's parts, as a configuration has them."""

from datetime import datetime

from oslo_config import cfg

from tricircle.admin.engine import make_engine
from tricircle.db.engine import Database
from tricircle.jobs.bus import NoBus
from tricircle.jobs.worker_store import WorkerStore

LONG_AGO = datetime(2026, 1, 31)  # noqa: DTZ001  # times of rows are naive


def test_the_parts_are_as_configured(conf: cfg.ConfigOpts, database: Database) -> None:
    conf.set_override("region_name", "Top")
    conf.set_override("max_limit", 7, group="api")
    conf.set_override("lease", 1e9, group="xjob")
    WorkerStore(database, clock=lambda: LONG_AGO).tell("a.1", "a")
    engine = make_engine(conf, lambda _: "https://top.example")
    assert engine.region_name == "Top"
    assert isinstance(engine.bus, NoBus)
    assert [engine.page_size(limit) for limit in (None, 3, 7, 8)] == [7, 3, 7, 7]
    assert [worker.alive for worker in engine.workers.all()] == [True]
    assert engine.definitions.page() == engine.nodes.page() == engine.bindings.page() == []
    assert engine.jobs.counts() == {}
