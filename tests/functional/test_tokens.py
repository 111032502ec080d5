"""Who has no good token gets no further than the door, and hears what Keystone's own middleware says."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.faults import Delay, Silence, Status
from tests.fakes.keystone import Token
from tests.fakes.site import Site
from tests.functional.api import Api, received
from tests.functional.gateway import Reply

GARBAGE = [
    "",
    " ",
    "x",
    "nöt ascii",
    "a" * 5000,
    "../../v3/users",
    "gAAAAA'; DROP TABLE tokens",
    "a\tb",
    "%00",
]


def assert_unauthorized(reply: Reply, cloud: Cloud) -> None:
    """Check the whole of a 401."""
    assert reply.status == 401
    assert reply.json == {
        "error": {
            "code": 401,
            "title": "Unauthorized",
            "message": "The request you have made requires authentication.",
        }
    }
    assert reply.header("WWW-Authenticate") == f'Keystone uri="{cloud.keystone.url}"'


def assert_nothing_reached(cloud: Cloud) -> None:
    """Check that no site has been asked anything."""
    assert received(list(cloud.sites.values())) == []


class TestRefused:
    def test_no_token(self, api: Api, cloud: Cloud) -> None:
        for path in (api.path, api.detail, f"{api.path}/11111111-2222-4333-8444-555555555555"):
            assert_unauthorized(api.as_(None).client.get(path), cloud)
        assert_nothing_reached(cloud)

    @pytest.mark.parametrize("token", GARBAGE)
    def test_garbage(self, api: Api, cloud: Cloud, token: str) -> None:
        sent = token.encode().decode("latin-1")
        assert_unauthorized(api.as_(None).client.get(api.path, **{"X-Auth-Token": sent}), cloud)
        assert_nothing_reached(cloud)

    def test_expired(self, api: Api, cloud: Cloud) -> None:
        expired = cloud.keystone.add_token(PROJECT, expires_in=-60)
        assert_unauthorized(api.as_(expired).client.get(api.path), cloud)
        assert_nothing_reached(cloud)

    def test_revoked(self, api: Api, cloud: Cloud) -> None:
        revoked = cloud.keystone.add_token(PROJECT)
        cloud.keystone.revoke(revoked)
        assert_unauthorized(api.as_(revoked).client.get(api.path), cloud)
        assert_nothing_reached(cloud)

    def test_revoked_after_it_was_used_where_nothing_is_remembered(self, api: Api, cloud: Cloud) -> None:
        cloud.configuration.set_override("token_cache_time", 0, group="api")
        token = cloud.keystone.add_token(PROJECT)
        assert api.as_(token).client.get(api.path).status == 200
        cloud.keystone.revoke(token)
        assert_unauthorized(api.as_(token).client.get(api.path), cloud)

    def test_creation_makes_nothing(self, api: Api, cloud: Cloud) -> None:
        assert_unauthorized(api.as_(None).create(), cloud)
        assert_nothing_reached(cloud)

    def test_a_path_that_does_not_exist_is_not_told(self, api: Api, cloud: Cloud) -> None:
        for path in ("/nowhere", f"{api.version}/nowhere", f"{api.version}/servers/x/y/z"):
            assert_unauthorized(api.as_(None).client.get(path), cloud)

    def test_the_token_is_not_repeated(self, api: Api, cloud: Cloud) -> None:
        expired = cloud.keystone.add_token(PROJECT, expires_in=-60)
        reply = api.as_(expired).client.get(api.path)
        assert expired.id not in reply.body.decode() + repr(reply.headers)

    def test_a_service_token_alone_opens_nothing(self, api: Api, cloud: Cloud) -> None:
        service = cloud.keystone.add_token(PROJECT, roles=("service",))
        reply = api.as_(None).client.get(api.path, **{"X-Service-Token": service.id})
        assert_unauthorized(reply, cloud)

    def test_headers_that_claim_an_identity_open_nothing(self, api: Api, cloud: Cloud) -> None:
        claims = {
            "X-Identity-Status": "Confirmed",
            "X-User-Id": "x",
            "X-Project-Id": PROJECT,
            "X-Roles": "admin",
        }
        assert_unauthorized(api.as_(None).client.get(api.path, **claims), cloud)


class TestPublic:
    @pytest.mark.parametrize("path", ["/", "version", "version/"])
    def test_version_documents_need_no_token(self, api: Api, path: str) -> None:
        reply = api.as_(None).client.get(path.replace("version", api.version))
        assert reply.status in {200, 300}
        assert api.root in reply.body.decode()

    def test_health_needs_no_token(self, api: Api) -> None:
        assert api.as_(None).client.get("/healthcheck").status == 200


class TestMemory:
    def test_keystone_is_asked_once_for_many_requests(self, api: Api, cloud: Cloud) -> None:
        for _ in range(10):
            assert api.client.get(api.path).status == 200
        assert cloud.keystone.validations[cloud.member.id] == 1

    def test_keystone_is_asked_once_for_many_requests_at_the_same_instant(
        self, api: Api, cloud: Cloud
    ) -> None:
        assert api.as_(cloud.admin).client.get(api.path).status == 200
        cloud.keystone.faults.put(Delay(0.2), under="/v3/auth/tokens")
        together = threading.Barrier(8)

        def ask() -> int:
            together.wait(10)
            return api.client.get(api.path).status

        with ThreadPoolExecutor(8) as pool:
            statuses = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
        assert statuses == [200] * 8
        assert cloud.keystone.validations[cloud.member.id] == 1

    def test_a_token_is_not_believed_past_its_expiry(self, api: Api, cloud: Cloud) -> None:
        token = cloud.keystone.add_token(PROJECT, expires_in=1.0)
        statuses = {api.as_(token).client.get(api.path).status}
        while token.valid:
            statuses.add(api.as_(token).client.get(api.path).status)
        assert statuses <= {200, 401}
        assert_unauthorized(api.as_(token).client.get(api.path), cloud)

    def test_two_tokens_are_two_identities(self, api: Api, cloud: Cloud, site_one: Site) -> None:
        mine = api.add(site_one, 2)
        theirs = api.add(site_one, 1, project=cloud.stranger.project_id, prefix="foreign")
        assert sorted(api.ids(api.client.get(api.path))) == sorted(mine)
        assert api.ids(api.as_(cloud.stranger).client.get(api.path)) == theirs


class TestKeystoneIsAway:
    def test_known_tokens_go_on_working(self, api: Api, cloud: Cloud) -> None:
        assert api.client.get(api.path).status == 200
        cloud.keystone.stop()
        assert api.client.get(api.path).status == 200

    def test_unknown_tokens_are_refused_for_now(self, api: Api, cloud: Cloud, stranger: Token) -> None:
        assert api.client.get(api.path).status == 200
        cloud.keystone.stop()
        reply = api.as_(stranger).client.get(api.path)
        assert reply.status == 503
        assert reply.fault[0] == "serviceUnavailable"
        assert reply.header("Retry-After") is not None

    def test_they_are_accepted_again_once_it_is_back(self, api: Api, cloud: Cloud, stranger: Token) -> None:
        assert api.client.get(api.path).status == 200
        cloud.keystone.stop()
        assert api.as_(stranger).client.get(api.path).status == 503
        cloud.keystone.start()
        assert api.as_(stranger).client.get(api.path).status == 200

    def test_a_keystone_that_fails_is_not_taken_for_a_refusal(
        self, api: Api, cloud: Cloud, stranger: Token
    ) -> None:
        assert api.client.get(api.path).status == 200
        cloud.keystone.faults.put(Status(500), under="/v3/auth/tokens")
        assert api.as_(stranger).client.get(api.path).status == 503

    def test_a_keystone_that_never_answers_does_not_stop_others(
        self, api: Api, cloud: Cloud, stranger: Token
    ) -> None:
        assert api.client.get(api.path).status == 200
        silence = cloud.keystone.faults.put(Silence(), under="/v3/auth/tokens")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(api.as_(stranger).client.get, api.path)
            assert api.client.get(api.path).status == 200
            assert not waiting.done()
            cloud.keystone.faults.clear()
            silence.release()
            waiting.result(60)

    @pytest.fixture
    def stranger(self, cloud: Cloud) -> Token:
        """A token that nobody has used yet."""
        return cloud.stranger
