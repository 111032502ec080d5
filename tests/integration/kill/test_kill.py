"""Wherever a worker is killed, another one brings its job to the end that it would have had.

Each case has a top of its own: what is compared is all that is in it, and all that the case has made in the
real sites. `make kill-tests TIMES=100` does it again and again, until something goes wrong.
"""

import pytest
from tests.integration.kill.round import Model, Round
from tests.integration.kill.scenarios import SCENARIOS

from tricircle.jobs.types import TYPES

pytestmark = pytest.mark.timeout(1800)  # the first waits for all killings


def test_there_is_a_scenario_for_each_job_type() -> None:
    assert {scenario.type for scenario in SCENARIOS.values()} == set(TYPES)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_job_whose_worker_was_killed_ends_as_if_nothing_had_happened(a_round: Round, scenario: str) -> None:
    problems = a_round.problems(scenario)
    assert problems == [], "\n".join(problems)


def test_jobs_come_by_steps_and_leave_something(models: dict[str, Model]) -> None:
    """Or else the killings state nothing."""
    assert set(models) == set(SCENARIOS)
    stepping = {SCENARIOS[name].type for name, model in models.items() if model.steps}
    assert stepping == set(TYPES)
    assert {name for name, model in models.items() if len(model.image) < 1} == set()
