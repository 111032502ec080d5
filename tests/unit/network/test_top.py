"""How Neutron's processes reach the rest of the top."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from oslo_config import cfg
from tests.unit.sites import register
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.job import Request
from tricircle.jobs.store import JobStore
from tricircle.network import options, policies, top
from tricircle.network.attributes import ATTRIBUTES


@pytest.fixture
def file(database: Database, tmp_path: Path) -> Path:
    """Give Tricircle's configuration file."""
    made = tmp_path / "tricircle.conf"
    made.write_text(f"[database]\nconnection = {database.engine.url}\n[sites]\nrefresh_interval = 0\n")
    return made


@pytest.fixture
def neutron(file: Path) -> Iterator[cfg.ConfigOpts]:
    """Give what stands in for Neutron's configuration."""
    conf = cfg.ConfigOpts()
    conf([])
    options.register(conf)
    conf.set_override("config_file", [str(file)], group="tricircle")
    yield conf
    top.forget()


def test_all_parts_share_one_top(neutron: cfg.ConfigOpts, database: Database) -> None:
    register.write(database, site("a"))
    found = top.of(neutron)
    assert top.of(neutron) is found
    assert list(found.snapshot.by_name) == ["a"]


def test_workers_are_woken_for_the_jobs_that_are_asked_for(
    neutron: cfg.ConfigOpts, database: Database
) -> None:
    found = top.of(neutron)
    with mock.patch.object(found._parts.bus, "wake") as wake:
        jobs = found.request([Request("follow", "network", "a")])
    wake.assert_called_once_with(jobs)
    assert [job.id for job in JobStore(database).page()] == [job.id for job in jobs]


def test_a_child_process_leaves_the_connections_of_its_parent_alone(
    neutron: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = top.of(neutron)
    of_parent = found._parts.database.engine
    with of_parent.connect():
        pass
    (idle,) = of_parent.pool._pool.queue
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    assert found.snapshot.by_name == {}
    assert found._parts.database.engine is not of_parent
    assert idle.dbapi_connection.execute("SELECT 1").fetchone() == (1,)
    monkeypatch.undo()


def test_it_can_be_used_after_it_was_closed(neutron: cfg.ConfigOpts) -> None:
    found = top.of(neutron)
    assert found.snapshot.by_name == {}
    found.close()
    assert found.snapshot.by_name == {}


def test_what_was_read_once_outlives_the_database(neutron: cfg.ConfigOpts, database: Database) -> None:
    register.write(database, site("a"))
    found = top.of(neutron)
    assert list(found.snapshot.by_name) == ["a"]
    with mock.patch.object(Database, "read", side_effect=DatabaseUnavailable("Away.")):
        assert list(found.snapshot.by_name) == ["a"]
    with (
        mock.patch.object(Database, "transact", side_effect=DatabaseUnavailable("Away.")),
        pytest.raises(DatabaseUnavailable),
    ):
        found.request([Request("follow", "network", "a")])


def test_a_configuration_that_cannot_work_is_told_at_once(neutron: cfg.ConfigOpts, tmp_path: Path) -> None:
    neutron.set_override("config_file", [str(tmp_path / "missing")], group="tricircle")
    with pytest.raises(cfg.ConfigFilesNotFoundError):
        top.of(neutron)
    empty = tmp_path / "empty"
    empty.touch()
    neutron.set_override("config_file", [str(empty)], group="tricircle")
    with pytest.raises(ValueError, match="connection is not set"):
        top.of(neutron)


def test_the_options_are_listed_and_documented() -> None:
    ((group, listed),) = options.list_opts()
    assert group == "tricircle"
    assert {option.name for option in listed} == {"config_file", "sweep_interval"}
    assert all(option.help for option in listed)


def test_there_is_a_rule_for_each_method_of_each_resource() -> None:
    rules = {rule.name: rule for rule in policies.list_rules()}
    assert set(rules) == {
        f"{verb}_{collection.removesuffix('s')}"
        for collection in ATTRIBUTES
        for verb in ("create", "get", "update", "delete")
    }
    assert {rule.check_str for rule in rules.values()} == {"rule:admin_only or rule:service_api"}
    paths = [each["path"] for each in rules["get_address_block"].operations]
    assert paths == ["/address-blocks", "/address-blocks/{id}"]
