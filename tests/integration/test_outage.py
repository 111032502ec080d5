"""One site is stopped, each in turn: everything else goes on, and says what is missing."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually
from tests.integration.population import Population
from tests.integration.sandbox import Sandbox, Site

pytestmark = pytest.mark.usefixtures("nothing_left")

MISSING_SITES = "X-Tricircle-Missing-Sites"
UNKNOWN_ID = "7a1c2b3d-0000-4000-8000-000000000000"

PROMPT = 8.0
"""Seconds in which every answer must come: a refused connection takes none, the top's deadline ten."""

LISTS = {
    "servers": ("compute", "/servers", "servers"),
    "servers in detail": ("compute", "/servers/detail", "servers"),
    "flavors": ("compute", "/flavors", "flavors"),
    "flavors in detail": ("compute", "/flavors/detail", "flavors"),
    "keypairs": ("compute", "/os-keypairs", "keypairs"),
    "server groups": ("compute", "/os-server-groups", "server_groups"),
    "volumes": ("volume", "/volumes", "volumes"),
    "volumes in detail": ("volume", "/volumes/detail", "volumes"),
    "snapshots": ("volume", "/snapshots", "snapshots"),
    "snapshots in detail": ("volume", "/snapshots/detail", "snapshots"),
    "volume types": ("volume", "/types", "volume_types"),
}


@dataclass
class Outage:
    """One site is away.

    :param letters: those of the population that are in the other one.
    """

    sandbox: Sandbox
    missing: Site
    present: SiteAdmin
    letters: list[str]
    gone: list[str]
    over: bool = False

    def end(self) -> None:
        """Start the site again."""
        if not self.over:
            self.over = True
            self.sandbox.start_site(self.missing.name)


@pytest.fixture(scope="module", params=["SiteOne", "SiteTwo"])
def outage(
    request: pytest.FixtureRequest, sandbox: Sandbox, sites: list[SiteAdmin], population: Population
) -> Iterator[Outage]:
    """The outage of one site."""
    missing = next(admin.site for admin in sites if admin.site.name == request.param)
    present = next(admin for admin in sites if admin.site.name != request.param)
    letters, gone = population.in_site(present.site.name), population.in_site(missing.name)
    outage = Outage(sandbox, missing, present, letters, gone)
    sandbox.stop_site(missing.name)
    yield outage
    outage.end()


def ask(client: Client, service: str, path: str, **arguments: Any) -> Any:
    """GET a path, and see that the answer came promptly."""
    begun = time.monotonic()
    answer = getattr(client, service).get(path, **arguments)
    assert time.monotonic() - begun < PROMPT
    return answer


@pytest.mark.parametrize("what", LISTS)
def test_lists_show_the_other_sites_part_and_name_the_missing_one(
    tenant: Client, population: Population, outage: Outage, what: str
) -> None:
    service, path, collection = LISTS[what]
    answer = ask(tenant, service, path)
    assert answer.status_code == 200, answer.text
    assert answer.headers[MISSING_SITES] == outage.missing.name
    expected = {
        "servers": [f"server-{letter}" for letter in outage.letters],
        "volumes": [f"volume-{letter}" for letter in outage.letters],
        "snapshots": [f"snapshot-{letter}" for letter in outage.letters if letter < "e"],
        "flavors": ["m1.small", "m1.tiny"],
        "volume_types": ["__DEFAULT__"],
    }
    assert sorted(item["name"] for item in answer.json()[collection]) == expected.get(collection, [])


@pytest.mark.parametrize("service", ["compute", "volume"])
def test_the_missing_sites_zone_is_not_available(tenant: Client, outage: Outage, service: str) -> None:
    answer = ask(tenant, service, "/os-availability-zone")
    zones = {
        zone["zoneName"]: zone["zoneState"]["available"] for zone in answer.json()["availabilityZoneInfo"]
    }
    assert zones == {outage.present.site.zone: True, outage.missing.zone: False}
    assert answer.headers[MISSING_SITES] == outage.missing.name


def test_limits_are_those_of_the_other_site(tenant: Client, outage: Outage) -> None:
    compute, volume = ask(tenant, "compute", "/limits"), ask(tenant, "volume", "/limits")
    assert compute.json()["limits"]["absolute"]["maxTotalInstances"] == 1000
    assert volume.json()["limits"]["absolute"]["maxTotalVolumes"] == 1000
    assert {compute.headers[MISSING_SITES], volume.headers[MISSING_SITES]} == {outage.missing.name}


@pytest.mark.parametrize("path", ["/servers", "/servers/detail"])
def test_missing_servers_are_listed_as_unknown_from_2_69_on(
    tenant: Client, population: Population, outage: Outage, path: str
) -> None:
    answer = ask(tenant, "compute", path, microversion="2.69")
    listed = {server["id"]: server.get("status") for server in answer.json()["servers"]}
    unknown = {server_id for server_id, status in listed.items() if status == "UNKNOWN"}
    assert unknown == {population.servers[letter].id for letter in outage.gone}
    assert set(listed) == {server.id for server in population.servers.values()}


def test_administrators_see_the_missing_servers_of_all_projects(
    admin: Client, population: Population, outage: Outage
) -> None:
    answer = ask(admin, "compute", "/servers/detail?all_tenants=1", microversion="2.69")
    unknown = {
        item["id"]: item["tenant_id"] for item in answer.json()["servers"] if item["status"] == "UNKNOWN"
    }
    project_id = population.belongings.owner.project_id
    assert unknown == {population.servers[letter].id: project_id for letter in outage.gone}


def test_pages_go_through_what_is_there(tenant: Client, outage: Outage) -> None:
    names, query = [], "?limit=1"
    while query:
        document = ask(tenant, "compute", f"/servers/detail{query}").json()
        names += [server["name"] for server in document["servers"]]
        links = document.get("servers_links", [])
        query = "?" + links[0]["href"].partition("?")[2] if links else ""
    assert sorted(names) == [f"server-{letter}" for letter in outage.letters]


def test_a_server_there_is_unavailable_below_2_69(
    tenant: Client, population: Population, outage: Outage
) -> None:
    answer = ask(tenant, "compute", f"/servers/{population.servers[outage.gone[0]].id}", microversion="2.68")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert outage.missing.name in answer.json()["serviceUnavailable"]["message"]


def test_a_server_there_is_unknown_from_2_69_on(
    tenant: Client, population: Population, outage: Outage
) -> None:
    server = population.servers[outage.gone[0]]
    answer = ask(tenant, "compute", f"/servers/{server.id}", microversion="2.69")
    assert answer.status_code == 200
    shown = answer.json()["server"]
    assert {shown["id"], shown["status"], shown["tenant_id"]} == {server.id, "UNKNOWN", tenant.project_id}
    assert shown["created"] == server.created_at


@pytest.mark.parametrize(
    "path",
    ["/servers/{}/metadata", "/servers/{}/action", "/volumes/{}", "/volumes/{}/action", "/snapshots/{}"],
)
def test_what_is_there_is_unavailable_by_id(
    tenant: Client, population: Population, outage: Outage, path: str
) -> None:
    kind = path.split("/")[1]
    path = path.format(getattr(population, kind)[outage.gone[0]].id)
    service = "compute" if kind == "servers" else "volume"
    if path.endswith("/action"):
        answer = getattr(tenant, service).post(path, json={"os-stop": None})
    else:
        answer = ask(tenant, service, path)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert outage.missing.name in answer.json()["serviceUnavailable"]["message"]


@pytest.mark.parametrize("version", ["2.1", "2.69"])
def test_a_strangers_server_there_is_what_an_unknown_id_is(
    stranger: Client, population: Population, outage: Outage, version: str
) -> None:
    def answered(server_id: str) -> tuple[int, str]:
        answer = ask(stranger, "compute", f"/servers/{server_id}", microversion=version)
        return answer.status_code, answer.text.replace(server_id, "ID")

    theirs = answered(population.servers[outage.gone[0]].id)
    assert theirs == answered(UNKNOWN_ID)
    assert theirs[0] == 503


def test_new_things_are_made_in_the_other_zone(belongings: Belongings, outage: Outage) -> None:
    server = belongings.server("meanwhile", outage.present.site.zone)
    volume = belongings.volume("meanwhile", outage.present.site.zone)
    belongings.attach(server, volume)
    assert server.id in outage.present.servers()
    assert volume.id in outage.present.volumes()


@pytest.mark.parametrize(
    ("service", "path", "body"),
    [
        (
            "compute",
            "/servers",
            {"server": {"name": "in vain", "imageRef": UNKNOWN_ID, "flavorRef": "1", "networks": "none"}},
        ),
        ("volume", "/volumes", {"volume": {"name": "in vain", "size": 1}}),
    ],
)
def test_nothing_is_made_in_the_missing_zone(
    tenant: Client, outage: Outage, service: str, path: str, body: dict[str, dict[str, Any]]
) -> None:
    before = outage.present.inventory()
    (kind,) = body
    asked = {kind: {**body[kind], "availability_zone": outage.missing.zone}}
    answer = getattr(tenant, service).post(path, json=asked)
    assert answer.status_code == 503
    assert outage.missing.name in answer.json()["serviceUnavailable"]["message"]
    assert outage.present.inventory() == before


def test_afterwards_all_is_there_again(tenant: Client, population: Population, outage: Outage) -> None:
    outage.end()
    for service, path, kind in (
        ("compute", "/servers/detail", "servers"),
        ("volume", "/volumes/detail", "volumes"),
        ("volume", "/snapshots/detail", "snapshots"),
    ):
        answer = eventually(
            lambda service=service, path=path: (  # type: ignore[misc]
                (found := getattr(tenant, service).get(path)) and MISSING_SITES not in found.headers and found
            ),
            f"{path} of both sites",
        )
        expected = {item.id for item in getattr(population, kind).values()}
        assert {item["id"] for item in answer.json()[kind]} == expected
    for server in population.servers.values():
        assert tenant.compute.get_server(server.id).status == "ACTIVE"
