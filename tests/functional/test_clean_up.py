"""Of a boot of which nothing came nothing is left over: not in the site, and not at the top."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.faults import HangUp, Meanwhile, Status
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.brought import boot, groups_in, is_clean, settle
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

from tricircle.db.tables import jobs
from tricircle.db.timestamps import now
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Outcome
from tricircle.jobs.types import CLEAN_UP, FOLLOW, INTENT, PORTS, REPLICATE, IntentParameters
from tricircle.xjob.clean_up import clean_up
from tricircle.xjob.handlers import HANDLERS
from tricircle.xjob.task import Task

IN_STEP = {"net1": ["10.0.1.0/24"]}


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


class TestARefusedBoot:
    def test_leaves_nothing(
        self, servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
    ) -> None:
        assert boot(servers, net1, web, flavorRef="none").status == 400
        assert networks_in(site_one) == IN_STEP
        assert "web" in groups_in(site_one)
        settle(workshop)
        assert is_clean(workshop, site_one)

    def test_leaves_none_of_two_groups_that_name_one_another(
        self, servers: Api, workshop: Workshop, net1: Document, circle: Document, *, site_one: Site
    ) -> None:
        assert boot(servers, net1, circle, flavorRef="none").status == 400
        settle(workshop)
        assert is_clean(workshop, site_one)

    def test_the_rows_of_what_neutron_had_there_go_too(
        self, servers: Api, workshop: Workshop, net1: Document, top: AdoptingTop
    ) -> None:
        assert boot(servers, net1, flavorRef="none").status == 400
        workshop.hurry(FOLLOW.name)
        for job in workshop.waiting(CLEAN_UP.name):
            assert job.request_id is not None
        site_id = workshop.site_id("SiteOne")
        workshop.engine.requester.request(Request(PORTS.name, "site", site_id, site_id, priority=0))
        settle(workshop)
        assert top.adopted == {}

    def test_leaves_what_was_there_before(
        self, servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
    ) -> None:
        assert boot(servers, net1, web).status == 202
        settle(workshop)
        assert boot(servers, net1, web, flavorRef="none").status == 400
        settle(workshop)
        assert networks_in(site_one) == IN_STEP
        assert {"web", "backend"} <= groups_in(site_one)

    def test_leaves_what_has_been_empty_only_since_a_moment(
        self, servers: Api, workshop: Workshop, net1: Document, site_one: Site
    ) -> None:
        server = boot(servers, net1).json["server"]["id"]
        settle(workshop)
        servers.client.delete(f"/v2.1/servers/{server}")
        settle(workshop)
        assert boot(servers, net1, flavorRef="none").status == 400
        settle(workshop)
        assert networks_in(site_one) == IN_STEP

    def test_leaves_what_another_boot_needs(
        self, servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
    ) -> None:
        asked = IntentParameters("x", 1, now().isoformat(), {}, (net1["id"],), ("web",))
        site_id = workshop.site_id("SiteOne")
        intent = Request(INTENT.name, "server", "x", site_id, PROJECT, asked, delay=60)
        workshop.engine.requester.request(intent)
        assert boot(servers, net1, web, flavorRef="none").status == 400
        workshop.hurry(FOLLOW.name, REPLICATE.name, CLEAN_UP.name)
        assert networks_in(site_one) == IN_STEP
        assert {"web", "backend"} <= groups_in(site_one)

    def test_leaves_what_is_to_be_there_from_the_start(
        self, servers: Api, workshop: Workshop, neutron: Neutron, site_one: Site
    ) -> None:
        network = neutron.make_network("net1", "10.0.1.0/24", availability_zone_hints=["az1"])
        assert boot(servers, network, flavorRef="none").status == 400
        settle(workshop)
        assert networks_in(site_one) == IN_STEP

    def test_where_an_operator_has_networks_stay_it_leaves_all(
        self, servers: Api, workshop: Workshop, net1: Document, site_one: Site
    ) -> None:
        workshop.engine.conf.set_override("network_idle_time", 0.0, group="xjob")
        boot(servers, net1, flavorRef="none")
        settle(workshop)
        assert networks_in(site_one) == IN_STEP

    def test_the_next_one_brings_it_again(
        self,
        servers: Api,
        workshop: Workshop,
        net1: Document,
        web: Document,
        *,
        site_one: Site,
        top: AdoptingTop,
    ) -> None:
        boot(servers, net1, web, flavorRef="none")
        settle(workshop)
        assert boot(servers, net1, web).status == 202
        settle(workshop)
        assert networks_in(site_one) == IN_STEP
        (port,) = [port for port in site_one.network.ports.values() if port["device_owner"] == "compute:nova"]
        assert port["id"] in top.adopted
        assert {"web", "backend"} <= groups_in(site_one)

    def test_a_change_at_the_top_does_not_bring_it_again(
        self, servers: Api, workshop: Workshop, net1: Document, neutron: Neutron, site_one: Site
    ) -> None:
        """Nor of its subnet, of which something might be noted still."""
        boot(servers, net1, flavorRef="none")
        settle(workshop)
        neutron.change("subnet", net1["subnets"][0], name="changed")
        settle(workshop)
        workshop.catch_up("SiteOne")
        assert is_clean(workshop, site_one)


def test_a_port_made_first_leaves_the_site_that_has_refused_its_server(
    servers: Api, workshop: Workshop, net1: Document, neutron: Neutron, *, web: Document, site_one: Site
) -> None:
    port = neutron.make("port", network_id=net1["id"], security_groups=[web["id"]])
    reply = servers.create(availability_zone="az1", networks=[{"port": port["id"]}], flavorRef="none")
    assert reply.status == 400
    assert len(site_one.network.marked("ports", port["id"])) == 1
    settle(workshop)
    assert is_clean(workshop, site_one)
    assert servers.create(availability_zone="az1", networks=[{"port": port["id"]}]).status == 202
    assert len(site_one.network.marked("ports", port["id"])) == 1


@pytest.mark.parametrize("broken", ["/networks", "/subnets", "/security-groups"])
def test_where_the_site_refuses_one_of_the_things_themselves_the_others_go(
    servers: Api, workshop: Workshop, net1: Document, web: Document, *, site_one: Site, broken: str
) -> None:
    """As it does where a quota is used up there."""
    message = "Quota exceeded for resources: ['thing']."
    body = json.dumps({"NeutronError": {"type": "OverQuota", "message": message, "detail": ""}})
    site_one.network.faults.put(Status(409, body), broken, method="POST")
    reply = boot(servers, net1, web)
    assert reply.status == 409
    for words in ("SiteOne", message):
        assert words in reply.json["conflictingRequest"]["message"]
    settle_all(workshop)
    assert is_clean(workshop, site_one)


def test_a_subnet_whose_network_goes_while_it_is_looked_for_is_needed_no_more(
    servers: Api, workshop: Workshop, net1: Document, site_one: Site
) -> None:
    faults = site_one.network.faults
    faults.put(Status(409, "Quota exceeded."), "/subnets", method="POST")
    assert boot(servers, net1).status == 409
    faults.clear()
    faults.put(Meanwhile(lambda: workshop.hurry(CLEAN_UP.name)), "/subnets", method="GET", times=1)
    (subnet,) = workshop.known("subnet")
    site = workshop.engine.registry.snapshot.by_name["SiteOne"]
    said = workshop.engine.replicas.realiser.realise(subnet.definition.id, site)
    assert said == "Nothing in site SiteOne needs it."
    settle(workshop)
    assert is_clean(workshop, site_one)


def settle_all(workshop: Workshop) -> None:
    """Have the jobs done in their order, which fail meanwhile."""
    for _ in range(4):
        workshop.run()
        for job in sorted(
            workshop.waiting(REPLICATE.name, CLEAN_UP.name, FOLLOW.name), key=lambda job: job.run_after
        ):
            workshop.engine.requester.hasten(job.id)
            workshop.run()
    settle(workshop)


def test_a_boot_whose_answer_was_lost_leaves_nothing_once_it_is_known_that_none_was_made(
    servers: Api, workshop: Workshop, cloud: Cloud, net1: Document, *, web: Document, site_one: Site
) -> None:
    cloud.configuration.set_override("intent_horizon", 1.0, group="xjob")
    site_one.compute.faults.put(HangUp(), method="POST", times=1)
    assert boot(servers, net1, web).status == 504
    workshop.finish(INTENT.name)
    settle(workshop)
    assert is_clean(workshop, site_one)


def test_one_that_was_made_all_the_same_keeps_it(
    servers: Api, workshop: Workshop, net1: Document, web: Document, *, site_one: Site, top: AdoptingTop
) -> None:
    site_one.compute.faults.put(HangUp(performed=True), method="POST", times=1)
    # Of several the site is not asked before the subnet is there, and so does not refuse.
    assert boot(servers, net1, web, min_count="2").status == 504
    settle(workshop)
    assert networks_in(site_one) == IN_STEP
    assert len(top.adopted) >= 1


def test_what_a_server_in_error_had_brought_goes_with_it(
    servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
) -> None:
    server_id = boot(servers, net1, web).json["server"]["id"]
    server = site_one.compute.servers[server_id]
    server.vm_state, server.interfaces = "error", []
    site_one.network.ports = {
        key: port for key, port in site_one.network.ports.items() if port["device_id"] != server_id
    }
    settle(workshop)
    assert networks_in(site_one) == IN_STEP
    servers.client.delete(f"/v2.1/servers/{server_id}")
    settle(workshop)
    assert is_clean(workshop, site_one)


class Killed(BaseException):
    """The worker dies here."""


def dying_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[Task], Outcome]:
    """Make a handler that dies at one of its steps."""

    def handle(task: Task) -> Outcome:
        steps = count(1)
        begin = task.step

        def step(name: str, **progress: object) -> None:
            if next(steps) == number:
                raise Killed
            begin(name, **progress)

        monkeypatch.setattr(task, "step", step)
        return clean_up(task)

    return handle


def test_at_whichever_step_it_dies_the_site_is_clean_in_the_end(
    servers: Api, workshop: Workshop, net1: Document, web: Document, *, site_one: Site
) -> None:
    for number in count(1):
        assert boot(servers, net1, web, flavorRef="none").status == 400
        with pytest.MonkeyPatch.context() as monkeypatch:
            handlers = {**HANDLERS, CLEAN_UP.name: dying_at(number, monkeypatch)}
            monkeypatch.setattr(workshop._worker, "_handlers", handlers)
            try:
                workshop.run()
            except Killed:
                pass
            else:
                break
        with workshop.engine.database.write() as connection:
            over = jobs.update().where(jobs.c.state == JobState.RUNNING)
            connection.execute(over.values(lease_expires_at=now() - timedelta(seconds=1)))
        settle(workshop)
        workshop.catch_up("SiteOne")
        settle(workshop)
        assert is_clean(workshop, site_one), number
    assert number > 5
