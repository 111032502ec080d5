"""Sites are told of members that change at the top, whatever becomes of the worker that changes them."""

import pytest
import sqlalchemy as sa
from tests.unit.sites.register import write
from tests.unit.sites.wire import site

from tricircle.db.timestamps import now
from tricircle.jobs.job import Job, JobState
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.realise.kinds import SECURITY_GROUP
from tricircle.xjob import membership
from tricircle.xjob.engine import Engine

A, B = site("a"), site("b")


class Killed(BaseException):
    """The worker is gone."""


@pytest.fixture
def told(engine: Engine) -> Engine:
    """An engine over two sites with one group, whose rule names the group itself."""
    write(engine.database, A, B)
    rule = {"direction": "ingress", "ethertype": "IPv4", "remote_group_id": "group"}
    item = {"id": "group", "name": "group", "project_id": "blue", "security_group_rules": [rule]}
    store = engine.replicas.store

    def work(connection: sa.Connection) -> None:
        definition, _ = store.define_as_shown(
            connection,
            SECURITY_GROUP.name,
            "group",
            name="group",
            project_id="blue",
            body=SECURITY_GROUP.define(item),
        )
        for each in (A, B):
            store.realised.want(connection, definition.id, each.id)

    engine.database.transact(work)
    return engine


def waiting(engine: Engine) -> list[Job]:
    """Return what site `b` is to do."""
    filters = JobFilters(state=JobState.WAITING, type="members", site_id=B.id)
    return JobStore(engine.database).page(filters)


def test_once_the_change_is_made_the_job_is_due(told: Engine) -> None:
    with membership.changing(told, A, {"group"}):
        (early,) = waiting(told)
        assert early.run_after > now()
    (job,) = waiting(told)
    assert (job.id, job.resource_id, job.project_id) == (early.id, "group", "blue")
    assert job.run_after <= now()


def test_a_worker_that_dies_of_the_change_leaves_the_job_to_be_done_later(told: Engine) -> None:
    with pytest.raises(Killed), membership.changing(told, A, {"group"}):
        raise Killed
    (job,) = waiting(told)
    assert (job.run_after - now()).total_seconds() < 11


def test_what_is_changed_already_is_due_at_once(told: Engine) -> None:
    membership.changed(told, A, {"group"})
    (job,) = waiting(told)
    assert job.run_after <= now()


def test_without_groups_nobody_is_told(told: Engine) -> None:
    membership.changed(told, A, set())
    with membership.changing(told, A, set()):
        pass
    assert JobStore(told.database).page() == []
