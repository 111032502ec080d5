"""Many servers of one request: they need the machine for themselves, for minutes."""

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.drawing import Document, Drawing, boot_body, on

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.timeout(900)
def test_fifty_servers_of_one_request_have_an_address_each_on_a_small_and_on_a_large_network(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
) -> None:
    networks = [drawing.network(cidr) for cidr in ("10.42.0.0/26", "10.43.0.0/24")]

    def boot(place: tuple[Document, SiteAdmin]) -> None:
        _boot_fifty(*place, drawing, servers, tenant)

    side_by_side(boot, zip(networks, sites, strict=True))


def _boot_fifty(
    network: Document, site: SiteAdmin, drawing: Drawing, servers: Belongings, owner: Client
) -> None:
    """Boot fifty servers in one request, and see that the top has the port of each, with an address."""
    name = f"one-of-fifty-{site.site.zone}"
    asked = boot_body(owner, name, site.site.zone, on(network), min_count=50, max_count=50)
    answer = owner.compute.post("/servers", json=asked)
    assert answer.status_code == 202, answer.text

    def made(**more: str) -> list[str]:
        found = owner.compute.get("/servers", params={"name": name, **more}).json()["servers"]
        return [each["id"] for each in found]

    def at_the_top() -> dict[str, str]:
        ports = [each for each in drawing.ports(network_id=network["id"]) if each["status"] == "ACTIVE"]
        return {port["device_id"]: port["fixed_ips"][0]["ip_address"] for port in ports}

    for server_id in eventually(lambda: found if len(found := made()) == 50 else [], "fifty servers"):
        servers.keep("servers", server_id)
    eventually(lambda: not made(status="BUILD"), "none of them being built", within=400)
    assert len(made(status="ACTIVE")) == 50
    eventually(lambda: set(made()) <= at_the_top().keys(), "the ports of all of them")
    assert len({at_the_top()[server_id] for server_id in made()}) == 50
