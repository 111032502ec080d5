"""What follows from a change at the top's Neutron waits while that, or Keystone, is away; none is parked."""

import pytest
from tests.fakes.cloud import Cloud
from tests.fakes.faults import Status
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.neutron import Neutron, networks_in
from tests.functional.workshop import Workshop

from tricircle.identity.service_user import ServiceUser
from tricircle.jobs.job import JobState
from tricircle.jobs.types import FOLLOW, REPLICATE

TRIES = 15
"""More than a job has attempts."""


def renamed(servers: Api, workshop: Workshop, neutron: Neutron, network: Document) -> None:
    """Have a site have a network, and rename it at the top."""
    assert servers.create(availability_zone="az1", networks=[{"uuid": network["id"]}]).status == 202
    workshop.hurry(FOLLOW.name, REPLICATE.name)
    neutron.change("network", network["id"], name="renamed")


def try_often(workshop: Workshop) -> None:
    """Try again and again, in vain."""
    for _ in range(TRIES):
        workshop.run()
        (job,) = workshop.waiting(FOLLOW.name)
        assert (job.state, job.attempts) == (JobState.WAITING, 0)
        workshop.engine.requester.hasten(job.id)
    assert workshop.parked() == []


def test_the_tops_neutron(
    servers: Api, workshop: Workshop, neutron: Neutron, net1: Document, *, site_one: Site
) -> None:
    renamed(servers, workshop, neutron, net1)
    neutron.top.faults.put(Status(503), "/networks", method="GET")
    try_often(workshop)
    neutron.top.faults.clear()
    workshop.hurry(FOLLOW.name, REPLICATE.name)
    assert networks_in(site_one) == {"renamed": ["10.0.1.0/24"]}


def test_keystone(
    servers: Api,
    workshop: Workshop,
    neutron: Neutron,
    net1: Document,
    *,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renamed(servers, workshop, neutron, net1)
    with monkeypatch.context() as patched:
        patched.setattr(ServiceUser, "token", lambda _: None)
        try_often(workshop)
    workshop.hurry(FOLLOW.name, REPLICATE.name)
    assert networks_in(cloud.sites["SiteOne"]) == {"renamed": ["10.0.1.0/24"]}
