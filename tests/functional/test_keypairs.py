"""A keypair is made once, and works in every availability zone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.compute.records import Keypair
from tests.fakes.faults import HangUp
from tests.fakes.site import Site
from tests.functional.api import compute_api
from tests.functional.gateway import Gateway, GatewayClient, Reply, compute_application
from tests.functional.workshop import Workshop

from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import LEARN, REPLICATE

PATH = "/v2.1/os-keypairs"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJwT alice@example"


def make(client: GatewayClient, **fields: object) -> Reply:
    """Import a public key through the top."""
    return client.post(PATH, {"keypair": {"name": "mine", "public_key": PUBLIC} | fields})


def keys(site: Site) -> dict[tuple[str, str], str]:
    """The public keys of a site, by user and name."""
    return {place: keypair.public_key.strip() for place, keypair in site.compute.keypairs.items()}


@pytest.fixture
def alice(compute: GatewayClient) -> GatewayClient:
    """A member, at a microversion in which keypairs have a type."""
    return compute.at("compute 2.92")


@pytest.fixture
def user(cloud: Cloud) -> str:
    """The member's user id."""
    return cloud.member.user_id


class TestMade:
    def test_it_gets_into_every_site(
        self, alice: GatewayClient, workshop: Workshop, user: str, site_one: Site, site_two: Site
    ) -> None:
        made = make(alice)
        assert (made.status, made.json["keypair"]["public_key"]) == (201, PUBLIC)
        workshop.run()
        assert keys(site_one) == keys(site_two) == {(user, "mine"): PUBLIC}
        shown = alice.get(f"{PATH}/mine").json["keypair"]
        assert (shown["name"], shown["type"], shown["user_id"]) == ("mine", "ssh", user)

    def test_a_server_with_it_can_be_made_anywhere_at_once(
        self, alice: GatewayClient, user: str, site_one: Site, site_two: Site
    ) -> None:
        site_one.compute.keypairs_needed = site_two.compute.keypairs_needed = True
        make(alice)
        for zone in ("az1", "az2"):
            reply = compute_api(alice).create(availability_zone=zone, key_name="mine", networks="auto")
            assert reply.status == 202, reply.body
        assert keys(site_two) == {(user, "mine"): PUBLIC}

    def test_a_private_key_that_nova_makes_passes_through_and_is_kept_nowhere(
        self, compute: GatewayClient, workshop: Workshop, cloud: Cloud, user: str, site_two: Site
    ) -> None:
        made = compute.at("compute 2.79").post(PATH, {"keypair": {"name": "new"}})
        assert made.json["keypair"]["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
        workshop.run()
        assert keys(site_two) == {(user, "new"): made.json["keypair"]["public_key"].strip()}
        assert b"PRIVATE KEY" not in cloud.database_file.read_bytes()
        bodies = [request.body for request in site_two.compute.received()]
        assert not any(b"PRIVATE KEY" in body for body in bodies)

    def test_an_administrator_makes_one_for_another_user(
        self, compute: GatewayClient, workshop: Workshop, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        admin = compute.as_(cloud.admin).at("compute 2.92")
        assert make(admin, user_id="bob").status == 201
        workshop.run()
        assert keys(site_one) == keys(site_two) == {("bob", "mine"): PUBLIC}
        assert admin.get(f"{PATH}/mine?user_id=bob").json["keypair"]["user_id"] == "bob"
        assert admin.get(f"{PATH}/mine").status == 404
        assert admin.delete(f"{PATH}/mine?user_id=bob").status == 204
        workshop.run()
        assert keys(site_one) == keys(site_two) == {}

    def test_nobody_else_may(
        self, alice: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        assert make(alice, user_id="bob").status == 403
        assert alice.get(f"{PATH}/mine?user_id=bob").status == 403
        assert alice.delete(f"{PATH}/mine?user_id=bob").status in {403, 404}
        workshop.run()
        assert workshop.definitions("keypair") == keys(site_one) == keys(site_two) == {}

    def test_two_users_may_give_theirs_one_name(
        self, alice: GatewayClient, workshop: Workshop, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        make(alice)
        make(alice.as_(cloud.stranger), public_key=f"{PUBLIC}-2")
        workshop.run()
        assert (
            keys(site_one)
            == keys(site_two)
            == {
                (cloud.member.user_id, "mine"): PUBLIC,
                (cloud.stranger.user_id, "mine"): f"{PUBLIC}-2",
            }
        )

    def test_of_many_who_make_one_at_once_through_two_gateways_one_does(
        self, alice: GatewayClient, workshop: Workshop, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        other = GatewayClient(Gateway(cloud, compute_application), cloud.member, alice.headers)
        for client in (alice, other):
            client.get(PATH)  # it is made by the first request
        together = threading.Barrier(6)

        def attempt(number: int) -> tuple[int, str]:
            together.wait(10)
            public = f"{PUBLIC}-{number}"
            return make((alice, other)[number % 2], public_key=public).status, public

        with ThreadPoolExecutor(6) as pool:
            results = list(pool.map(attempt, range(6)))
        (won,) = [public for status, public in results if status == 201]
        assert sorted(status for status, _ in results) == [201] + [409] * 5
        workshop.run()
        assert keys(site_one) == keys(site_two) == {(cloud.member.user_id, "mine"): won}
        assert workshop.waiting() == []


def test_jobs_and_definitions_are_of_the_project_of_who_asked(
    alice: GatewayClient, workshop: Workshop
) -> None:
    assert make(alice).status == 201
    (known,) = workshop.known("keypair")
    assert known.definition.project_id == PROJECT
    jobs = JobStore(workshop.engine.database).page(JobFilters(resource_type="keypair"))
    assert {(job.type, job.project_id) for job in jobs} == {(LEARN.name, PROJECT), (REPLICATE.name, PROJECT)}


class TestRefusedElsewhere:
    def test_a_quota_that_is_used_up_is_the_cause(
        self, alice: GatewayClient, workshop: Workshop, user: str, site_two: Site
    ) -> None:
        site_two.compute.quota["maxTotalKeypairs"] = 0
        assert make(alice).status == 201
        workshop.run()
        (job,) = workshop.parked()
        assert job.cause == "Site SiteTwo said 403: Quota exceeded, too many key pairs."
        site_two.compute.quota["maxTotalKeypairs"] = 1
        workshop.catch_up("SiteTwo")
        assert keys(site_two) == {(user, "mine"): PUBLIC}

    def test_another_key_of_that_name_stays_and_is_shown(
        self, alice: GatewayClient, workshop: Workshop, cloud: Cloud, user: str, site_two: Site
    ) -> None:
        there = Keypair("mine", user, "ssh-rsa other", "00", "ssh", site_two.compute.clock())
        site_two.compute.keypairs[user, "mine"] = there
        make(alice)
        workshop.run()
        assert keys(site_two) == {(user, "mine"): "ssh-rsa other"}
        assert "public_key is ssh-rsa other" in workshop.drift_in("SiteTwo")["mine"]
        workshop.look_for_drift("SiteTwo", mend=True)
        workshop.run()
        assert keys(site_two) == {(user, "mine"): PUBLIC}


class TestDeleted:
    def test_it_goes_from_every_site(
        self, alice: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(alice)
        workshop.run()
        assert alice.delete(f"{PATH}/mine").status == 204
        assert alice.get(f"{PATH}/mine").status == 404
        assert alice.get(PATH).json["keypairs"] == []
        assert len(keys(site_two)) == 1
        workshop.run()
        assert keys(site_one) == keys(site_two) == workshop.definitions("keypair") == {}

    def test_nobody_else_is_told_that_it_was_there(
        self, alice: GatewayClient, workshop: Workshop, cloud: Cloud, user: str
    ) -> None:
        make(alice)
        workshop.run()
        alice.delete(f"{PATH}/mine")
        other = alice.as_(cloud.stranger)
        for name in ("mine", "never"):
            path = f"{PATH}/{name}?user_id={user}"
            assert (other.get(path).status, other.delete(path).status) == (403, 403)
        assert alice.as_(cloud.admin).get(f"{PATH}/mine?user_id={user}").status == 404
        workshop.run()
        assert workshop.definitions("keypair") == {}

    def test_the_next_one_of_that_name_is_the_one_that_servers_get(
        self, alice: GatewayClient, workshop: Workshop, user: str, site_two: Site
    ) -> None:
        make(alice)
        workshop.run()
        alice.delete(f"{PATH}/mine")
        assert make(alice, public_key="ssh-rsa next").status == 201
        created = compute_api(alice).create(availability_zone="az2", key_name="mine", networks="auto")
        assert created.status == 202, created.body
        assert keys(site_two) == {(user, "mine"): "ssh-rsa next"}

    def test_one_that_only_sites_know_goes_from_all_of_them(
        self, alice: GatewayClient, workshop: Workshop, user: str, site_one: Site, site_two: Site
    ) -> None:
        for site in (site_one, site_two):
            old = Keypair("old", user, PUBLIC, "00", "ssh", site.compute.clock())
            site.compute.keypairs[user, "old"] = old
        assert alice.delete(f"{PATH}/old").status == 204
        workshop.run()
        assert keys(site_one) == keys(site_two) == {}

    def test_one_that_was_deleted_behind_the_tops_back_goes_from_the_others_too(
        self, alice: GatewayClient, workshop: Workshop, user: str, site_one: Site, site_two: Site
    ) -> None:
        make(alice)
        workshop.run()
        del site_one.compute.keypairs[user, "mine"]
        assert alice.delete(f"{PATH}/mine").status == 404
        workshop.run()
        assert keys(site_two) == workshop.definitions("keypair") == {}


def test_an_answer_that_is_lost_is_found_and_the_name_is_free_or_taken_accordingly(
    alice: GatewayClient, workshop: Workshop, cloud: Cloud, site_one: Site, site_two: Site
) -> None:
    cloud.configuration.set_override("intent_grace", 1.5, group="xjob")
    site_one.compute.faults.put(HangUp(performed=True), "/os-keypairs", method="POST", times=1)
    assert make(alice).status == 504
    assert make(alice, public_key="ssh-rsa second").status == 409
    workshop.finish()
    assert keys(site_one) == keys(site_two) == {(cloud.member.user_id, "mine"): PUBLIC}


@pytest.mark.parametrize("name", ["me@laptop.local", "-_ a"])
def test_any_name_that_its_first_site_takes_gets_into_every_site(
    alice: GatewayClient, workshop: Workshop, cloud: Cloud, user: str, name: str
) -> None:
    assert make(alice, name=name).status == 201
    workshop.run()
    assert [keys(site) for site in cloud.sites.values()] == [{(user, name): PUBLIC}] * 2
    assert alice.delete(f"{PATH}/{quote(name)}").status == 204
    workshop.run()
    assert [keys(site) for site in cloud.sites.values()] == [{}, {}]
