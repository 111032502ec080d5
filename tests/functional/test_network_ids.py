"""Ids of networks, subnets, ports and security groups are the top's, though each site has its own."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import requests
from sqlalchemy import Connection
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.compute.records import Action, Interface, Server
from tests.fakes.compute.servers import interface
from tests.fakes.keystone import Token
from tests.fakes.network import Network
from tests.fakes.site import Site
from tests.functional.api import IMAGE
from tests.functional.gateway import GatewayClient, Reply
from tests.functional.workshop import Workshop

from tricircle.db.tables import definitions, realisations
from tricircle.db.timestamps import now
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT
from tricircle.sites.store import SiteStore


@dataclass(frozen=True)
class Known:
    """A network with a subnet, and a security group: what the top calls them, and what a site calls them."""

    top: dict[str, str]
    site: dict[str, str]


def know(cloud: Cloud, site: Site, kind: str, site_resource_id: str) -> str:
    """Write down what a site calls something of the top, and return what the top calls it."""
    top_id, definition_id = str(uuid4()), str(uuid4())
    (site_id,) = (each.id for each in SiteStore(cloud.database).page() if each.name == site.name)

    def work(connection: Connection) -> None:
        moment = now()
        connection.execute(
            definitions.insert().values(
                id=definition_id,
                resource_type=kind,
                resource_key=top_id,
                name="",
                project_id=PROJECT,
                body="{}",
                version=1,
                state="active",
                created_at=moment,
                updated_at=moment,
            )
        )
        connection.execute(
            realisations.insert().values(
                definition_id=definition_id,
                site_id=site_id,
                site_resource_id=site_resource_id,
                version=1,
                updated_at=moment,
            )
        )

    cloud.database.transact(work)
    return top_id


@pytest.fixture
def member(cloud: Cloud, compute: GatewayClient) -> GatewayClient:
    """A member of the project at the gateway of a top that has a network service."""
    cloud.start_network()
    return compute.at("compute 2.96")


@pytest.fixture
def server(site_two: Site) -> Server:
    """A server of SiteTwo with one port."""
    (server,) = site_two.compute.add_servers(1, PROJECT)
    server.interfaces = [interface({"uuid": str(uuid4())})]
    return server


@pytest.fixture
def port(server: Server) -> Interface:
    """Its port."""
    return server.interfaces[0]


@pytest.fixture
def known(cloud: Cloud, site_two: Site, server: Server, port: Interface) -> Known:
    """What the top knows of it."""
    theirs = {"network": port.net_id, "subnet": port.subnet_id, "security_group": str(uuid4())}
    server.group_names = site_two.compute.group_names = {theirs["security_group"]: ""}
    return Known({kind: know(cloud, site_two, kind, each) for kind, each in theirs.items()}, theirs)


def path(server: Server, below: str = "") -> str:
    return f"/v2.1/servers/{server.id}{below}"


class TestShown:
    def test_interfaces(self, member: GatewayClient, server: Server, port: Interface, known: Known) -> None:
        (shown,) = member.get(path(server, "/os-interface")).json["interfaceAttachments"]
        (address,) = shown["fixed_ips"]
        assert (shown["net_id"], address["subnet_id"]) == (known.top["network"], known.top["subnet"])
        assert (shown["port_id"], address["ip_address"]) == (port.port_id, port.address)
        alone = member.get(path(server, f"/os-interface/{port.port_id}"))
        assert alone.json["interfaceAttachment"] == shown

    def test_a_port_that_the_top_calls_otherwise(
        self, member: GatewayClient, cloud: Cloud, site_two: Site, server: Server, port: Interface
    ) -> None:
        top_id = know(cloud, site_two, "port", port.port_id)
        (shown,) = member.get(path(server, "/os-interface")).json["interfaceAttachments"]
        assert shown["port_id"] == top_id
        assert member.get(path(server, f"/os-interface/{top_id}")).json["interfaceAttachment"] == shown
        assert member.delete(path(server, f"/os-interface/{top_id}")).status == 202
        assert server.interfaces == []
        # The site takes it off after its answer: the job knows what it is to wait for.
        (follows,) = JobStore(cloud.database).page(JobFilters(type=ADOPT.name))
        assert ADOPT.read(follows.parameters).leaving == (port.port_id,)

    def test_security_groups(self, member: GatewayClient, server: Server, known: Known) -> None:
        server.security_groups = [known.site["security_group"]]
        (group,) = member.get(path(server, "/os-security-groups")).json["security_groups"]
        assert group["id"] == group["rules"][0]["parent_group_id"] == known.top["security_group"]

    @pytest.mark.parametrize("url", ["", "/detail"])
    def test_a_group_without_a_name_in_a_server(
        self, member: GatewayClient, site_one: Site, server: Server, known: Known, url: str
    ) -> None:
        server.security_groups = ["default", known.site["security_group"]]
        site_one.compute.add_servers(2, PROJECT)
        shown = member.get(f"/v2.1/servers{url or '/' + server.id}").json
        found = shown["server"] if not url else next(s for s in shown["servers"] if s["id"] == server.id)
        assert found["security_groups"] == [{"name": "default"}, {"name": known.top["security_group"]}]

    @pytest.mark.parametrize(
        ("words", "kind"),
        [
            ("No fixed IP addresses available for network: {}", "network"),
            ("Unable to find security_group with name or id '{}'", "security_group"),
        ],
    )
    def test_why_a_server_is_broken(
        self, member: GatewayClient, server: Server, known: Known, words: str, kind: str
    ) -> None:
        server.vm_state = "error"
        server.failure = words.format(known.site[kind])
        server.actions.append(
            Action("create", "req-1", PROJECT, PROJECT, server.created_at, failure=server.failure)
        )
        expected = words.format(known.top[kind])
        assert member.get(path(server)).json["server"]["fault"]["message"] == expected
        (listed,) = member.get("/v2.1/servers/detail").json["servers"]
        assert listed["fault"]["message"] == expected
        (event,) = member.get(path(server, "/os-instance-actions/req-1")).json["instanceAction"]["events"]
        assert event["details"] == expected

    def test_what_the_top_does_not_know_is_the_sites(
        self, member: GatewayClient, server: Server, port: Interface
    ) -> None:
        (shown,) = member.get(path(server, "/os-interface")).json["interfaceAttachments"]
        assert (shown["net_id"], shown["fixed_ips"][0]["subnet_id"]) == (port.net_id, port.subnet_id)

    def test_without_a_network_service_ids_are_the_sites(
        self, compute: GatewayClient, server: Server, port: Interface, known: Known
    ) -> None:
        (shown,) = compute.get(path(server, "/os-interface")).json["interfaceAttachments"]
        assert shown["net_id"] == port.net_id


class TestUserData:
    def test_is_never_touched(
        self, member: GatewayClient, cloud: Cloud, server: Server, known: Known
    ) -> None:
        words = f"network {known.site['network']} security group {known.site['security_group']}"
        server.metadata = {"name": known.site["security_group"], "net_id": known.site["network"], "a": words}
        server.tags = [known.site["network"]]
        server.display_name = server.display_description = words
        server.user_data = words
        server.security_groups = [known.site["security_group"]]
        server.interfaces[0].tag = known.site["network"]
        shown = member.as_(cloud.admin).get(path(server)).json["server"]
        assert shown["security_groups"] == [{"name": known.top["security_group"]}]
        assert (shown["metadata"], shown["tags"]) == (server.metadata, server.tags)
        assert shown["name"] == shown["description"] == shown["OS-EXT-SRV-ATTR:user_data"] == words
        (port,) = member.get(path(server, "/os-interface")).json["interfaceAttachments"]
        assert (port["net_id"], port["tag"]) == (known.top["network"], known.site["network"])

    def test_goes_to_the_site_as_it_came(
        self, member: GatewayClient, site_two: Site, server: Server, known: Known
    ) -> None:
        body = json.dumps({"metadata": {"net_id": known.top["network"]}}).encode()
        member.request("POST", path(server, "/metadata"), body)
        assert site_two.compute.received("POST")[-1].body == body


class TestActions:
    def test_a_group_is_taken_away_by_the_tops_id(
        self, member: GatewayClient, workshop: Workshop, server: Server, known: Known
    ) -> None:
        server.security_groups = ["default", known.site["security_group"]]
        action = {"removeSecurityGroup": {"name": known.top["security_group"]}}
        assert member.post(path(server, "/action"), action).status == 202
        assert server.security_groups == ["default"]
        (job,) = workshop.waiting("adopt")
        assert (job.resource_id, job.site_id) == (server.id, workshop.site_id("SiteTwo"))

    def test_a_refusal_speaks_of_the_tops_group(
        self, member: GatewayClient, workshop: Workshop, server: Server, known: Known
    ) -> None:
        action = {"removeSecurityGroup": {"name": known.top["security_group"]}}
        reply = member.post(path(server, "/action"), action)
        words = f"Security group {known.top['security_group']} not associated with the instance {server.id}"
        assert (reply.status, reply.fault) == (404, ("itemNotFound", words))
        assert workshop.waiting("adopt") == []


class TestDetach:
    def test_the_top_follows(self, member: GatewayClient, workshop: Workshop, server: Server) -> None:
        assert member.delete(path(server, f"/os-interface/{server.interfaces[0].port_id}")).status == 202
        (job,) = workshop.waiting("adopt")
        assert (job.resource_id, job.site_id) == (server.id, workshop.site_id("SiteTwo"))

    def test_without_a_network_service_nobody_has_to(
        self, compute: GatewayClient, workshop: Workshop, server: Server
    ) -> None:
        assert compute.delete(path(server, f"/os-interface/{server.interfaces[0].port_id}")).status == 202
        assert workshop.waiting("adopt") == []


class Groups(Mapping[str, str]):
    """A field of the security groups that a site's Neutron has, by id."""

    def __init__(self, network: Network, field: str) -> None:
        self._network = network
        self._field = field

    def __getitem__(self, identifier: str) -> str:
        return str(self._network.security_groups[identifier][self._field])

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._network.security_groups))

    def __len__(self) -> int:
        return len(self._network.security_groups)


@dataclass(frozen=True)
class Ground:
    """A top with a network service, and a server in a site that has nothing of what is there."""

    cloud: Cloud
    site: Site
    member: GatewayClient
    server: Server
    workshop: Workshop

    def make(self, kind: str, collection: str, *, owner: Token | None = None, **fields: Any) -> str:
        """Make something at the top as the member, or as somebody else, and return its id."""
        assert self.cloud.network is not None
        reply = requests.post(
            f"{self.cloud.network.server.url}/v2.0/{collection}",
            json={kind: fields},
            headers={"X-Auth-Token": (owner or self.cloud.member).id},
            timeout=5,
        )
        assert reply.status_code == 201, reply.text
        identifier: str = reply.json()[kind]["id"]
        return identifier

    def make_network(self, number: int = 1, owner: Token | None = None) -> str:
        """Make a network with a subnet."""
        network = self.make("network", "networks", owner=owner, name=f"net{number}")
        cidr = f"10.{number}.0.0/24"
        self.make("subnet", "subnets", owner=owner, network_id=network, cidr=cidr, ip_version=4)
        return network

    def attach(self, **wanted: Any) -> Reply:
        """Attach an interface."""
        return self.member.post(path(self.server, "/os-interface"), {"interfaceAttachment": wanted})

    def act(self, **action: Any) -> Reply:
        """Do an action."""
        return self.member.post(path(self.server, "/action"), action)

    @property
    def sent(self) -> Any:
        """The last body that the site's Nova got."""
        return json.loads(self.site.compute.received("POST")[-1].body)

    def in_site(self, top_id: str) -> str:
        """Return what the site calls its one network or group that bears the mark of one of the top."""
        network = self.site.network
        every = [*network.networks.values(), *network.security_groups.values()]
        (found,) = (each["id"] for each in every if each["description"] == f"tricircle:{top_id}")
        return str(found)


@pytest.fixture
def ground(cloud: Cloud, site_two: Site, member: GatewayClient, workshop: Workshop) -> Ground:
    """Nova of the site knows what the site's Neutron has, and nothing else."""
    site_two.compute.networks = site_two.network.networks.keys()
    site_two.compute.group_names = Groups(site_two.network, "name")
    site_two.compute.group_descriptions = Groups(site_two.network, "description")
    (server,) = site_two.compute.add_servers(1, PROJECT)
    return Ground(cloud, site_two, member, server, workshop)


class TestFirstUse:
    """What a site has not got is made there before the site is asked."""

    def test_a_network_is_attached(self, ground: Ground) -> None:
        network = ground.make_network()
        reply = ground.attach(net_id=network, tag=network)
        assert reply.status == 200, reply.body
        theirs = ground.in_site(network)
        assert theirs != network
        assert ground.sent == {"interfaceAttachment": {"net_id": theirs, "tag": network}}
        shown = reply.json["interfaceAttachment"]
        assert (shown["net_id"], shown["tag"]) == (network, network)
        assert ground.server.interfaces[0].net_id == theirs
        (job,) = ground.workshop.waiting("adopt")
        assert (job.resource_id, job.site_id) == (ground.server.id, ground.workshop.site_id("SiteTwo"))

    def test_without_a_name_the_projects_only_network_is_meant(self, ground: Ground) -> None:
        network = ground.make_network()
        reply = ground.attach()
        assert reply.json["interfaceAttachment"]["net_id"] == network
        assert ground.sent == {"interfaceAttachment": {"net_id": ground.in_site(network)}}

    def test_an_administrator_attaches_what_the_servers_project_has(self, ground: Ground) -> None:
        network, admin = ground.make_network(), ground.cloud.admin
        assert admin.project_id != ground.server.project_id
        url = path(ground.server, "/os-interface")
        reply = ground.member.as_(admin).post(url, {"interfaceAttachment": {}})
        assert reply.json["interfaceAttachment"]["net_id"] == network
        port = ground.make("port", "ports", network_id=network)
        ground.member.as_(admin).post(url, {"interfaceAttachment": {"port_id": port}})
        assert ground.sent["interfaceAttachment"]["port_id"] != port, "which the site calls otherwise"

    def test_of_several_networks_one_must_be_named(self, ground: Ground) -> None:
        ground.make_network(1)
        ground.make_network(2)
        reply = ground.attach()
        words = "Multiple possible networks found, use a Network ID to be more specific."
        assert (reply.status, reply.fault) == (400, ("badRequest", words))
        assert ground.site.compute.received("POST") == []

    def test_a_network_that_nobody_knows(self, ground: Ground) -> None:
        unknown = str(uuid4())
        reply = ground.attach(net_id=unknown)
        assert (reply.status, reply.fault[1]) == (404, f"Network {unknown} could not be found.")
        assert ground.workshop.waiting("adopt") == []

    def test_another_projects_network_is_to_its_user_one_that_nobody_knows(
        self, ground: Ground, compute: GatewayClient
    ) -> None:
        stranger = ground.cloud.stranger
        network = ground.make_network(owner=stranger)
        (server,) = ground.site.compute.add_servers(1, stranger.project_id)
        wanted = {"interfaceAttachment": {"net_id": network}}
        assert compute.as_(stranger).post(path(server, "/os-interface"), wanted).status == 200
        assert ground.in_site(network)
        reply = ground.attach(net_id=network)
        assert (reply.status, reply.fault[1]) == (404, f"Network {network} could not be found.")
        assert ground.sent == wanted, "and the site is not told what it is there"

    def test_an_address_more_on_a_network(self, ground: Ground) -> None:
        network = ground.make_network()
        ground.attach(net_id=network)
        reply = (
            GatewayClient(ground.member.gateway, ground.cloud.member, {})
            .at("compute 2.43")
            .post(path(ground.server, "/action"), {"addFixedIp": {"networkId": network}})
        )
        assert reply.status == 202
        assert ground.sent == {"addFixedIp": {"networkId": ground.in_site(network)}}
        (port,) = ground.member.get(path(ground.server, "/os-interface")).json["interfaceAttachments"]
        assert len(port["fixed_ips"]) == 2

    def test_an_address_less(self, ground: Ground) -> None:
        client = GatewayClient(ground.member.gateway, ground.cloud.member, {}).at("compute 2.43")
        less = {"removeFixedIp": {"address": "10.0.1.7"}}
        assert client.post(path(ground.server, "/action"), less).status == 202
        assert ground.sent == less
        # The site takes it off after its answer: the job knows what it is to wait for.
        (follows,) = JobStore(ground.cloud.database).page(JobFilters(type=ADOPT.name))
        assert ADOPT.read(follows.parameters).leaving == ("10.0.1.7",)

    @pytest.mark.parametrize("by", ["name", "id"])
    def test_a_security_group_is_added(self, ground: Ground, by: str) -> None:
        group = ground.make("security_group", "security-groups", name="web", description="for the web")
        assert ground.act(addSecurityGroup={"name": group if by == "id" else "web"}).status == 202
        theirs = ground.in_site(group)
        assert theirs != group
        assert ground.server.security_groups == ["default", theirs]
        shown = ground.member.get(path(ground.server)).json["server"]["security_groups"]
        assert shown == [{"name": "default"}, {"name": "web"}]
        groups = ground.member.get(path(ground.server, "/os-security-groups")).json["security_groups"]
        (found,) = (each for each in groups if each["name"] == "web")
        assert (found["id"], found["rules"]) == (group, []), "none lets anything in"
        assert found["description"] == "for the web"

    def test_what_the_site_has_can_be_used_while_the_top_is_away(self, ground: Ground) -> None:
        network = ground.make_network()
        group = ground.make("security_group", "security-groups", name="web")
        assert ground.attach(net_id=network).status == 200
        assert ground.act(addSecurityGroup={"name": group}).status == 202
        assert ground.cloud.network is not None
        ground.cloud.network.stop()
        assert ground.attach(net_id=network).json["interfaceAttachment"]["net_id"] == network
        assert ground.act(removeSecurityGroup={"name": group}).status == 202
        assert ground.server.security_groups == ["default"]

    def test_what_the_site_has_not_cannot_meanwhile(self, ground: Ground) -> None:
        network = ground.make_network()
        assert ground.cloud.network is not None
        ground.cloud.network.stop()
        assert ground.attach(net_id=network).status == 503
        assert ground.site.compute.received("POST") == []

    def test_a_new_server_shows_the_groups_that_were_asked_for(self, ground: Ground) -> None:
        network = ground.make_network()
        group = ground.make("security_group", "security-groups", name="web")
        wanted = {
            "name": "x",
            "flavorRef": "1",
            "imageRef": IMAGE,
            "availability_zone": "az2",
            "networks": [{"uuid": network}],
            "security_groups": [{"name": group}, {"name": "default"}],
            "user_data": base64.b64encode(f"network {network}".encode()).decode(),
            "metadata": {"net_id": network, "name": group},
        }
        made = ground.member.post("/v2.1/servers", {"server": wanted})
        assert made.status == 202, made.body
        assert made.json["server"]["security_groups"] == wanted["security_groups"]
        theirs: dict[str, Any] = {"availability_zone": "nova"}
        theirs["networks"] = [{"uuid": ground.in_site(network)}]
        theirs["security_groups"] = [{"name": ground.in_site(group)}, {"name": "default"}]
        assert ground.sent == {"server": wanted | theirs}
        below = path(ground.site.compute.servers[made.json["server"]["id"]], "/os-interface")
        (shown,) = ground.member.get(below).json["interfaceAttachments"]
        assert shown["net_id"] == network
