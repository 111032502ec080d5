"""What is somebody else's is not there, whichever way it is asked for; and tokens that are none."""

import datetime
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from keystoneauth1 import session
from keystoneauth1.identity import v3
from tests.integration.clients import Client
from tests.integration.conditions import eventually
from tests.integration.population import Population
from tests.integration.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("nothing_left")

UNKNOWN_ID = "7a1c2b3d-0000-4000-8000-000000000000"
NO_TOKENS = {"missing": None, "garbage": "gAAAAABgarbage", "empty": "", "long": "a" * 5000, "odd": "a b;c"}


@dataclass(frozen=True)
class Request:
    """A request about one resource of the tenant's: `{id}` in it stands for that, or for one that is not.

    :param kind: what it is about, as Population calls it.
    """

    service: str
    kind: str
    method: str
    path: str
    body: object = None
    version: str | None = None

    def send(self, client: Client, item_id: str) -> tuple[int, Any]:
        """Send it; return status and body, with the id written as `ID`."""
        body = json.dumps(self.body).replace("{id}", item_id) if self.body is not None else None
        answer = getattr(client, self.service).request(
            self.path.replace("{id}", item_id),
            self.method,
            data=body,
            headers={"Content-Type": "application/json"} if body else {},
            microversion=self.version,
            raise_exc=False,
        )
        text = re.sub("req-[0-9a-f-]{36}", "REQUEST", answer.text.replace(item_id, "ID"))
        return answer.status_code, text


ACTIONS = {
    "servers": {"os-stop": None},
    "volumes": {"os-extend": {"new_size": 9}},
    "snapshots": {"os-update_snapshot_status": {"status": "error"}},
}

ROOT_DEVICE = {"boot_index": 0, "uuid": "{id}", "destination_type": "volume", "volume_size": 9}
BARE_SERVER = {"name": "stolen", "flavorRef": "1", "networks": "none"}

REQUESTS = {
    "show a server": Request("compute", "servers", "GET", "/servers/{id}"),
    "show a server at 2.69": Request("compute", "servers", "GET", "/servers/{id}", version="2.69"),
    "rename a server": Request("compute", "servers", "PUT", "/servers/{id}", {"server": {"name": "mine"}}),
    "delete a server": Request("compute", "servers", "DELETE", "/servers/{id}"),
    "stop a server": Request("compute", "servers", "POST", "/servers/{id}/action", ACTIONS["servers"]),
    "read a server's metadata": Request("compute", "servers", "GET", "/servers/{id}/metadata"),
    "list a server's volumes": Request("compute", "servers", "GET", "/servers/{id}/os-volume_attachments"),
    "list a server's history": Request("compute", "servers", "GET", "/servers/{id}/os-instance-actions"),
    "list servers after one": Request("compute", "servers", "GET", "/servers/detail?marker={id}"),
    "show a volume": Request("volume", "volumes", "GET", "/volumes/{id}"),
    "rename a volume": Request("volume", "volumes", "PUT", "/volumes/{id}", {"volume": {"name": "mine"}}),
    "delete a volume": Request("volume", "volumes", "DELETE", "/volumes/{id}"),
    "extend a volume": Request("volume", "volumes", "POST", "/volumes/{id}/action", ACTIONS["volumes"]),
    "read a volume's metadata": Request("volume", "volumes", "GET", "/volumes/{id}/metadata"),
    "list volumes after one": Request("volume", "volumes", "GET", "/volumes/detail?marker={id}"),
    "clone a volume": Request(
        "volume", "volumes", "POST", "/volumes", {"volume": {"source_volid": "{id}", "size": 9}}
    ),
    "take a snapshot": Request(
        "volume", "volumes", "POST", "/snapshots", {"snapshot": {"volume_id": "{id}"}}
    ),
    "show a snapshot": Request("volume", "snapshots", "GET", "/snapshots/{id}"),
    "delete a snapshot": Request("volume", "snapshots", "DELETE", "/snapshots/{id}"),
    "restore a snapshot": Request(
        "volume", "snapshots", "POST", "/volumes", {"volume": {"snapshot_id": "{id}", "size": 9}}
    ),
    "boot from a volume": Request(
        "compute",
        "volumes",
        "POST",
        "/servers",
        {"server": {**BARE_SERVER, "block_device_mapping_v2": [{**ROOT_DEVICE, "source_type": "volume"}]}},
        "2.37",
    ),
    "boot from a snapshot": Request(
        "compute",
        "snapshots",
        "POST",
        "/servers",
        {"server": {**BARE_SERVER, "block_device_mapping_v2": [{**ROOT_DEVICE, "source_type": "snapshot"}]}},
        "2.37",
    ),
    "attach a volume at Cinder": Request(
        "volume",
        "volumes",
        "POST",
        "/attachments",
        {"attachment": {"volume_uuid": "{id}", "instance_uuid": UNKNOWN_ID}},
        "3.27",
    ),
}


@pytest.mark.parametrize("letter", ["a", "b"], ids=["in SiteOne", "in SiteTwo"])
@pytest.mark.parametrize("what", REQUESTS)
def test_somebody_elses_resource_is_what_an_unknown_one_is(
    stranger: Client, population: Population, what: str, letter: str
) -> None:
    request = REQUESTS[what]
    status, body = request.send(stranger, getattr(population, request.kind)[letter].id)
    assert (status, body) == request.send(stranger, UNKNOWN_ID)
    assert status in {400, 404}


@pytest.mark.parametrize("path", ["/servers", "/servers/detail", "/servers/detail?all_tenants=1"])
def test_servers_of_others_are_in_no_list(stranger: Client, population: Population, path: str) -> None:
    answer = stranger.compute.get(path)
    assert answer.status_code == 403 or answer.json()["servers"] == []


@pytest.mark.parametrize(
    "path", ["/volumes", "/volumes/detail?all_tenants=1", "/snapshots", "/snapshots/detail?all_tenants=1"]
)
def test_volumes_and_snapshots_of_others_are_in_no_list(
    stranger: Client, population: Population, path: str
) -> None:
    answer = stranger.volume.get(path)
    kind = path.split("/")[1].partition("?")[0]
    assert answer.status_code == 403 or answer.json()[kind] == []


def test_the_usage_of_others_is_not_ones_own(stranger: Client, population: Population) -> None:
    limits = stranger.compute.get("/limits").json()["limits"]["absolute"]
    assert limits["totalInstancesUsed"] == 0
    assert stranger.volume.get("/limits").json()["limits"]["absolute"]["totalVolumesUsed"] == 0


def test_administrators_see_the_resources_of_all(admin: Client, population: Population) -> None:
    servers = admin.compute.get("/servers/detail?all_tenants=1").json()["servers"]
    assert {server["id"] for server in servers} == {server.id for server in population.servers.values()}
    volumes = admin.volume.get("/volumes/detail?all_tenants=1").json()["volumes"]
    assert {volume["id"] for volume in volumes} == {volume.id for volume in population.volumes.values()}
    snapshots = admin.volume.get("/snapshots/detail?all_tenants=1").json()["snapshots"]
    expected = {snapshot.id for snapshot in population.snapshots.values()}
    assert {snapshot["id"] for snapshot in snapshots} == expected


def test_administrators_see_nothing_of_others_unasked(admin: Client, population: Population) -> None:
    assert admin.compute.get("/servers/detail").json()["servers"] == []
    assert admin.volume.get("/volumes/detail").json()["volumes"] == []


def test_administrators_reach_what_is_others_by_id(admin: Client, population: Population) -> None:
    for letter in "ab":
        server = admin.compute.get(f"/servers/{population.servers[letter].id}").json()["server"]
        assert server["name"] == f"server-{letter}"
        assert server["OS-EXT-SRV-ATTR:host"] == f"{population.homes[letter].name.lower()}-compute"
        volume = admin.volume.get(f"/volumes/{population.volumes[letter].id}").json()["volume"]
        assert volume["name"] == f"volume-{letter}"


@pytest.mark.parametrize("service", ["compute", "volume"])
class TestTokens:
    @pytest.mark.parametrize("what", NO_TOKENS)
    def test_that_are_none_are_refused(
        self, tenant: Client, population: Population, service: str, what: str
    ) -> None:
        token = NO_TOKENS[what]
        path = f"/servers/{population.servers['a'].id}" if service == "compute" else "/volumes"
        answer = ask(tenant, service, path, token)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == 401
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{tenant.facts["keystone_url"]}"'

    def test_that_have_expired_are_refused(self, tenant: Client, brief: "Brief", service: str) -> None:
        token = brief.token()
        assert ask(tenant, service, "/limits", token).status_code == 200
        eventually(lambda: ask(tenant, service, "/limits", token).status_code == 401, "a token expired")

    def test_that_were_revoked_before_they_came_are_refused(self, tenant: Client, service: str) -> None:
        auth = tenant.connection.session.auth
        own = session.Session(
            v3.Token(tenant.facts["keystone_url"], tenant.token, project_id=tenant.project_id)
        )
        token = own.get_token()
        assert token != auth.get_token(own)
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        revoked = own.delete(
            f"{tenant.facts['keystone_url']}/auth/tokens", headers=headers, authenticated=False
        )
        assert revoked.status_code == 204
        assert ask(tenant, service, "/limits", token).status_code == 401

    def test_without_a_project_see_nothing(self, tenant: Client, service: str) -> None:
        auth = v3.Password(
            tenant.facts["keystone_url"],
            username="demo",
            password="secret",
            user_domain_id="default",
            unscoped=True,
        )
        token = session.Session(auth).get_token()
        path = "/servers/detail" if service == "compute" else "/volumes/detail"
        answer = ask(tenant, service, path, token)
        assert 400 <= answer.status_code < 500
        ((_, error),) = answer.json().items()
        assert error["code"] == answer.status_code


def ask(client: Client, service: str, path: str, token: str | None) -> Any:
    """GET a path with a token of one's own choice."""
    url = client.facts["top"][f"{service}_url"] + path
    headers = {} if token is None else {"X-Auth-Token": token}
    return client.connection.session.session.get(url, headers=headers)


class Brief:
    """Gets tokens that are valid for seconds only: those of an application credential end with it."""

    LIFETIME = 4

    def __init__(self, client: Client) -> None:
        self._client = client
        self._credentials: list[str] = []

    def token(self) -> str:
        """Get one."""
        identity = self._client.connection.identity
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.LIFETIME)
        credential = identity.create_application_credential(
            self._client.connection.current_user_id,
            f"brief-{len(self._credentials)}",
            expires_at=end.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        )
        self._credentials.append(credential.id)
        auth = v3.ApplicationCredential(
            self._client.facts["keystone_url"],
            application_credential_id=credential.id,
            application_credential_secret=credential.secret,
        )
        token: str = session.Session(auth).get_token()
        return token

    def put_away(self) -> None:
        """Remove the credentials."""
        for credential_id in self._credentials:
            self._client.connection.identity.delete_application_credential(
                self._client.connection.current_user_id, credential_id
            )


@pytest.fixture
def brief(tenant: Client) -> Iterator[Brief]:
    """A source of tokens of the tenant's that expire soon."""
    brief = Brief(tenant)
    yield brief
    brief.put_away()


def test_the_sandbox_has_a_stranger_of_another_project(
    sandbox: Sandbox, tenant: Client, stranger: Client
) -> None:
    assert tenant.project_id != stranger.project_id
