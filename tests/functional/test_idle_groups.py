"""A security group goes from a site with the networks, once no port there is in it."""

from datetime import timedelta

import pytest
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.api import Api
from tests.functional.brought import boot, groups_in, is_clean, settle
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.db.timestamps import now
from tricircle.jobs.types import FOLLOW
from tricircle.xjob import idle_networks


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an hour later for whoever looks what is idle."""
    monkeypatch.setattr(idle_networks, "now", lambda: now() + timedelta(hours=1))


def test_they_go_with_the_networks_when_no_port_is_in_them(
    servers: Api, workshop: Workshop, net1: Document, web: Document, site_one: Site
) -> None:
    server = boot(servers, net1, web).json["server"]["id"]
    settle(workshop)
    workshop.compare_ports()
    assert {"web", "backend"} <= groups_in(site_one)
    servers.client.delete(f"/v2.1/servers/{server}")
    settle(workshop)
    said = workshop.compare_ports()
    assert said.endswith("1 networks were idle, and are gone from the site. So are 2 groups.")
    assert is_clean(workshop, site_one)
    assert workshop.compare_ports() == "0 networks: nothing to do."


def test_those_that_name_one_another_go_together(
    servers: Api, workshop: Workshop, net1: Document, circle: Document, *, site_one: Site
) -> None:
    server = boot(servers, net1, circle).json["server"]["id"]
    settle(workshop)
    workshop.compare_ports()
    assert {"one", "other"} <= groups_in(site_one), "one of them is in use"
    servers.client.delete(f"/v2.1/servers/{server}")
    settle(workshop)
    assert workshop.compare_ports().endswith("So are 2 groups.")
    assert is_clean(workshop, site_one)


def test_one_in_which_the_site_has_a_port_elsewhere_stays(
    servers: Api,
    workshop: Workshop,
    net1: Document,
    web: Document,
    *,
    site_one: Site,
    neutron: Neutron,
) -> None:
    boot(servers, net1, web, flavorRef="none")
    workshop.carry()
    there = Neutron(neutron.cloud, site_one.network, neutron.token)
    own = there.make("network", name="own")
    (known_as,) = [key for key, group in site_one.network.security_groups.items() if group["name"] == "web"]
    there.make("port", network_id=own["id"], security_groups=[known_as])
    workshop.hurry(FOLLOW.name)
    workshop.compare_ports()
    assert {"web", "backend"} <= groups_in(site_one)
    store, site_id = workshop.engine.replicas.store, workshop.site_id("SiteOne")
    known = store.find("security_group", web["id"])
    assert known is not None
    assert known.in_step(site_id)
