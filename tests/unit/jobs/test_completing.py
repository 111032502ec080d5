"""Jobs that wait just in case."""

import pytest
from tests.unit.jobs.house import House
from tests.unit.jobs.rows import flavor

from tricircle.jobs.completing import complete_precaution
from tricircle.jobs.job import JobEventType, JobState, Request

pytestmark = pytest.mark.every_database

PRECAUTION = flavor(is_precaution=True, delay=10)


def end(house: House) -> None:
    """Say that it was done without the job."""
    house.database.transact(lambda connection: complete_precaution(connection, PRECAUTION))


def test_one_is_done_when_what_it_is_about_is(house: House) -> None:
    job = house.ask(PRECAUTION)
    end(house)
    assert house.job(job.id).state is JobState.SUCCEEDED
    assert house.events(job.id) == [(JobEventType.REQUESTED, 0), (JobEventType.SUCCEEDED, 0)]
    assert house.ask(PRECAUTION).id != job.id


@pytest.mark.parametrize("requests", [[PRECAUTION, flavor()], [flavor(), PRECAUTION], [flavor(delay=60)]])
def test_what_somebody_has_asked_for_otherwise_stays(house: House, requests: list[Request]) -> None:
    *_, job = (house.ask(request) for request in requests)
    end(house)
    assert house.job(job.id).state is JobState.WAITING


def test_where_none_waits_nothing_is_done(house: House) -> None:
    end(house)
    other = house.ask(flavor("other", is_precaution=True))
    end(house)
    assert house.job(other.id).state is JobState.WAITING
