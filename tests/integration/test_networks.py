"""Networks are made once, at the top, and are in a site when the first server there needs them."""

import uuid
from ipaddress import ip_address

import pytest
from openstack import exceptions
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.drawing import Drawing, adopted, boot_body, marked, on, pools, shares
from tests.integration.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.full
def test_one_is_in_two_zones_with_addresses_of_their_own(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    assert [marked(site, "networks", network["id"]) for site in sites] == [[], []]
    made = side_by_side(lambda site: servers.server("on-one", site.site.zone, networks=on(network)), sites)
    for site, server in zip(sites, made, strict=True):
        port = adopted(drawing, server)
        there = site.ports()
        assert set(there) == {port["id"]}, "the same id at both"
        (address,) = [fixed["ip_address"] for fixed in port["fixed_ips"]]
        assert [each["addr"] for each in server.addresses[network["name"]]] == [address]
        assert any(first <= ip_address(address) <= last for first, last in pools(site, network))
        assert port["network_id"] == network["id"]
        assert port["device_owner"].startswith("compute:")
    first, second = (pools(site, network) for site in sites)
    assert all(a[1] < b[0] or b[1] < a[0] for a in first for b in second)
    refused = drawing.neutron.delete(f"/networks/{network['id']}")
    assert refused.status_code == 409
    assert refused.json()["NeutronError"]["type"] == "NetworkInUse"


def test_addresses_that_one_zone_used_serve_another(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network(cidr="10.42.0.0/28")
    every = {f"10.42.0.{number}" for number in range(2, 15)}
    for site in sites:
        made = [
            servers.booting(f"one-of-all-{number}", site.site.zone, networks=on(network))
            for number in range(len(every))
        ]
        side_by_side(servers.active, made)
        ports = [adopted(drawing, server) for server in made]
        assert {fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]} == every
        with pytest.raises(exceptions.BadRequestException, match="No fixed IP addresses available"):
            servers.booting("one-more", site.site.zone, networks=on(network))
        servers.put_away()
        eventually(lambda: not drawing.ports(network_id=network["id"]), "no port at the top")
    assert marked(sites[0], "networks", network["id"]) == []


def test_ports_go_with_their_server(drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]) -> None:
    network = drawing.network()
    server = servers.server("goes", sites[0].site.zone, networks=on(network))
    adopted(drawing, server)
    servers.put_away()
    eventually(lambda: not drawing.ports(network_id=network["id"]), "no port at the top")
    assert sites[0].ports() == {}


@pytest.mark.full
def test_many_first_boots_at_once_make_one_network(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    zone = sites[1].site.zone
    made = side_by_side(
        lambda number: servers.booting(f"first-{number}", zone, networks=on(network)), range(20)
    )
    side_by_side(servers.active, made)
    assert len(marked(sites[1], "networks", network["id"])) == 1
    addresses = [adopted(drawing, server)["fixed_ips"][0]["ip_address"] for server in made]
    assert len(set(addresses)) == len(made)


def test_security_groups_follow_the_tops(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    group = drawing.make("security-groups", "security_group")
    side_by_side(
        lambda site: servers.server(
            "guarded", site.site.zone, networks=on(network), security_groups=[{"name": group["name"]}]
        ),
        sites,
    )
    rule = drawing.make(
        "security-group-rules",
        "security_group_rule",
        security_group_id=group["id"],
        direction="ingress",
        protocol="tcp",
        port_range_min=443,
        port_range_max=443,
    )

    def opened(site: SiteAdmin) -> bool:
        (there,) = marked(site, "security-groups", group["id"])
        # On whose quota they count.
        assert {each["project_id"] for each in there["security_group_rules"]} == {group["project_id"]}
        return 443 in {each["port_range_min"] for each in there["security_group_rules"]}

    eventually(lambda: all(opened(site) for site in sites), "the rule in both sites")
    drawing.delete("security-group-rules", rule)
    eventually(lambda: not any(opened(site) for site in sites), "the rule gone from both sites")


def let_in(site: SiteAdmin, group_id: str) -> list[list[str]]:
    """Return whom of other sites a site's rules let in as members of a group: addresses of each rule."""
    found = {each["id"]: each["addresses"] for each in marked(site, "address-groups", group_id)}
    rules = site.connection.network.get("/security-group-rules").json()["security_group_rules"]
    named = [rule["remote_address_group_id"] for rule in rules]
    return [found[each] for each in named if each in found]


@pytest.mark.full
def test_the_default_group_lets_in_its_members_in_every_site(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
) -> None:
    network = drawing.network()
    mine = {"name": "default", "project_id": tenant.project_id}
    (group,) = drawing.neutron.get("/security-groups", params=mine).json()["security_groups"]
    made = side_by_side(lambda site: servers.server("member", site.site.zone, networks=on(network)), sites)
    addresses = [
        [f"{fixed['ip_address']}/32" for fixed in adopted(drawing, server)["fixed_ips"]] for server in made
    ]
    for site, others in zip(sites, reversed(addresses), strict=True):
        # One rule for IPv4, one for IPv6.
        eventually(
            lambda site=site, others=others: let_in(site, group["id"]) == [others, others],
            f"the other site's member let in to {site.site.name}",
        )
    lets_in = {each["id"] for each in group["security_group_rules"] if each["direction"] == "ingress"}
    for server in made:
        (told,) = tenant.compute.get(f"/servers/{server.id}/os-security-groups").json()["security_groups"]
        assert (told["id"], {each["id"] for each in told["rules"]}) == (group["id"], lets_in)
    servers.put_away()
    for site in sites:
        eventually(
            lambda site=site: let_in(site, group["id"]) == [[], []], f"nobody let in to {site.site.name}"
        )


def test_nothing_is_left_of_a_remote_group_that_goes(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    group = drawing.make("security-groups", "security_group")
    rule = {"security_group_id": group["id"], "remote_group_id": group["id"], "direction": "ingress"}
    drawing.make("security-group-rules", "security_group_rule", **rule)
    named = [{"name": group["name"]}]
    side_by_side(
        lambda site: servers.server("member", site.site.zone, networks=on(network), security_groups=named),
        sites,
    )
    for site in sites:
        eventually(
            lambda site=site: [len(each) for each in let_in(site, group["id"])] == [1],
            f"the other site's member let in to {site.site.name}",
        )
    servers.put_away()
    drawing.put_away()
    for site in sites:
        eventually(
            lambda site=site: not marked(site, "address-groups", group["id"]),
            f"the address group gone from {site.site.name}",
        )


def test_a_shared_network_is_used_by_the_other_project_in_a_site(
    drawing: Drawing, sites: list[SiteAdmin], stranger: Client
) -> None:
    network, site, theirs = drawing.network(), sites[1], Belongings(stranger)
    body = boot_body(stranger, "guest", site.site.zone, on(network))
    refused = stranger.compute.post("/servers", json=body)
    assert refused.status_code == 400
    assert refused.json()["badRequest"]["message"] == f"Network {network['id']} could not be found."
    policy = drawing.share("network", network, stranger)
    try:
        server = theirs.server("guest", site.site.zone, networks=on(network))
        eventually(
            lambda: (
                [
                    (port["network_id"], port["project_id"])
                    for port in stranger.connection.network.get(
                        "/ports", params={"device_id": server.id}
                    ).json()["ports"]
                ]
                == [(network["id"], stranger.project_id)]
            ),
            "the guest's port at the top",
        )
        in_use = drawing.neutron.delete(f"/rbac-policies/{policy['id']}")
        assert in_use.status_code == 409
    finally:
        theirs.put_away()
    (there,) = marked(site, "networks", network["id"])
    assert [each["target_tenant"] for each in shares(site, there)] == [stranger.project_id]
    eventually(
        lambda: drawing.neutron.delete(f"/rbac-policies/{policy['id']}").status_code == 204,
        "the network shared no more",
    )
    eventually(lambda: not shares(site, there), f"the network shared no more in {site.site.name}")
    assert stranger.compute.post("/servers", json=body).status_code == 400


def test_a_port_that_was_made_first_is_the_servers(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
) -> None:
    network = drawing.network()
    port = drawing.make("ports", "port", network_id=network["id"], fixed_ips=[{"ip_address": "10.42.0.77"}])
    server = servers.server("with-port", sites[1].site.zone, networks=[{"port": port["id"]}])
    assert [each["addr"] for each in server.addresses[network["name"]]] == ["10.42.0.77"]
    eventually(
        lambda: drawing.ports(id=port["id"])[0]["device_id"] == server.id, "the port in use at the top"
    )


@pytest.mark.full
def test_a_port_that_was_made_first_is_attached_and_taken_off(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
) -> None:
    port = drawing.make("ports", "port", network_id=drawing.network()["id"])
    server = servers.server("gets-a-port", sites[0].site.zone, networks="none")
    interfaces = f"/servers/{server.id}/os-interface"
    attached = tenant.compute.post(interfaces, json={"interfaceAttachment": {"port_id": port["id"]}})
    assert attached.status_code == 200, attached.text
    assert attached.json()["interfaceAttachment"]["port_id"] == port["id"]
    assert attached.json()["interfaceAttachment"]["net_id"] == port["network_id"]
    eventually(
        lambda: drawing.ports(id=port["id"])[0]["device_id"] == server.id, "the port in use at the top"
    )
    assert tenant.compute.delete(f"{interfaces}/{port['id']}").status_code == 202
    eventually(lambda: drawing.ports(id=port["id"])[0]["device_id"] == "", "the port free at the top")


def test_one_address_is_not_in_two_sites(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
) -> None:
    network = drawing.network()
    wanted = [{"uuid": network["id"], "fixed_ip": "10.42.0.9"}]
    server = servers.server("has-it", sites[0].site.zone, networks=wanted)
    assert [each["addr"] for each in server.addresses[network["name"]]] == ["10.42.0.9"]
    body = boot_body(tenant, "wants-it", sites[1].site.zone, wanted)
    refused = tenant.compute.post("/servers", json=body)
    assert refused.status_code == 400
    assert refused.json()["badRequest"]["message"] == "Fixed IP 10.42.0.9 is already in use."


@pytest.mark.full
def test_a_network_leaves_a_site_that_was_down_when_it_is_back(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], sandbox: Sandbox
) -> None:
    network = drawing.network()
    site = sites[1]
    adopted(drawing, servers.server("gone", site.site.zone, networks=on(network)))
    servers.put_away()
    eventually(lambda: not drawing.ports(network_id=network["id"]), "no port at the top")
    sandbox.stop_site(site.site.name)
    try:
        drawing.delete("networks", network)
    finally:
        sandbox.start_site(site.site.name)
    eventually(lambda: not marked(site, "networks", network["id"]), "the network gone")


def test_without_a_network_the_only_one_is_meant_and_of_several_none(
    drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
) -> None:
    network = drawing.network()
    zone = sites[0].site.zone
    server = servers.server("on-the-only-one", zone, networks="auto")
    assert list(server.addresses) == [network["name"]]
    drawing.network("10.43.0.0/24")
    refused = tenant.compute.post("/servers", json=boot_body(tenant, "where", zone, None))
    assert refused.status_code == 409
    assert "Multiple possible networks found" in refused.json()["conflictingRequest"]["message"]


def test_one_that_does_not_exist_is_refused_in_novas_words(tenant: Client, sites: list[SiteAdmin]) -> None:
    unknown = str(uuid.uuid4())
    body = boot_body(tenant, "nowhere", sites[0].site.zone, [{"uuid": unknown}])
    refused = tenant.compute.post("/servers", json=body)
    assert refused.status_code == 400
    assert refused.json()["badRequest"]["message"] == f"Network {unknown} could not be found."


@pytest.mark.full
def test_sites_are_agents_and_zones_of_the_network_service(admin: Client, sandbox: Sandbox) -> None:
    neutron = admin.connection.network

    def shown() -> set[tuple[str, bool, str]]:
        agents = neutron.get("/agents").json()["agents"]
        return {(agent["host"], agent["alive"], agent["availability_zone"]) for agent in agents}

    # One that has been away is looked at once a minute.
    expected = {(site.name, True, site.zone) for site in sandbox.sites}
    eventually(lambda: shown() == expected, "both sites alive")
    zones = neutron.get("/availability_zones", params={"resource": "network"}).json()["availability_zones"]
    assert {zone["name"] for zone in zones} == {site.zone for site in sandbox.sites}
