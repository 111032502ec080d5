"""Which headers travel between client and site, and which stay."""

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.faults import Answer
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.gateway import GatewayClient

EVIL = "evil.example.com"

DROPPED = {
    "Connection": "X-Secret",
    "Cookie": "session=1",
    "Forwarded": f"for=1.2.3.4;host={EVIL};proto=https",
    "Keep-Alive": "timeout=1",
    "Proxy-Authorization": "Basic eDp5",
    "Te": "trailers",
    "Upgrade": "websocket",
    "X-Domain-Id": "default",
    "X-Forwarded-For": "1.2.3.4",
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "https",
    "X-Http-Method-Override": "DELETE",
    "X-Identity-Status": "Confirmed",
    "X-Is-Admin-Project": "True",
    "X-Original-Url": "/v2.1/os-hypervisors",
    "X-Project-Id": "b" * 32,
    "X-Real-Ip": "1.2.3.4",
    "X-Rewrite-Url": "/v2.1/os-hypervisors",
    "X-Role": "admin",
    "X-Roles": "admin",
    "X-Service-Identity-Status": "Confirmed",
    "X-Service-Roles": "service",
    "X-Tenant-Id": "b" * 32,
    "X-User-Id": "somebody",
}
"""By these, connections, proxies and services tell each other things that a client must not tell."""


@pytest.fixture
def held(api: Api, site_one: Site) -> str:
    """Something that SiteOne holds and the gateway knows."""
    (identifier,) = api.add(site_one, 1)
    assert api.show(identifier).status == 200
    return identifier


class TestToTheSite:
    def test_what_describes_the_request_is_passed(self, api: Api, site_one: Site, held: str) -> None:
        sent = {
            "Accept": "application/json",
            "Accept-Language": "de",
            "User-Agent": "somebody/1.0",
            "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        }
        api.client.get(f"{api.path}/{held}", **sent)
        request = api.service(site_one).requests[-1]
        assert {name: request.header(name) for name in sent} == sent

    def test_the_users_token_is_passed(self, api: Api, cloud: Cloud, site_one: Site, held: str) -> None:
        api.show(held)
        assert api.service(site_one).requests[-1].header("X-Auth-Token") == cloud.member.id

    def test_what_only_connections_proxies_and_services_may_say_is_dropped(
        self, api: Api, site_one: Site, held: str
    ) -> None:
        api.client.get(f"{api.path}/{held}", **DROPPED)
        request = api.service(site_one).requests[-1]
        assert [name for name in DROPPED if request.header(name) is not None] == []
        assert [value for _, value in request.headers if EVIL in value] == []

    def test_host_is_the_sites_whatever_the_client_says(self, api: Api, site_one: Site, held: str) -> None:
        api.client.get(f"{api.path}/{held}", Host=EVIL)
        service = api.service(site_one)
        assert service.requests[-1].header("Host") == service.server.url.removeprefix("http://")

    def test_the_service_token_is_ours(self, api: Api, cloud: Cloud, site_one: Site, held: str) -> None:
        forged = cloud.keystone.add_token(PROJECT, roles=("service",)).id
        api.client.get(f"{api.path}/{held}", **{"X-Service-Token": forged})
        given = api.service(site_one).requests[-1].header("X-Service-Token")
        token = cloud.keystone.find(given)
        assert token is not None
        assert token.user_id == cloud.keystone.service_name

    def test_a_request_id_of_the_client_is_passed(self, api: Api, site_one: Site, held: str) -> None:
        sent = "req-7a8d2f1e-6c64-4c0f-8ee6-0a3a3b1f7d55"
        api.client.get(f"{api.path}/{held}", **{"X-OpenStack-Request-Id": sent})
        assert api.service(site_one).requests[-1].header("X-OpenStack-Request-Id") == sent

    def test_what_is_no_request_id_is_not(self, api: Api, site_one: Site, held: str) -> None:
        api.client.get(f"{api.path}/{held}", **{"X-OpenStack-Request-Id": "anything at all"})
        given = api.service(site_one).requests[-1].header("X-OpenStack-Request-Id")
        assert given is not None
        assert given.startswith("req-")

    def test_lists_say_no_more_than_single_requests(self, api: Api, site_one: Site) -> None:
        api.client.get(api.detail, **DROPPED)
        request = api.service(site_one).requests[-1]
        assert [name for name in DROPPED if request.header(name) is not None] == []


class TestInLinks:
    @pytest.mark.parametrize(
        "name", ["Host", "X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto", "X-Forwarded-Prefix"]
    )
    def test_the_client_does_not_choose_the_address(self, api: Api, held: str, name: str) -> None:
        for path in (f"{api.path}/{held}", api.path, api.detail, f"{api.detail}?limit=1", "/", api.version):
            reply = api.client.get(path, **{name: DROPPED.get(name, EVIL)})
            text = reply.body.decode()
            assert EVIL not in text
            assert "https://" not in text.replace("https://docs.openstack.org", "")

    def test_the_client_does_not_choose_the_address_of_what_it_makes(self, api: Api) -> None:
        reply = api.client.request(
            "POST",
            api.path,
            b'{"%s": {"name": "n", "size": 1, "flavorRef": "1", "imageRef": "i"}}' % api.item.encode(),
            headers={"X-Forwarded-Host": EVIL, "Host": EVIL, "Content-Type": "application/json"},
        )
        assert EVIL not in reply.body.decode() + repr(reply.headers)

    def test_forwarded_headers_count_where_the_operator_says_so(
        self, cloud: Cloud, compute: GatewayClient, site_one: Site
    ) -> None:
        cloud.configuration.set_override("trust_forwarded_headers", True, group="api")
        (server,) = site_one.compute.add_servers(1, PROJECT)
        sent = {"X-Forwarded-Host": "cloud.example.org", "X-Forwarded-Proto": "https"}
        reply = compute.get(f"/v2.1/servers/{server.id}", **sent)
        assert reply.json["server"]["links"][0]["href"] == (
            f"https://cloud.example.org/v2.1/servers/{server.id}"
        )


class TestFromTheSite:
    def test_what_belongs_to_the_connection_stays(
        self, compute: GatewayClient, site_one: Site, cloud: Cloud
    ) -> None:
        (server,) = site_one.compute.add_servers(1, PROJECT)
        compute.get(f"/v2.1/servers/{server.id}")
        headers = (
            ("Content-Type", "application/json"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authenticate", "Basic"),
            ("Server", "nova-secret-version"),
            ("X-Something", "kept"),
        )
        site_one.compute.faults.put(Answer(200, b'{"metadata": {}}', headers))
        reply = compute.get(f"/v2.1/servers/{server.id}/metadata")
        assert reply.header("X-Something") == "kept"
        assert [name for name in ("Keep-Alive", "Proxy-Authenticate", "Server") if reply.header(name)] == []

    def test_each_header_comes_once(self, api: Api, held: str) -> None:
        for reply in (api.show(held), api.client.get(api.detail), api.show("no-id")):
            names = [name.lower() for name, _ in reply.headers if name.lower() != "vary"]
            assert len(names) == len(set(names)), names

    def test_the_length_is_that_of_the_body(self, api: Api, held: str) -> None:
        for reply in (api.show(held), api.client.get(api.detail), api.show("no-id")):
            assert reply.header("Content-Length") == str(len(reply.body))

    def test_a_redirection_of_a_site_is_not_followed(
        self, compute: GatewayClient, site_one: Site, site_two: Site
    ) -> None:
        (server,) = site_one.compute.add_servers(1, PROJECT)
        compute.get(f"/v2.1/servers/{server.id}")
        elsewhere = f"{site_two.compute.url}/servers/secret"
        site_one.compute.faults.put(Answer(302, b"", (("Location", elsewhere),)))
        reply = compute.get(f"/v2.1/servers/{server.id}/metadata")
        assert [request for request in site_two.compute.requests if "secret" in request.target] == []
        assert "127.0.0.1" not in (reply.header("Location") or "")
