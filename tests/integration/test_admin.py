"""The Admin API, and that both gateways heed what it is told."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin, open_jobs
from tests.integration.conditions import eventually
from tests.integration.population import Population

pytestmark = pytest.mark.usefixtures("nothing_left")

MISSING_SITES = "X-Tricircle-Missing-Sites"
UNKNOWN_ID = "7a1c2b3d-0000-4000-8000-000000000000"

SITE = {"name": "Paris", "region_name": "RegionParis", "description": "not built yet"}
ZONE = {"sites": [{"site": "SiteOne", "site_az": "nova"}, {"site": "SiteTwo", "site_az": "nova"}]}

OPERATIONS = [
    ("GET", "/sites"),
    ("POST", "/sites"),
    ("GET", "/sites/SiteOne"),
    ("PATCH", "/sites/SiteOne"),
    ("DELETE", "/sites/SiteOne"),
    ("GET", "/availability-zones"),
    ("GET", "/availability-zones/az1"),
    ("PUT", "/availability-zones/az1"),
    ("DELETE", "/availability-zones/az1"),
    ("GET", f"/routes/{UNKNOWN_ID}"),
]

NO_SITES = {
    "another field": {"site": {**SITE, "colour": "red"}},
    "no region": {"site": {"name": "Paris"}},
    "a name of two segments": {"site": {**SITE, "name": "a/b"}},
    "a name of two lines": {"site": {**SITE, "name": "a\nb"}},
    "no such state": {"site": {**SITE, "state": "asleep"}},
    "a list": [SITE],
    "nothing": {},
}


@pytest.fixture
def registered(admin: Client) -> Iterator[Callable[..., dict[str, Any]]]:
    """Registers site Paris, and removes it after the test."""

    def register(**more: str) -> dict[str, Any]:
        answer = admin.admin_api.post("/sites", json={"site": SITE | more})
        assert answer.status_code == 201, answer.text
        site: dict[str, Any] = answer.json()["site"]
        assert answer.headers["Location"] == site["links"][0]["href"]
        return site

    yield register
    admin.admin_api.delete("/sites/Paris")


@pytest.fixture
def set_state(admin: Client, tenant: Client) -> Iterator[Callable[[str], None]]:
    """Puts SiteTwo into a state; after the test it is enabled, and heeded so."""

    def set_to(state: str) -> None:
        answer = admin.admin_api.patch("/sites/SiteTwo", json={"site": {"state": state}})
        assert answer.status_code == 200, answer.text
        assert answer.json()["site"]["state"] == state

    yield set_to
    set_to("enabled")
    for service in ("compute", "volume"):
        eventually(lambda service=service: zones(tenant, service).get("az2"), f"az2 back in {service}")  # type: ignore[misc]


def zones(client: Client, service: str) -> dict[str, bool]:
    """Return each zone, and whether it is available."""
    found = getattr(client, service).get("/os-availability-zone").json()["availabilityZoneInfo"]
    return {zone["zoneName"]: zone["zoneState"]["available"] for zone in found}


def names(client: Client, kind: str, query: str = "") -> set[str]:
    """Return the names of what a list shows."""
    service = {"servers": client.compute, "volumes": client.volume}[kind]
    answer = service.get(f"/{kind}/detail?{query}", microversion="2.83" if kind == "servers" else None)
    assert answer.status_code == 200, answer.text
    return {item["name"] for item in answer.json()[kind]}


class TestAccess:
    @pytest.mark.parametrize(("method", "path"), OPERATIONS)
    def test_is_for_administrators_only(self, tenant: Client, method: str, path: str) -> None:
        answer = tenant.admin_api.request(path, method, json={})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == 403

    @pytest.mark.parametrize(("method", "path"), OPERATIONS)
    @pytest.mark.parametrize("headers", [{}, {"X-Auth-Token": "garbage", "X-Roles": "admin"}])
    def test_needs_a_token(self, tenant: Client, method: str, path: str, headers: dict[str, str]) -> None:
        url = f"{tenant.facts['top']['admin_url']}/v1{path}"
        answer = tenant.connection.session.session.request(method, url, json={}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{tenant.facts["keystone_url"]}"'

    def test_versions_are_told_to_everybody(self, tenant: Client) -> None:
        answer = tenant.connection.session.session.get(tenant.facts["top"]["admin_url"])
        assert answer.status_code == 300
        assert [version["id"] for version in answer.json()["versions"]["values"]] == ["v1.0"]


class TestSites:
    def test_are_listed_and_lead_to_themselves(self, admin: Client) -> None:
        sites = admin.admin_api.get("/sites").json()["sites"]
        assert [(site["name"], site["region_name"], site["state"]) for site in sites] == [
            ("SiteOne", "SiteOne", "enabled"),
            ("SiteTwo", "SiteTwo", "enabled"),
        ]
        for site in sites:
            assert site["links"] == [
                {"rel": "self", "href": f"{admin.facts['top']['admin_url']}/v1/sites/{site['id']}"}
            ]
            assert admin.admin_api.get(f"/sites/{site['name']}").json()["site"] == site
            assert admin.admin_api.get(site["links"][0]["href"]).json()["site"] == site

    def test_are_listed_page_by_page(self, admin: Client) -> None:
        first = admin.admin_api.get("/sites?limit=1&sort_dir=desc").json()
        assert [site["name"] for site in first["sites"]] == ["SiteTwo"]
        second = admin.admin_api.get(first["sites_links"][0]["href"]).json()
        assert [site["name"] for site in second["sites"]] == ["SiteOne"]
        assert "sites_links" not in second

    def test_are_registered_changed_and_removed(
        self, admin: Client, registered: Callable[..., dict[str, Any]]
    ) -> None:
        site = registered(state="disabled")
        assert {name: site[name] for name in SITE} == SITE
        again = admin.admin_api.post("/sites", json={"site": SITE})
        assert again.status_code == 409
        changed = admin.admin_api.patch(f"/sites/{site['id']}", json={"site": {"description": "soon"}})
        assert changed.json()["site"] == {
            **site,
            "description": "soon",
            "updated_at": changed.json()["site"]["updated_at"],
        }
        assert admin.admin_api.get("/sites?name=Paris").json()["sites"] == [changed.json()["site"]]
        assert admin.admin_api.delete("/sites/Paris").status_code == 204
        assert admin.admin_api.get("/sites/Paris").status_code == 404

    @pytest.mark.parametrize("what", NO_SITES)
    def test_that_are_none_are_refused(self, admin: Client, what: str) -> None:
        answer = admin.admin_api.post("/sites", json=NO_SITES[what])
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == 400
        assert len(admin.admin_api.get("/sites").json()["sites"]) == 2

    def test_with_a_zone_cannot_be_removed(self, admin: Client) -> None:
        answer = admin.admin_api.delete("/sites/SiteTwo")
        assert answer.status_code == 409
        assert "az2" in answer.json()["error"]["message"]

    def test_that_the_catalogue_does_not_know_are_missing_and_no_more(
        self, tenant: Client, population: Population, registered: Callable[..., dict[str, Any]]
    ) -> None:
        registered()
        for service, kind in (("compute", "servers"), ("volume", "volumes")):
            answer = eventually(
                lambda service=service, kind=kind: (  # type: ignore[misc]
                    (found := getattr(tenant, service).get(f"/{kind}")).headers.get(MISSING_SITES) and found
                ),
                "the new site heeded",
            )
            assert answer.headers[MISSING_SITES] == "Paris"
            assert len(answer.json()[kind]) == 6


class TestStates:
    @pytest.mark.parametrize("state", ["cordoned", "draining"])
    def test_a_site_that_gets_nothing_new_goes_on_with_what_it_has(
        self,
        *,
        tenant: Client,
        belongings: Belongings,
        population: Population,
        set_state: Callable[[str], None],
        state: str,
    ) -> None:
        wishes = {"name": "new", "availability_zone": "az2"}

        def refusals(kind: str, body: dict[str, Any], service: Any) -> list[Any]:
            """Ask for something new; it is made until the state is heeded, and then never."""
            answer = service.post(f"/{kind}s", json={kind: wishes | body})
            if answer.status_code == 202:
                belongings.keep(f"{kind}s", answer.json()[kind]["id"])
                return []
            return [answer]

        set_state(state)
        server = {"flavorRef": "1", "imageRef": tenant.facts["image_id"]}
        refused = [
            *eventually(lambda: refusals("volume", {"size": 1}, tenant.volume), "no new volumes"),
            *eventually(lambda: refusals("server", server, tenant.compute), "no new servers"),
        ]
        for answer in refused:
            assert answer.status_code == 503
            assert "SiteTwo" in answer.json()["serviceUnavailable"]["message"]
        assert tenant.compute.get_server(population.servers["b"].id).status == "ACTIVE"
        assert {f"server-{letter}" for letter in "abcdef"} <= names(tenant, "servers")
        belongings.snapshot("of-old", population.volumes["b"])

    def test_a_disabled_site_is_not_called_at_all(
        self, tenant: Client, admin: Client, population: Population, set_state: Callable[[str], None]
    ) -> None:
        # What the test before has deleted there is followed until then; and the site is read that it enabled.
        eventually(lambda: not open_jobs(admin, "after_delete", "rebuild"), "nothing to be done there")
        set_state("disabled")
        for service in ("compute", "volume"):
            eventually(lambda service=service: not zones(tenant, service)["az2"], "az2 gone")  # type: ignore[misc]
        assert names(tenant, "servers") == {f"server-{letter}" for letter in "ace"}
        assert names(tenant, "volumes") == {f"volume-{letter}" for letter in "ace"}
        for answer in (
            tenant.compute.get(f"/servers/{population.servers['b'].id}"),
            tenant.volume.get(f"/volumes/{population.volumes['b'].id}"),
        ):
            assert answer.status_code == 503
            assert "SiteTwo" in answer.json()["serviceUnavailable"]["message"]


class TestZones:
    def test_are_listed(self, admin: Client) -> None:
        found = admin.admin_api.get("/availability-zones").json()["availability_zones"]
        assert {zone["name"]: [member["site"] for member in zone["sites"]] for zone in found} == {
            "az1": ["SiteOne"],
            "az2": ["SiteTwo"],
        }

    def test_of_an_unknown_site_are_refused(self, admin: Client) -> None:
        zone = {"sites": [{"site": "Atlantis", "site_az": "nova"}]}
        answer = admin.admin_api.put("/availability-zones/az3", json={"availability_zone": zone})
        assert answer.status_code in {400, 404}
        assert "Atlantis" in answer.json()["error"]["message"]
        assert admin.admin_api.get("/availability-zones/az3").status_code == 404

    def test_may_be_of_both_sites(
        self,
        tenant: Client,
        admin: Client,
        belongings: Belongings,
        population: Population,
        sites: list[SiteAdmin],
    ) -> None:
        path = "/availability-zones/everywhere"
        try:
            statuses = [
                admin.admin_api.put(path, json={"availability_zone": ZONE}).status_code for _ in range(2)
            ]
            assert statuses == [201, 200]
            for service in ("compute", "volume"):
                eventually(lambda service=service: zones(tenant, service).get("everywhere"), "the new zone")  # type: ignore[misc]
            for kind in ("server", "volume"):
                everything = {f"{kind}-{letter}" for letter in "abcdef"}
                assert names(tenant, f"{kind}s", "availability_zone=everywhere") == everything
            volume = belongings.volume("anywhere", "everywhere")
            home = next(site for site in sites if volume.id in site.volumes())
            assert volume.availability_zone == home.site.zone  # the first by name of those that it is in
        finally:
            assert admin.admin_api.delete(path).status_code == 204
        for service in ("compute", "volume"):
            eventually(lambda service=service: "everywhere" not in zones(tenant, service), "the zone gone")  # type: ignore[misc]


class TestRoutes:
    def test_tell_the_site_of_a_resource(self, tenant: Client, admin: Client, population: Population) -> None:
        assert len(names(tenant, "servers")) == 6  # from which the top learns when each was made
        for letter, site in population.homes.items():
            server = population.servers[letter]
            (route,) = admin.admin_api.get(f"/routes/{server.id}").json()["routes"]
            assert route["site_id"] == admin.admin_api.get(f"/sites/{site.name}").json()["site"]["id"]
            del route["site_id"]
            assert route == {
                "id": server.id,
                "type": "server",
                "project_id": tenant.project_id,
                "site": site.name,
                "site_resource_id": server.id,
                "created_at": server.created_at,
            }

    @pytest.mark.parametrize("resource_id", [UNKNOWN_ID, "none", "%27%20OR%201=1"])
    def test_of_unknown_ids_are_not_found(self, admin: Client, resource_id: str) -> None:
        answer = admin.admin_api.get(f"/routes/{resource_id}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == 404
