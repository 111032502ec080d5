"""One site misbehaves: what the other one has is still listed, in bounded time, and errors make sense.

Most of it is asked of further gateways that have less patience than those of the sandbox; one test looks at
the patience that the top has by itself.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import pytest
import requests
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.gateways import Gateways
from tests.integration.population import Population
from tests.integration.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("nothing_left")

MISSING_SITES = "X-Tricircle-Missing-Sites"

SHORT = """
[gateway]
fan_out_deadline = 4

[sites]
read_deadline = 4
write_deadline = 4
breaker_cooldown = 0.2
"""
"""Deadlines of the impatient gateways: what takes a site longer than that is not served in these tests."""

BOUND = 9.0
"""Seconds in which an impatient gateway must answer, whatever one site does; a patient one needs ten."""

FAULTS = {
    "accepts and never answers": ("--hang",),
    "answers 500": ("--status", "500"),
    "answers 503": ("--status", "503"),
    "answers HTML": ("--html",),
    "answers half a body": ("--half",),
}

LISTS = {
    "/servers": ("compute", "servers"),
    "/servers/detail": ("compute", "servers"),
    "/volumes": ("volume", "volumes"),
    "/volumes/detail": ("volume", "volumes"),
    "/snapshots/detail": ("volume", "snapshots"),
}
KINDS = {"servers": "compute", "volumes": "volume", "snapshots": "volume"}

Fault = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="module")
def impatient(sandbox: Sandbox) -> Iterator[Client]:
    """The tenant, at gateways with short deadlines."""
    with Gateways(sandbox, "impatient", SHORT) as gateways:
        yield Client(sandbox, "tricircle", **gateways.settings)


@pytest.fixture
def fault(sandbox: Sandbox, tenant: Client, impatient: Client) -> Iterator[Fault]:
    """Have services of a site misbehave for the length of a `with` block, and see them well again after."""

    @contextmanager
    def misbehaving(site: str, *options: str, services: tuple[str, ...] = ("compute", "volume")) -> Any:
        try:
            for service in services:
                sandbox.fault(site, "--service", service, *options)
                let_notice(sandbox, site, service)
            yield
        finally:
            sandbox.fault(site, "--off")
            side_by_side(
                lambda path: eventually(
                    lambda: not any(missing(client, path) for client in (impatient, tenant)),
                    f"{site} back in {path}",
                ),
                ("/servers/detail", "/volumes/detail"),
            )

    yield misbehaving
    assert impatient.witness.offences == []


def let_notice(sandbox: Sandbox, site: str, service: str) -> None:
    """Have a service look at its faults: it does when it is asked something, and others may be served well
    while it looks."""
    (facts,) = [facts for facts in sandbox.facts["sites"] if facts["name"] == site]
    url = facts["urls"]["compute" if service == "compute" else "block-storage"]
    with suppress(requests.RequestException):
        requests.get(url, timeout=0.5)


def missing(client: Client, path: str) -> str:
    """Return the sites whose part a list lacks."""
    answer = getattr(client, LISTS[path][0]).get(path)
    assert answer.status_code == 200, answer.text
    named: str = answer.headers.get(MISSING_SITES, "")
    return named


def ask(client: Client, service: str, path: str, *, within: float = BOUND) -> Any:
    """GET a path, and see that the answer came in time."""
    begun = time.monotonic()
    answer = getattr(client, service).get(path)
    assert time.monotonic() - begun < within
    return answer


def fault_of(answer: Any) -> str:
    """Return the message of an error, which has the service's own shape."""
    ((_, error),) = answer.json().items()
    assert error["code"] == answer.status_code
    message: str = error["message"]
    return message


@pytest.mark.parametrize("site", ["SiteOne", "SiteTwo"])
@pytest.mark.parametrize("what", FAULTS)
def test_lists_show_what_the_other_site_has(
    impatient: Client, population: Population, fault: Fault, what: str, site: str
) -> None:
    with fault(site, *FAULTS[what]):
        answers = side_by_side(lambda path: ask(impatient, LISTS[path][0], path), LISTS)
    letters = [letter for letter, home in population.homes.items() if home.name != site]
    for answer, (_, kind) in zip(answers, LISTS.values(), strict=True):
        assert answer.status_code == 200, answer.text
        assert answer.headers[MISSING_SITES] == site
        there = getattr(population, kind)
        expected = {there[letter].id for letter in letters if letter in there}
        assert {item["id"] for item in answer.json()[kind]} == expected


def test_a_slow_site_is_waited_for(tenant: Client, population: Population, fault: Fault) -> None:
    with fault("SiteTwo", "--delay", "2", services=("compute",)):
        answer = ask(tenant, "compute", "/servers/detail")
    assert MISSING_SITES not in answer.headers
    assert len(answer.json()["servers"]) == 6


def test_the_other_site_is_not_slowed_down(tenant: Client, population: Population, fault: Fault) -> None:
    """Not even by a tenth: who waited for the site that hangs would wait for ten seconds."""
    with fault("SiteTwo", "--hang"):
        for letter in "ace":
            for kind in ("servers", "volumes"):
                item = getattr(population, kind)[letter]
                answer = ask(tenant, KINDS[kind], f"/{kind}/{item.id}")
                assert answer.status_code == 200


@pytest.mark.parametrize(
    ("what", "status", "says"),
    [
        ("accepts and never answers", 503, "SiteTwo"),
        ("answers 500", 500, "injected fault"),
        ("answers HTML", 503, "SiteTwo"),  # as a balancer does whose server is down
        ("answers half a body", 502, "SiteTwo"),
    ],
)
def test_by_id_the_error_has_the_services_own_shape(
    impatient: Client, population: Population, fault: Fault, *, what: str, status: int, says: str
) -> None:
    paths = {kind: f"/{kind}/{getattr(population, kind)['b'].id}" for kind in KINDS}
    with fault("SiteTwo", *FAULTS[what]):
        answers = side_by_side(lambda kind: ask(impatient, KINDS[kind], paths[kind]), KINDS)
    assert [answer.status_code for answer in answers] == [status] * len(KINDS)
    assert all(says in fault_of(answer) for answer in answers)


@pytest.mark.parametrize(
    ("what", "status", "is_made"),
    [
        ("accepts and never answers", 504, False),
        ("answers 500", 500, False),
        ("answers HTML", 502, False),
        ("answers half a body", 504, True),
    ],
)
def test_a_creation_whose_answer_is_lost_is_not_repeated_anywhere(
    impatient: Client,
    belongings: Belongings,
    sites: list[SiteAdmin],
    fault: Fault,
    *,
    what: str,
    status: int,
    is_made: bool,
) -> None:
    """Half a body means that the site has made it: once, and in no other site."""
    with fault("SiteTwo", *FAULTS[what]):
        answers = side_by_side(lambda make: make(impatient, "lost"), (post_server, post_volume))
    assert [answer.status_code for answer in answers] == [status, status]
    assert all(fault_of(answer) for answer in answers)
    for kind in ("servers", "volumes"):
        made = [named(admin, kind, "lost") for admin in sites]
        for item_id in made[0] + made[1]:
            belongings.keep(kind, item_id)
            eventually(lambda item_id=item_id, kind=kind: is_ready(sites[1], kind, item_id), "it is ready")  # type: ignore[misc]
        assert [len(ids) for ids in made] == [0, int(is_made)]


def post_server(client: Client, name: str) -> Any:
    """Ask for a server in SiteTwo."""
    wishes = {"imageRef": client.facts["image_id"], "flavorRef": "1", "networks": "none"}
    body = {"server": {"name": name, "availability_zone": "az2", **wishes}}
    return client.compute.post("/servers", json=body, microversion="2.37")


def post_volume(client: Client, name: str) -> Any:
    """Ask for a volume in SiteTwo."""
    return client.volume.post(
        "/volumes", json={"volume": {"name": name, "size": 1, "availability_zone": "az2"}}
    )


def named(admin: SiteAdmin, kind: str, name: str) -> list[str]:
    """Return the ids of what has a name in a site."""
    return [item_id for item_id, item in getattr(admin, kind)().items() if item["name"] == name]


def is_ready(admin: SiteAdmin, kind: str, item_id: str) -> bool:
    """Say whether what a site has begun to make is made."""
    return getattr(admin, kind)()[item_id]["status"].lower() in {"active", "available"}


def test_the_top_waits_ten_seconds_and_keeps_to_the_sites_other_services(
    tenant: Client, population: Population, fault: Fault
) -> None:
    with fault("SiteTwo", "--hang", services=("volume",)):
        begun = time.monotonic()
        volumes = ask(tenant, "volume", "/volumes/detail", within=20)
        assert time.monotonic() - begun > 9
        servers = ask(tenant, "compute", "/servers/detail")
    assert volumes.headers[MISSING_SITES] == "SiteTwo"
    assert {item["id"] for item in volumes.json()["volumes"]} == {
        population.volumes[letter].id for letter in "ace"
    }
    assert MISSING_SITES not in servers.headers
    assert len(servers.json()["servers"]) == 6
