"""Fixtures: a top of two fake sites, and clients of its gateways."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.cloud import PATIENT, PROJECT, Cloud
from tests.fakes.network import TopNetwork
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop, give_network
from tests.functional.api import Api, compute_api, volume_api
from tests.functional.gateway import Gateway, GatewayClient, compute_application, volume_application
from tests.functional.group_world import World
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.jobs.types import ADOPT, FOLLOW, REPLICATE
from tricircle.realise import returns
from tricircle.xjob import adopt


@pytest.fixture
def bare_cloud(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """Keystone and a top without any site. A failure within a fake fails the test.

    The top has the `OPTIONS` of the test's module.
    """
    cloud = Cloud(tmp_path, options=getattr(request.module, "OPTIONS", PATIENT))
    cloud.start()
    yield cloud
    cloud.stop()
    assert cloud.failures == []


@pytest.fixture
def cloud(bare_cloud: Cloud) -> Cloud:
    """A top with two sites: zone az1 is SiteOne's, az2 is SiteTwo's; both call theirs `nova`."""
    bare_cloud.add_site("SiteOne", "az1")
    bare_cloud.add_site("SiteTwo", "az2")
    return bare_cloud


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is under way in sites unless a test says so: nobody waits for it to end."""
    monkeypatch.setattr(returns, "_QUIET", 0.0)


@pytest.fixture
def site_one(cloud: Cloud) -> Site:
    """The site of az1."""
    return cloud.sites["SiteOne"]


@pytest.fixture
def site_two(cloud: Cloud) -> Site:
    """The site of az2."""
    return cloud.sites["SiteTwo"]


@pytest.fixture
def compute(cloud: Cloud) -> GatewayClient:
    """A member of the project, at the compute gateway. It is made at the first request."""
    return GatewayClient(Gateway(cloud, compute_application), cloud.member)


@pytest.fixture
def admin(compute: GatewayClient, cloud: Cloud) -> GatewayClient:
    """An administrator at the compute gateway, at a microversion that shows all of a flavor."""
    return compute.as_(cloud.admin).at("compute 2.75")


@pytest.fixture
def volume(cloud: Cloud) -> GatewayClient:
    """A member of the project, at the block storage gateway. It is made at the first request."""
    return GatewayClient(Gateway(cloud, volume_application), cloud.member)


@pytest.fixture
def workshop(cloud: Cloud) -> Iterator[Workshop]:
    """A worker that does jobs when it is told to."""
    workshop = Workshop(cloud)
    workshop.clear()
    yield workshop
    workshop.engine.database.close()


@pytest.fixture
def top(cloud: Cloud) -> TopNetwork:
    """The top's Neutron."""
    return cloud.start_network()


@pytest.fixture
def fabric_top(cloud: Cloud) -> TopNetwork:
    """A top's Neutron that has physical networks."""
    network = cloud.start_network()
    network.physical_networks = ("stretched", "left", "right", "nowhere")
    return network


@pytest.fixture
def adopting_top(cloud: Cloud, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> AdoptingTop:
    """A top's Neutron that adopts ports; what is asked of servers shows at once."""
    monkeypatch.setattr(adopt, "_NOTICE", 0.0)
    top = give_network(cloud)
    workshop.clear()
    return top


@pytest.fixture
def group_world(cloud: Cloud, adopting_top: AdoptingTop, compute: GatewayClient, workshop: Workshop) -> World:
    """A project with one network, for tests of who is let in by security groups."""
    neutron = Neutron(cloud, adopting_top, cloud.member)
    network = neutron.make_network("net1", "10.0.1.0/24", "2001:db8::/64")
    return World(cloud, adopting_top, neutron, compute_api(compute), workshop, network)


@pytest.fixture
def compare(workshop: Workshop) -> Callable[..., str]:
    """Has the ports of a site compared, of the first one if none is named; gives what the job says."""
    return workshop.compare_ports


@pytest.fixture
def neutron(cloud: Cloud, top: TopNetwork) -> Neutron:
    """The member of the project, at the top's Neutron."""
    return Neutron(cloud, top, cloud.member)


@pytest.fixture
def administrator(cloud: Cloud, top: TopNetwork) -> Neutron:
    """An administrator at the top's Neutron."""
    return Neutron(cloud, top, cloud.admin)


@pytest.fixture
def net1(neutron: Neutron) -> Document:
    """A network with one subnet."""
    return neutron.make_network("net1", "10.0.1.0/24")


@pytest.fixture
def web(neutron: Neutron) -> Document:
    """A group whose rules name another one."""
    backend = neutron.make("security_group", name="backend")
    group = neutron.make("security_group", name="web")
    neutron.add_rule(group["id"], remote_group_id=backend["id"], protocol="tcp")
    return group


@pytest.fixture
def circle(neutron: Neutron) -> Document:
    """A group that names one that names it."""
    one, other = (neutron.make("security_group", name=name) for name in ("one", "other"))
    neutron.add_rule(one["id"], remote_group_id=other["id"], protocol="tcp")
    neutron.add_rule(other["id"], remote_group_id=one["id"], protocol="tcp")
    return one


@pytest.fixture
def port(servers: Api, workshop: Workshop, net1: Document, site_one: Site) -> Document:
    """The port of a server, which is adopted."""
    made = servers.create(availability_zone="az1", networks=[{"uuid": net1["id"]}])
    assert made.status == 202
    workshop.hurry(FOLLOW.name, REPLICATE.name, ADOPT.name)
    (port,) = [each for each in site_one.network.ports.values() if each["device_owner"] == "compute:nova"]
    return port


@pytest.fixture
def servers(compute: GatewayClient, top: TopNetwork) -> Api:
    """The servers of the project."""
    return compute_api(compute)


@pytest.fixture(params=["compute", "volume"])
def api(request: pytest.FixtureRequest) -> Api:
    """Servers, then volumes: for what must be true of both."""
    client = request.getfixturevalue(request.param)
    return compute_api(client) if request.param == "compute" else volume_api(client)


@pytest.fixture
def project() -> str:
    """The project whose resources most tests are about."""
    return PROJECT
