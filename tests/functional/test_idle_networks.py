"""A network goes from a site in which nothing is on it any more, or nothing ever was."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from tests.fakes.cloud import PROJECT
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.gateway import Reply
from tests.functional.neutron import Neutron, networks_in
from tests.functional.test_boots_meet import Meanwhile
from tests.functional.workshop import Workshop

from tricircle.db.timestamps import now
from tricircle.jobs.job import Request
from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, INTENT, REPLICATE, IntentParameters
from tricircle.realise.definition import Definition
from tricircle.realise.top_definitions import TopDefinitions
from tricircle.xjob import idle_networks

IN_STEP = {"net1": ["10.0.1.0/24"]}


def hence() -> datetime:
    """Return the time that it is in an hour."""
    return now() + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an hour later for whoever looks what is idle."""
    monkeypatch.setattr(idle_networks, "now", hence)


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


def boot(servers: Api, network: Document, **more: str) -> Reply:
    """Boot a server on a network."""
    return servers.create(availability_zone="az1", networks=[{"uuid": network["id"]}], **more)


def settle(workshop: Workshop) -> None:
    """Have all jobs done that the boots asked for."""
    workshop.hurry(FOLLOW.name, REPLICATE.name, INTENT.name, ADOPT.name, AFTER_DELETE.name)
    assert workshop.parked() == []


def on_it(site: Site, owner: str) -> list[Document]:
    """Return the ports of an owner that a site has."""
    return [port for port in site.network.ports.values() if port["device_owner"] == owner]


def is_whole(workshop: Workshop, network: Document, site: Site) -> bool:
    """Say whether a site has what the top believes that it has of a network, which is all or nothing."""
    known = workshop.engine.replicas.store.find("network", network["id"])
    site_id = workshop.site_id(site.name)
    if known is None or site_id not in known.realisations:
        return site.network.networks == site.network.subnets == {}
    there = site.network.networks.get(str(known.id_in(site_id)))
    return there is not None and known.in_step(site_id) and networks_in(site) == IN_STEP


def test_what_a_refused_boot_brought_there_goes(
    servers: Api, workshop: Workshop, net1: Document, site_one: Site, compare: Callable[[], str]
) -> None:
    assert boot(servers, net1, flavorRef="none").status == 400
    settle(workshop)
    assert networks_in(site_one) == IN_STEP
    assert compare() == "1 networks: 1 adopted. 1 networks were idle, and are gone from the site."
    assert site_one.network.networks == site_one.network.subnets == {}
    assert is_whole(workshop, net1, site_one)
    assert compare() == "0 networks: nothing to do."


def test_it_comes_back_with_the_next_server(
    servers: Api, workshop: Workshop, net1: Document, top: AdoptingTop, compare: Callable[[], str]
) -> None:
    site_one = workshop.cloud.sites["SiteOne"]
    boot(servers, net1, flavorRef="none")
    settle(workshop)
    compare()
    assert top.blocks == {}, "the addresses came back"
    assert boot(servers, net1).status == 202
    settle(workshop)
    assert is_whole(workshop, net1, site_one)
    assert networks_in(site_one) == IN_STEP
    (port,) = on_it(site_one, "compute:nova")
    assert port["id"] in top.adopted


def test_it_stays_while_a_server_is_on_it_and_goes_afterwards_with_what_neutron_had_there(
    servers: Api, workshop: Workshop, net1: Document, top: AdoptingTop, compare: Callable[[], str]
) -> None:
    site_one = workshop.cloud.sites["SiteOne"]
    server = boot(servers, net1).json["server"]["id"]
    settle(workshop)
    (port,) = on_it(site_one, "compute:nova")
    (dhcp,) = on_it(site_one, "network:dhcp")
    compare()
    assert networks_in(site_one) == IN_STEP
    assert top.adopted.keys() == {port["id"], dhcp["id"]}
    servers.client.delete(f"/v2.1/servers/{server}")
    settle(workshop)
    compare()
    assert networks_in(site_one) == {}
    assert top.adopted == {}
    assert is_whole(workshop, net1, site_one)


def test_one_whose_hints_name_the_site_stays(
    workshop: Workshop, neutron: Neutron, site_one: Site, compare: Callable[[], str]
) -> None:
    neutron.make_network("net1", "10.0.1.0/24", availability_zone_hints=["az1"])
    settle(workshop)
    compare()
    assert networks_in(site_one) == IN_STEP


def test_it_stays_for_a_while(
    servers: Api,
    workshop: Workshop,
    net1: Document,
    compare: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site_one = workshop.cloud.sites["SiteOne"]
    boot(servers, net1, flavorRef="none")
    settle(workshop)
    monkeypatch.setattr(idle_networks, "now", now)
    compare()
    assert networks_in(site_one) == IN_STEP


def test_an_operator_may_have_it_stay_for_ever(
    servers: Api, workshop: Workshop, net1: Document, site_one: Site, compare: Callable[[], str]
) -> None:
    workshop.engine.conf.set_override("network_idle_time", 0.0, group="xjob")
    boot(servers, net1, flavorRef="none")
    settle(workshop)
    compare()
    assert networks_in(site_one) == IN_STEP


class TestABootAtTheSameTime:
    @pytest.fixture
    def idle(self, servers: Api, workshop: Workshop, net1: Document) -> Document:
        """The network, which is idle in the site."""
        boot(servers, net1, flavorRef="none")
        settle(workshop)
        return net1

    def intend(self, workshop: Workshop, network: Document) -> None:
        """Write the intent of a boot in the site."""
        parameters = IntentParameters("x", 1, now().isoformat(), {}, (network["id"],))
        intent = Request(
            INTENT.name, "server", "x", workshop.site_id("SiteOne"), PROJECT, parameters, delay=60
        )
        workshop.engine.requester.request(intent)

    def test_one_that_has_begun_keeps_it(
        self, workshop: Workshop, idle: Document, site_one: Site, compare: Callable[[], str]
    ) -> None:
        self.intend(workshop, idle)
        compare()
        assert is_whole(workshop, idle, site_one)
        assert networks_in(site_one) == IN_STEP

    def test_one_that_begins_while_it_is_noted_that_it_leaves_keeps_it(
        self,
        workshop: Workshop,
        idle: Document,
        site_one: Site,
        compare: Callable[[], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It has noted that it uses the network and found it there before it was noted that it goes."""
        realised = workshop.engine.replicas.store.realised
        leave = realised.leave

        def late(*given: object, **named: object) -> bool:
            left = leave(*given, **named)  # type: ignore[arg-type]
            asking.append(left)
            return left

        asking: list[bool] = []
        transact = workshop.engine.database.transact

        def then_intend(work: Callable[..., object], **more: bool) -> object:
            done = transact(work, **more)
            if asking == [True]:
                asking.append(False)
                self.intend(workshop, idle)
            return done

        monkeypatch.setattr(realised, "leave", late)
        monkeypatch.setattr(workshop.engine.database, "transact", then_intend)
        (there,) = site_one.network.networks
        compare()
        assert asking == [True, False]
        assert list(site_one.network.networks) == [there]
        assert is_whole(workshop, idle, site_one)

    @pytest.mark.parametrize("moment", ["gone", "leaving", "needed"])
    def test_one_with_a_port_that_was_made_first_has_it_stay_or_brings_it_back(
        self,
        servers: Api,
        workshop: Workshop,
        idle: Document,
        neutron: Neutron,
        *,
        compare: Callable[[], str],
        monkeypatch: pytest.MonkeyPatch,
        moment: str,
    ) -> None:
        """What the port is on is not known before it is read: the boot's intent does not name it.

        The boot has seen that the network is there. It is gone, or noted as leaving, just before the port is
        noted as needed there, or begins to leave just after that.
        """
        site_one = workshop.cloud.sites["SiteOne"]
        port = neutron.make("port", network_id=idle["id"])
        compared: list[str] = []

        def meanwhile() -> None:
            if moment != "leaving":
                compared.append(compare())
                return
            store, site_id = workshop.engine.replicas.store, workshop.site_id("SiteOne")
            known = store.find("network", idle["id"])
            assert known is not None
            leave = partial(store.realised.leave, seen=known.definition, site_id=site_id, before=hence())
            assert workshop.engine.database.transact(leave)

        move = TopDefinitions.move

        def late(*given: Any) -> list[Definition]:
            meanwhile()
            return move(*given)

        if moment == "needed":
            site_one.network.faults.put(Meanwhile(meanwhile), "/ports", method="POST", times=1)
        else:
            monkeypatch.setattr(TopDefinitions, "move", late)
        reply = servers.create(availability_zone="az1", networks=[{"port": port["id"]}])
        assert reply.status == 202, reply.body
        assert is_whole(workshop, idle, site_one)
        gone = "1 networks: 1 adopted. 1 networks were idle, and are gone from the site."
        assert compared == {"gone": [gone], "leaving": [], "needed": ["1 networks: 1 adopted."]}[moment]
        settle(workshop)
        assert is_whole(workshop, idle, site_one)
        assert networks_in(site_one) == IN_STEP
        assert len(on_it(site_one, "compute:nova")) == 1

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_one_that_comes_later_leaves_all_whole(
        self,
        servers: Api,
        workshop: Workshop,
        idle: Document,
        compare: Callable[[], str],
        method: str,
    ) -> None:
        """Before the site is looked at, or just before it does what it is asked."""
        site_one = workshop.cloud.sites["SiteOne"]
        replies: list[Reply] = []

        def meanwhile() -> None:
            replies.append(boot(servers, idle))

        path = "/networks"
        site_one.network.faults.put(Meanwhile(meanwhile), path, method=method, times=1)
        compare()
        settle(workshop)
        assert [reply.status for reply in replies] == [202]
        assert is_whole(workshop, idle, site_one)
        assert networks_in(site_one) == IN_STEP
        assert len(on_it(site_one, "compute:nova")) == 1

    def test_where_the_site_has_something_on_it_it_stays(
        self, workshop: Workshop, idle: Document, site_one: Site, compare: Callable[[], str], neutron: Neutron
    ) -> None:
        there = Neutron(neutron.cloud, site_one.network, neutron.token)  # type: ignore[arg-type]
        (known_as,) = site_one.network.networks

        def meanwhile() -> None:
            there.make("port", network_id=known_as)

        site_one.network.faults.put(Meanwhile(meanwhile), "/networks", method="DELETE", times=1)
        compare()
        settle(workshop)
        assert is_whole(workshop, idle, site_one)
        assert networks_in(site_one) == IN_STEP
