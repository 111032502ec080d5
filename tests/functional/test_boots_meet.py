"""Boots that meet: with each other, with deletes at the top, and with what a worker does at the same time."""

import pytest
from tests.fakes.cloud import Cloud
from tests.fakes.faults import Meanwhile, Status
from tests.fakes.network import TopNetwork
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import give_network
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.jobs.job import JobState
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT, AFTER_DELETE, CLEAN_UP, FOLLOW, INTENT, REPLICATE
from tricircle.xjob import adopt

pytestmark = pytest.mark.usefixtures("workshop", "_at_once")


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of a server shows at once here."""
    monkeypatch.setattr(adopt, "_NOTICE", 0.0)


@pytest.fixture
def top(cloud: Cloud) -> TopNetwork:
    """The top's Neutron."""
    return give_network(cloud)


@pytest.fixture
def port(neutron: Neutron, net1: Document) -> Document:
    """A port that is made before its server."""
    return neutron.make("port", name="p1", network_id=net1["id"])


def boot(servers: Api, port: Document, zone: str) -> Reply:
    """Boot a server that takes a port."""
    return servers.create(availability_zone=zone, networks=[{"port": port["id"]}])


def attach(servers: Api, port: Document, server: str) -> Reply:
    """Attach a port to a server that is there."""
    wanted = {"interfaceAttachment": {"port_id": port["id"]}}
    return servers.client.post(f"/v2.1/servers/{server}/os-interface", wanted)


def settle(workshop: Workshop) -> None:
    """Have all jobs done that the boots asked for."""
    workshop.hurry(FOLLOW.name, REPLICATE.name, INTENT.name, ADOPT.name, AFTER_DELETE.name, CLEAN_UP.name)
    assert JobStore(workshop.engine.database).page(JobFilters(state=JobState.FAILED)) == []


def copies(port: Document, *sites: Site) -> list[str]:
    """Return in which sites a port is, by name."""
    return [site.name for site in sites for _ in site.network.marked("ports", port["id"])]


class TestOnePortInTwoZones:
    def test_the_first_one_has_it(
        self, servers: Api, workshop: Workshop, port: Document, site_one: Site, site_two: Site
    ) -> None:
        assert boot(servers, port, "az1").status == 202
        # Nobody has told the top yet whose it is.
        reply = boot(servers, port, "az2")
        words = f"Port {port['id']} is still in use."
        assert (reply.status, reply.fault) == (409, ("conflictingRequest", words))
        settle(workshop)
        assert copies(port, site_one, site_two) == ["SiteOne"]
        assert (len(site_one.compute.servers), len(site_two.compute.servers)) == (1, 0)

    @pytest.mark.parametrize("path", ["/networks", "/ports"])
    def test_booted_at_once_one_server_is_made_and_one_site_has_it(
        self, servers: Api, workshop: Workshop, port: Document, path: str, cloud: Cloud
    ) -> None:
        site_one, site_two = cloud.sites.values()
        replies: list[Reply] = []
        other = Meanwhile(lambda: replies.append(boot(servers, port, "az2")))
        site_one.network.faults.put(other, path, method="POST", times=1)
        replies.append(boot(servers, port, "az1"))
        assert sorted(reply.status for reply in replies) == [202, 409]
        settle(workshop)
        made = {site.name: len(site.compute.servers) for site in (site_one, site_two)}
        (home,) = copies(port, site_one, site_two)
        assert made == {"SiteOne": 0, "SiteTwo": 0} | {home: 1}

    def test_one_whose_boot_was_refused_is_free_for_another_site(
        self, servers: Api, workshop: Workshop, port: Document, site_one: Site, site_two: Site
    ) -> None:
        wanted = [{"port": port["id"]}]
        assert servers.create(availability_zone="az1", networks=wanted, flavorRef="none").status == 400
        assert boot(servers, port, "az2").status == 202
        settle(workshop)
        assert copies(port, site_one, site_two) == ["SiteTwo"]

    def test_a_copy_that_is_made_when_it_is_not_needed_any_more_goes(
        self, workshop: Workshop, port: Document, neutron: Neutron, site_one: Site, site_two: Site
    ) -> None:
        """Two gateways prepare two sites, and neither knows of the other."""
        networks = workshop.engine.networks
        sites = workshop.engine.registry.snapshot.by_name

        def prepare(site: str) -> None:
            asked = {"project_id": neutron.token.project_id, "token": neutron.token.id, "count": 0}
            networks.prepare(sites[site], [], [], ports=[port["id"]], **asked)

        def meanwhile() -> None:
            prepare("SiteTwo")
            workshop.run()  # it leaves SiteOne, where it is not yet

        site_one.network.faults.put(Meanwhile(meanwhile), "/ports", method="POST", times=1)
        with pytest.raises(Exception, match="still in use"):
            prepare("SiteOne")
        settle(workshop)
        assert copies(port, site_one, site_two) == ["SiteTwo"]

    def test_a_copy_whose_maker_died_goes(
        self, workshop: Workshop, port: Document, neutron: Neutron, site_one: Site, site_two: Site
    ) -> None:
        networks = workshop.engine.networks
        sites = workshop.engine.registry.snapshot.by_name
        asked = {"project_id": neutron.token.project_id, "token": neutron.token.id, "count": 0}
        networks.prepare(sites["SiteOne"], [], [], ports=[port["id"]], **asked)
        (there,) = site_one.network.marked("ports", port["id"])
        networks.prepare(sites["SiteTwo"], [], [], ports=[port["id"]], **asked)
        del site_one.network.ports[there["id"]]
        workshop.run()
        # The request of one who is dead by now arrives last.
        site_one.network.ports[there["id"]] = there
        known = workshop.engine.replicas.store.find("port", port["id"])
        assert known is not None
        workshop.engine.replicas.realiser.realise(known.definition.id, sites["SiteOne"])
        assert copies(port, site_one, site_two) == ["SiteTwo"]


class TestOnePortForTwoServers:
    """It is attached to servers that are there, in two zones."""

    @pytest.fixture
    def there(self, servers: Api, workshop: Workshop) -> list[str]:
        """A server in each zone, without ports."""
        made = [servers.create(availability_zone=zone, networks="none") for zone in ("az1", "az2")]
        settle(workshop)
        return [reply.json["server"]["id"] for reply in made]

    def test_the_first_one_has_it(
        self, servers: Api, workshop: Workshop, port: Document, there: list[str], cloud: Cloud
    ) -> None:
        assert attach(servers, port, there[0]).status == 200
        # Nobody has told the top yet whose it is.
        words = f"Port {port['id']} is still in use."
        for reply in (attach(servers, port, there[1]), boot(servers, port, "az2")):
            assert (reply.status, reply.fault) == (409, ("conflictingRequest", words))
        settle(workshop)
        assert copies(port, *cloud.sites.values()) == ["SiteOne"]

    def test_attached_at_once_one_server_has_it(
        self, servers: Api, workshop: Workshop, port: Document, there: list[str], cloud: Cloud
    ) -> None:
        site_one, site_two = cloud.sites.values()
        replies: list[Reply] = []
        other = Meanwhile(lambda: replies.append(attach(servers, port, there[1])))
        site_one.network.faults.put(other, "/ports", method="POST", times=1)
        replies.append(attach(servers, port, there[0]))
        assert sorted(reply.status for reply in replies) == [200, 409]
        settle(workshop)
        (home,) = copies(port, site_one, site_two)
        have = [
            site.name for site in (site_one, site_two) for s in site.compute.servers.values() if s.interfaces
        ]
        assert have == [home]

    def test_meanwhile_no_server_is_booted_with_it_elsewhere(
        self, servers: Api, workshop: Workshop, port: Document, there: list[str], cloud: Cloud
    ) -> None:
        site_one, site_two = cloud.sites.values()
        replies: list[Reply] = []
        other = Meanwhile(lambda: replies.append(boot(servers, port, "az2")))
        site_one.compute.faults.put(other, f"/servers/{there[0]}/os-interface", method="POST", times=1)
        replies.append(attach(servers, port, there[0]))
        assert [reply.status for reply in replies] == [409, 200]
        settle(workshop)
        assert copies(port, site_one, site_two) == ["SiteOne"]

    def test_one_whose_attachment_was_refused_goes_from_the_site(
        self, servers: Api, workshop: Workshop, port: Document, there: list[str], cloud: Cloud
    ) -> None:
        site_one, site_two = cloud.sites.values()
        path = f"/servers/{there[0]}/os-interface"
        site_one.compute.faults.put(Status(409), path, method="POST", times=1)
        assert attach(servers, port, there[0]).status == 409
        settle(workshop)
        assert copies(port, site_one, site_two) == []
        assert site_one.network.marked("networks", port["network_id"]) == []
        assert attach(servers, port, there[1]).status == 200


def test_a_network_that_is_made_after_it_has_gone_from_the_top_goes(
    servers: Api, workshop: Workshop, net1: Document, neutron: Neutron, site_one: Site
) -> None:
    def meanwhile() -> None:
        neutron.delete("network", net1["id"])
        workshop.run()

    site_one.network.faults.put(Meanwhile(meanwhile), "/networks", method="POST", times=1)
    servers.create(availability_zone="az1", networks=[{"uuid": net1["id"]}])
    settle(workshop)
    assert site_one.network.marked("networks", net1["id"]) == []
    assert workshop.definitions("network") == workshop.definitions("subnet") == {}


class TestNetworkGoesDuringABoot:
    def test_it_goes_from_the_site_with_the_server(
        self, servers: Api, workshop: Workshop, net1: Document, neutron: Neutron, site_one: Site
    ) -> None:
        """The top could not know of the server: its database was away when the network was deleted."""
        server = servers.create(availability_zone="az1", networks=[{"uuid": net1["id"]}]).json["server"]["id"]
        neutron.delete("network", net1["id"])
        workshop.run()
        jobs = JobStore(workshop.engine.database)
        (adoption,) = jobs.page(JobFilters(type=ADOPT.name))
        assert adoption.state is JobState.SUCCEEDED
        assert adoption.cause == "1 ports. 1 on networks that are gone from the top."
        assert len(site_one.network.marked("networks", net1["id"])) == 1
        servers.client.delete(f"/v2.1/servers/{server}")
        workshop.finish(AFTER_DELETE.name)
        workshop.run()
        assert site_one.network.networks == {}
        assert workshop.definitions("network") == workshop.definitions("subnet") == {}
        assert workshop.parked() == []


class TestTheSiteIsDownDuringADelete:
    @pytest.fixture
    def server(
        self, servers: Api, workshop: Workshop, port: Document, net1: Document, top: TopNetwork
    ) -> str:
        """A server with a port that was made first, and with one that the site made for it."""
        wanted = [{"port": port["id"]}, {"uuid": net1["id"]}]
        server = servers.create(availability_zone="az1", networks=wanted).json["server"]["id"]
        settle(workshop)
        assert top.ports[port["id"]]["device_id"] == server
        assert len(top.adopted) == 1
        return str(server)

    def test_what_it_had_is_released_and_gone_when_the_site_is_back(
        self, servers: Api, workshop: Workshop, server: str, port: Document, site_one: Site
    ) -> None:
        assert servers.client.delete(f"/v2.1/servers/{server}").status == 204
        for service in (site_one.network, site_one.compute):
            service.stop()
        workshop.run()
        top = workshop.cloud.network
        assert top is not None
        assert top.ports[port["id"]]["device_id"] == server
        for service in (site_one.network, site_one.compute):
            service.start()
        settle(workshop)
        assert top.ports[port["id"]]["device_id"] == ""
        assert top.adopted == {}
        assert copies(port, site_one) == ["SiteOne"], "for the next server"

    def test_a_delete_that_the_site_never_got_changes_nothing(
        self, servers: Api, workshop: Workshop, server: str, port: Document, site_one: Site
    ) -> None:
        site_one.compute.stop()
        assert servers.client.delete(f"/v2.1/servers/{server}").status == 503
        site_one.compute.start()
        settle(workshop)
        top = workshop.cloud.network
        assert top is not None
        assert top.ports[port["id"]]["device_id"] == server
        assert len(top.adopted) == 1
