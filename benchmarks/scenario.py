"""The cloud that is measured: one site that nginx plays, many servers with their routes, many tokens."""

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.compute import Compute
from tests.fakes.compute.records import Interface
from tests.fakes.compute.server_view import detail
from tests.fakes.keystone import Keystone
from tests.fakes.server import Request
from tests.fakes.service import Call

from tricircle.routing.route import Route
from tricircle.routing.store import RouteStore
from tricircle.sites.store import SiteStore

SITE = "SiteOne"
ZONE = "az1"
SITE_ZONE = "nova"
SERVERS = 2000
TOKENS = 200
SIZE = 2048
"""Bytes of the server's document, about what a server with two ports and a little metadata has."""

PREFIX = "/v2.1/servers/"


@dataclass
class Scenario:
    """Keystone, the top's database and configuration, and what the site answers.

    :param upstream: port of the site.
    """

    directory: Path
    upstream: int
    ids: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare, without starting anything."""
        # The rest are the product's own defaults: nothing is tuned for the benchmark.
        self.cloud = Cloud(
            self.directory, options={"DEFAULT": {"log_file": self.directory / "tricircle.log"}}
        )

    def start(self) -> None:
        """Start Keystone, register the site, write the routes, make the tokens."""
        self.cloud.start()
        for interface in ("public", "internal", "admin"):
            url = f"http://127.0.0.1:{self.upstream}/v2.1"
            self.cloud.keystone.add_endpoint(SITE, "compute", interface, url)
        self.cloud.register(SITE, ZONE, SITE_ZONE)
        site = SiteStore(self.cloud.database).get(SITE)
        dice = random.Random(1)  # noqa: S311  # the same ids in every run
        self.ids = [str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(SERVERS)]
        created = datetime(2026, 1, 1)  # noqa: DTZ001  # times in the database are naive, UTC
        routes = [Route(server, "server", site.id, server, PROJECT, created) for server in self.ids]
        RouteStore(self.cloud.database).record(routes)
        self.tokens = [self.cloud.keystone.add_token(PROJECT, expires_in=7200).id for _ in range(TOKENS)]

    def stop(self) -> None:
        """Stop Keystone."""
        self.cloud.stop()

    def document(self) -> bytes:
        """Make the site's answer: a server in Nova's own shape, whose links and zone must be rewritten."""
        nova = Compute(keystone=Keystone(), zones=(SITE_ZONE,), region=SITE)
        server = nova.add_server(
            PROJECT, image_ref=str(uuid.uuid4()), created_at=datetime(2026, 1, 1, tzinfo=UTC)
        )
        server.interfaces = [
            Interface(str(uuid.uuid4()), str(uuid.uuid4()), f"fa:16:3e:00:00:0{n}", f"10.0.0.{n}")
            for n in (1, 2)
        ]
        token = self.cloud.keystone.add_token(PROJECT)
        root = f"http://127.0.0.1:{self.upstream}"
        call = Call(Request("GET", PREFIX, []), token, (2, 1), root, "", {}, "")
        number = 0
        while len(body := json.dumps({"server": detail(call, server)}).encode()) < SIZE:
            number += 1
            server.metadata[f"key-{number}"] = "value" * 4
        return body

    def version(self) -> bytes:
        """Make the site's version document, which the gateway reads once in a while."""
        nova = Compute(keystone=Keystone())
        nova.server.port = self.upstream
        return nova.versions(Request("GET", "/v2.1/", []), "/v2.1/").body
