"""The main job: servers and volumes in two sites, with openstacksdk, as if there were one."""

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import BOUND, eventually, side_by_side
from tests.integration.population import Population

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("nothing_left")]


class TestZones:
    def test_are_the_tops_own(self, tenant: Client) -> None:
        zones = {zone.name: zone.state for zone in tenant.compute.availability_zones()}
        assert zones == {"az1": {"available": True}, "az2": {"available": True}}

    def test_of_volumes_are_the_same(self, tenant: Client) -> None:
        zones = {zone.name: zone.state for zone in tenant.volume.availability_zones()}
        assert zones == {"az1": {"available": True}, "az2": {"available": True}}

    def test_detailed_name_the_sites_and_nothing_in_them(self, admin: Client) -> None:
        zones = {zone.name: zone.hosts for zone in admin.compute.availability_zones(details=True)}
        assert {name: list(hosts) for name, hosts in zones.items()} == {
            "az1": ["SiteOne"],
            "az2": ["SiteTwo"],
        }


class TestServers:
    def test_become_active_in_the_site_of_their_zone(
        self, tenant: Client, belongings: Belongings, sites: list[SiteAdmin]
    ) -> None:
        servers = side_by_side(
            lambda admin: belongings.server(
                f"in-{admin.site.zone}", admin.site.zone, networks=[{"uuid": admin.site.network_id}]
            ),
            sites,
        )
        for server, admin, other in zip(servers, sites, reversed(sites), strict=True):
            assert server.status == "ACTIVE"
            assert server.availability_zone == admin.site.zone
            assert list(server.addresses) == ["shared"]
            assert admin.servers()[server.id]["status"] == "ACTIVE"
            assert server.id not in other.servers()

    def test_without_a_zone_are_in_the_default_one(
        self, belongings: Belongings, sites: list[SiteAdmin]
    ) -> None:
        server = belongings.server("anywhere")
        assert server.availability_zone == "az1"
        assert server.id in sites[0].servers()

    def test_made_three_at_once_are_all_in_one_site(
        self, tenant: Client, belongings: Belongings, sites: list[SiteAdmin]
    ) -> None:
        belongings.booting("many", "az2", min_count=3, max_count=3)
        many = list(tenant.compute.servers(name="many"))
        for server in many:
            belongings.keep("servers", server.id)
        side_by_side(belongings.active, many)
        assert {server.name for server in many} == {"many-1", "many-2", "many-3"}
        assert {server.id for server in many} <= set(sites[1].servers())

    def test_are_shown_updated_and_deleted_by_id(
        self, tenant: Client, belongings: Belongings, sites: list[SiteAdmin]
    ) -> None:
        server = belongings.server("before", "az2")
        tenant.compute.update_server(server, name="after")
        assert tenant.compute.get_server(server.id).name == "after"
        assert sites[1].servers()[server.id]["name"] == "after"
        tenant.compute.delete_server(server)
        tenant.compute.wait_for_delete(server, interval=0.2, wait=BOUND)
        # Nova says DELETED a moment before the server is gone.
        eventually(lambda: server.id not in sites[1].servers(), "the server to be gone in its site")

    def test_boot_from_a_volume_in_the_volumes_site(
        self, belongings: Belongings, sites: list[SiteAdmin], tenant: Client
    ) -> None:
        volume = belongings.volume("system", "az2", image_id=tenant.facts["image_id"])
        device = {
            "boot_index": 0,
            "uuid": volume.id,
            "source_type": "volume",
            "destination_type": "volume",
            "delete_on_termination": False,
        }
        server = belongings.server("from-volume", image_id="", block_device_mapping=[device])
        assert server.availability_zone == "az2"
        assert sites[1].servers()[server.id]["os-extended-volumes:volumes_attached"] == [{"id": volume.id}]

    def test_can_be_bound_to_a_zone_of_another_site_than_their_volume_only_in_vain(
        self, belongings: Belongings, population: Population, untouched: None
    ) -> None:
        device = {
            "boot_index": 0,
            "uuid": population.volumes["b"].id,
            "source_type": "volume",
            "destination_type": "volume",
        }
        answer = belongings.owner.compute.post(
            "/servers",
            json={
                "server": {
                    "name": "torn",
                    "flavorRef": "1",
                    "availability_zone": "az1",
                    "networks": "none",
                    "block_device_mapping_v2": [device],
                }
            },
            microversion="2.37",
        )
        assert answer.status_code == 400
        message = answer.json()["badRequest"]["message"]
        assert all(word in message for word in (population.volumes["b"].id, "SiteTwo", "az1"))


class TestVolumes:
    def test_are_in_the_site_of_their_zone(self, belongings: Belongings, sites: list[SiteAdmin]) -> None:
        volumes = side_by_side(
            lambda admin: belongings.volume(f"in-{admin.site.zone}", admin.site.zone), sites
        )
        for volume, admin, other in zip(volumes, sites, reversed(sites), strict=True):
            assert volume.availability_zone == admin.site.zone
            assert admin.volumes()[volume.id]["status"] == "available"
            assert volume.id not in other.volumes()

    def test_without_a_zone_are_in_the_default_one(
        self, belongings: Belongings, sites: list[SiteAdmin]
    ) -> None:
        volume = belongings.volume("anywhere")
        assert volume.availability_zone == "az1"
        assert volume.id in sites[0].volumes()

    def test_are_shown_updated_and_deleted_by_id(
        self, tenant: Client, belongings: Belongings, sites: list[SiteAdmin]
    ) -> None:
        volume = belongings.volume("before", "az2")
        tenant.volume.put(f"/volumes/{volume.id}", json={"volume": {"name": "after"}})
        assert tenant.volume.get_volume(volume.id).name == "after"
        assert sites[1].volumes()[volume.id]["name"] == "after"
        tenant.volume.delete_volume(volume)
        eventually(lambda: volume.id not in sites[1].volumes(), "the volume gone")

    def test_made_from_a_snapshot_or_a_volume_are_in_its_site(
        self, belongings: Belongings, population: Population, sites: list[SiteAdmin]
    ) -> None:
        restored = belongings.volume("restored", snapshot_id=population.snapshots["b"].id)
        cloned = belongings.volume("cloned", source_volume_id=population.volumes["d"].id, size=2)
        assert {restored.availability_zone, cloned.availability_zone} == {"az2"}
        assert {restored.id, cloned.id} <= set(sites[1].volumes())

    def test_can_be_made_from_a_snapshot_in_a_zone_of_another_site_only_in_vain(
        self, tenant: Client, population: Population, untouched: None
    ) -> None:
        body = {"snapshot_id": population.snapshots["a"].id, "availability_zone": "az2", "size": 1}
        answer = tenant.volume.post("/volumes", json={"volume": body})
        assert answer.status_code == 400
        message = answer.json()["badRequest"]["message"]
        assert all(word in message for word in (population.snapshots["a"].id, "SiteOne", "az2"))

    def test_are_extended_and_have_their_metadata_changed(
        self, tenant: Client, belongings: Belongings
    ) -> None:
        volume = belongings.volume("growing", "az2")
        tenant.volume.extend_volume(volume, 2)
        assert eventually(
            lambda: tenant.volume.get_volume(volume.id).size == 2, "the volume of two gibibytes"
        )
        tenant.volume.set_volume_metadata(volume, colour="green", taste="sour")
        tenant.volume.delete_volume_metadata(volume, ["taste"])
        assert tenant.volume.get_volume(volume.id).metadata == {"colour": "green"}

    def test_become_images(self, tenant: Client, belongings: Belongings, population: Population) -> None:
        volume = population.volumes["b"]
        uploaded = tenant.volume.upload_volume_to_image(volume, "of-a-volume")
        image_id = belongings.keep("images", uploaded["image_id"])
        eventually(
            lambda: tenant.connection.image.get_image(image_id).status == "active", "the volume's image"
        )
        belongings.available(volume)


class TestAttachments:
    def test_put_a_volume_into_a_server_and_take_it_out(
        self, tenant: Client, belongings: Belongings, sites: list[SiteAdmin]
    ) -> None:
        def attach_and_detach(admin: SiteAdmin) -> None:
            server = belongings.server(f"host-{admin.site.zone}", admin.site.zone)
            volume = belongings.attach(server, belongings.volume("guest", admin.site.zone))
            assert [entry["server_id"] for entry in volume.attachments] == [server.id]
            assert [entry.volume_id for entry in tenant.compute.volume_attachments(server)] == [volume.id]
            assert admin.volumes()[volume.id]["status"] == "in-use"
            tenant.compute.delete_volume_attachment(server, volume)
            assert belongings.available(volume).attachments == []

        side_by_side(attach_and_detach, sites)

    def test_of_a_volume_in_another_site_are_refused_as_nova_refuses_an_unknown_one(
        self, tenant: Client, population: Population, untouched: None
    ) -> None:
        server, volume = population.servers["a"], population.volumes["b"]
        answer = tenant.compute.post(
            f"/servers/{server.id}/os-volume_attachments", json={"volumeAttachment": {"volumeId": volume.id}}
        )
        assert answer.status_code == 404
        assert answer.json()["itemNotFound"]["message"] == f"Volume {volume.id} could not be found."

    def test_are_made_and_ended_over_cinders_own_api(
        self, tenant: Client, belongings: Belongings, population: Population
    ) -> None:
        volume = belongings.volume("guest", "az2")
        body = {"instance_uuid": population.servers["b"].id, "volume_uuid": volume.id}
        made = tenant.volume.post("/attachments", json={"attachment": body}, microversion="3.27")
        assert made.status_code == 200, made.text
        attachment_id = made.json()["attachment"]["id"]
        listed = tenant.volume.get("/attachments", microversion="3.27").json()["attachments"]
        assert [entry["id"] for entry in listed] == [attachment_id]
        shown = tenant.volume.get(f"/attachments/{attachment_id}", microversion="3.27")
        assert shown.json()["attachment"]["volume_id"] == volume.id
        deleted = tenant.volume.delete(f"/attachments/{attachment_id}", microversion="3.27")
        assert deleted.status_code == 200
        belongings.available(volume)


class TestSnapshots:
    def test_are_in_the_site_of_their_volume(
        self, tenant: Client, belongings: Belongings, population: Population, sites: list[SiteAdmin]
    ) -> None:
        snapshot = belongings.snapshot("of-e", population.volumes["e"])
        assert snapshot.id in sites[0].snapshots()
        tenant.volume.put(f"/snapshots/{snapshot.id}", json={"snapshot": {"name": "renamed"}})
        assert tenant.volume.get_snapshot(snapshot.id).name == "renamed"
        tenant.volume.set_snapshot_metadata(snapshot, colour="blue")
        assert tenant.volume.get_snapshot_metadata(snapshot).metadata == {"colour": "blue"}
        tenant.volume.delete_snapshot(snapshot)
        eventually(lambda: snapshot.id not in sites[0].snapshots(), "the snapshot gone")

    def test_of_an_unknown_volume_are_refused(self, tenant: Client, untouched: None) -> None:
        unknown = "7a1c2b3d-0000-4000-8000-000000000000"
        answer = tenant.volume.post("/snapshots", json={"snapshot": {"volume_id": unknown}})
        assert answer.status_code == 404
        assert answer.json()["itemNotFound"]["message"] == f"Volume {unknown} could not be found."


class TestReplicated:
    def test_flavors_are_listed_once(self, tenant: Client) -> None:
        assert [flavor.name for flavor in tenant.compute.flavors()] == ["m1.tiny", "m1.small"]

    def test_flavors_are_shown_by_id(self, tenant: Client) -> None:
        assert tenant.compute.get_flavor("2").name == "m1.small"
        assert tenant.compute.find_flavor("m1.tiny").id == "1"

    def test_volume_types_are_listed_once(self, tenant: Client) -> None:
        assert [entry.name for entry in tenant.volume.types()] == ["__DEFAULT__"]

    def test_limits_are_those_of_both_sites_together(
        self, tenant: Client, population: Population, sites: list[SiteAdmin]
    ) -> None:
        absolute = tenant.compute.get("/limits").json()["limits"]["absolute"]
        assert absolute["maxTotalInstances"] == 2 * 1000
        assert absolute["totalInstancesUsed"] == 6
        volumes = tenant.volume.get("/limits").json()["limits"]["absolute"]
        assert volumes["maxTotalVolumes"] == 2 * 1000
        assert volumes["totalVolumesUsed"] == 6
        assert volumes["totalGigabytesUsed"] == 2 * (1 + 2 + 3) + 2 * (1 + 2)
