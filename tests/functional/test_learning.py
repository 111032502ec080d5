"""Where a thing is the top learns from what passes by; what it has not seen it searches for."""

from datetime import UTC, datetime

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.faults import Status
from tests.fakes.site import Site
from tests.functional.api import Api, received
from tests.functional.gateway import GatewayClient

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable
from tricircle.routing.route import Route
from tricircle.routing.store import RouteStore
from tricircle.sites.store import SiteStore

UNKNOWN = "11111111-2222-4333-8444-555555555555"


def routes(cloud: Cloud, identifier: str) -> list[Route]:
    """What the database says of an id."""
    return RouteStore(cloud.database).all(identifier)


def forget_requests(cloud: Cloud) -> None:
    """Look only at what sites are asked from now on."""
    for site in cloud.sites.values():
        for service in site.services:
            service.requests.clear()


class TestFromCreation:
    def test_a_row_says_all_that_is_known(self, api: Api, cloud: Cloud) -> None:
        made = api.create(availability_zone="az2").json[api.item]
        (route,) = routes(cloud, made["id"])
        assert (route.resource_type, route.site_resource_id, route.project_id) == (
            api.item,
            made["id"],
            PROJECT,
        )
        assert route.site_id == SiteStore(cloud.database).get("SiteTwo").id

    def test_the_next_request_goes_straight_to_the_site(
        self, api: Api, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        made = api.create(availability_zone="az2").json[api.item]["id"]
        api.client.gateway.restart()
        forget_requests(cloud)
        assert api.show(made).status == 200
        assert received([site_one, site_two]) == [("SiteTwo", "GET", f"{api.path}/{made}")]


class TestFromLists:
    @pytest.mark.parametrize("path", ["path", "detail"])
    def test_every_item_shown_gets_a_row(self, api: Api, cloud: Cloud, path: str) -> None:
        expected = {
            identifier: name
            for name in ("SiteOne", "SiteTwo")
            for identifier in api.add(cloud.sites[name], 3)
        }
        api.client.get(getattr(api, path))
        sites = {site.id: site.name for site in SiteStore(cloud.database).page()}
        learnt = {
            identifier: [sites[route.site_id] for route in routes(cloud, identifier)]
            for identifier in expected
        }
        assert learnt == {identifier: [name] for identifier, name in expected.items()}

    def test_project_and_time_of_creation_are_the_items_own(self, api: Api, cloud: Cloud) -> None:
        created = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
        (mine,) = api.add(cloud.sites["SiteOne"], 1, created=created)
        (theirs,) = api.add(cloud.sites["SiteTwo"], 1, project=OTHER_PROJECT, created=created)
        api.as_(cloud.admin).client.get(f"{api.detail}?all_tenants=1")
        for identifier, project in ((mine, PROJECT), (theirs, OTHER_PROJECT)):
            (route,) = routes(cloud, identifier)
            assert (route.project_id, route.created_at) == (project, created.replace(tzinfo=None))

    def test_what_was_listed_needs_no_search(
        self, api: Api, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        (held,) = api.add(site_two, 1)
        api.client.get(api.detail)
        api.client.gateway.restart()
        forget_requests(cloud)
        assert api.show(held).status == 200
        assert received([site_one, site_two]) == [("SiteTwo", "GET", f"{api.path}/{held}")]


class TestSearch:
    def test_finds_what_was_made_behind_the_tops_back(self, api: Api, cloud: Cloud, site_two: Site) -> None:
        (held,) = api.add(site_two, 1)
        assert api.show(held).status == 200
        (route,) = routes(cloud, held)
        assert route.project_id == PROJECT

    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    def test_finds_it_for_a_change_which_is_then_made_once(
        self, api: Api, site_one: Site, site_two: Site, method: str
    ) -> None:
        (held,) = api.add(site_two, 1)
        body = f'{{"{api.item}": {{"name": "x"}}}}'.encode() if method == "PUT" else None
        assert api.client.request(method, f"{api.path}/{held}", body).status in {200, 202, 204}
        assert received([site_one, site_two], method) == [("SiteTwo", method, f"{api.path}/{held}")]

    def test_asks_each_site_once_and_with_the_users_own_token(
        self, api: Api, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        (held,) = api.add(site_two, 1)
        api.show(held)
        asked = api.service(site_one).received("GET", held)
        assert [request.header("X-Auth-Token") for request in asked] == [cloud.member.id]
        assert 1 <= len(api.service(site_two).received("GET", held)) <= 2  # the search, and the request

    def test_says_not_found_only_when_every_site_has_said_so(
        self, api: Api, site_one: Site, site_two: Site
    ) -> None:
        reply = api.show(UNKNOWN)
        assert reply.status == 404
        assert reply.fault == (
            "itemNotFound",
            f"{'Instance' if api.item == 'server' else 'Volume'} {UNKNOWN} could not be found.",
        )
        assert len(received([site_one])) == len(received([site_two])) == 1

    def test_does_not_say_not_found_while_a_site_cannot_be_asked(self, api: Api, site_one: Site) -> None:
        api.service(site_one).stop()
        reply = api.show(UNKNOWN)
        assert reply.status == 503
        assert "SiteOne" in reply.fault[1]
        assert reply.header("Retry-After") is not None

    def test_does_not_say_not_found_while_a_site_fails(self, api: Api, site_one: Site) -> None:
        api.service(site_one).faults.put(Status(500))
        assert api.show(UNKNOWN).status == 503

    def test_finds_what_is_in_another_site_while_one_cannot_be_asked(
        self, api: Api, site_one: Site, site_two: Site
    ) -> None:
        (held,) = api.add(site_two, 1)
        api.service(site_one).stop()
        assert api.show(held).status == 200

    def test_finds_what_was_not_there_a_moment_ago(self, api: Api, site_two: Site) -> None:
        assert api.show(UNKNOWN).status == 404
        if api.item == "server":
            site_two.compute.add_server(PROJECT, id=UNKNOWN)
        else:
            site_two.volume.add_volume(PROJECT, id=UNKNOWN)
        api.client.get(api.detail)
        assert api.show(UNKNOWN).status == 200

    def test_a_site_that_joins_is_searched_too(self, api: Api, cloud: Cloud) -> None:
        cloud.add_site("SiteThree", "az3")
        (held,) = api.add(cloud.sites["SiteThree"], 1)
        assert api.show(held).status == 200


class TestForgetting:
    def test_what_is_deleted_is_gone(self, api: Api, cloud: Cloud) -> None:
        made = api.create(availability_zone="az1").json[api.item]["id"]
        assert api.client.delete(f"{api.path}/{made}").status in {202, 204}
        assert api.show(made).status == 404
        assert api.show(made).fault[0] == "itemNotFound"

    def test_a_row_of_what_is_gone_is_dropped(self, api: Api, cloud: Cloud) -> None:
        made = api.create(availability_zone="az1").json[api.item]["id"]
        if api.item == "server":
            cloud.sites["SiteOne"].compute.servers[made].deleted = True
        else:
            del cloud.sites["SiteOne"].volume.volumes[made]
        assert api.show(made).status == 404
        assert routes(cloud, made) == []

    def test_a_404_of_something_below_it_drops_nothing(
        self, compute: GatewayClient, cloud: Cloud, site_one: Site
    ) -> None:
        (server,) = site_one.compute.add_servers(1, PROJECT)
        compute.get(f"/v2.1/servers/{server.id}")
        assert compute.get(f"/v2.1/servers/{server.id}/metadata/nothing").status == 404
        assert len(routes(cloud, server.id)) == 1

    def test_a_stranger_who_asks_drops_nothing(self, api: Api, cloud: Cloud, site_one: Site) -> None:
        (held,) = api.add(site_one, 1)
        api.show(held)
        assert api.as_(cloud.stranger).show(held).status == 404
        assert len(routes(cloud, held)) == 1


class TestDatabaseIsDown:
    @pytest.fixture
    def cut(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        """The way to cut the database off; the processes go on."""
        return monkeypatch

    def test_what_is_known_still_works(self, api: Api, cut: pytest.MonkeyPatch, site_two: Site) -> None:
        (held,) = api.add(site_two, 1)
        api.show(held)
        _cut_off(cut)
        assert api.show(held).status == 200

    def test_what_is_not_known_is_refused_for_now(
        self, api: Api, cut: pytest.MonkeyPatch, site_two: Site
    ) -> None:
        first, second = api.add(site_two, 2)
        api.show(first)
        _cut_off(cut)
        reply = api.show(second)
        assert reply.status == 503
        assert reply.fault[0] == "serviceUnavailable"
        assert reply.header("Retry-After") is not None

    def test_lists_still_work(self, api: Api, cut: pytest.MonkeyPatch, site_two: Site) -> None:
        first, second = api.add(site_two, 2)
        api.show(first)
        _cut_off(cut)
        reply = api.client.get(api.detail)
        assert (reply.status, api.ids(reply)) == (200, [second, first])

    def test_the_clients_are_told_nothing_of_the_database(
        self, api: Api, cut: pytest.MonkeyPatch, site_two: Site
    ) -> None:
        first, second = api.add(site_two, 2)
        api.show(first)
        _cut_off(cut)
        assert "sqlite" not in api.show(second).body.decode().lower()


def _cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("The database cannot be reached.")

    for name in ("read", "write", "transact"):
        monkeypatch.setattr(Database, name, unreachable)
