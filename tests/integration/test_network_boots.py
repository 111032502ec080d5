"""Boots on networks of the top, as they meet races and failures."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.sandbox import Sandbox
from tests.integration.test_networks import Document, Drawing, adopted, marked, on

pytestmark = pytest.mark.usefixtures("nothing_left")

_BUSY = 10.0
"""Seconds that a busy machine may take for what a quiet one does within about one."""


@pytest.fixture
def drawing(tenant: Client, sites: list[SiteAdmin]) -> Iterator[Drawing]:
    """The tenant's networks; put away after the servers that are on them."""
    drawing = Drawing(tenant, sites)
    yield drawing
    drawing.put_away()


@pytest.fixture
def servers(drawing: Drawing, belongings: Belongings) -> Belongings:
    """What the tenant makes on networks."""
    return belongings


class FirstSeen:
    """When each of some things was first seen, by a thread that looks again and again."""

    def __init__(self, look: Callable[[], set[str]]) -> None:
        self.at: dict[str, float] = {}
        self._look = look
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(0.05):
            for each in self._look():
                self.at.setdefault(each, time.monotonic())

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join(30)


def body(tenant: Client, name: str, zone: str, networks: list[Document], **more: Any) -> Document:
    """Return a request for servers."""
    facts = tenant.facts
    wanted = {"name": name, "flavorRef": facts["flavor_ids"][0], "imageRef": facts["image_id"]}
    return {"server": wanted | {"availability_zone": zone, "networks": networks} | more}


def test_the_ports_of_all_servers_of_a_request_are_at_the_top_when_they_are_active(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
) -> None:
    network = drawing.network()
    count = 6

    def active() -> set[str]:
        found = tenant.compute.get("/servers/detail").json()["servers"]
        return {each["id"] for each in found if each["status"] == "ACTIVE"}

    def at_the_top() -> set[str]:
        ports = drawing.ports(network_id=network["id"])
        return {each["device_id"] for each in ports if each["status"] == "ACTIVE" and each["device_id"]}

    watches = [FirstSeen(active), FirstSeen(at_the_top)]
    try:
        asked = body(tenant, "many", sites[0].site.zone, on(network), min_count=count, max_count=count)
        assert tenant.compute.post("/servers", json=asked).status_code == 202

        def listed() -> list[str]:
            found = tenant.compute.get("/servers?name=many").json()["servers"]
            return [each["id"] for each in found] if len(found) == count else []

        made = eventually(listed, "all servers")
        for each in made:
            servers.keep("servers", each)
        for watch in watches:
            eventually(lambda its=watch: set(made) <= its.at.keys(), "all of them")  # type: ignore[misc]
    finally:
        for watch in watches:
            watch.stop()
    lags = sorted(round(watches[1].at[each] - watches[0].at[each], 2) for each in made)
    assert lags[-1] < _BUSY, lags


def test_a_network_that_a_server_is_being_made_on_is_in_use(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    server = servers.booting("soon", sites[0].site.zone, networks=on(network))
    refused = drawing.neutron.delete(f"/networks/{network['id']}")
    assert refused.status_code == 409
    assert refused.json()["NeutronError"]["type"] == "NetworkInUse"
    servers.active(server)
    adopted(drawing, server)


def test_a_port_that_is_booted_in_two_zones_at_once_is_one_servers(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
) -> None:
    port = drawing.make("ports", "port", network_id=drawing.network()["id"])
    wanted = [{"port": port["id"]}]

    def boot(site: SiteAdmin) -> Any:
        return tenant.compute.post("/servers", json=body(tenant, "at-once", site.site.zone, wanted))

    answers = side_by_side(boot, sites)
    assert sorted(answer.status_code for answer in answers) == [202, 409]
    (made,) = [answer.json()["server"]["id"] for answer in answers if answer.status_code == 202]
    servers.keep("servers", made)
    eventually(lambda: drawing.ports(id=port["id"])[0]["device_id"] == made, "the port in use at the top")
    eventually(
        lambda: sum(len(marked(site, "ports", port["id"])) for site in sites) == 1, "the port in one site"
    )
    assert sorted(len(site.ports()) for site in sites) == [0, 1]


def test_while_the_tops_neutron_is_down_boots_go_on_and_are_adopted_later(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], sandbox: Sandbox
) -> None:
    network = drawing.network()
    zone = sites[0].site.zone
    servers.server("before", zone, networks=on(network))
    sandbox.stop_process("top-network")
    try:
        during = servers.server("during", zone, networks=on(network))
    finally:
        sandbox.start_process("top-network")
    assert [len(addresses) for addresses in during.addresses.values()] == [1]
    adopted(drawing, during)


def test_a_site_that_is_down_during_a_create_gets_the_server_when_it_is_back(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], sandbox: Sandbox, tenant: Client
) -> None:
    network = drawing.network()
    site = sites[1]
    asked = body(tenant, "later", site.site.zone, on(network))
    sandbox.stop_site(site.site.name)
    try:
        refused = tenant.compute.post("/servers", json=asked)
        assert refused.status_code == 503
    finally:
        sandbox.start_site(site.site.name)
    assert site.ports() == {}
    server = eventually(lambda: accepted(tenant, asked), "the site is asked again", within=60)
    servers.keep("servers", server)
    adopted(drawing, servers.active(tenant.compute.get_server(server)))
    assert len(marked(site, "networks", network["id"])) == 1


def accepted(tenant: Client, asked: Document) -> str:
    """Ask for a server; return its id, or nothing where its site is still taken for down."""
    answer = tenant.compute.post("/servers", json=asked)
    if answer.status_code == 503:
        return ""
    assert answer.status_code == 202, answer.text
    return str(answer.json()["server"]["id"])
