"""What a server is given that its site has not got is made there before the site is asked."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import requests
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.compute.records import Server
from tests.fakes.keystone import Token
from tests.fakes.network import Network, TopNetwork
from tests.fakes.site import Site
from tests.functional.api import IMAGE
from tests.functional.gateway import GatewayClient, Reply
from tests.functional.workshop import Workshop

from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT


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
    top: TopNetwork
    site: Site
    member: GatewayClient
    server: Server
    workshop: Workshop

    def make(self, kind: str, collection: str, *, owner: Token | None = None, **fields: Any) -> str:
        """Make something at the top as the member, or as somebody else, and return its id."""
        reply = requests.post(
            f"{self.top.server.url}/v2.0/{collection}",
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

    def path(self, below: str = "") -> str:
        """Return the path of the server, or of something below it."""
        return f"/v2.1/servers/{self.server.id}{below}"

    def attach(self, **wanted: Any) -> Reply:
        """Attach an interface."""
        return self.member.post(self.path("/os-interface"), {"interfaceAttachment": wanted})

    def act(self, **action: Any) -> Reply:
        """Do an action."""
        return self.member.post(self.path("/action"), action)

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
def ground(
    cloud: Cloud, site_two: Site, compute: GatewayClient, top: TopNetwork, workshop: Workshop
) -> Ground:
    """Nova of the site knows what the site's Neutron has, and nothing else."""
    site_two.compute.networks = site_two.network.networks.keys()
    site_two.compute.group_names = Groups(site_two.network, "name")
    site_two.compute.group_descriptions = Groups(site_two.network, "description")
    (server,) = site_two.compute.add_servers(1, PROJECT)
    return Ground(cloud, top, site_two, compute.at("compute 2.96"), server, workshop)


def test_a_network_is_attached(ground: Ground) -> None:
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


def test_with_a_network_comes_the_default_group_in_which_its_port_is(ground: Ground) -> None:
    """As the top has it; the site's own may let others in."""
    network = ground.make_network()
    assert ground.attach(net_id=network).status == 200
    site = ground.workshop.site_id("SiteTwo")
    there = {each.definition.name: each.id_in(site) for each in ground.workshop.known("security_group")}
    assert there.keys() == {"default"}
    assert there["default"] in ground.site.network.security_groups


def test_without_a_name_the_projects_only_network_is_meant(ground: Ground) -> None:
    network = ground.make_network()
    reply = ground.attach()
    assert reply.json["interfaceAttachment"]["net_id"] == network
    assert ground.sent == {"interfaceAttachment": {"net_id": ground.in_site(network)}}


def test_an_administrator_attaches_what_the_servers_project_has(ground: Ground) -> None:
    network, admin = ground.make_network(), ground.cloud.admin
    assert admin.project_id != ground.server.project_id
    url = ground.path("/os-interface")
    reply = ground.member.as_(admin).post(url, {"interfaceAttachment": {}})
    assert reply.json["interfaceAttachment"]["net_id"] == network
    port = ground.make("port", "ports", network_id=network)
    ground.member.as_(admin).post(url, {"interfaceAttachment": {"port_id": port}})
    assert ground.sent["interfaceAttachment"]["port_id"] != port, "which the site calls otherwise"


def test_of_several_networks_one_must_be_named(ground: Ground) -> None:
    ground.make_network(1)
    ground.make_network(2)
    reply = ground.attach()
    words = "Multiple possible networks found, use a Network ID to be more specific."
    assert (reply.status, reply.fault) == (400, ("badRequest", words))
    assert ground.site.compute.received("POST") == []


def test_a_network_that_nobody_knows(ground: Ground) -> None:
    unknown = str(uuid4())
    reply = ground.attach(net_id=unknown)
    assert (reply.status, reply.fault[1]) == (404, f"Network {unknown} could not be found.")
    assert ground.workshop.waiting("adopt") == []


def test_another_projects_network_is_to_its_user_one_that_nobody_knows(
    ground: Ground, compute: GatewayClient
) -> None:
    stranger = ground.cloud.stranger
    network = ground.make_network(owner=stranger)
    (server,) = ground.site.compute.add_servers(1, stranger.project_id)
    wanted = {"interfaceAttachment": {"net_id": network}}
    assert compute.as_(stranger).post(f"/v2.1/servers/{server.id}/os-interface", wanted).status == 200
    assert ground.in_site(network)
    reply = ground.attach(net_id=network)
    assert (reply.status, reply.fault[1]) == (404, f"Network {network} could not be found.")
    assert ground.sent == wanted, "and the site is not told what it is there"


def test_an_address_more_on_a_network(ground: Ground) -> None:
    network = ground.make_network()
    ground.attach(net_id=network)
    reply = (
        GatewayClient(ground.member.gateway, ground.cloud.member, {})
        .at("compute 2.43")
        .post(ground.path("/action"), {"addFixedIp": {"networkId": network}})
    )
    assert reply.status == 202
    assert ground.sent == {"addFixedIp": {"networkId": ground.in_site(network)}}
    (port,) = ground.member.get(ground.path("/os-interface")).json["interfaceAttachments"]
    assert len(port["fixed_ips"]) == 2


def test_an_address_less(ground: Ground) -> None:
    client = GatewayClient(ground.member.gateway, ground.cloud.member, {}).at("compute 2.43")
    less = {"removeFixedIp": {"address": "10.0.1.7"}}
    assert client.post(ground.path("/action"), less).status == 202
    assert ground.sent == less
    # The site takes it off after its answer: the job knows what it is to wait for.
    (follows,) = JobStore(ground.cloud.database).page(JobFilters(type=ADOPT.name))
    assert ADOPT.read(follows.parameters).leaving == ("10.0.1.7",)


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_security_group_is_added(ground: Ground, by: str) -> None:
    group = ground.make("security_group", "security-groups", name="web", description="for the web")
    assert ground.act(addSecurityGroup={"name": group if by == "id" else "web"}).status == 202
    theirs = ground.in_site(group)
    assert theirs != group
    assert ground.server.security_groups == ["default", theirs]
    shown = ground.member.get(ground.path()).json["server"]["security_groups"]
    assert shown == [{"name": "default"}, {"name": "web"}]
    groups = ground.member.get(ground.path("/os-security-groups")).json["security_groups"]
    (found,) = (each for each in groups if each["name"] == "web")
    assert (found["id"], found["rules"]) == (group, []), "none lets anything in"
    assert found["description"] == "for the web"


def test_the_rules_of_a_group_that_is_added_come_at_once(ground: Ground) -> None:
    group = ground.make("security_group", "security-groups", name="web")
    rule = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    ground.make("security_group_rule", "security-group-rules", security_group_id=group, **rule)
    assert ground.act(addSecurityGroup={"name": "web"}).status == 202
    ground.workshop.run()
    there = ground.site.network.security_groups[ground.in_site(group)]["security_group_rules"]
    assert "tcp" in [each["protocol"] for each in there]


def test_what_the_site_has_can_be_used_while_the_top_is_away(ground: Ground) -> None:
    network = ground.make_network()
    group = ground.make("security_group", "security-groups", name="web")
    assert ground.attach(net_id=network).status == 200
    assert ground.act(addSecurityGroup={"name": group}).status == 202
    ground.top.stop()
    assert ground.attach(net_id=network).json["interfaceAttachment"]["net_id"] == network
    assert ground.act(removeSecurityGroup={"name": group}).status == 202
    assert ground.server.security_groups == ["default"]


def test_what_the_site_has_not_cannot_meanwhile(ground: Ground) -> None:
    network = ground.make_network()
    ground.top.stop()
    assert ground.attach(net_id=network).status == 503
    assert ground.site.compute.received("POST") == []


def test_a_new_server_shows_the_groups_that_were_asked_for(ground: Ground) -> None:
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
    interfaces = f"/v2.1/servers/{made.json['server']['id']}/os-interface"
    (shown,) = ground.member.get(interfaces).json["interfaceAttachments"]
    assert shown["net_id"] == network
