"""The two APIs as far as they are alike, so that what must be true of both is stated once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.fakes.cloud import COMPUTE_ROOT, PROJECT, VOLUME_ROOT
from tests.fakes.keystone import Token
from tests.fakes.service import Service
from tests.fakes.site import Site
from tests.functional.gateway import GatewayClient, Reply

IMAGE = "70a599e0-31e7-49b7-b260-868f441e862b"


@dataclass(frozen=True)
class Api:
    """Servers of Nova or volumes of Cinder, through the gateway.

    :param root: of the top's links: scheme, host and port.
    :param version: the API version, as paths begin with it.
    :param collection: the key of a list, and its path.
    :param item: the key of one thing.
    :param zone_field: the field of an answer that names the availability zone.
    :param created_field: the field that says when it was made.
    """

    client: GatewayClient
    root: str
    version: str
    collection: str
    item: str
    zone_field: str
    created_field: str

    @property
    def path(self) -> str:
        """Path of the collection."""
        return f"{self.version}/{self.collection}"

    @property
    def detail(self) -> str:
        """Path of the detailed list."""
        return f"{self.path}/detail"

    @property
    def microversion(self) -> str:
        """Some microversion, as its header names it."""
        return "compute 2.79" if self.item == "server" else "volume 3.50"

    def at(self, version: str) -> "Api":
        """Ask for a microversion from now on."""
        return replace(self, client=self.client.at(version))

    def as_(self, token: Token | None) -> "Api":
        """Be somebody else."""
        return replace(self, client=self.client.as_(token))

    def service(self, site: Site) -> Service:
        """A site's own service for this API."""
        return site.compute if self.item == "server" else site.volume

    def add(self, site: Site, count: int, project: str = PROJECT, **attributes: Any) -> list[str]:
        """Put things into a site behind the gateway's back, and return their ids, the oldest first."""
        if self.item == "server":
            return [server.id for server in site.compute.add_servers(count, project, **attributes)]
        return [volume.id for volume in site.volume.add_volumes(count, project, **attributes)]

    def made(self, site: Site) -> dict[str, Any]:
        """The things that are in a site, by id."""
        found: dict[str, Any] = site.compute.servers if self.item == "server" else site.volume.volumes
        return found

    def body(self, **fields: Any) -> dict[str, Any]:
        """Make the body of a POST."""
        least: dict[str, Any] = (
            {"name": "new", "flavorRef": "1", "imageRef": IMAGE}
            if self.item == "server"
            else {"name": "new", "size": 1}
        )
        return {self.item: least | fields}

    def create(self, **fields: Any) -> Reply:
        """POST a new one."""
        return self.client.post(self.path, self.body(**fields))

    def show(self, identifier: str) -> Reply:
        """GET one."""
        return self.client.get(f"{self.path}/{identifier}")

    def walk(self, url: str) -> list[str]:
        """Follow the `next` links from a list on, and return all ids in their order."""
        ids: list[str] = []
        next_url: str | None = url
        pages = 0
        while next_url is not None:
            page = self.client.get(next_url)
            assert page.status == 200, page.body
            ids += self.ids(page)
            next_url = self.next_link(page)
            pages += 1
            assert pages < 1000, "the list does not end"
        return ids

    def ids(self, reply: Reply) -> list[str]:
        """The ids of a list."""
        return [item["id"] for item in reply.json[self.collection]]

    def next_link(self, reply: Reply) -> str | None:
        """The `next` link of a list."""
        links = reply.json.get(f"{self.collection}_links", [])
        hrefs = [link["href"] for link in links if link["rel"] == "next"]
        assert len(hrefs) <= 1
        return hrefs[0] if hrefs else None


def compute_api(client: GatewayClient) -> Api:
    """Servers of Nova."""
    return Api(client, COMPUTE_ROOT, "/v2.1", "servers", "server", "OS-EXT-AZ:availability_zone", "created")


def volume_api(client: GatewayClient) -> Api:
    """Volumes of Cinder."""
    return Api(client, VOLUME_ROOT, "/v3", "volumes", "volume", "availability_zone", "created_at")


def received(sites: Sequence[Site], method: str | None = None) -> list[tuple[str, str, str]]:
    """What sites were asked: site, method and target as sent, in each site's own order."""
    return [
        (site.name, request.method, request.target)
        for site in sites
        for service in site.services
        for request in service.received(method)
        if request.path.rstrip("/") not in {"/v2.1", "/v3"}
    ]
