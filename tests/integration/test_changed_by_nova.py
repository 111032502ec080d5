"""What Nova changes of a server's port in its site is so at the top: its groups and its addresses."""

from collections.abc import Callable

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually
from tests.integration.drawing import Document, Drawing, adopted, on
from tests.integration.whole import Whole

pytestmark = pytest.mark.usefixtures("nothing_left")

Act = Callable[..., None]


@pytest.fixture(params=[False, True], ids=["adopted", "made-first"])
def is_made_first(request: pytest.FixtureRequest) -> bool:
    """Whether the port was made at the top before the server."""
    return bool(request.param)


@pytest.fixture
def network(drawing: Drawing) -> Document:
    """The network that it is on."""
    return drawing.network()


@pytest.fixture
def port(
    is_made_first: bool,
    network: Document,
    drawing: Drawing,
    servers: Belongings,
    sites: list[SiteAdmin],
) -> Document:
    """A server's port."""
    wanted = [{"port": drawing.port(network)["id"]}] if is_made_first else on(network)
    return adopted(drawing, servers.server("changing", sites[0].site.zone, networks=wanted))


@pytest.fixture
def act(tenant: Client, port: Document) -> Act:
    """Asks Nova for an action on the server."""

    def ask(**action: object) -> None:
        path = f"/servers/{port['device_id']}/action"
        reply = tenant.compute.post(path, json=action, microversion="2.1")
        assert reply.status_code == 202, reply.text

    return ask


def addresses(drawing: Drawing, port: Document) -> list[str]:
    """Return those that the top shows."""
    return [fixed["ip_address"] for fixed in drawing.shown("ports", port)["fixed_ips"]]


def test_groups_that_a_server_joins_and_leaves(
    drawing: Drawing, port: Document, act: Act, whole: Whole
) -> None:
    (before,) = port["security_groups"]
    group = drawing.make("security-groups", "security_group", name="joined")
    act(addSecurityGroup={"name": "joined"})
    eventually(
        lambda: sorted(drawing.shown("ports", port)["security_groups"]) == sorted([before, group["id"]]),
        "both groups at the top",
    )
    assert drawing.neutron.delete(f"/security-groups/{group['id']}").status_code == 409
    drawing.change("ports", port, name="renamed")
    whole.agrees()
    act(removeSecurityGroup={"name": "joined"})
    eventually(lambda: drawing.shown("ports", port)["security_groups"] == [before], "one group at the top")
    drawing.change("ports", port, name="renamed-again")
    whole.agrees()
    assert drawing.shown("ports", port)["security_groups"] == [before]


def test_addresses_that_a_server_gets_and_loses(
    drawing: Drawing, network: Document, port: Document, act: Act, whole: Whole
) -> None:
    (own,) = addresses(drawing, port)
    act(addFixedIp={"networkId": network["id"]})
    eventually(lambda: len(addresses(drawing, port)) == 2, "two addresses at the top")
    (added,) = (each for each in addresses(drawing, port) if each != own)
    drawing.change("ports", port, name="renamed")
    whole.agrees()
    act(removeFixedIp={"address": own})
    eventually(lambda: addresses(drawing, port) == [added], "the other one at the top")
    drawing.change("ports", port, name="renamed-again")
    whole.agrees()
    assert addresses(drawing, port) == [added]


def test_an_address_that_a_site_has_given_goes_with_the_port_to_another_site(
    drawing: Drawing, tenant: Client, servers: Belongings, whole: Whole, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    port = drawing.port(network)
    first = servers.server("first", sites[0].site.zone, networks=[{"port": port["id"]}])
    adopted(drawing, first)
    action = {"addFixedIp": {"networkId": network["id"]}}
    reply = tenant.compute.post(f"/servers/{first.id}/action", json=action, microversion="2.1")
    assert reply.status_code == 202, reply.text
    eventually(lambda: len(addresses(drawing, port)) == 2, "two addresses at the top")
    both = addresses(drawing, port)
    tenant.compute.delete(f"/servers/{first.id}")
    eventually(lambda: drawing.shown("ports", port)["device_id"] == "", "the port as nobody's")
    adopted(drawing, servers.server("second", sites[1].site.zone, networks=[{"port": port["id"]}]))
    whole.agrees()
    assert sorted(addresses(drawing, port)) == sorted(both)
    adopted(drawing, servers.server("newcomer", sites[0].site.zone, networks=on(network)))
    whole.agrees()


def test_a_server_that_is_shelved_has_its_port_down(
    drawing: Drawing, tenant: Client, port: Document, act: Act, whole: Whole
) -> None:
    def status() -> tuple[str, str]:
        server = tenant.compute.get(f"/servers/{port['device_id']}").json()["server"]
        return server["status"], drawing.shown("ports", port)["status"]

    act(shelve=None)
    eventually(lambda: status() == ("SHELVED_OFFLOADED", "DOWN"), "the port down at the top", within=60)
    act(unshelve=None)
    eventually(lambda: status() == ("ACTIVE", "ACTIVE"), "the port up again at the top", within=60)
    whole.agrees()
