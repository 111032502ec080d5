"""Many requests at once, as the threads of one process serve them: nobody gets another one's answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from tests.fakes.cloud import HASTY, PATIENT, Cloud
from tests.fakes.faults import Delay, Silence
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api
from tests.functional.gateway import GatewayClient

OPTIONS = HASTY

THREADS = 12


Task = Callable[[], None]


def together(tasks: list[Task]) -> None:
    """Run tasks in threads; the first failure fails the test."""
    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result(120)


@pytest.fixture
def patient(cloud: Cloud) -> None:
    """Sites are waited for as long as it takes: while one is asked, much else is done here."""
    for group, options in PATIENT.items():
        for name, value in options.items():
            cloud.configuration.set_override(name, value, group=group)


def look(api: Api, ids: list[str]) -> None:
    """See exactly these, again and again."""
    for _ in range(4):
        assert sorted(api.ids(api.client.get(api.detail))) == sorted(ids)
        for identifier in ids:
            assert api.show(identifier).json[api.item]["id"] == identifier


@pytest.mark.usefixtures("patient")
def test_everybody_sees_their_own(api: Api, cloud: Cloud, site_one: Site, site_two: Site) -> None:
    tasks: list[Task] = []
    for number in range(8):
        token = cloud.keystone.add_token(f"{number:032x}")
        ids = [
            identifier
            for site in (site_one, site_two)
            for identifier in api.add(site, 3, project=token.project_id, prefix=f"p{number}")
        ]
        tasks += [partial(look, api.as_(token), ids)] * 2
    together(tasks)


def test_each_creation_makes_one(api: Api, site_one: Site, site_two: Site) -> None:
    made: list[str] = []

    def make(zone: str) -> None:
        reply = api.create(availability_zone=zone)
        assert reply.status == 202, reply.body
        made.append(reply.json[api.item]["id"])

    together([partial(make, zone) for zone in ("az1", "az2") for _ in range(30)])
    assert len(api.made(site_one)) == len(api.made(site_two)) == 30
    assert sorted(made) == sorted([*api.made(site_one), *api.made(site_two)])


def test_a_site_that_is_waited_for_holds_nobody_else_up(
    api: Api, cloud: Cloud, site_one: Site, site_two: Site
) -> None:
    cloud.configuration.set_override("read_deadline", 60.0, group="sites")
    (slow,), (quick,) = api.add(site_one, 1), api.add(site_two, 1)
    assert api.client.get(api.detail).status == 200
    api.service(site_one).faults.put(Delay(60.0))
    with ThreadPoolExecutor(THREADS) as pool:
        waiting = [pool.submit(api.show, slow) for _ in range(4)]
        for _ in range(5):
            assert api.show(quick).status == 200
        assert not any(future.done() for future in waiting)
        api.service(site_one).faults.clear()
        assert {future.result(30).status for future in waiting} == {200}


def test_a_site_has_no_more_requests_under_way_than_the_operator_allows(
    compute: GatewayClient, cloud: Cloud, site_one: Site
) -> None:
    cloud.configuration.set_override("max_concurrency", 2, group="sites")
    cloud.configuration.set_override("breaker_threshold", 1000, group="sites")
    cloud.configuration.set_override("read_deadline", 3.0, group="sites")
    api = compute_api(compute)
    (held,) = api.add(site_one, 1)
    assert api.show(held).status == 200
    site_one.compute.requests.clear()
    site_one.compute.faults.put(Silence())
    with ThreadPoolExecutor(THREADS) as pool:
        replies = [future.result(60) for future in [pool.submit(api.show, held) for _ in range(8)]]
    assert {reply.status for reply in replies} == {503}
    assert len(site_one.compute.requests) < 8
