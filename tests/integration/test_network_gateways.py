"""A gateway is killed between a boot's intent and its answer: what came of it is found, or nothing stays."""

import base64
import threading
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually
from tests.integration.drawing import Document, Drawing, adopted, boot_body, marked, on
from tests.integration.sandbox import Sandbox

from tricircle.db.tables import jobs

pytestmark = pytest.mark.usefixtures("nothing_left")

LARGE = base64.b64encode(bytes(30_000)).decode()
"""User data by which a request for a server is told from all that a site is asked besides."""

ESTABLISHED = "01"
"""Of a connection, in proc(5)."""


class Abandoned:
    """A request for servers whose client never hears of it."""

    def __init__(self, tenant: Client, body: Document) -> None:
        self._url = f"{tenant.facts['top']['compute_url']}/servers"
        self._headers = {"X-Auth-Token": tenant.token}
        self._body = body
        self.answers: list[int] = []
        self._thread = threading.Thread(target=self._post)

    def __enter__(self) -> "Abandoned":
        """Send it, and go on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """See that there was no answer."""
        self._thread.join()
        assert self.answers == []

    def _post(self) -> None:
        with suppress(requests.ConnectionError):
            answer = requests.post(self._url, json=self._body, headers=self._headers, timeout=300)
            self.answers.append(answer.status_code)


def unread(address: str, port: int) -> int:
    """Return the most bytes that a server, which does nothing, has been sent over one connection."""
    # As proc(5) has it: the address's bytes the other way round.
    packed = IPv4Address(address).packed[::-1].hex().upper()
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return max(
        (
            int(row[4].partition(":")[2], 16)
            for row in rows
            if row[1] == f"{packed}:{port:04X}" and row[3] == ESTABLISHED
        ),
        default=0,
    )


def test_what_the_site_makes_all_the_same_is_found(
    drawing: Drawing, servers: Belongings, sandbox: Sandbox, sites: list[SiteAdmin]
) -> None:
    network, site, tenant, count = drawing.network(), sites[1].site, servers.owner, 3
    more = {"min_count": count, "max_count": count, "user_data": LARGE}
    body = boot_body(tenant, "orphan", site.zone, on(network), **more)
    with sandbox.frozen(f"{site.name}-nova"), Abandoned(tenant, body):
        eventually(lambda: unread(site.address, 8774) > len(LARGE) // 2, "the site has the request")
        sandbox.stop_process("top-compute", kill=True)
    sandbox.start_process("top-compute")

    def listed() -> list[str]:
        found = [each["id"] for each in tenant.compute.get("/servers?name=orphan").json()["servers"]]
        return found if len(found) == count else []

    for server_id in eventually(listed, "the servers in a list"):
        servers.keep("servers", server_id)
        adopted(drawing, servers.active(tenant.compute.get_server(server_id)))
    assert len(marked(sites[1], "networks", network["id"])) == 1


def test_what_the_site_never_heard_of_leaves_nothing(
    drawing: Drawing, servers: Belongings, sandbox: Sandbox, sites: list[SiteAdmin]
) -> None:
    network, site, tenant = drawing.network(), sites[1].site, servers.owner
    engine = sa.create_engine(sandbox.facts["top"]["database_url"])

    def intents() -> list[object]:
        query = sa.select(jobs.c.id).where(jobs.c.type == "intent", jobs.c.state == "waiting")
        with engine.connect() as connection:
            return list(connection.execute(query))

    body = boot_body(tenant, "never", site.zone, on(network))
    with sandbox.frozen(f"{site.name}-neutron"), Abandoned(tenant, body):
        eventually(intents, "an intent")
        sandbox.stop_process("top-compute", kill=True)
    sandbox.start_process("top-compute")
    assert "never" not in {each["name"] for each in sites[1].servers().values()}
    # Nothing is in the way of the next one.
    adopted(drawing, servers.server("next", site.zone, networks=on(network)))
    assert len(marked(sites[1], "networks", network["id"])) == 1
