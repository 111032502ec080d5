"""What makes no sense is refused in Nova's or Cinder's own shape; nothing is made, nothing leaks.

What only a real socket can send is in `test_wire.py`.
"""

import json

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.site import Site
from tests.functional.api import Api, received
from tests.functional.gateway import GatewayClient, Reply

LEAKS = ("Traceback", "tricircle.", "sqlite", "/work", ".py", "127.0.0.1", "pycurl", "falcon")
"""What an answer must never hold: where we are, what we are made of."""


def assert_refused(reply: Reply, status: int, name: str) -> str:
    """Check an error in the service's own shape; return its message."""
    assert reply.status == status, reply.body
    assert (reply.header("Content-Type") or "").startswith("application/json")
    fault, message = reply.fault
    assert fault == name
    assert message
    assert [text for text in LEAKS if text in reply.body.decode()] == []
    return message


def assert_nothing_made(cloud: Cloud) -> None:
    """Check that no site was asked to change anything."""
    sites = list(cloud.sites.values())
    assert [
        request for method in ("POST", "PUT", "PATCH", "DELETE") for request in received(sites, method)
    ] == []


class TestBodyOfACreation:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"not json",
            b'{"server": {"name": "x"}, "volume": {"size": 1}',
            b"\xff\xfe\x00",
            b'{"server": {"name": "\xff"}, "volume": {"name": "\xff"}}',
            b'{"server": NaN, "volume": NaN}',
            b"[" * 100_000,
            b'{"server": ' * 2000 + b"1" + b"}" * 2000,
        ],
    )
    def test_that_is_no_json(self, api: Api, cloud: Cloud, body: bytes) -> None:
        reply = api.client.request("POST", api.path, body)
        assert_refused(reply, 400, "badRequest")
        assert_nothing_made(cloud)

    @pytest.mark.parametrize(
        "body",
        ["null", "1", '"x"', "[]", "{}", '{"other": {}}', '{"ITEM": null}', '{"ITEM": []}', '{"ITEM": "x"}'],
    )
    def test_that_is_another_json(self, api: Api, cloud: Cloud, body: str) -> None:
        reply = api.client.request("POST", api.path, body.replace("ITEM", api.item).encode())
        assert_refused(reply, 400, "badRequest")
        assert_nothing_made(cloud)

    @pytest.mark.parametrize("media", ["text/html", "application/xml", "multipart/form-data; boundary=x"])
    def test_of_another_type(self, api: Api, cloud: Cloud, media: str) -> None:
        body = json.dumps(api.body()).encode()
        reply = api.client.request("POST", api.path, body, headers={"Content-Type": media})
        assert_refused(reply, 415, "badMediaType")
        assert_nothing_made(cloud)

    @pytest.mark.parametrize("zone", [1, ["az1"], {"az1": 1}, True])
    def test_whose_zone_is_no_name(self, api: Api, zone: object) -> None:
        reply = api.create(availability_zone=zone)
        assert 400 <= reply.status < 500, reply.body

    @pytest.mark.parametrize(
        "zone", ["AZ1", " az1", "az1 ", "az\u0000one", "../az1", "az1\r\n", "az1:", ":az1", "%"]
    )
    def test_whose_zone_only_looks_like_one(self, api: Api, cloud: Cloud, zone: str) -> None:
        reply = api.create(availability_zone=zone)
        if zone not in {"az1:", ":az1"}:  # how Nova's administrators name hosts: the site decides
            assert_refused(reply, 400, "badRequest")
            assert_nothing_made(cloud)
        assert reply.status < 500

    @pytest.mark.parametrize(
        "devices",
        [
            "x",
            {"uuid": "x"},
            [1],
            [None],
            [{"source_type": "volume"}],
            [{"source_type": "volume", "uuid": 1}],
        ],
    )
    def test_whose_devices_are_none(self, compute: GatewayClient, devices: object) -> None:
        body = {
            "server": {"name": "n", "flavorRef": "1", "imageRef": "i", "block_device_mapping_v2": devices}
        }
        assert compute.post("/v2.1/servers", body).status < 500


class TestBodyOverTheLimit:
    @pytest.fixture(autouse=True)
    def limit(self, cloud: Cloud) -> None:
        """Make the limit small."""
        cloud.configuration.set_override("max_body_size", 2048, group="api")

    def test_of_a_creation(self, api: Api, cloud: Cloud) -> None:
        assert_refused(api.create(name="x" * 3000), 413, "overLimit")
        assert_nothing_made(cloud)

    def test_of_a_change(self, api: Api, cloud: Cloud, site_one: Site) -> None:
        (held,) = api.add(site_one, 1)
        reply = api.client.put(f"{api.path}/{held}", {api.item: {"name": "x" * 3000}})
        assert_refused(reply, 413, "overLimit")
        assert_nothing_made(cloud)

    def test_of_an_action(self, api: Api, cloud: Cloud, site_one: Site) -> None:
        (held,) = api.add(site_one, 1)
        reply = api.client.post(f"{api.path}/{held}/action", {"x": "x" * 3000})
        assert_refused(reply, 413, "overLimit")
        assert_nothing_made(cloud)

    def test_one_just_below_it_passes(self, api: Api) -> None:
        empty = len(json.dumps(api.body(description="")))
        assert api.create(description="x" * (2048 - empty)).status == 202
        assert_refused(api.create(description="x" * (2049 - empty)), 413, "overLimit")


class TestBodyOverTheSitesLimit:
    """Nova and Cinder take 112 KiB unless told otherwise, and say so in words of their web framework."""

    @pytest.mark.parametrize("accept", ["application/json", "*/*"])
    def test_is_refused_in_the_services_shape(self, api: Api, cloud: Cloud, accept: str) -> None:
        body = json.dumps(api.body(description="x" * 200_000, availability_zone="az1")).encode()
        reply = api.client.request("POST", api.path, body, headers={"Accept": accept})
        assert_refused(reply, 413, "overLimit")
        assert api.made(cloud.sites["SiteOne"]) == {}

    @pytest.mark.parametrize("accept", ["application/json", "*/*"])
    def test_of_an_action_too(self, api: Api, site_one: Site, accept: str) -> None:
        (held,) = api.add(site_one, 1)
        body = json.dumps({"os-stop": "x" * 200_000}).encode()
        reply = api.client.request("POST", f"{api.path}/{held}/action", body, headers={"Accept": accept})
        assert_refused(reply, 413, "overLimit")


class TestLyingLength:
    def test_a_body_shorter_than_it_says(self, api: Api, cloud: Cloud) -> None:
        body = json.dumps(api.body()).encode()
        reply = api.client.request("POST", api.path, body, headers={"Content-Length": str(len(body) + 10)})
        assert_refused(reply, 400, "badRequest")
        assert_nothing_made(cloud)

    def test_an_unread_rest_is_no_part_of_the_body(self, api: Api, site_one: Site) -> None:
        body = json.dumps(api.body(availability_zone="az1")).encode()
        headers = {"Content-Length": str(len(body))}
        assert api.client.request("POST", api.path, body + b"GET / HTTP/1.1\r\n\r\n", headers).status == 202
        (request,) = api.service(site_one).received("POST")
        assert b"HTTP" not in request.body


class TestIds:
    @pytest.mark.parametrize(
        "identifier",
        [
            "no-id",
            "1",
            "11111111-2222-4333-8444-55555555555",
            "11111111-2222-4333-8444-5555555555556",
            "11111111222243338444555555555555",
            "11111111-2222-4333-8444-55555555555G",
            "a" * 4000,
            "%C3%BC",
            "%FF",
            "%0d%0aX-Injected:%20yes",
            "x%20y",
            "'%20OR%201=1--",
            "*",
            "%25",
            ".",
        ],
    )
    def test_that_are_none_are_not_found_and_no_site_is_asked(
        self, api: Api, cloud: Cloud, identifier: str
    ) -> None:
        reply = api.client.get(f"{api.path}/{identifier}")
        assert reply.status in {400, 404}, reply.body
        assert_refused(reply, reply.status, "itemNotFound" if reply.status == 404 else "badRequest")
        assert received(list(cloud.sites.values())) == []
        assert "X-Injected" not in [name for name, _ in reply.headers]

    def test_a_plain_text_is_not_found_in_the_services_words(self, api: Api) -> None:
        noun = "Instance" if api.item == "server" else "Volume"
        assert assert_refused(api.show("no-id"), 404, "itemNotFound") == f"{noun} no-id could not be found."

    def test_an_action_on_none_changes_nothing(self, api: Api, cloud: Cloud) -> None:
        reply = api.client.post(f"{api.path}/no-id/action", {"os-stop": None, "os-extend": {"new_size": 9}})
        assert_refused(reply, 404, "itemNotFound")
        assert_nothing_made(cloud)


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/v2.1/servers/../os-hypervisors",
            "/v2.1/servers/x/../../os-hypervisors",
            "/v2.1/servers/%2e%2e/os-hypervisors",
            "/v2.1/servers/..%2fos-hypervisors",
            "/v2.1/servers/11111111-2222-4333-8444-555555555555/../../os-hypervisors",
            "/v2.1/servers/11111111-2222-4333-8444-555555555555/metadata/..%2f..%2f..%2fos-hypervisors",
            "/v2.1/servers/./detail",
            "/v2.1//servers",
            "//v2.1/servers",
            "/v2.1/servers//detail",
            "/v2.1/servers/x%00y",
            "/v2.1/servers/x%0d%0ay",
            "/v2.1/servers;a=b/detail",
            "/v2.1/servers/11111111-2222-4333-8444-555555555555/x\\..\\y",
        ],
    )
    def test_that_climb_or_hide_reach_no_site(self, compute: GatewayClient, cloud: Cloud, path: str) -> None:
        (server,) = cloud.sites["SiteOne"].compute.add_servers(1, PROJECT)
        server.id = "11111111-2222-4333-8444-555555555555"
        cloud.sites["SiteOne"].compute.servers[server.id] = server
        reply = compute.get(path)
        assert reply.status in {400, 404}
        assert_refused(reply, reply.status, "badRequest" if reply.status == 400 else "itemNotFound")
        asked = [target for _, _, target in received(list(cloud.sites.values()))]
        assert [
            target for target in asked if "hypervisors" in target or ".." in target or "%2" in target
        ] == []

    def test_that_climb_from_a_known_server_reach_no_site(
        self, compute: GatewayClient, site_one: Site
    ) -> None:
        (server,) = site_one.compute.add_servers(1, PROJECT)
        compute.get(f"/v2.1/servers/{server.id}")
        site_one.compute.requests.clear()
        for tail in ("metadata/../../../os-hypervisors", "metadata/%2e%2e", "..", "tags/..%2f..", "%2e%2e/x"):
            reply = compute.get(f"/v2.1/servers/{server.id}/{tail}")
            assert reply.status in {400, 404}, tail
        assert site_one.compute.requests == []

    def test_that_nobody_knows_are_not_found(self, api: Api, cloud: Cloud) -> None:
        for path in ("/nowhere", f"{api.version}/nowhere", f"{api.version}/nowhere/x", "/v9/servers"):
            assert_refused(api.client.get(path), 404, "itemNotFound")
        assert_nothing_made(cloud)

    def test_with_a_method_that_they_do_not_have(self, api: Api, cloud: Cloud) -> None:
        reply = api.client.request("DELETE", api.path)
        assert_refused(reply, 405, "badMethod")
        assert "GET" in (reply.header("Allow") or "")
        assert_nothing_made(cloud)

    @pytest.mark.parametrize("method", ["PATCH", "TRACE", "OPTIONS"])
    def test_with_a_method_that_nobody_has(self, api: Api, cloud: Cloud, method: str) -> None:
        reply = api.client.request(method, api.path)
        assert 400 <= reply.status < 500 or (method == "OPTIONS" and reply.status < 300)
        assert_nothing_made(cloud)

    def test_with_another_projects_id(self, api: Api, cloud: Cloud, site_one: Site) -> None:
        api.add(site_one, 1, project=OTHER_PROJECT)
        for path in (f"{api.collection}", f"{api.collection}/detail"):
            reply = api.client.get(f"{api.version}/{OTHER_PROJECT}/{path}")
            assert_refused(reply, 400, "badRequest")

    def test_with_another_projects_id_make_nothing(self, api: Api, cloud: Cloud) -> None:
        reply = api.client.post(f"{api.version}/{OTHER_PROJECT}/{api.collection}", api.body())
        assert reply.status in {400, 404}
        assert api.made(cloud.sites["SiteOne"]) == api.made(cloud.sites["SiteTwo"]) == {}


class TestQueries:
    @pytest.mark.parametrize(
        "query", ["x=%0d%0aX-Injected:%20yes", "name=%00", "%FF=%FF", "&&&=&", "=", "a" * 4000]
    )
    def test_strange_ones_break_nothing(self, api: Api, site_one: Site, query: str) -> None:
        (held,) = api.add(site_one, 1)
        for url in (f"{api.path}?{query}", f"{api.detail}?{query}", f"{api.path}/{held}?{query}"):
            reply = api.client.get(url)
            assert reply.status < 500, reply.body
        for request in api.service(site_one).requests:
            assert request.header("X-Injected") is None

    @pytest.mark.parametrize("character", ["\r\nX-Injected: yes", "\n", "\x00", " ", "\x7f", "ü"])
    def test_raw_control_characters_are_refused(self, api: Api, cloud: Cloud, character: str) -> None:
        (held,) = api.add(cloud.sites["SiteOne"], 1)
        sent = character.encode().decode("latin-1")
        reply = _raw_query(api, f"{api.path}/{held}", f"x={sent}")
        assert_refused(reply, 400, "badRequest")


class TestHeaders:
    @pytest.mark.parametrize("name", ["Accept", "User-Agent", "OpenStack-API-Version", "Traceparent"])
    def test_control_characters_reach_neither_a_site_nor_the_answer(
        self, api: Api, site_one: Site, name: str
    ) -> None:
        (held,) = api.add(site_one, 1)
        start = api.microversion if name == "OpenStack-API-Version" else "a"
        for tail in ("\r\nX-Injected: yes", "\nX-Injected: yes", "\rb", "\x00b", "\x7f"):
            reply = api.client.get(f"{api.path}/{held}", **{name: start + tail})
            assert reply.status < 500, reply.body
            for headers in (reply.headers, *(request.headers for request in api.service(site_one).requests)):
                assert [value for _, value in headers if any(ord(sign) < 32 for sign in value)] == []
                assert "x-injected" not in [key.lower() for key, _ in headers]

    def test_a_very_long_one_breaks_nothing(self, api: Api, site_one: Site) -> None:
        (held,) = api.add(site_one, 1)
        assert api.client.get(f"{api.path}/{held}", **{"User-Agent": "x" * 20_000}).status < 500


def _raw_query(api: Api, path: str, query: str) -> Reply:
    """Send a query that no URL may hold, as a careless server would hand it on."""
    return api.client.request("GET", path, query=query)
