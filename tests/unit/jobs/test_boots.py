"""On which networks and ports servers are being made."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.jobs.boots import (
    FAILED,
    address_on,
    addresses_under_way,
    came_of_it,
    is_booted_in,
    servers_under_way,
    sites_of_boots_on,
    was_booted_on,
)
from tricircle.jobs.job import Request
from tricircle.jobs.outcome import Succeeded
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import ADOPT, AFTER_DELETE, INTENT, AdoptParameters, IntentParameters

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


@pytest.mark.parametrize("name", ["web", 'a "quoted" name', "50 % off_", "b\\s"])
def test_a_group_is_named_by_its_id_or_its_name(database: Database, name: str) -> None:
    requester = JobRequester(database)
    parameters = AdoptParameters((NETWORK,), (name,))
    requester.request(Request(ADOPT.name, "server", "1", "one", parameters=parameters))
    with database.read() as connection:
        assert was_booted_on(connection, {PORT, name}, "one", now())
        assert came_of_it(connection, {PORT, name}, "one", now())
        assert not was_booted_on(connection, {PORT, "other"}, "one", now())


@pytest.mark.parametrize("name", ["web", 'a "quoted" name', "50 % off_", "b\\s", "groups"])
def test_in_a_group_are_those_that_name_its_id_or_in_its_project_its_name(
    database: Database, name: str
) -> None:
    requester = JobRequester(database)

    def is_booted(project_id: str) -> bool:
        with database.read() as connection:
            return is_booted_in(connection, PORT, name, project_id)

    def ask(server: str, project_id: str | None, *groups: str) -> None:
        parameters = IntentParameters(name, 1, "2026-01-31T12:00:00", {}, (NETWORK,), groups)
        requester.request(Request(INTENT.name, "server", server, "one", project_id, parameters))

    ask("1", "blue", "other")
    assert not is_booted("blue"), "what only bears its name is not in it"
    ask("2", "red", name)
    assert (is_booted("blue"), is_booted("red")) == (False, True)
    ask("3", None, PORT)
    assert is_booted("blue")


@pytest.mark.parametrize("has_failed", [True, False, None])
def test_of_a_server_that_has_failed_nothing_came(database: Database, *, has_failed: bool | None) -> None:
    requester, queue = JobRequester(database), JobQueue(database)
    requester.request(Request(ADOPT.name, "server", "1", "one", parameters=AdoptParameters((NETWORK,))))
    lease = queue.claim("worker")
    assert lease is not None
    queue.finish(lease, Succeeded(), progress=None if has_failed is None else {FAILED: has_failed})
    long_ago = now() - timedelta(hours=1)
    with database.read() as connection:
        assert was_booted_on(connection, NETWORK, "one", long_ago)
        assert came_of_it(connection, NETWORK, "one", long_ago) == (has_failed is not True)
        assert not came_of_it(connection, NETWORK, "one", now() + timedelta(hours=1))


def test_which_addresses_and_how_many_servers_are_under_way(database: Database) -> None:
    requester = JobRequester(database)
    named = (NETWORK, address_on(NETWORK, "10.0.0.5"), address_on(PORT, "10.0.0.6"))

    def intent(most: int, *uses: str) -> IntentParameters:
        return IntentParameters("x", most, "2026-01-31T12:00:00", {}, uses)

    requester.request(
        Request(INTENT.name, "server", "1", "one", parameters=intent(1, *named), request_id="req-1"),
        Request(INTENT.name, "server", "2", "one", parameters=intent(1, NETWORK), request_id="req-1"),
        Request(INTENT.name, "server", "3", "one", parameters=intent(9, NETWORK), request_id="req-2"),
        Request(INTENT.name, "server", "4", "two", parameters=intent(1, NETWORK)),
    )
    done = requester.request(
        Request(ADOPT.name, "server", "5", "one", parameters=AdoptParameters((NETWORK,))),
        Request(ADOPT.name, "server", "6", "one", parameters=AdoptParameters((NETWORK,))),
        Request(ADOPT.name, "server", "7", "one", parameters=AdoptParameters((PORT,))),
    )

    def servers(**more: Any) -> int:
        with database.read() as connection:
            return servers_under_way(connection, NETWORK, "one", **more)

    with database.read() as connection:
        assert addresses_under_way(connection, NETWORK, "one") == {"10.0.0.5"}
        assert addresses_under_way(connection, NETWORK, "two") == set()
    assert servers() == 4
    assert servers(with_port={"5", "x"}) == 3
    assert servers(besides="req-1") == 3, "of two with one id the other one counts"
    assert servers(besides="req-3") == 4
    database.transact(lambda connection: requester.complete(connection, done[0].id))
    assert servers() == 3
    requester.request(Request(AFTER_DELETE.name, "server", "6", "two"))
    assert servers() == 3, "another site's"
    requester.request(Request(AFTER_DELETE.name, "server", "6", "one"))
    assert servers() == 2, "one that is deleted gets no port any more"


def test_an_address_is_written_in_one_way() -> None:
    assert address_on("n", "2001:DB8:0::5") == "n=2001:db8::5"
    assert address_on("n", "no address") == "n=no address"
