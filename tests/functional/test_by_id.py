"""A request that names a server or volume goes to the site that holds it, and comes back as it was."""

import json

import pytest
import requests
from tests.fakes.cloud import COMPUTE_ROOT, PROJECT, VOLUME_ROOT, Cloud
from tests.fakes.site import Site
from tests.functional.api import Api, received
from tests.functional.gateway import GatewayClient

SPECIAL = "name=a%20b&name=c+d&x=%C3%BC&empty=&bare&slash=a/b&semi=1;2&percent=%25"
"""A query that is easily changed by being parsed and written again."""


@pytest.fixture
def held(api: Api, site_two: Site) -> str:
    """Something that SiteTwo holds."""
    (identifier,) = api.add(site_two, 1)
    return identifier


@pytest.fixture
def server(site_two: Site) -> str:
    """A server that SiteTwo holds."""
    return site_two.compute.add_servers(1, PROJECT)[0].id


class TestShow:
    def test_only_links_and_zone_differ_from_the_sites_answer(
        self, api: Api, cloud: Cloud, site_two: Site, held: str
    ) -> None:
        reply = api.show(held)
        assert reply.status == 200
        site_root = api.service(site_two).server.url
        told = json.dumps(reply.json).replace(api.root, site_root).replace('"az2"', '"nova"')
        token = {"X-Auth-Token": cloud.member.id}
        expected = requests.get(f"{site_root}{api.path}/{held}", headers=token, timeout=5).json()
        assert json.loads(told) == expected

    def test_no_address_of_a_site_is_left_in_the_answer(self, api: Api, site_two: Site, held: str) -> None:
        reply = api.show(held)
        everything = reply.body.decode() + repr(reply.headers)
        assert "127.0.0.1" not in everything
        assert str(api.service(site_two).server.port) not in everything

    def test_links_have_the_project_where_the_path_has_it(self, api: Api, held: str) -> None:
        reply = api.client.get(f"{api.version}/{PROJECT}/{api.collection}/{held}")
        assert reply.status == 200
        hrefs = {link["rel"]: link["href"] for link in reply.json[api.item]["links"]}
        assert hrefs == {
            "self": f"{api.root}{api.version}/{PROJECT}/{api.collection}/{held}",
            "bookmark": f"{api.root}/{PROJECT}/{api.collection}/{held}",
        }

    def test_once_known_it_costs_one_request_to_one_site(
        self, api: Api, site_one: Site, site_two: Site, held: str
    ) -> None:
        api.show(held)
        for site in (site_one, site_two):
            api.service(site).requests.clear()
        assert api.show(held).status == 200
        assert received([site_one, site_two]) == [("SiteTwo", "GET", f"{api.path}/{held}")]

    def test_the_answer_names_the_sites_own_request_id(self, api: Api, held: str) -> None:
        reply = api.show(held)
        sites = reply.header("X-Tricircle-Site-Request-Id") or ""
        ours = reply.header("X-OpenStack-Request-Id") or ""
        assert sites.startswith("SiteTwo req-")
        assert ours.startswith("req-")
        assert ours not in sites


class TestPassedAsSent:
    def test_the_query(self, api: Api, site_two: Site, held: str) -> None:
        api.client.get(f"{api.path}/{held}?{SPECIAL}")
        assert api.service(site_two).received("GET", held)[-1].query == SPECIAL

    @pytest.mark.parametrize(
        "body",
        [
            b'{"os-stop":null}',
            b'  {"os-stop" : null}\r\n',
            '{"reboot": {"type": "SOFT", "comment": "Grüße \\ud83d\\ude00"}}'.encode(),
            b'{"createImage": {"name": "x", "name": "twice"}}',
            b"{not json",
            b"",
        ],
    )
    def test_the_body_of_an_action(
        self, compute: GatewayClient, site_two: Site, server: str, body: bytes
    ) -> None:
        compute.get(f"/v2.1/servers/{server}")
        compute.request("POST", f"/v2.1/servers/{server}/action", body)
        (request,) = site_two.compute.received("POST")
        assert request.body == body
        assert request.header("Content-Type") == "application/json"

    @pytest.mark.parametrize(
        ("method", "below"),
        [("GET", "metadata/k"), ("PUT", "metadata"), ("DELETE", "metadata/k"), ("POST", "metadata")],
    )
    def test_the_method(self, api: Api, site_two: Site, held: str, method: str, below: str) -> None:
        api.show(held)
        api.client.request(method, f"{api.path}/{held}/{below}", b"{}" if below == "metadata" else None)
        request = api.service(site_two).requests[-1]
        assert (request.method, request.target) == (method, f"{api.path}/{held}/{below}")

    @pytest.mark.parametrize("accept", ["application/json", "*/*"])
    def test_a_path_below_a_server_that_no_table_knows(
        self, compute: GatewayClient, site_two: Site, server: str, accept: str
    ) -> None:
        path = f"/v2.1/servers/{server}/os-future/thing?x=1"
        reply = compute.get(path, Accept=accept)
        assert site_two.compute.requests[-1].target == path
        assert reply.status == 404
        assert reply.fault[0] == "itemNotFound"  # which is better than what the site's web framework says

    def test_a_key_in_the_path_that_must_be_quoted(
        self, compute: GatewayClient, site_two: Site, server: str
    ) -> None:
        site_two.compute.servers[server].metadata["a key?&#%ü"] = "value"
        reply = compute.get(f"/v2.1/servers/{server}/metadata/a%20key%3F%26%23%25%C3%BC")
        assert reply.status == 200, reply.body
        assert reply.json == {"meta": {"a key?&#%ü": "value"}}

    def test_the_status_and_the_body_of_what_a_site_refuses(
        self, compute: GatewayClient, server: str
    ) -> None:
        reply = compute.post(f"/v2.1/servers/{server}/action", {"os-start": None})
        assert reply.status == 409
        assert reply.fault == (
            "conflictingRequest",
            f"Cannot 'start' instance {server} while it is in vm_state active",
        )

    def test_an_answer_without_a_body(self, compute: GatewayClient, server: str) -> None:
        assert compute.post(f"/v2.1/servers/{server}/action", {"os-stop": None}).status == 202
        reply = compute.delete(f"/v2.1/servers/{server}")
        assert (reply.status, reply.body) == (204, b"")


class TestMicroversions:
    @pytest.mark.parametrize("version", ["2.1", "2.53", "2.96", "2.104", "latest"])
    def test_the_one_asked_for_reaches_novas_and_is_named_in_the_answer(
        self, compute: GatewayClient, site_two: Site, server: str, version: str
    ) -> None:
        reply = compute.at(f"compute {version}").get(f"/v2.1/servers/{server}")
        served = "2.104" if version == "latest" else version
        request = site_two.compute.received("GET", server)[-1]
        assert request.header("OpenStack-API-Version") == f"compute {version}"
        assert reply.header("OpenStack-API-Version") == f"compute {served}"
        assert reply.header("X-OpenStack-Nova-API-Version") == served
        assert "OpenStack-API-Version" in (reply.header("Vary") or "")

    def test_novas_older_header_works_alone(
        self, compute: GatewayClient, site_two: Site, server: str
    ) -> None:
        reply = compute.get(f"/v2.1/servers/{server}", **{"X-OpenStack-Nova-API-Version": "2.60"})
        assert reply.header("OpenStack-API-Version") == "compute 2.60"

    def test_cinders(self, volume: GatewayClient, site_two: Site) -> None:
        (held,) = site_two.volume.add_volumes(1, PROJECT)
        reply = volume.at("volume 3.63").get(f"/v3/volumes/{held.id}")
        assert reply.header("OpenStack-API-Version") == "volume 3.63"
        assert "volume_type_id" in reply.json["volume"]

    def test_that_of_another_service_is_not_ours(self, compute: GatewayClient, server: str) -> None:
        reply = compute.at("volume 3.50, compute 2.79").get(f"/v2.1/servers/{server}")
        assert reply.header("OpenStack-API-Version") == "compute 2.79"

    @pytest.mark.parametrize("version", ["2.999", "3.0"])
    def test_one_that_no_site_has_is_refused_as_nova_does(
        self, compute: GatewayClient, server: str, version: str
    ) -> None:
        reply = compute.at(f"compute {version}").get(f"/v2.1/servers/{server}")
        assert reply.status == 406
        assert f"Version {version} is not supported" in reply.fault[1]

    @pytest.mark.parametrize("version", ["x", "2.1.3", "2,1", "2."])
    def test_one_that_is_none_is_refused(self, compute: GatewayClient, server: str, version: str) -> None:
        reply = compute.get(f"/v2.1/servers/{server}", **{"X-OpenStack-Nova-API-Version": version})
        assert reply.status == 400

    def test_a_server_looks_as_its_version_says(self, compute: GatewayClient, server: str) -> None:
        old = compute.at("compute 2.46").get(f"/v2.1/servers/{server}").json["server"]
        new = compute.at("compute 2.47").get(f"/v2.1/servers/{server}").json["server"]
        assert old["flavor"]["links"][0]["href"] == f"{COMPUTE_ROOT}/flavors/1"
        assert new["flavor"]["original_name"] == "m1.tiny"


class TestZonesAndLinksInOtherAnswers:
    def test_rebuild(self, compute: GatewayClient, server: str) -> None:
        action = {"rebuild": {"imageRef": "70a599e0-31e7-49b7-b260-868f441e862b"}}
        reply = compute.at("compute 2.75").post(f"/v2.1/servers/{server}/action", action)
        assert reply.status == 202
        assert reply.json["server"]["OS-EXT-AZ:availability_zone"] == "az2"
        assert reply.header("Location") == f"{COMPUTE_ROOT}/v2.1/servers/{server}"
        assert "127.0.0.1" not in reply.body.decode()

    def test_rename(self, api: Api, held: str) -> None:
        reply = api.client.put(f"{api.path}/{held}", {api.item: {"name": "renamed"}})
        assert reply.status == 200
        assert reply.json[api.item]["name"] == "renamed"
        assert "127.0.0.1" not in reply.body.decode()

    def test_an_image_made_before_2_45_has_its_address_from_the_top(
        self, compute: GatewayClient, cloud: Cloud, server: str
    ) -> None:
        for region, root in (
            ("SiteTwo", "http://glance.sitetwo.example.net"),
            ("Central", "http://glance.top"),
        ):
            cloud.keystone.add_endpoint(region, "image", "public", root)
            cloud.keystone.add_endpoint(region, "image", "internal", root)
        reply = compute.post(f"/v2.1/servers/{server}/action", {"createImage": {"name": "i"}})
        assert reply.status == 202
        assert (reply.header("Location") or "").startswith("http://glance.top/images/")

    def test_a_zone_of_unshelve_is_the_tops(
        self, compute: GatewayClient, site_two: Site, server: str
    ) -> None:
        site_two.compute.servers[server].vm_state = "shelved_offloaded"
        action = {"unshelve": {"availability_zone": "az2"}}
        assert compute.at("compute 2.77").post(f"/v2.1/servers/{server}/action", action).status == 202
        assert site_two.compute.servers[server].availability_zone == "nova"

    def test_unshelve_to_another_sites_zone_is_refused(
        self, compute: GatewayClient, site_two: Site, server: str
    ) -> None:
        site_two.compute.servers[server].vm_state = "shelved_offloaded"
        action = {"unshelve": {"availability_zone": "az1"}}
        reply = compute.at("compute 2.77").post(f"/v2.1/servers/{server}/action", action)
        assert reply.status == 400
        assert "az1" in reply.fault[1]
        assert site_two.compute.received("POST") == []

    def test_pinned_zone_is_the_tops(self, compute: GatewayClient, site_two: Site, server: str) -> None:
        site_two.compute.servers[server].pinned_zone = "nova"
        reply = compute.at("compute 2.96").get(f"/v2.1/servers/{server}")
        assert reply.json["server"]["pinned_availability_zone"] == "az2"

    def test_a_snapshot_and_its_volume(self, volume: GatewayClient, site_two: Site) -> None:
        (origin,) = site_two.volume.add_volumes(1, PROJECT)
        snapshot = site_two.volume.add_snapshot(origin)
        assert volume.get(f"/v3/snapshots/{snapshot.id}").json["snapshot"]["volume_id"] == origin.id
        reply = volume.get(f"/v3/volumes/{origin.id}")
        assert reply.json["volume"]["links"][0]["href"] == f"{VOLUME_ROOT}/v3/volumes/{origin.id}"


class TestOthersThings:
    """What is another project's is as what is not there: the same words, and no more requests."""

    def test_are_not_found(self, api: Api, cloud: Cloud, site_two: Site) -> None:
        (foreign,) = api.add(site_two, 1, project=cloud.stranger.project_id)
        unknown = "11111111-2222-4333-8444-555555555555"
        theirs, nothing = api.show(foreign), api.show(unknown)
        assert theirs.status == nothing.status == 404
        assert theirs.json == json.loads(nothing.body.decode().replace(unknown, foreign))
        assert theirs.fault[0] == "itemNotFound"

    def test_are_not_found_either_once_their_owner_has_asked(
        self, api: Api, cloud: Cloud, site_two: Site
    ) -> None:
        (foreign,) = api.add(site_two, 1, project=cloud.stranger.project_id)
        before = api.show(foreign)
        assert api.as_(cloud.stranger).show(foreign).status == 200
        after = api.show(foreign)
        assert (after.status, after.json) == (before.status, before.json)

    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    def test_cannot_be_changed(self, api: Api, cloud: Cloud, site_two: Site, method: str) -> None:
        (foreign,) = api.add(site_two, 1, project=cloud.stranger.project_id)
        api.as_(cloud.stranger).show(foreign)
        body = json.dumps({api.item: {"name": "mine"}}).encode() if method == "PUT" else None
        reply = api.client.request(method, f"{api.path}/{foreign}", body)
        assert reply.status == 404
        assert api.as_(cloud.stranger).show(foreign).json[api.item]["name"] != "mine"

    def test_are_found_by_an_administrator(self, api: Api, cloud: Cloud, held: str) -> None:
        assert api.as_(cloud.admin).show(held).status == 200
