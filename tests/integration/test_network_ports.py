"""Ports made first or by a server: attached, taken off, changed, deleted; at the top and behind its back."""

import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.drawing import Document, Drawing, adopted, boot_body, marked, on
from tests.integration.sandbox import Sandbox
from tests.integration.whole import Whole

from tricircle import config
from tricircle.db.engine import Database
from tricircle.db.tables import sites as registered
from tricircle.jobs.job import Request
from tricircle.jobs.requester import JobRequester

Ask = Callable[[str, SiteAdmin], None]

pytestmark = pytest.mark.usefixtures("nothing_left")

OPTIONS = [
    {"opt_name": "bootfile-name", "opt_value": "start.0", "ip_version": 4},
    {"opt_name": "ntp-server", "opt_value": "192.0.2.123", "ip_version": 4},
]
PAIRS = [{"ip_address": "198.51.100.0/28"}, {"ip_address": "10.42.0.200", "mac_address": "fa:16:3e:00:00:01"}]


@pytest.fixture
def policy(administered: Drawing, tenant: Client) -> Document:
    """A QoS policy of the tenant's, with a rule."""
    policy = administered.make("qos/policies", "policy", project_id=tenant.project_id)
    rule = {"bandwidth_limit_rule": {"max_kbps": 1000, "max_burst_kbps": 100}}
    path = f"/qos/policies/{policy['id']}/bandwidth_limit_rules"
    assert administered.neutron.post(path, json=rule).status_code == 201
    return policy


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    """Asks for a job about a site, as what comes round does."""
    database = Database(config.load(files=[sandbox.facts["top"]["configuration"]]))

    def request(kind: str, site: SiteAdmin) -> None:
        with database.read() as connection:
            query = sa.select(registered.c.id).where(registered.c.name == site.site.name)
            site_id = str(connection.scalar(query))
        JobRequester(database).request(Request(kind, "site", site_id, site_id))

    return request


def in_site(site: SiteAdmin, port: Document) -> Document:
    """Return the one port that a site has for one of the top: by the same id, or by its mark."""
    found = marked(site, "ports", port["id"])
    found += site.connection.network.get("/ports", params={"id": port["id"]}).json()["ports"]
    (there,) = found
    return dict(there)


def owner_of(drawing: Drawing, port: Document) -> Callable[[], str]:
    """Return what tells which server has a port."""
    return lambda: str(drawing.shown("ports", port)["device_id"])


class TestMadeFirst:
    @pytest.mark.parametrize("place", [0, 1])
    def test_arrives_with_all_that_is_beside_its_addresses(
        self,
        drawing: Drawing,
        servers: Belongings,
        policy: Document,
        sites: list[SiteAdmin],
        place: int,
    ) -> None:
        network, group = drawing.network(), drawing.make("security-groups", "security_group")
        port = drawing.port(
            network,
            fixed_ips=[{"ip_address": "10.42.0.77"}],
            mac_address="fa:16:3e:aa:bb:cc",
            security_groups=[group["id"]],
            allowed_address_pairs=PAIRS,
            extra_dhcp_opts=OPTIONS,
            qos_policy_id=policy["id"],
        )
        drawing.tag("ports", port, "blue", "round")
        server = servers.server("with-port", sites[place].site.zone, networks=[{"port": port["id"]}])
        assert [each["addr"] for each in server.addresses[network["name"]]] == ["10.42.0.77"]
        eventually(lambda: owner_of(drawing, port)() == server.id, "the port in use at the top")
        there = in_site(sites[place], port)
        assert there["mac_address"] == "fa:16:3e:aa:bb:cc"
        assert sorted(there["tags"]) == ["blue", "round"]
        assert len(there["extra_dhcp_opts"]) == len(OPTIONS)
        assert len(there["allowed_address_pairs"]) == len(PAIRS)
        (limited,) = marked(sites[place], "qos/policies", policy["id"])
        assert there["qos_policy_id"] == limited["id"]
        assert [rule["max_kbps"] for rule in limited["rules"]] == [1000]

    def test_without_port_security_arrives_so(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
    ) -> None:
        port = drawing.port(drawing.network(), port_security_enabled=False, security_groups=[])
        servers.server("open", sites[1].site.zone, networks=[{"port": port["id"]}])
        there = in_site(sites[1], port)
        assert (there["port_security_enabled"], there["security_groups"]) == (False, [])

    def test_is_used_again_in_another_site_when_its_server_is_gone(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
    ) -> None:
        network = drawing.network()
        port = drawing.port(network)
        (address,) = [fixed["ip_address"] for fixed in port["fixed_ips"]]
        for site in (*sites, sites[0]):
            server = servers.server("one-after-another", site.site.zone, networks=[{"port": port["id"]}])
            assert [each["addr"] for each in server.addresses[network["name"]]] == [address]
            eventually(lambda its=server: owner_of(drawing, port)() == its.id, "in use at the top")
            servers.put_away()
            eventually(lambda: owner_of(drawing, port)() == "", "free at the top")
        assert drawing.shown("ports", port)["fixed_ips"] == port["fixed_ips"]

    def test_without_an_address_is_refused_in_novas_words(
        self, drawing: Drawing, sites: list[SiteAdmin], tenant: Client
    ) -> None:
        port = drawing.port(drawing.make("networks", "network"))
        body = boot_body(tenant, "nowhere", sites[0].site.zone, [{"port": port["id"]}])
        refused = tenant.compute.post("/servers", json=body)
        assert refused.status_code == 400, refused.text
        words = f"Port {port['id']} requires a FixedIP in order to be used."
        assert refused.json()["badRequest"]["message"] == words

    def test_that_a_server_has_is_not_anothers(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
    ) -> None:
        port = drawing.port(drawing.network())
        server = servers.server("has-it", sites[0].site.zone, networks=[{"port": port["id"]}])
        eventually(lambda: owner_of(drawing, port)() == server.id, "the port in use at the top")
        other = servers.server("wants-it", sites[1].site.zone)
        body = {"interfaceAttachment": {"port_id": port["id"]}}
        refused = tenant.compute.post(f"/servers/{other.id}/os-interface", json=body)
        assert refused.status_code in {400, 409}
        assert port["id"] in refused.text


class TestInterfaces:
    def test_another_projects_network_is_none_also_where_it_is_in_the_site(
        self,
        servers: Belongings,
        strangers_drawing: Drawing,
        strangers_servers: Belongings,
        sites: list[SiteAdmin],
        tenant: Client,
    ) -> None:
        zone = sites[0].site.zone
        theirs = strangers_drawing.network("10.43.0.0/24")
        strangers_servers.server("theirs", zone, networks=on(theirs))
        server = servers.server("ours", zone)

        def attach(network_id: str) -> tuple[int, str]:
            body = {"interfaceAttachment": {"net_id": network_id}}
            refused = tenant.compute.post(f"/servers/{server.id}/os-interface", json=body)
            return refused.status_code, refused.text.replace(network_id, "")

        assert attach(theirs["id"]) == attach(str(uuid.uuid4()))

    def test_is_attached_by_network_and_taken_off(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], tenant: Client
    ) -> None:
        first, second = drawing.network(), drawing.network("10.43.0.0/24")
        server = servers.server("gets-more", sites[1].site.zone, networks=on(first))
        before = adopted(drawing, server)
        interfaces = f"/servers/{server.id}/os-interface"
        body = {"interfaceAttachment": {"net_id": second["id"], "fixed_ips": [{"ip_address": "10.43.0.99"}]}}
        answer = tenant.compute.post(interfaces, json=body)
        assert answer.status_code == 200, answer.text
        attached = answer.json()["interfaceAttachment"]
        (subnet_id,) = drawing.shown("networks", second)["subnets"]
        assert attached["net_id"] == second["id"]
        assert attached["fixed_ips"] == [{"subnet_id": subnet_id, "ip_address": "10.43.0.99"}]

        def ports() -> set[str]:
            return {port["id"] for port in drawing.ports(device_id=server.id)}

        eventually(lambda: ports() == {before["id"], attached["port_id"]}, "both at the top")
        listed = tenant.compute.get(interfaces).json()["interfaceAttachments"]
        assert {each["port_id"] for each in listed} == ports()
        assert tenant.compute.delete(f"{interfaces}/{attached['port_id']}").status_code == 202
        eventually(lambda: ports() == {before["id"]}, "one at the top")


class TestInUse:
    def test_network_and_subnet_are_not_deleted(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
    ) -> None:
        network = drawing.network()
        adopted(drawing, servers.server("on-it", sites[0].site.zone, networks=on(network)))
        (subnet_id,) = drawing.shown("networks", network)["subnets"]
        for path, error in (
            (f"/networks/{network['id']}", "NetworkInUse"),
            (f"/subnets/{subnet_id}", "SubnetInUse"),
        ):
            refused = drawing.neutron.delete(path)
            assert refused.status_code == 409
            assert refused.json()["NeutronError"]["type"] == error

    def test_group_is_not_deleted(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin]
    ) -> None:
        network, group = drawing.network(), drawing.make("security-groups", "security_group")
        named = [{"name": group["id"]}]
        server = servers.server("in-it", sites[0].site.zone, networks=on(network), security_groups=named)
        adopted(drawing, server)
        refused = drawing.neutron.delete(f"/security-groups/{group['id']}")
        assert refused.status_code == 409
        assert refused.json()["NeutronError"]["type"] == "SecurityGroupInUse"

    def test_port_is_deleted_by_an_administrator_and_goes_from_its_server(
        self, drawing: Drawing, administered: Drawing, servers: Belongings, sites: list[SiteAdmin]
    ) -> None:
        server = servers.server("loses-it", sites[0].site.zone, networks=on(drawing.network()))
        port = adopted(drawing, server)
        # A server's port is its Nova's, as Neutron's policy has it.
        assert drawing.neutron.delete(f"/ports/{port['id']}").status_code == 403
        assert administered.neutron.delete(f"/ports/{port['id']}").status_code == 204
        eventually(lambda: sites[0].ports() == {}, "no port in the site")
        shown = servers.owner.compute.get(f"/servers/{server.id}/os-interface").json()
        assert shown["interfaceAttachments"] == []


STEPS: tuple[Document, ...] = (
    {
        "name": "renamed",
        "admin_state_up": False,
        "allowed_address_pairs": PAIRS,
        "extra_dhcp_opts": OPTIONS,
    },
    {
        "admin_state_up": True,
        "allowed_address_pairs": PAIRS[:1],
        "extra_dhcp_opts": [{**OPTIONS[0], "opt_value": None}],
        "qos_policy_id": None,
    },
    {"security_groups": [], "allowed_address_pairs": [], "port_security_enabled": False},
    {"port_security_enabled": True},
)
"""Changes of a port one after another; the first besides with a group, a policy and tags."""


class TestChangedAtTheTop:
    @pytest.fixture(params=[False, True], ids=["adopted", "made-first"])
    def port(
        self,
        request: pytest.FixtureRequest,
        drawing: Drawing,
        servers: Belongings,
        sites: list[SiteAdmin],
    ) -> Document:
        """A server's port."""
        network = drawing.network()
        wanted = [{"port": drawing.port(network)["id"]}] if request.param else on(network)
        return adopted(drawing, servers.server("changes", sites[1].site.zone, networks=wanted))

    def test_is_so_in_its_site(
        self, drawing: Drawing, port: Document, policy: Document, whole: Whole, sites: list[SiteAdmin]
    ) -> None:
        group = drawing.make("security-groups", "security_group")
        more = {"security_groups": [group["id"]], "qos_policy_id": policy["id"]}
        for fields in (STEPS[0] | more, *STEPS[1:]):
            drawing.change("ports", port, **fields)
            if "name" in fields:
                drawing.tag("ports", port, "green", "square")
            whole.agrees()
        there = in_site(sites[1], port)
        assert (there["name"], sorted(there["tags"])) == ("renamed", ["green", "square"])


class TestNetworkChangedAtTheTop:
    def test_is_so_in_both_sites(
        self, drawing: Drawing, servers: Belongings, policy: Document, whole: Whole, sites: list[SiteAdmin]
    ) -> None:
        network = drawing.network()
        side_by_side(lambda site: servers.server("on-it", site.site.zone, networks=on(network)), sites)
        (subnet_id,) = drawing.shown("networks", network)["subnets"]
        drawing.change(
            "networks",
            network,
            name="renamed",
            admin_state_up=False,
            port_security_enabled=False,
            qos_policy_id=policy["id"],
        )
        drawing.change(
            "subnets",
            {"id": subnet_id},
            name="renamed-too",
            dns_nameservers=["192.0.2.53", "192.0.2.54"],
            host_routes=[{"destination": "192.0.2.0/24", "nexthop": "10.42.0.1"}],
            enable_dhcp=False,
        )
        drawing.tag("networks", network, "green")
        drawing.tag("subnets", {"id": subnet_id}, "square")
        whole.agrees()
        for site in sites:
            (there,) = marked(site, "networks", network["id"])
            assert (there["name"], there["admin_state_up"], there["tags"]) == ("renamed", False, ["green"])
        drawing.change("networks", network, admin_state_up=True, qos_policy_id=None)
        drawing.subnet(network, "10.47.0.0/24")
        whole.agrees()
        found = servers.server("as-changed", sites[0].site.zone, networks=on(network))
        assert list(found.addresses) == ["renamed"]


class TestBehindTheTopsBack:
    """What somebody does in a site itself is followed by the comparison of ports, which comes round."""

    def test_what_is_deleted_or_changed_there_is_so_at_the_top(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], ask: Ask
    ) -> None:
        network, site = drawing.network(), sites[0]
        gone, changed = (
            servers.server(name, site.site.zone, networks=on(network)) for name in ("gone", "changed")
        )
        left, renamed = (adopted(drawing, server) for server in (gone, changed))
        assert site.connection.network.delete(f"/ports/{left['id']}").status_code == 204
        body = {"port": {"name": "renamed"}}
        assert site.connection.network.put(f"/ports/{renamed['id']}", json=body).status_code == 200
        ask("ports", site)
        eventually(
            lambda: (
                {port["id"]: port["name"] for port in drawing.ports(network_id=network["id"])}
                == {renamed["id"]: "renamed"}
            ),
            "the top as the site is",
        )

    @pytest.mark.parametrize(
        "fields",
        [{"allowed_address_pairs": PAIRS}, {"security_groups": [], "port_security_enabled": False}],
        ids=["pairs", "no-port-security"],
    )
    def test_pairs_port_security_and_tags_are_so_at_the_top_and_outlive_a_change_there(
        self,
        drawing: Drawing,
        servers: Belongings,
        sites: list[SiteAdmin],
        ask: Ask,
        *,
        whole: Whole,
        fields: Document,
    ) -> None:
        site = sites[0]
        port = adopted(drawing, servers.server("changed", site.site.zone, networks=on(drawing.network())))
        path, neutron = f"/ports/{port['id']}", site.connection.network
        assert neutron.put(path, json={"port": fields}).status_code == 200
        assert neutron.put(f"{path}/tags", json={"tags": ["green", "square"]}).status_code == 200
        before = in_site(site, port)
        ask("ports", site)
        eventually(lambda: drawing.shown("ports", port)["tags"] != [], "the top as the site is")
        whole.agrees()
        drawing.change("ports", port, name="renamed")
        whole.agrees()
        after = in_site(site, port)
        assert after["name"] == "renamed"
        assert after["port_security_enabled"] == before["port_security_enabled"]
        for name in ("allowed_address_pairs", "security_groups", "tags"):
            assert sorted(after[name], key=str) == sorted(before[name], key=str)

    def test_a_server_that_is_deleted_there_leaves_nothing_at_the_top(
        self, drawing: Drawing, servers: Belongings, sites: list[SiteAdmin], ask: Ask
    ) -> None:
        network, site = drawing.network(), sites[1]
        first = drawing.port(network)
        server = servers.server("gone", site.site.zone, networks=[*on(network), {"port": first["id"]}])
        eventually(lambda: len(drawing.ports(device_id=server.id)) == 2, "both ports at the top")
        assert site.connection.compute.delete(f"/servers/{server.id}").status_code == 204
        eventually(lambda: site.ports() == {}, "no servers' port in the site")
        ask("ports", site)
        eventually(
            lambda: (
                [(port["id"], port["device_id"]) for port in drawing.ports(network_id=network["id"])]
                == [(first["id"], "")]
            ),
            "the top as the site is",
        )
