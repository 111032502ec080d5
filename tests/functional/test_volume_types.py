"""Volume types and QoS specs are made once; that each site has ids of its own for them, nobody notices."""

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.faults import HangUp
from tests.fakes.site import Site
from tests.fakes.volume.records import QosSpec, VolumeType
from tests.functional.api import volume_api
from tests.functional.gateway import GatewayClient
from tests.functional.workshop import Workshop


@pytest.fixture
def admin(volume: GatewayClient, cloud: Cloud) -> GatewayClient:
    """The administrator, at a microversion in which volumes show the id of their type."""
    return volume.as_(cloud.admin).at("volume 3.63")


@pytest.fixture
def member(volume: GatewayClient) -> GatewayClient:
    """A member, at the same microversion."""
    return volume.at("volume 3.63")


def make(admin: GatewayClient, name: str = "gold", **fields: object) -> str:
    """Make a volume type through the top, and return its id."""
    reply = admin.post("/v3/types", {"volume_type": {"name": name} | fields})
    assert reply.status == 200, reply.body
    identifier: str = reply.json["volume_type"]["id"]
    return identifier


def make_qos(admin: GatewayClient, name: str = "fast", **specs: str) -> str:
    """Make a QoS spec through the top, and return its id."""
    reply = admin.post("/v3/qos-specs", {"qos_specs": {"name": name, "consumer": "front-end"} | specs})
    assert reply.status == 200, reply.body
    identifier: str = reply.json["qos_specs"]["id"]
    return identifier


def find(site: Site, name: str = "gold") -> VolumeType | None:
    """The type of a name that a site has."""
    return next((kind for kind in site.volume.types.values() if kind.name == name), None)


def there(site: Site, name: str = "gold") -> VolumeType:
    """The same; it must be there."""
    kind = find(site, name)
    assert kind is not None
    return kind


def qos_there(site: Site, name: str = "fast") -> QosSpec:
    """The QoS spec of a name, which a site must have."""
    return next(spec for spec in site.volume.qos_specs.values() if spec.name == name)


class TestMade:
    def test_it_gets_into_every_site_under_an_id_of_the_sites_own(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        fields = {"description": "shiny", "extra_specs": {"a": "1"}, "os-volume-type-access:is_public": False}
        identifier = make(admin, **fields)
        workshop.run()
        assert there(site_one).id == identifier
        assert there(site_two).id != identifier
        for site in (site_one, site_two):
            kind = there(site)
            assert (kind.description, kind.extra_specs, kind.is_public) == ("shiny", {"a": "1"}, False)

    def test_it_has_one_id_at_the_top_whichever_site_answers(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site
    ) -> None:
        identifier = make(admin)
        workshop.run()
        site_one.volume.stop()
        shown = admin.get(f"/v3/types/{identifier}")
        assert (shown.status, shown.json["volume_type"]["id"]) == (200, identifier)
        listed = admin.get("/v3/types").json["volume_types"]
        assert [kind["id"] for kind in listed if kind["name"] == "gold"] == [identifier]

    def test_a_list_is_paged_by_the_tops_ids(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site
    ) -> None:
        made = {make(admin, name) for name in ("a", "b", "c")}
        workshop.run()
        site_one.volume.stop()
        seen, url = [], "/v3/types?limit=2"
        while url:
            page = admin.get(url).json
            seen += [kind["id"] for kind in page["volume_types"]]
            links = page.get("volume_type_links", [])
            url = links[0]["href"] if links else ""
            assert len(seen) < 10
        assert made <= set(seen)
        assert len(seen) == len(set(seen)) == 4

    def test_the_name_of_one_that_is_there_is_taken(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        identifier = make(admin)
        again = admin.post("/v3/types", {"volume_type": {"name": "gold"}})
        assert (again.status, again.fault[1]) == (409, "Volume Type gold already exists.")
        workshop.run()
        assert workshop.definitions("volume_type") == {identifier: "active"}

    def test_users_may_not(self, member: GatewayClient, workshop: Workshop) -> None:
        assert member.post("/v3/types", {"volume_type": {"name": "gold"}}).status == 403
        assert member.post("/v3/qos-specs", {"qos_specs": {"name": "fast"}}).status == 403
        assert workshop.definitions("volume_type") == workshop.definitions("qos_spec") == {}
        assert workshop.waiting() == []

    def test_one_that_a_site_has_by_that_name_is_made_the_same(
        self, admin: GatewayClient, workshop: Workshop, site_two: Site
    ) -> None:
        site_two.volume.types["old"] = VolumeType("old", "gold", extra_specs={"x": "1"})
        make(admin, extra_specs={"a": "1"})
        workshop.run()
        assert there(site_two).id == "old"
        assert there(site_two).extra_specs == {"a": "1"}

    def test_an_answer_that_is_lost_is_found(
        self, admin: GatewayClient, workshop: Workshop, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        cloud.configuration.set_override("intent_grace", 1.5, group="xjob")
        site_one.volume.faults.put(HangUp(performed=True), "/types", method="POST", times=1)
        assert admin.post("/v3/types", {"volume_type": {"name": "gold"}}).status == 504
        workshop.finish()
        assert workshop.definitions("volume_type") == {there(site_one).id: "active"}
        assert there(site_two).name == "gold"


class TestUsed:
    @pytest.mark.parametrize("by", ["name", "id"])
    def test_a_volume_of_it_can_be_made_anywhere_at_once(
        self, admin: GatewayClient, member: GatewayClient, site_two: Site, by: str
    ) -> None:
        identifier = make(admin, extra_specs={"a": "1"})
        wanted = identifier if by == "id" else "gold"
        created = volume_api(member).create(availability_zone="az2", volume_type=wanted)
        assert created.status == 202, created.body
        (volume,) = site_two.volume.volumes.values()
        assert volume.volume_type is there(site_two)
        assert volume.volume_type.extra_specs == {"a": "1"}
        assert created.json["volume"]["volume_type_id"] == identifier
        shown = member.get(f"/v3/volumes/{volume.id}").json["volume"]
        assert (shown["volume_type"], shown["volume_type_id"]) == ("gold", identifier)
        (listed,) = member.get("/v3/volumes/detail").json["volumes"]
        assert listed["volume_type_id"] == identifier

    def test_a_volume_can_get_it(self, admin: GatewayClient, member: GatewayClient, site_two: Site) -> None:
        volume = volume_api(member).create(availability_zone="az2").json["volume"]["id"]
        identifier = make(admin)
        action = {"os-retype": {"new_type": identifier, "migration_policy": "never"}}
        assert member.post(f"/v3/volumes/{volume}/action", action).status == 202
        assert site_two.volume.volumes[volume].volume_type is there(site_two)

    def test_a_type_of_a_sites_own_is_that_sites(self, member: GatewayClient, site_two: Site) -> None:
        site_two.volume.types["own"] = VolumeType("own", "own")
        created = volume_api(member).create(availability_zone="az2", volume_type="own")
        assert (created.status, created.json["volume"]["volume_type_id"]) == (202, "own")


class TestChanged:
    def test_all_of_it_follows(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        identifier = make(admin, extra_specs={"a": "1", "b": "2"})
        workshop.run()
        path = f"/v3/types/{identifier}"
        changes = {"name": "silver", "description": "dull", "is_public": False}
        changed = admin.put(path, {"volume_type": changes})
        assert (changed.status, changed.json["volume_type"]["id"]) == (200, identifier)
        assert admin.post(f"{path}/extra_specs", {"extra_specs": {"c": "3"}}).status == 200
        assert admin.put(f"{path}/extra_specs/b", {"b": "4"}).status == 200
        assert admin.delete(f"{path}/extra_specs/a").status == 202
        for project in (PROJECT, OTHER_PROJECT):
            assert admin.post(f"{path}/action", {"addProjectAccess": {"project": project}}).status == 202
        assert admin.post(f"{path}/action", {"removeProjectAccess": {"project": PROJECT}}).status == 202
        workshop.run()
        for site in (site_one, site_two):
            kind = there(site, "silver")
            assert kind.extra_specs == {"b": "4", "c": "3"}
            assert (kind.description, kind.is_public, kind.projects) == ("dull", False, [OTHER_PROJECT])
        access = admin.get(f"{path}/os-volume-type-access").json["volume_type_access"]
        assert access == [{"volume_type_id": identifier, "project_id": OTHER_PROJECT}]

    def test_in_another_site_while_the_first_is_away(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        identifier = make(admin)
        workshop.run()
        site_one.volume.stop()
        changed = admin.put(f"/v3/types/{identifier}", {"volume_type": {"description": "shiny"}})
        assert (changed.status, changed.json["volume_type"]["id"]) == (200, identifier)
        assert there(site_two).description == "shiny"
        site_one.volume.start()
        workshop.finish()
        assert there(site_one).description == "shiny"

    def test_one_that_only_sites_know_is_taken_over_by_name(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        default = there(site_one, "__DEFAULT__").id
        assert admin.put(f"/v3/types/{default}", {"volume_type": {"description": "ours"}}).status == 200
        workshop.run()
        assert there(site_two, "__DEFAULT__").description == "ours"
        assert len(site_two.volume.types) == 1


class TestDeleted:
    def test_it_goes_from_every_site(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        identifier = make(admin)
        workshop.run()
        assert admin.delete(f"/v3/types/{identifier}").status == 202
        assert admin.get(f"/v3/types/{identifier}").status == 404
        assert "gold" not in [kind["name"] for kind in admin.get("/v3/types").json["volume_types"]]
        workshop.run()
        assert find(site_one) is find(site_two) is None
        assert workshop.definitions("volume_type") == {}

    def test_the_next_one_of_that_name_is_another(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        first = make(admin, extra_specs={"a": "1"})
        workshop.run()
        before = there(site_two).id
        admin.delete(f"/v3/types/{first}")
        second = make(admin)
        assert "gold" in [kind["name"] for kind in admin.get("/v3/types").json["volume_types"]]
        workshop.run()
        assert second != first
        assert there(site_two).id != before
        assert there(site_two).extra_specs == {}
        assert workshop.definitions("volume_type") == {second: "active"}

    def test_where_a_volume_has_it_still_the_cause_is_told(
        self, admin: GatewayClient, member: GatewayClient, workshop: Workshop, site_two: Site
    ) -> None:
        identifier = make(admin)
        workshop.run()
        volume_api(member).create(availability_zone="az2", volume_type="gold")
        assert admin.delete(f"/v3/types/{identifier}").status == 202
        workshop.run()
        (job,) = workshop.parked()
        assert job.cause == "Site SiteTwo said 400: Target volume type is still in use."
        site_two.volume.volumes.clear()
        workshop.catch_up("SiteTwo")
        assert find(site_two) is None
        assert workshop.definitions("volume_type") == {}


class TestQosSpecs:
    def test_one_is_made_changed_and_deleted_everywhere(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        identifier = make_qos(admin, read_iops_sec="100", write_iops_sec="50")
        path = f"/v3/qos-specs/{identifier}"
        assert admin.put(path, {"qos_specs": {"read_iops_sec": "200", "consumer": "both"}}).status == 200
        assert admin.put(f"{path}/delete_keys", {"keys": ["write_iops_sec"]}).status == 202
        workshop.run()
        assert qos_there(site_one).id == identifier != qos_there(site_two).id
        for site in (site_one, site_two):
            spec = qos_there(site)
            assert (spec.consumer, spec.specs) == ("both", {"read_iops_sec": "200"})
        site_one.volume.stop()
        shown = admin.get(path).json
        assert shown["qos_specs"]["id"] == identifier
        assert shown["links"][0]["href"].startswith("http://volume.central.example.net:8776/v3/qos-specs/")
        assert [spec["id"] for spec in admin.get("/v3/qos-specs").json["qos_specs"]] == [identifier]
        site_one.volume.start()
        assert admin.delete(path).status == 202
        workshop.finish()
        assert site_one.volume.qos_specs == site_two.volume.qos_specs == {}

    def test_a_type_gets_and_loses_it_everywhere(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        workshop.cloud.configuration.set_override("intent_grace", 1.5, group="xjob")
        kind, spec = make(admin), make_qos(admin)
        assert admin.get(f"/v3/qos-specs/{spec}/associate?vol_type_id={kind}").status == 202
        workshop.run()
        for site in (site_one, site_two):
            assert there(site).qos_spec_id == qos_there(site).id
        site_one.volume.stop()
        assert admin.get(f"/v3/types/{kind}").json["volume_type"]["qos_specs_id"] == spec
        associated = admin.get(f"/v3/qos-specs/{spec}/associations").json["qos_associations"]
        assert associated == [{"association_type": "volume_type", "name": "gold", "id": kind}]
        assert admin.get(f"/v3/qos-specs/{spec}/disassociate?vol_type_id={kind}").status == 202
        site_one.volume.start()
        workshop.finish()
        assert there(site_one).qos_spec_id is there(site_two).qos_spec_id is None

    def test_a_volume_of_such_a_type_brings_both_into_its_site(
        self, admin: GatewayClient, member: GatewayClient, site_two: Site
    ) -> None:
        kind, spec = make(admin), make_qos(admin)
        admin.get(f"/v3/qos-specs/{spec}/associate?vol_type_id={kind}")
        assert volume_api(member).create(availability_zone="az2", volume_type=kind).status == 202
        assert there(site_two).qos_spec_id == qos_there(site_two).id

    @pytest.mark.parametrize("way", ["disassociate_all", "force"])
    def test_all_types_lose_it_at_once(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site, way: str
    ) -> None:
        spec = make_qos(admin)
        for name in ("gold", "silver"):
            admin.get(f"/v3/qos-specs/{spec}/associate?vol_type_id={make(admin, name)}")
        workshop.run()
        refused = admin.delete(f"/v3/qos-specs/{spec}")
        assert (refused.status, refused.fault[1]) == (400, "Qos specs still in use.")
        if way == "force":
            assert admin.delete(f"/v3/qos-specs/{spec}?force=True").status == 202
        else:
            assert admin.get(f"/v3/qos-specs/{spec}/disassociate_all").status == 202
        workshop.run()
        for site in (site_one, site_two):
            assert [there(site, name).qos_spec_id for name in ("gold", "silver")] == [None, None]
            assert len(site.volume.qos_specs) == (0 if way == "force" else 1)
        assert workshop.parked() == []

    def test_one_that_only_a_site_knows_is_taken_over_with_its_type(
        self, admin: GatewayClient, workshop: Workshop, site_one: Site, site_two: Site
    ) -> None:
        site_one.volume.qos_specs["q"] = QosSpec("q", "slow", "back-end", {"total_iops_sec": "1"})
        site_one.volume.types["t"] = VolumeType("t", "bronze", qos_spec_id="q")
        assert admin.put("/v3/types/t", {"volume_type": {"description": "cheap"}}).status == 200
        workshop.run()
        assert there(site_two, "bronze").qos_spec_id == qos_there(site_two, "slow").id
        assert qos_there(site_two, "slow").specs == {"total_iops_sec": "1"}

    def test_associating_without_a_type_is_refused_by_the_site(self, admin: GatewayClient) -> None:
        spec = make_qos(admin)
        reply = admin.get(f"/v3/qos-specs/{spec}/associate")
        assert (reply.status, reply.fault[1]) == (400, "Volume Type id must not be None.")
