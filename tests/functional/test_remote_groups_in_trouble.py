"""Remote security groups where something goes wrong: a site is away, or refuses or has lost some of it."""

from typing import Any

import pytest
from tests.fakes.cloud import PROJECT
from tests.fakes.faults import Status
from tests.fakes.site import Site
from tests.functional.group_world import World, both, default_in, let_in
from tests.functional.neutron import calls_of

from tricircle.jobs.job import JobState, Request
from tricircle.jobs.store import JobStore
from tricircle.jobs.types import MEMBERS


@pytest.fixture
def world(group_world: World) -> World:
    """A project with one network, at a top of two sites."""
    return group_world


def test_a_site_without_address_groups_says_where_the_rule_is_not_in_force(
    world: World, site_one: Site
) -> None:
    site_one.network.lacks.add("address-group")
    world.boot("az1")
    world.boot("az2")
    (failed,) = [job for job in world.jobs() if job.state is JobState.FAILED]
    group = world.neutron.default_group()["id"]
    assert failed.cause == (
        f"Rules that name security group default ({group}) as the remote one let in, in site SiteOne, "
        "its members of that site only. Its network service lacks address-group: have it there, then "
        "redo this job."
    )
    site_one.network.lacks.clear()
    JobStore(world.workshop.engine.database).redo(failed.id)
    world.finish()
    assert len(let_in(site_one, default_in(site_one))) == 2


def test_a_rule_that_the_site_refuses_is_told(world: World, site_one: Site) -> None:
    world.boot("az1")
    words = "Quota exceeded for resources: ['security_group_rule']."
    site_one.network.faults.put(Status(409, words), "/security-group-rules", method="POST")
    world.boot("az2")
    failed = [job for job in world.jobs() if job.site_id == world.workshop.site_id("SiteOne")]
    assert {job.state for job in failed} == {JobState.FAILED}
    assert all(
        f"members of that site only. Site SiteOne refuses a rule: {words}" in str(job.cause) for job in failed
    )


def test_what_got_lost_is_found_by_the_comparison(world: World, site_one: Site, site_two: Site) -> None:
    one, two = world.boot("az1"), world.boot("az2")
    world.workshop.run()
    (lost,) = world.ports(one)
    (there,) = site_two.network.address_groups.values()
    there["addresses"] = ["10.66.0.1/32"]
    world.compare(site_two)
    assert let_in(site_two, default_in(site_two)) == both(world.addresses(one))
    del site_one.network.ports[lost["id"]]
    world.compare_ports(site_one)
    assert let_in(site_two, default_in(site_two)) == both(set())
    assert let_in(site_one, default_in(site_one)) == both(world.addresses(two))


def test_the_comparison_takes_none_of_it_for_strange(world: World, site_one: Site, site_two: Site) -> None:
    world.boot("az1")
    world.boot("az2")
    before = [dict(site.network.address_groups) for site in (site_one, site_two)]
    for site in (site_one, site_two):
        site.network.requests.clear()
        world.compare(site)
        assert calls_of(site.network, "POST", "PUT", "DELETE") == []
    drift = [
        each.drift
        for kind in ("security_group", "remote_members")
        for known in world.workshop.known(kind)
        for each in known.realisations.values()
    ]
    assert drift == [None] * len(drift)
    assert [dict(site.network.address_groups) for site in (site_one, site_two)] == before


def test_an_address_group_that_somebody_deletes_is_made_again(world: World, site_one: Site) -> None:
    world.boot("az1")
    two = world.boot("az2")
    group = default_in(site_one)
    group["security_group_rules"] = [
        rule for rule in group["security_group_rules"] if rule["remote_address_group_id"] is None
    ]
    site_one.network.address_groups.clear()
    world.compare(site_one)
    assert let_in(site_one, default_in(site_one)) == both(world.addresses(two))


def test_a_site_that_was_down_hears_of_it_when_it_is_back(
    world: World, site_one: Site, site_two: Site
) -> None:
    world.boot("az1")
    two = world.boot("az2")
    site_one.network.stop()
    reply = world.servers.create(availability_zone="az2", networks=[{"uuid": world.network["id"]}])
    third = reply.json["server"]["id"]
    site_two.compute.servers[third].vm_state = "active"
    world.workshop.run()
    site_one.network.start()
    world.finish()
    assert let_in(site_one, default_in(site_one)) == both(world.addresses(two, third))


def test_done_twice_it_is_the_same(world: World, site_one: Site) -> None:
    world.boot("az1")
    world.boot("az2")
    group: Any = world.neutron.default_group()["id"]
    site_id = world.workshop.site_id("SiteOne")
    site_one.network.requests.clear()
    for _ in range(2):
        request = Request(MEMBERS.name, "security_group", group, site_id, PROJECT)
        world.workshop.engine.requester.request(request)
        world.finish()
    assert calls_of(site_one.network, "POST", "PUT", "DELETE") == []
