"""On which networks and ports servers are being made."""

from datetime import datetime, timedelta

import pytest

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.jobs.boots import sites_of_boots_on, was_booted_on
from tricircle.jobs.job import Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import ADOPT, INTENT, AdoptParameters, IntentParameters

pytestmark = pytest.mark.every_database

NETWORK, PORT = "0b6f3a52-7c1d-4a7e-9f02-5d3c8e1b4a96", "1b6f3a52-7c1d-4a7e-9f02-5d3c8e1b4a96"


def test_open_jobs_tell_and_for_a_while_those_that_have_ended(database: Database) -> None:
    requester = JobRequester(database)
    intent = IntentParameters(f"named {PORT}", 1, "2026-01-31T12:00:00", {}, (NETWORK,))
    jobs = requester.request(
        Request(INTENT.name, "server", "1", "one", parameters=intent, request_id="req-1"),
        Request(ADOPT.name, "server", "2", "two", parameters=AdoptParameters((NETWORK, PORT))),
        Request(ADOPT.name, "server", "3", "three"),
    )

    def sites(used: str, besides: str | None = None) -> set[str]:
        with database.read() as connection:
            return sites_of_boots_on(connection, used, besides=besides)

    def was(site_id: str, since: datetime) -> bool:
        with database.read() as connection:
            return was_booted_on(connection, NETWORK, site_id, since)

    long_ago, later = now() - timedelta(hours=1), now() + timedelta(hours=1)
    assert (sites(NETWORK), sites(NETWORK, "req-1"), sites(PORT)) == ({"one", "two"}, {"two"}, {"two"})
    assert [was(site_id, later) for site_id in ("one", "two", "three")] == [True, True, False]
    for job in jobs:
        database.transact(lambda connection, job=job: requester.complete(connection, job.id))  # type: ignore[misc]
    assert sites(NETWORK) == sites(PORT) == set()
    assert [was(site_id, long_ago) for site_id in ("one", "two", "three")] == [True, True, False]
    assert not was("one", later)
