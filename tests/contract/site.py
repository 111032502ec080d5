"""A site as the contract tests see it: where it is, who may use it, and plain HTTP."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from tests.fakes.cloud import Cloud
from tests.fakes.site import Site
from tests.integration.sandbox import Sandbox

PATIENCE = 60.0
"""Seconds within which a real site makes or deletes a server or a volume, on a busy machine."""


@dataclass(frozen=True)
class SiteUnderTest:
    """A site.

    :param compute: root of Nova without the version; `volume` of Cinder, `neutron` of Neutron.
    :param tokens: by person: member, stranger (of another project), admin.
    :param projects: their projects' ids.
    :param network: id of a network that servers can be on.
    """

    compute: str
    volume: str
    neutron: str
    tokens: dict[str, str]
    projects: dict[str, str]
    image: str
    flavor: str
    network: str


def fake_site(cloud: Cloud, site: Site) -> SiteUnderTest:
    """Describe a fake site."""
    tokens = {"member": cloud.member, "stranger": cloud.stranger, "admin": cloud.admin}
    return SiteUnderTest(
        compute=site.compute.server.url,
        volume=site.volume.server.url,
        neutron=site.network.server.url,
        tokens={name: token.id for name, token in tokens.items()},
        projects={name: token.project_id for name, token in tokens.items()},
        image="70a599e0-31e7-49b7-b260-868f441e862b",
        flavor="1",
        network="3cb9bc59-5699-4588-a4b1-b87f96708bc6",
    )


def real_site(sandbox: Sandbox) -> SiteUnderTest:
    """Describe a real site, and log everybody in."""
    facts = sandbox.facts
    site = sandbox.sites[0]
    tokens, projects = {}, {}
    for name, user in (("member", "demo"), ("stranger", "other"), ("admin", "admin")):
        known = facts["users"][user]
        tokens[name], projects[name] = _log_in(
            facts["keystone_url"], user, known["password"], known["project"]
        )
    return SiteUnderTest(
        compute=f"http://{site.address}:8774",
        volume=f"http://{site.address}:8776",
        neutron=f"http://{site.address}:9696",
        tokens=tokens,
        projects=projects,
        image=facts["image_id"],
        flavor=facts["flavor_ids"][0],
        network=site.network_id,
    )


def _log_in(keystone: str, user: str, password: str, project: str) -> tuple[str, str]:
    domain = {"id": "default"}
    identity = {
        "methods": ["password"],
        "password": {"user": {"name": user, "password": password, "domain": domain}},
    }
    auth: dict[str, Any] = {
        "auth": {"identity": identity, "scope": {"project": {"name": project, "domain": domain}}}
    }
    reply = requests.post(f"{keystone}/auth/tokens", json=auth, timeout=30)
    assert reply.status_code == 201, reply.text
    return reply.headers["X-Subject-Token"], reply.json()["token"]["project"]["id"]


@dataclass
class Reply:
    """What a site answered."""

    status: int
    headers: requests.structures.CaseInsensitiveDict[str]
    text: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)

    @property
    def fault(self) -> tuple[str, str]:
        """Name and message of the error; its code must be the status."""
        ((name, error),) = self.json.items()
        assert error["code"] == self.status
        return name, error["message"]

    @property
    def neutron_error(self) -> tuple[int, str, str]:
        """Status, type and message of an error of Neutron's."""
        assert set(self.json) == {"NeutronError"}
        error = self.json["NeutronError"]
        assert set(error) == {"type", "message", "detail"}
        return self.status, error["type"], error["message"]


@dataclass
class People:
    """Calls of the site, by person, and what they leave to be deleted."""

    site: SiteUnderTest
    _made: list[tuple[str, str]] = field(default_factory=list)

    def call(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        who: str | None = "member",
        version: str | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request.

        :param url: a path of Nova (`/v2.1/...`), Cinder (`/v3/...`) or Neutron (`/v2.0/...`), or a whole URL.
        :param who: whose token; None for none.
        :param version: `OpenStack-API-Version`.
        """
        if url.startswith("/"):
            roots = {"v3": self.site.volume, "v2.0": self.site.neutron}
            url = roots.get(url.split("/")[1], self.site.compute) + url
        sent = {"Accept": "application/json", **(headers or {})}
        if who is not None:
            sent["X-Auth-Token"] = self.site.tokens[who]
        if version is not None:
            sent["OpenStack-API-Version"] = version
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        reply = requests.request(method, url, data=data, headers=sent, timeout=60, allow_redirects=False)
        return Reply(reply.status_code, reply.headers, reply.text)

    def server(self, name: str = "contract", *, version: str = "compute 2.79", **fields: Any) -> str:
        """Boot a server, wait until it is there, and return its id."""
        body = {
            "name": name,
            "flavorRef": self.site.flavor,
            "imageRef": self.site.image,
            "networks": [{"uuid": self.site.network}],
        }
        reply = self.call("POST", "/v2.1/servers", {"server": body | fields}, version=version)
        assert reply.status == 202, reply.text
        path = f"/v2.1/servers/{reply.json['server']['id']}"
        self._made.append(("server", path))
        self.until(lambda: self.call("GET", path).json["server"]["status"] == "ACTIVE", f"{name} is active")
        identifier: str = reply.json["server"]["id"]
        return identifier

    def volume(self, name: str = "contract", **fields: Any) -> str:
        """Make a volume, wait until it is there, and return its id."""
        reply = self.call("POST", "/v3/volumes", {"volume": {"name": name, "size": 1} | fields})
        assert reply.status == 202, reply.text
        path = f"/v3/volumes/{reply.json['volume']['id']}"
        self._made.append(("volume", path))
        self.until(
            lambda: self.call("GET", path).json["volume"]["status"] == "available", f"{name} is available"
        )
        identifier: str = reply.json["volume"]["id"]
        return identifier

    def snapshot(self, volume: str, name: str = "contract") -> str:
        """Make a snapshot, wait until it is there, and return its id."""
        reply = self.call("POST", "/v3/snapshots", {"snapshot": {"name": name, "volume_id": volume}})
        assert reply.status == 202, reply.text
        path = f"/v3/snapshots/{reply.json['snapshot']['id']}"
        self._made.append(("snapshot", path))
        self.until(
            lambda: self.call("GET", path).json["snapshot"]["status"] == "available", f"{name} is available"
        )
        identifier: str = reply.json["snapshot"]["id"]
        return identifier

    def gone(self, path: str) -> None:
        """Wait until something is not found any more."""
        self.until(lambda: self.call("GET", path).status == 404, f"{path} is gone")

    def tidy(self) -> None:
        """Delete what was made, the latest first, and wait until it is gone."""
        for _, path in reversed(self._made):
            if self.call("DELETE", path).status != 404:
                self.gone(path)

    @staticmethod
    def until(condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition, within a bound."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not in time: {what}"
            threading.Event().wait(0.2)
