"""A new server or volume is made in one site of its availability zone, and nowhere else."""

import json

import pytest
from tests.fakes.cloud import HASTY, PROJECT, Cloud
from tests.fakes.compute.records import ServerGroup
from tests.fakes.faults import HangUp, Silence
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api, received, volume_api
from tests.functional.gateway import GatewayClient

from tricircle.sites.binding_store import BindingStore
from tricircle.sites.site import SiteState
from tricircle.sites.store import SiteStore

OPTIONS = HASTY


@pytest.mark.parametrize(
    ("zone", "home", "other"), [("az1", "SiteOne", "SiteTwo"), ("az2", "SiteTwo", "SiteOne")]
)
def test_is_made_in_the_site_of_its_zone(api: Api, cloud: Cloud, zone: str, home: str, other: str) -> None:
    reply = api.create(availability_zone=zone)
    assert reply.status == 202, reply.body
    made = reply.json[api.item]["id"]
    assert list(api.made(cloud.sites[home])) == [made]
    assert api.made(cloud.sites[other]) == {}
    assert api.made(cloud.sites[home])[made].availability_zone == "nova"


def test_the_site_gets_the_body_with_nothing_but_the_zone_changed(api: Api, site_one: Site) -> None:
    sent = api.body(availability_zone="az1", description="Grüße \u2028", metadata={"a": "1", "b": "ü"})
    assert api.client.post(api.path, sent).status == 202
    (request,) = api.service(site_one).received("POST")
    assert json.loads(request.body) == {api.item: sent[api.item] | {"availability_zone": "nova"}}


def test_other_members_of_the_body_reach_the_site(compute: GatewayClient, site_one: Site) -> None:
    api = compute_api(compute)
    sent = api.body(availability_zone="az1") | {"os:scheduler_hints": {"same_host": ["x"]}, "unknown": [1]}
    compute.post(api.path, sent)
    (request,) = site_one.compute.received("POST")
    assert {key: value for key, value in json.loads(request.body).items() if key != "server"} == {
        "os:scheduler_hints": {"same_host": ["x"]},
        "unknown": [1],
    }


def test_what_is_made_has_the_links_and_the_zone_of_the_top(api: Api) -> None:
    reply = api.create(availability_zone="az2")
    made = reply.json[api.item]
    assert {link["rel"]: link["href"] for link in made["links"]} == {
        "self": f"{api.root}{api.path}/{made['id']}",
        "bookmark": f"{api.root}/{api.collection}/{made['id']}",
    }
    assert made.get(api.zone_field, "az2") == "az2"


def test_location_of_a_new_server_is_the_tops(compute: GatewayClient) -> None:
    reply = compute_api(compute).create(availability_zone="az1")
    assert reply.header("Location") == reply.json["server"]["links"][0]["href"]
    assert compute.get(reply.header("Location") or "").status == 200


def test_without_a_zone_it_is_made_in_exactly_one_site(api: Api, site_one: Site, site_two: Site) -> None:
    assert api.create().status == 202
    assert len(api.made(site_one)) + len(api.made(site_two)) == 1


def test_the_project_id_may_stand_in_the_path(api: Api, site_two: Site) -> None:
    path = f"{api.version}/{PROJECT}/{api.collection}"
    reply = api.client.post(path, api.body(availability_zone="az2"))
    assert reply.status == 202
    (request,) = api.service(site_two).received("POST")
    assert request.path == path
    assert reply.json[api.item]["links"][0]["href"].startswith(f"{api.root}{path}/")


class TestUnknownZone:
    def test_of_a_server_is_refused_in_novas_words(
        self, compute: GatewayClient, site_one: Site, site_two: Site
    ) -> None:
        reply = compute_api(compute).create(availability_zone="nowhere")
        assert reply.status == 400
        assert reply.fault == ("badRequest", "The requested availability zone is not available")
        assert received([site_one, site_two], "POST") == []

    def test_of_a_volume_is_refused_in_cinders_words(
        self, volume: GatewayClient, site_one: Site, site_two: Site
    ) -> None:
        reply = volume_api(volume).create(availability_zone="nowhere")
        assert reply.status == 400
        assert reply.fault == ("badRequest", "Availability zone 'nowhere' is invalid.")
        assert received([site_one, site_two], "POST") == []

    def test_a_name_that_only_a_site_knows_is_unknown(self, api: Api, site_one: Site, site_two: Site) -> None:
        assert api.create(availability_zone="nova").status == 400
        assert received([site_one, site_two], "POST") == []


class TestNamedHost:
    def test_it_is_left_to_the_site_behind_the_zone(self, compute: GatewayClient, cloud: Cloud) -> None:
        reply = compute_api(compute).as_(cloud.admin).create(availability_zone="az1:host:node")
        assert reply.status == 202
        (request,) = cloud.sites["SiteOne"].compute.received("POST")
        assert json.loads(request.body)["server"]["availability_zone"] == "nova:host:node"


class TestSiteThatTakesNothing:
    @pytest.mark.parametrize("state", [SiteState.CORDONED, SiteState.DRAINING, SiteState.DISABLED])
    def test_gets_nothing_new(self, api: Api, cloud: Cloud, site_one: Site, state: SiteState) -> None:
        SiteStore(cloud.database).update("SiteOne", state=state)
        reply = api.create(availability_zone="az1")
        assert reply.status == 503
        assert reply.fault[0] == "serviceUnavailable"
        assert "SiteOne" in reply.fault[1]
        assert reply.header("Retry-After") is not None
        assert received([site_one], "POST") == []

    def test_another_site_is_chosen_where_no_zone_is_named(
        self, api: Api, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        SiteStore(cloud.database).update("SiteOne", state=SiteState.CORDONED)
        for _ in range(5):
            assert api.create().status == 202
        assert len(api.made(site_two)) == 5


class TestSiteThatIsStopped:
    def test_the_client_is_told_which(self, api: Api, site_one: Site, site_two: Site) -> None:
        api.service(site_one).stop()
        reply = api.create(availability_zone="az1")
        assert reply.status == 503
        assert reply.fault[0] == "serviceUnavailable"
        assert "SiteOne" in reply.fault[1]
        assert reply.header("Retry-After") is not None
        assert api.made(site_two) == {}

    def test_the_other_site_is_taken_where_no_zone_is_named(
        self, api: Api, site_one: Site, site_two: Site
    ) -> None:
        api.service(site_one).stop()
        for _ in range(5):
            assert api.create().status == 202
        assert len(api.made(site_two)) == 5

    def test_the_other_site_of_the_same_zone_is_taken(self, api: Api, cloud: Cloud, site_one: Site) -> None:
        cloud.add_site("SiteThree", "az1")
        api.service(site_one).stop()
        for _ in range(5):
            assert api.create(availability_zone="az1").status == 202
        assert len(api.made(cloud.sites["SiteThree"])) == 5


@pytest.mark.parametrize("fault", [HangUp(performed=True), HangUp(), Silence(performed=True)])
def test_a_request_whose_answer_is_lost_is_never_repeated(
    api: Api, cloud: Cloud, site_one: Site, fault: HangUp | Silence
) -> None:
    cloud.add_site("SiteThree", "az1")
    for site in (site_one, cloud.sites["SiteThree"]):
        api.service(site).faults.put(fault, method="POST")
    reply = api.create(availability_zone="az1")
    assert reply.status == 504
    assert reply.fault[0] == "computeFault"
    sites = [site_one, cloud.sites["SiteThree"]]
    assert len(received(sites, "POST")) == 1


class TestDefaults:
    def test_a_project_is_bound_to_a_zone(self, api: Api, cloud: Cloud, site_two: Site) -> None:
        BindingStore(cloud.database).bind(PROJECT, "az2")
        for _ in range(4):
            assert api.create().status == 202
        assert len(api.made(site_two)) == 4

    def test_a_named_zone_is_stronger_than_a_binding(self, api: Api, cloud: Cloud, site_one: Site) -> None:
        BindingStore(cloud.database).bind(PROJECT, "az2")
        assert api.create(availability_zone="az1").status == 202
        assert len(api.made(site_one)) == 1

    def test_the_default_zone_is_the_operators(self, api: Api, cloud: Cloud, site_two: Site) -> None:
        cloud.configuration.set_override("default_availability_zone", "az2")
        for _ in range(4):
            assert api.create().status == 202
        assert len(api.made(site_two)) == 4


class TestPins:
    """What exists in a site already pins what is made of it to that site."""

    def test_a_server_goes_where_its_volume_is(
        self, compute: GatewayClient, site_two: Site, project: str
    ) -> None:
        (root,) = site_two.volume.add_volumes(1, project)
        for _ in range(3):
            reply = compute_api(compute).create(block_device_mapping_v2=[_boot_from(root.id)])
            assert reply.status == 202, reply.body
        assert len(site_two.compute.servers) == 3

    def test_a_zone_that_is_not_the_volumes_is_refused(
        self, compute: GatewayClient, site_one: Site, site_two: Site, project: str
    ) -> None:
        (root,) = site_two.volume.add_volumes(1, project)
        reply = compute_api(compute).create(
            availability_zone="az1", block_device_mapping_v2=[_boot_from(root.id)]
        )
        assert reply.status == 400
        name, message = reply.fault
        assert name == "badRequest"
        assert root.id in message
        assert "SiteTwo" in message
        assert received([site_one, site_two], "POST") == []

    def test_two_volumes_in_two_sites_are_refused(
        self, compute: GatewayClient, site_one: Site, site_two: Site, project: str
    ) -> None:
        (one,) = site_one.volume.add_volumes(1, project)
        (two,) = site_two.volume.add_volumes(1, project)
        reply = compute_api(compute).create(
            block_device_mapping_v2=[_boot_from(one.id), _boot_from(two.id, boot_index=-1)]
        )
        assert reply.status == 400
        assert all(text in reply.fault[1] for text in (one.id, two.id, "SiteOne", "SiteTwo"))
        assert received([site_one, site_two], "POST") == []

    def test_a_server_goes_where_its_group_is(
        self, compute: GatewayClient, cloud: Cloud, site_two: Site
    ) -> None:
        group = _make_group(cloud, site_two)
        for _ in range(3):
            body = compute_api(compute).body() | {"os:scheduler_hints": {"group": group}}
            assert compute.post("/v2.1/servers", body).status == 202
        assert len(site_two.compute.servers) == 3

    def test_a_volume_goes_where_its_snapshot_is(
        self, volume: GatewayClient, site_two: Site, project: str
    ) -> None:
        (origin,) = site_two.volume.add_volumes(1, project)
        snapshot = site_two.volume.add_snapshot(origin)
        for _ in range(3):
            assert volume_api(volume).create(snapshot_id=snapshot.id).status == 202
        assert len(site_two.volume.volumes) == 4

    def test_a_volume_goes_where_its_source_is(
        self, volume: GatewayClient, site_two: Site, project: str
    ) -> None:
        (origin,) = site_two.volume.add_volumes(1, project)
        for _ in range(3):
            assert volume_api(volume).create(source_volid=origin.id).status == 202
        assert len(site_two.volume.volumes) == 4

    def test_a_snapshot_is_made_where_its_volume_is(
        self, volume: GatewayClient, site_two: Site, project: str
    ) -> None:
        (origin,) = site_two.volume.add_volumes(1, project)
        reply = volume.post("/v3/snapshots", {"snapshot": {"volume_id": origin.id, "name": "s"}})
        assert reply.status == 202, reply.body
        assert list(site_two.volume.snapshots) == [reply.json["snapshot"]["id"]]

    def test_a_volume_of_another_project_is_as_one_that_is_not_there(
        self, compute: GatewayClient, cloud: Cloud, site_one: Site, site_two: Site
    ) -> None:
        (root,) = site_two.volume.add_volumes(1, cloud.stranger.project_id)
        reply = compute_api(compute).create(block_device_mapping_v2=[_boot_from(root.id)])
        assert reply.status in {400, 404}
        assert "SiteTwo" not in reply.fault[1]
        assert received([site_one, site_two], "POST") == []


def test_several_servers_are_made_by_one_request(compute: GatewayClient, site_one: Site) -> None:
    assert compute_api(compute).create(availability_zone="az1", min_count=3, max_count=3).status == 202
    assert len(site_one.compute.servers) == 3


def test_a_reservation_is_answered_as_the_site_answers_it(compute: GatewayClient) -> None:
    reply = compute_api(compute).create(availability_zone="az1", min_count=2, return_reservation_id=True)
    assert reply.status == 202
    assert list(reply.json) == ["reservation_id"]


def test_a_sites_own_refusal_comes_back_as_it_is(compute: GatewayClient) -> None:
    reply = compute_api(compute).create(availability_zone="az1", flavorRef="none")
    assert reply.status == 400
    assert reply.fault == ("badRequest", "Flavor none could not be found.")


def _boot_from(volume_id: str, boot_index: int = 0) -> dict[str, object]:
    return {
        "source_type": "volume",
        "destination_type": "volume",
        "uuid": volume_id,
        "boot_index": boot_index,
    }


def _make_group(cloud: Cloud, site: Site) -> str:
    group = ServerGroup(
        "0c3a9a2c-5a8f-4f3d-9a57-4f7c3a4e5b6d", "g", "affinity", {}, PROJECT, cloud.member.user_id
    )
    site.compute.server_groups[group.id] = group
    return group.id
