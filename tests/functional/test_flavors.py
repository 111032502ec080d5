"""A flavor is made, changed and deleted once, and is the same in every site."""

import json

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.compute.records import Flavor
from tests.fakes.faults import Answer, Status
from tests.fakes.site import Site
from tests.functional.api import compute_api, received
from tests.functional.flavors import GOLD, make
from tests.functional.gateway import GatewayClient
from tests.functional.workshop import Workshop

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import LEARN
from tricircle.realise.kinds import FLAVOR


def away(*_: object) -> None:
    """Stand in for a database that cannot be reached."""
    raise DatabaseUnavailable("The database cannot be reached.")


class TestMade:
    def test_it_is_in_one_site_at_once_and_in_all_when_jobs_are_done(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        made = make(admin, description="for gold", swap=512, rxtx_factor=2.0)
        assert made.status == 200, made.body
        assert "gold-1" in site_one.compute.flavors
        assert "gold-1" not in site_two.compute.flavors
        assert {job.state for job in workshop.run()} == {"succeeded"}
        assert site_two.compute.flavors["gold-1"] == site_one.compute.flavors["gold-1"]
        assert workshop.waiting() == []

    def test_one_without_an_id_has_the_same_everywhere(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        made = make(admin, id=None)
        workshop.run()
        identifier = made.json["flavor"]["id"]
        assert site_one.compute.flavors[identifier] == site_two.compute.flavors[identifier]

    def test_its_links_are_the_tops(self, admin: GatewayClient) -> None:
        links = make(admin).json["flavor"]["links"]
        assert all(link["href"].startswith("http://compute.central.example.net:8774/") for link in links)

    def test_a_server_of_it_can_be_made_anywhere_at_once(
        self, admin: GatewayClient, compute: GatewayClient, site_two: Site
    ) -> None:
        make(admin)
        reply = compute_api(compute).create(availability_zone="az2", flavorRef="gold-1")
        assert reply.status == 202, reply.body
        assert [server.flavor.ram for server in site_two.compute.servers.values()] == [4096]

    def test_a_site_that_refuses_the_user_is_not_gone_round(
        self, compute: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        refused = make(compute.at("compute 2.75"))
        assert (refused.status, refused.fault[0]) == (403, "forbidden")
        workshop.run()
        assert workshop.definitions("flavor") == {}
        assert workshop.waiting() == []
        assert "gold-1" not in site_one.compute.flavors | site_two.compute.flavors

    def test_one_that_is_there_is_refused_in_the_sites_words(
        self, admin: GatewayClient, workshop: Workshop, site_two: Site
    ) -> None:
        make(admin)
        again = make(admin, name="other")
        assert (again.status, again.fault[1]) == (409, "Flavor with ID gold-1 already exists.")
        workshop.run()
        assert site_two.compute.flavors["gold-1"].name == "gold"
        assert workshop.definitions("flavor") == {"gold-1": "active"}

    @pytest.mark.parametrize("body", [{}, {"flavor": {"name": "x"}}, {"flavor": []}, {"flavor": {"name": 1}}])
    def test_what_makes_no_sense_is_refused_and_leaves_nothing(
        self, admin: GatewayClient, workshop: Workshop, body: object
    ) -> None:
        assert admin.post("/v2.1/flavors", body).status == 400
        assert workshop.definitions("flavor") == {}
        assert workshop.waiting() == []

    @pytest.mark.parametrize("fields", [{"name": "x" * 256}, {"id": "x" * 401}])
    def test_what_is_too_long_for_the_database_is_refused_before_it_is_written(
        self, admin: GatewayClient, workshop: Workshop, fields: dict[str, str]
    ) -> None:
        workshop.clear()
        assert make(admin, **fields).status == 400
        assert JobStore(workshop.engine.database).page(JobFilters(type=LEARN.name)) == []

    def test_while_the_database_is_away_nothing_is_sent(
        self,
        admin: GatewayClient,
        monkeypatch: pytest.MonkeyPatch,
        site_one: Site,
        site_two: Site,
    ) -> None:
        monkeypatch.setattr(Database, "transact", away)
        assert make(admin).status == 503
        assert received([site_one, site_two], "POST") == []

    def test_what_cannot_be_learnt_at_once_is_learnt_by_a_job(
        self,
        admin: GatewayClient,
        workshop: Workshop,
        monkeypatch: pytest.MonkeyPatch,
        site_one: Site,
        site_two: Site,
    ) -> None:
        site_one.compute.faults.put(Status(503), "/flavors/gold-1", method="GET", times=1)
        assert make(admin).status == 200
        assert workshop.definitions("flavor") == {"gold-1": "pending"}
        workshop.run()
        assert site_two.compute.flavors["gold-1"] == site_one.compute.flavors["gold-1"]

    @pytest.mark.parametrize("body", [b'{"flavor": {}}', b'{"flavor": []}', b"{}", b"[]", b"no"])
    def test_a_site_that_shows_nonsense_of_it_does_not_keep_the_answer_from_the_client(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site, body: bytes
    ) -> None:
        nonsense = Answer(200, body, (("Content-Type", "application/json"),))
        site_one.compute.faults.put(nonsense, "/flavors/gold-1", method="GET", times=1)
        assert make(admin).status == 200
        workshop.run()
        assert "gold-1" in site_two.compute.flavors


class TestChanged:
    def test_extra_specs_description_and_access_follow(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(admin, **{"os-flavor-access:is_public": False})
        workshop.run()
        path = "/v2.1/flavors/gold-1"
        assert admin.post(f"{path}/os-extra_specs", {"extra_specs": {"a": "1", "b": "2"}}).status == 200
        assert admin.put(f"{path}/os-extra_specs/c", {"c": "3"}).status == 200
        assert admin.delete(f"{path}/os-extra_specs/a").status == 200
        assert admin.put(path, {"flavor": {"description": "shiny"}}).status == 200
        for project in (PROJECT, OTHER_PROJECT):
            assert admin.post(f"{path}/action", {"addTenantAccess": {"tenant": project}}).status == 200
        assert admin.post(f"{path}/action", {"removeTenantAccess": {"tenant": PROJECT}}).status == 200
        workshop.run()
        flavor = site_two.compute.flavors["gold-1"]
        assert flavor.extra_specs == {"b": "2", "c": "3"}
        assert (flavor.description, flavor.projects) == ("shiny", [OTHER_PROJECT])
        assert flavor == site_one.compute.flavors["gold-1"]

    def test_what_changes_nothing_asks_for_nothing(self, admin: GatewayClient, workshop: Workshop) -> None:
        make(admin, description="same")
        workshop.run()
        assert admin.put("/v2.1/flavors/gold-1", {"flavor": {"description": "same"}}).status == 200
        assert workshop.waiting() == []

    def test_who_may_not_use_a_private_one_does_not_see_it_anywhere(
        self, admin: GatewayClient, compute: GatewayClient, workshop: Workshop, cloud: Cloud
    ) -> None:
        make(admin, **{"os-flavor-access:is_public": False})
        admin.post("/v2.1/flavors/gold-1/action", {"addTenantAccess": {"tenant": PROJECT}})
        workshop.run()
        assert compute.get("/v2.1/flavors/gold-1").status == 200
        assert compute.as_(cloud.stranger).get("/v2.1/flavors/gold-1").status == 404

    def test_access_that_is_taken_is_gone_before_the_other_sites_have_heard_of_it(
        self, admin: GatewayClient, compute: GatewayClient, workshop: Workshop
    ) -> None:
        make(admin, **{"os-flavor-access:is_public": False})
        admin.post("/v2.1/flavors/gold-1/action", {"addTenantAccess": {"tenant": PROJECT}})
        workshop.run()
        admin.post("/v2.1/flavors/gold-1/action", {"removeTenantAccess": {"tenant": PROJECT}})
        assert compute.get("/v2.1/flavors/gold-1").status == 404

    def test_one_that_was_made_behind_the_tops_back_is_taken_over(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        site_two.compute.flavors["old"] = Flavor("old", "old", ram=1024)
        assert admin.put("/v2.1/flavors/old/os-extra_specs/x", {"x": "1"}).status == 200
        workshop.run()
        assert site_one.compute.flavors["old"] == site_two.compute.flavors["old"]
        assert site_one.compute.flavors["old"].extra_specs == {"x": "1"}

    def test_one_that_nobody_has_is_not_found(self, admin: GatewayClient, workshop: Workshop) -> None:
        reply = admin.put("/v2.1/flavors/none", {"flavor": {"description": "x"}})
        assert (reply.status, reply.fault[1]) == (404, "Flavor none could not be found.")
        assert workshop.definitions("flavor") == {}


class TestDeleted:
    def test_it_goes_from_every_site_and_leaves_nothing(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(admin)
        workshop.run()
        assert admin.delete("/v2.1/flavors/gold-1").status == 202
        assert "gold-1" in site_two.compute.flavors
        workshop.run()
        assert "gold-1" not in site_one.compute.flavors | site_two.compute.flavors
        assert workshop.definitions("flavor") == {}

    def test_it_is_not_shown_from_then_on(
        self, admin: GatewayClient, workshop: Workshop, site_two: Site
    ) -> None:
        make(admin)
        workshop.run()
        admin.delete("/v2.1/flavors/gold-1")
        assert "gold-1" in site_two.compute.flavors
        shown = admin.get("/v2.1/flavors/gold-1")
        assert (shown.status, shown.fault[1]) == (404, "Flavor gold-1 could not be found.")
        for path in ("/v2.1/flavors", "/v2.1/flavors/detail"):
            assert "gold-1" not in [flavor["id"] for flavor in admin.get(path).json["flavors"]]
        assert admin.delete("/v2.1/flavors/gold-1").status == 404

    def test_no_server_is_made_of_it_where_it_has_not_gone_yet(
        self, admin: GatewayClient, compute: GatewayClient, workshop: Workshop, site_two: Site
    ) -> None:
        make(admin)
        workshop.run()
        admin.delete("/v2.1/flavors/gold-1")
        reply = compute_api(compute).create(availability_zone="az2", flavorRef="gold-1")
        assert (reply.status, reply.fault[1]) == (400, "Flavor gold-1 could not be found.")

    def test_it_can_be_made_again_otherwise_before_the_others_have_heard_of_it(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(admin)
        workshop.run()
        admin.delete("/v2.1/flavors/gold-1")
        assert make(admin, ram=8192).status == 200
        workshop.run()
        assert site_one.compute.flavors["gold-1"].ram == 8192
        assert site_two.compute.flavors["gold-1"] == site_one.compute.flavors["gold-1"]
        assert workshop.parked() == []


def test_two_who_change_the_same_at_once_both_have_their_way(
    admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
) -> None:
    """The second begins before what the first has done is learnt, and is sent to the same site."""
    make(admin)
    workshop.run()
    writing = workshop.engine.replicas.writing
    known = workshop.engine.replicas.store.find("flavor", "gold-1")
    assert known is not None
    sites = {site.id: site for site in reversed(workshop.engine.registry.snapshot.asked)}
    first = writing.begin(FLAVOR, "gold-1", "gold", sites)
    second = writing.begin(FLAVOR, "gold-1", "gold", dict(reversed(sites.items())))
    assert (first.site.name, second.site.name) == ("SiteTwo", "SiteTwo")
    site_two.compute.flavors["gold-1"].extra_specs |= {"first": "1", "second": "2"}
    writing.learn(first)
    assert [job.type for job in workshop.waiting(LEARN.name)] == [LEARN.name]
    writing.learn(second)
    workshop.run()
    assert site_one.compute.flavors["gold-1"].extra_specs == {"first": "1", "second": "2"}
    assert workshop.waiting() == []


def test_the_site_gets_the_body_as_it_was_sent(admin: GatewayClient, site_one: Site) -> None:
    make(admin)
    (request,) = site_one.compute.received("POST", "/flavors")
    assert json.loads(request.body) == {"flavor": GOLD}


def test_a_server_can_be_resized_to_it_where_it_is_not_yet(
    admin: GatewayClient, compute: GatewayClient, site_two: Site
) -> None:
    server = compute_api(compute).create(availability_zone="az2").json["server"]["id"]
    make(admin)
    reply = compute.post(f"/v2.1/servers/{server}/action", {"resize": {"flavorRef": "gold-1"}})
    assert reply.status == 202, reply.body
    assert "gold-1" in site_two.compute.flavors
