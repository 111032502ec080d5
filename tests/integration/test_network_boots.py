"""Boots on networks of the top, as they meet races and failures."""

from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.drawing import Document, Drawing, adopted, boot_body, marked, on
from tests.integration.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("nothing_left")


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


def test_sharing_does_not_end_while_the_other_projects_server_is_being_made(
    drawing: Drawing, stranger: Client, strangers_servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    policy = drawing.share("network", network, stranger)
    server = strangers_servers.booting("guest", sites[0].site.zone, networks=on(network))
    refused = drawing.neutron.delete(f"/rbac-policies/{policy['id']}")
    assert refused.status_code == 409, refused.text
    strangers_servers.active(server)


def test_a_port_that_is_booted_in_two_zones_at_once_is_one_servers(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
) -> None:
    port = drawing.make("ports", "port", network_id=drawing.network()["id"])
    wanted = [{"port": port["id"]}]

    def boot(site: SiteAdmin) -> Any:
        return tenant.compute.post("/servers", json=boot_body(tenant, "at-once", site.site.zone, wanted))

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
    asked = boot_body(tenant, "later", site.site.zone, on(network))
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


class TestNamedAsNovaHasIt:
    def test_tags_are_on_the_interfaces(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
    ) -> None:
        network = drawing.network()
        port = drawing.port(network)
        wanted = [{"uuid": network["id"], "tag": "front"}, {"port": port["id"], "tag": "back"}]
        asked = boot_body(tenant, "tagged", sites[1].site.zone, wanted)
        answer = tenant.compute.post("/servers", json=asked, microversion="2.42")
        assert answer.status_code == 202, answer.text
        server = servers.keep("servers", answer.json()["server"]["id"])
        servers.active(tenant.compute.get_server(server))
        eventually(lambda: len(drawing.ports(device_id=server)) == 2, "both ports at the top")
        shown = tenant.compute.get(f"/servers/{server}/os-interface", microversion="2.70").json()
        found = {each["tag"]: each for each in shown["interfaceAttachments"]}
        assert found.keys() == {"front", "back"}
        assert found["back"]["port_id"] == port["id"]
        assert {each["net_id"] for each in found.values()} == {network["id"]}

    def test_none_is_none(self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]) -> None:
        network = drawing.network()
        server = servers.server("without", sites[0].site.zone, networks="none")
        assert server.addresses == {}
        assert marked(sites[0], "networks", network["id"]) == []

    def test_several_of_a_request_may_not_name_one_port_or_address(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
    ) -> None:
        network = drawing.network()
        port = drawing.port(network)
        for wanted in ({"port": port["id"]}, {"uuid": network["id"], "fixed_ip": "10.42.0.9"}):
            asked = boot_body(tenant, "two", sites[0].site.zone, [wanted], min_count=2, max_count=2)
            refused = tenant.compute.post("/servers", json=asked)
            assert refused.status_code == 400, refused.text
        assert tenant.compute.get("/servers?name=two").json()["servers"] == []
