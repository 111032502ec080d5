"""Flavors where something goes wrong: a site is away, an answer is lost, a site has something else."""

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.compute.records import Flavor
from tests.fakes.faults import Fault, HangUp, Status, bad_gateway, garbage
from tests.fakes.site import Site
from tests.functional.flavors import make
from tests.functional.gateway import GatewayClient
from tests.functional.workshop import Workshop

from tricircle.jobs.types import REPLICATE
from tricircle.realise.kinds import FLAVOR


class TestSiteThatIsAway:
    def test_another_one_is_made_in_and_it_gets_all_when_it_is_back(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(admin)
        workshop.run()
        site_one.compute.stop()
        assert make(admin, id="silver", name="silver").status == 200
        assert admin.put("/v2.1/flavors/gold-1/os-extra_specs/a", {"a": "1"}).status == 200
        workshop.run()
        assert {job.type for job in workshop.waiting()} == {REPLICATE.name}
        site_one.compute.start()
        workshop.finish()
        assert site_one.compute.flavors == site_two.compute.flavors

    def test_what_was_deleted_meanwhile_goes_when_it_is_back(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(admin)
        workshop.run()
        site_two.compute.stop()
        assert admin.delete("/v2.1/flavors/gold-1").status == 202
        workshop.run()
        assert workshop.definitions("flavor") == {"gold-1": "deleted"}
        site_two.compute.start()
        workshop.finish()
        assert "gold-1" not in site_two.compute.flavors
        assert workshop.definitions("flavor") == {}

    def test_a_site_that_joins_gets_all(
        self, admin: GatewayClient, workshop: Workshop, cloud: Cloud, site_one: Site
    ) -> None:
        make(admin, **{"os-flavor-access:is_public": False})
        admin.post("/v2.1/flavors/gold-1/action", {"addTenantAccess": {"tenant": PROJECT}})
        workshop.run()
        third = cloud.add_site("SiteThree", "az3")
        workshop.finish()
        assert third.compute.flavors["gold-1"] == site_one.compute.flavors["gold-1"]

    def test_with_no_site_in_step_a_change_is_refused_and_has_no_effect(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(admin)
        site_one.compute.stop()
        reply = admin.put("/v2.1/flavors/gold-1/os-extra_specs/a", {"a": "1"})
        assert reply.status == 503
        assert "gold-1" not in site_two.compute.flavors


class TestLostAnswer:
    @pytest.fixture(autouse=True)
    def _hasty(self, cloud: Cloud) -> None:
        cloud.configuration.set_override("intent_grace", 1.5, group="xjob")

    def test_what_was_made_all_the_same_is_found(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        site_one.compute.faults.put(HangUp(performed=True), "/flavors", method="POST", times=1)
        assert make(admin).status == 504
        assert "gold-1" in site_one.compute.flavors
        workshop.finish()
        assert site_two.compute.flavors["gold-1"] == site_one.compute.flavors["gold-1"]
        assert workshop.definitions("flavor") == {"gold-1": "active"}

    def test_what_was_not_made_is_dropped(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        site_one.compute.faults.put(HangUp(), "/flavors", method="POST", times=1)
        assert make(admin).status == 504
        assert workshop.definitions("flavor") == {"gold-1": "pending"}
        workshop.finish()
        assert workshop.definitions("flavor") == {}
        assert "gold-1" not in site_two.compute.flavors
        assert make(admin).status == 200

    @pytest.mark.parametrize("fault", [Status(500), bad_gateway(), garbage()])
    def test_an_answer_that_is_none_is_a_lost_one(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, fault: Fault
    ) -> None:
        site_one.compute.faults.put(fault, "/flavors", method="POST", times=1)
        assert make(admin).status >= 500
        assert workshop.definitions("flavor") == {"gold-1": "pending"}
        workshop.finish()
        assert workshop.definitions("flavor") == {}

    def test_a_delete_is_found(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(admin)
        workshop.run()
        site_one.compute.faults.put(HangUp(performed=True), "/flavors/gold-1", method="DELETE", times=1)
        assert admin.delete("/v2.1/flavors/gold-1").status == 504
        workshop.finish()
        assert "gold-1" not in site_two.compute.flavors
        assert workshop.definitions("flavor") == {}

    def test_a_change_is_found(self, admin: GatewayClient, workshop: Workshop, site_two: Site) -> None:
        make(admin)
        workshop.run()
        one = workshop.cloud.sites["SiteOne"].compute
        one.faults.put(HangUp(performed=True), "/flavors/gold-1/os-extra_specs/a", method="PUT", times=1)
        assert admin.put("/v2.1/flavors/gold-1/os-extra_specs/a", {"a": "1"}).status == 504
        workshop.finish()
        assert site_two.compute.flavors["gold-1"].extra_specs == {"a": "1"}


def test_one_that_is_deleted_and_made_again_at_once_is_the_new_one_everywhere(
    admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
) -> None:
    """Two do that: what was deleted is learnt when the next one is there already."""
    make(admin, ram=128)
    workshop.run()
    sites = {site.id: site for site in workshop.engine.registry.snapshot.asked if site.name == "SiteOne"}
    intent = workshop.engine.replicas.writing.begin(FLAVOR, "gold-1", "gold", sites, may_be_gone=True)
    site_one.compute.flavors["gold-1"] = Flavor("gold-1", "gold", ram=64)
    workshop.engine.replicas.writing.learn(intent)
    workshop.run()
    assert site_two.compute.flavors["gold-1"] == site_one.compute.flavors["gold-1"]
    assert workshop.parked() == []


class TestDrift:
    def test_it_is_shown_and_mended_when_asked(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        make(admin)
        make(admin, id="silver", name="silver")
        workshop.run()
        there = site_two.compute.flavors
        there["gold-1"].extra_specs["sneaky"] = "1"
        there["gold-1"].ram = 1
        del there["silver"]
        workshop.look_for_drift("SiteTwo")
        assert workshop.drift_in("SiteTwo") == {
            "gold": "ram is 1 and should be 4096; extra_specs (sneaky)",
            "silver": "it is not there",
        }
        assert there["gold-1"].ram == 1
        workshop.look_for_drift("SiteTwo", mend=True)
        workshop.run()
        assert there == site_one.compute.flavors
        assert workshop.drift_in("SiteTwo") == {}

    def test_another_flavor_of_the_same_id_stays_until_it_is_mended(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        site_two.compute.flavors["gold-1"] = Flavor("gold-1", "brass", ram=64)
        assert make(admin).status == 200
        workshop.run()
        assert site_two.compute.flavors["gold-1"].name == "brass"
        (job,) = workshop.parked()
        assert "another flavor gold: name is brass and should be gold" in (job.cause or "")
        assert "name is brass" in workshop.drift_in("SiteTwo")["gold"]
        workshop.look_for_drift("SiteTwo", mend=True)
        workshop.run()
        assert site_two.compute.flavors["gold-1"] == site_one.compute.flavors["gold-1"]
        assert workshop.drift_in("SiteTwo") == {}

    def test_a_name_that_the_site_has_given_to_another_is_a_cause(
        self, admin: GatewayClient, workshop: Workshop, site_two: Site
    ) -> None:
        site_two.compute.flavors["x"] = Flavor("x", "gold")
        make(admin)
        workshop.run()
        (job,) = workshop.waiting()
        assert "Site SiteTwo said 409: Flavor with name gold already exists." in (job.cause or "")
        del site_two.compute.flavors["x"]
        workshop.finish()
        assert "gold-1" in site_two.compute.flavors
