"""Of each thing to be done at most one job stays parked."""

import pytest
from tests.unit.jobs.house import House
from tests.unit.jobs.rows import flavor, node, read_requirements

from tricircle.jobs.job import JobEventType, JobState, Request
from tricircle.jobs.outcome import Failed, Outcome, Succeeded

pytestmark = pytest.mark.every_database

NEVER = Failed("never", is_final=True)


def end(house: House, request: Request, outcome: Outcome = NEVER) -> str:
    """Have a job asked for and ended; return its id."""
    return house.queue.finish(house.start(request), outcome).id


def parked(house: House) -> set[str]:
    """The ids of what is parked."""
    return {job.id for job in house.store.page() if job.state is JobState.FAILED}


@pytest.mark.parametrize(("outcome", "deed"), [(NEVER, "failed as well"), (Succeeded(), "did it")])
def test_what_is_parked_is_left_to_the_next_that_ends(house: House, outcome: Outcome, deed: str) -> None:
    older = end(house, flavor())
    later = end(house, flavor(), outcome)
    assert parked(house) == ({later} if outcome is NEVER else set())
    assert house.job(older).state is JobState.CANCELLED
    assert house.job(older).cause == f"Job {later}, asked for later, {deed}."
    assert house.events(older)[2:] == [(JobEventType.SUPERSEDED, 1)]


def test_it_is_for_the_same_thing_alone(house: House) -> None:
    others = {
        end(house, request)
        for request in (flavor("large"), flavor(site="two"), Request("rebuild", "site", "one", "one"))
    }
    end(house, node("one"), Succeeded())
    end(house, flavor(), Succeeded())
    assert parked(house) == others


def test_one_that_will_be_tried_again_leaves_what_is_parked(house: House) -> None:
    older = end(house, flavor())
    end(house, flavor(), Failed("not now"))
    assert parked(house) == {older}


def test_what_is_found_done_leaves_nothing_parked(house: House) -> None:
    end(house, flavor())
    waits = house.ask(flavor())
    assert house.database.transact(lambda connection: house.requester.complete(connection, waits.id))
    assert parked(house) == set()


def test_one_whose_requirement_came_to_nothing_takes_the_place_of_the_older(house: House) -> None:
    end(house, flavor())
    required = end(house, node())
    later = house.ask(flavor(requires=[required]))
    assert house.queue.claim("worker") is None
    assert parked(house) == {required, later.id}


def test_what_required_the_older_requires_the_later(house: House) -> None:
    older = end(house, flavor())
    dependent = house.ask(node(requires=[older], delay=60))
    later = end(house, flavor(), Succeeded())
    assert read_requirements(house.database) == {(dependent.id, later)}
    house.clock.time = 60
    assert house.claim().job.id == dependent.id


def test_what_was_superseded_can_be_redone(house: House) -> None:
    older = end(house, flavor())
    later = end(house, flavor())
    house.store.redo(older)
    house.queue.finish(house.claim(), NEVER)
    assert parked(house) == {older}
    assert house.job(later).state is JobState.CANCELLED
