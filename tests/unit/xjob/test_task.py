"""A job in a handler's hands."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.sites.register import write
from tests.unit.sites.wire import site
from tests.unit.xjob.test_hand import lease

from tricircle.sites.site import SiteState
from tricircle.sites.store import SiteStore
from tricircle.xjob.engine import Engine
from tricircle.xjob.task import SiteGone, Task


def make_task(check: Any = lambda: None) -> Task:
    engine: Any = None
    return Task(engine, lease(), check)


def test_a_step_adds_to_what_the_job_says_of_itself() -> None:
    task = make_task()
    task.step("one", seen=1, of=2)
    told = task.progress
    task.step("two", seen=2)
    assert task.progress == {"step": "two", "seen": 2, "of": 2}
    assert told == {"step": "one", "seen": 1, "of": 2}, "another thread may be writing it down"


def test_what_cannot_be_written_down_fails_the_job_that_says_it() -> None:
    task = make_task()
    with pytest.raises(TypeError):
        task.step("one", what=object())
    assert task.progress == {}


def test_a_job_without_a_site_says_so() -> None:
    engine: Any = None
    held = lease()
    task = Task(engine, replace(held, job=replace(held.job, site_id=None)), lambda: None)
    with pytest.raises(SiteGone, match="The job names no site"):
        task.site  # noqa: B018  # raises


def test_a_site_that_was_enabled_a_moment_ago_is_one(engine: Engine) -> None:
    disabled = site("a", SiteState.DISABLED)
    write(engine.database, disabled)
    task = Task(engine, lease(site_id=disabled.id), lambda: None)
    with pytest.raises(SiteGone, match="Site a is disabled"):
        task.site  # noqa: B018  # raises
    SiteStore(engine.database).update(disabled.name, state=SiteState.ENABLED)
    assert task.site.state is SiteState.ENABLED
