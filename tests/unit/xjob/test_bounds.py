"""For whom a worker takes no more jobs."""

from tests.fakes.worker import BOUNDS

from tricircle.jobs.queue import TOP
from tricircle.xjob.bounds import Bounds


def test_a_site_has_a_bound() -> None:
    assert BOUNDS.busy_sites({"a": 3, "b": 4, "c": 1}, ()) == {"b"}


def test_a_site_that_does_not_answer_gets_one_job_at_a_time() -> None:
    assert BOUNDS.busy_sites({"b": 1}, {"a"}) == set()
    assert BOUNDS.busy_sites({"a": 1, "b": 1}, {"a"}) == {"a"}


def test_the_last_quarter_is_for_sites_that_are_well_and_have_nothing_under_way() -> None:
    running = {"a": 3, "b": 4, "c": 4, "d": 1}
    assert sum(running.values()) == 12 == BOUNDS.spread_from
    assert BOUNDS.busy_sites(running, {"e"}) == {"a", "b", "c", "d", "e"}


def test_sites_that_do_not_answer_never_take_all_threads() -> None:
    dead = {f"dead-{number}" for number in range(100)}
    running: dict[str, int] = {}
    while free := dead - BOUNDS.busy_sites(running, dead):
        running[min(free)] = 1
    assert sum(running.values()) == 12
    assert "well" not in BOUNDS.busy_sites(running, dead)


def test_work_on_the_top_has_a_bound_as_a_site_has() -> None:
    assert BOUNDS.busy_sites({TOP: 4, "a": 1}, ()) == {TOP}
    assert BOUNDS.busy_sites({TOP: 1}, {TOP}) == {TOP}


def test_a_worker_of_one_thread_works_for_everybody() -> None:
    assert Bounds(threads=1, per_site=1, per_project=1).busy_sites({}, {"a"}) == set()


def test_a_project_has_a_bound() -> None:
    assert BOUNDS.busy_projects({"p": 3, "q": 2}) == {"p"}
