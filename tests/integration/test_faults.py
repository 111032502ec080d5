"""One site misbehaves: what the other one has is still listed, in bounded time, and errors make sense."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually
from tests.integration.population import Population
from tests.integration.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("nothing_left")

MISSING_SITES = "X-Tricircle-Missing-Sites"

BOUND = 20.0
"""Seconds in which a list must come whatever one site does: twice the fan-out's deadline."""

FAULTS = {
    "accepts and never answers": ("--hang",),
    "answers 500": ("--status", "500"),
    "answers 503": ("--status", "503"),
    "answers HTML": ("--html",),
    "answers half a body": ("--half",),
}

LISTS = {
    "/servers": ("compute", "server"),
    "/servers/detail": ("compute", "server"),
    "/volumes/detail": ("volume", "volume"),
    "/snapshots/detail": ("volume", "snapshot"),
}

Fault = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def fault(sandbox: Sandbox, tenant: Client) -> Fault:
    """Have a site misbehave for the length of a `with` block, and see it well again after."""

    @contextmanager
    def misbehaving(site: str, *options: str) -> Iterator[None]:
        sandbox.fault(site, *options)
        try:
            yield
        finally:
            sandbox.fault(site, "--off")
            for service in ("compute", "volume"):
                eventually(
                    lambda service=service: site not in missing(tenant, service),  # type: ignore[misc]
                    f"{site} back in lists of {service}",
                )

    return misbehaving


def missing(client: Client, service: str) -> str:
    """Return the sites whose part lists lack."""
    answer = getattr(client, service).get("/servers" if service == "compute" else "/volumes")
    assert answer.status_code == 200, answer.text
    named: str = answer.headers.get(MISSING_SITES, "")
    return named


def ask(client: Client, path: str) -> Any:
    """GET a list, and see that the answer came in time."""
    service, _ = LISTS[path]
    begun = time.monotonic()
    answer = getattr(client, service).get(path)
    assert time.monotonic() - begun < BOUND
    return answer


@pytest.mark.parametrize("site", ["SiteOne", "SiteTwo"])
@pytest.mark.parametrize("what", FAULTS)
def test_lists_show_what_the_other_site_has(
    tenant: Client, population: Population, fault: Fault, what: str, site: str
) -> None:
    with fault(site, *FAULTS[what]):
        for path, (_, kind) in LISTS.items():
            answer = ask(tenant, path)
            assert answer.status_code == 200, answer.text
            assert answer.headers[MISSING_SITES] == site
            letters = [letter for letter, home in population.homes.items() if home.name != site]
            there = getattr(population, f"{kind}s")
            expected = {there[letter].id for letter in letters if letter in there}
            assert {item["id"] for item in answer.json()[path.split("/")[1]]} == expected


def test_a_slow_site_is_waited_for(tenant: Client, population: Population, fault: Fault) -> None:
    with fault("SiteTwo", "--delay", "2"):
        answer = ask(tenant, "/servers/detail")
        assert MISSING_SITES not in answer.headers
        assert len(answer.json()["servers"]) == 6


def test_the_other_site_is_not_slowed_down(tenant: Client, population: Population, fault: Fault) -> None:
    with fault("SiteTwo", "--service", "compute", "--hang"):
        begun = time.monotonic()
        for letter in "ace":
            assert tenant.compute.get(f"/servers/{population.servers[letter].id}").status_code == 200
        assert time.monotonic() - begun < 5.0


@pytest.mark.parametrize(
    ("options", "statuses"),
    [(("--status", "500"), {500}), (("--html",), {502}), (("--half",), {502})],
    ids=["answers 500", "answers HTML", "answers half a body"],
)
@pytest.mark.parametrize(
    ("service", "kind"), [("compute", "server"), ("volume", "volume"), ("volume", "snapshot")]
)
def test_by_id_the_error_has_the_services_own_shape(
    tenant: Client,
    population: Population,
    fault: Fault,
    *,
    options: tuple[str, ...],
    statuses: set[int],
    service: str,
    kind: str,
) -> None:
    item = getattr(population, f"{kind}s")["b"]
    with fault("SiteTwo", "--service", service, *options):
        answer = getattr(tenant, service).get(f"/{kind}s/{item.id}")
    assert answer.status_code in statuses
    ((_, body),) = answer.json().items()
    assert body["code"] == answer.status_code
    assert "SiteTwo" in body["message"] or statuses == {500}


@pytest.mark.parametrize(
    "options", [("--html",), ("--half",), ("--status", "500")], ids=["HTML", "half a body", "500"]
)
@pytest.mark.parametrize("service", ["compute", "volume"])
def test_a_creation_whose_answer_is_lost_is_not_repeated_anywhere(
    tenant: Client,
    belongings: Belongings,
    sites: list[SiteAdmin],
    fault: Fault,
    *,
    options: tuple[str, ...],
    service: str,
) -> None:
    """Half a body means that the site has made it: one at most, and in no other site."""
    name = f"lost-{options[0].lstrip('-')}"
    with fault("SiteTwo", "--service", service, *options):
        if service == "compute":
            body: dict[str, Any] = {
                "imageRef": tenant.facts["image_id"],
                "flavorRef": "1",
                "networks": "none",
            }
            asked = {"server": {"name": name, "availability_zone": "az2", **body}}
            answer = tenant.compute.post("/servers", json=asked, microversion="2.37")
        else:
            asked = {"volume": {"name": name, "size": 1, "availability_zone": "az2"}}
            answer = tenant.volume.post("/volumes", json=asked)
    assert answer.status_code == {"--html": 502, "--half": 504, "--status": 500}[options[0]]
    ((_, error),) = answer.json().items()
    assert error["code"] == answer.status_code
    kind = "servers" if service == "compute" else "volumes"
    made = [
        [item_id for item_id, item in getattr(admin, kind)().items() if item["name"] == name]
        for admin in sites
    ]
    for item_id in made[0] + made[1]:
        belongings.keep(kind, item_id)
        eventually(
            lambda item_id=item_id: (  # type: ignore[misc]
                getattr(sites[1], kind)()[item_id]["status"].lower() in {"active", "available"}
            ),
            "what was made is ready",
        )
    assert [len(ids) for ids in made] == [0, 1 if options[0] == "--half" else 0]


def test_a_creation_that_is_not_answered_is_not_repeated_in_another_site(
    tenant: Client, sites: list[SiteAdmin], fault: Fault, untouched: None
) -> None:
    with fault("SiteTwo", "--service", "volume", "--hang"):
        asked = {"volume": {"name": "hanging", "size": 1, "availability_zone": "az2"}}
        begun = time.monotonic()
        answer = tenant.volume.post("/volumes", json=asked)
        assert time.monotonic() - begun < 90
        assert answer.status_code == 504
        assert "SiteTwo" in answer.json()["computeFault"]["message"]


def test_a_hanging_service_does_not_keep_the_sites_other_services_away(
    tenant: Client, population: Population, fault: Fault
) -> None:
    with fault("SiteTwo", "--service", "volume", "--hang"):
        ask(tenant, "/volumes/detail")
        servers = ask(tenant, "/servers/detail")
        assert MISSING_SITES not in servers.headers
        assert len(servers.json()["servers"]) == 6
