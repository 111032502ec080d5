"""Answers about the cloud as a whole: versions, zones, limits, and what is the same in every site."""

import pytest
from tests.fakes.cloud import COMPUTE_ROOT, PROJECT, VOLUME_ROOT, Cloud
from tests.fakes.compute import Flavor
from tests.fakes.site import Site
from tests.functional.gateway import GatewayClient

from tricircle.sites.zone_store import Place, ZoneStore


class TestVersions:
    def test_of_nova_at_the_root(self, compute: GatewayClient) -> None:
        reply = compute.as_(None).get("/")
        (version,) = reply.json["versions"]
        assert (version["id"], version["min_version"], version["version"]) == ("v2.1", "2.1", "2.104")
        assert version["links"] == [{"rel": "self", "href": f"{COMPUTE_ROOT}/v2.1/"}]

    @pytest.mark.parametrize("path", ["/v2.1", "/v2.1/"])
    def test_of_nova_by_itself(self, compute: GatewayClient, path: str) -> None:
        version = compute.as_(None).get(path).json["version"]
        assert version["id"] == "v2.1"
        assert version["links"][0] == {"rel": "self", "href": f"{COMPUTE_ROOT}/v2.1/"}

    def test_of_cinder_at_the_root_has_the_status_that_cinder_gives_it(self, volume: GatewayClient) -> None:
        reply = volume.as_(None).get("/")
        assert reply.status == 300
        assert [version["id"] for version in reply.json["versions"]] == ["v3.0"]

    @pytest.mark.parametrize("path", ["/v3", "/v3/"])
    def test_of_cinder_by_itself_is_a_list_as_cinder_has_it(self, volume: GatewayClient, path: str) -> None:
        reply = volume.as_(None).get(path)
        assert reply.status == 200
        (version,) = reply.json["versions"]
        assert {"rel": "self", "href": f"{VOLUME_ROOT}/v3/"} in version["links"]

    def test_the_range_is_what_all_sites_have(
        self, compute: GatewayClient, site_one: Site, site_two: Site
    ) -> None:
        site_one.compute.maximum = (2, 95)
        site_two.compute.maximum = (2, 100)
        version = compute.get("/v2.1/").json["version"]
        assert (version["min_version"], version["version"]) == ("2.1", "2.95")

    def test_latest_in_a_list_is_the_highest_that_all_sites_have(
        self, compute: GatewayClient, site_one: Site
    ) -> None:
        site_one.compute.maximum = (2, 95)
        reply = compute.at("compute latest").get("/v2.1/servers")
        assert reply.status == 200
        assert reply.header("OpenStack-API-Version") == "compute 2.95"

    def test_latest_works_in_lists_of_volumes_too(
        self, volume: GatewayClient, site_one: Site, site_two: Site
    ) -> None:
        site_one.volume.maximum = (3, 60)
        site_two.volume.add_volumes(1, PROJECT)
        reply = volume.at("volume latest").get("/v3/volumes/detail")
        assert reply.status == 200, reply.body
        assert reply.header("OpenStack-API-Version") == "volume 3.60"
        assert len(reply.json["volumes"]) == 1

    def test_one_that_only_some_sites_have_is_refused_in_a_list_or_served_without_them(
        self, compute: GatewayClient, site_one: Site, site_two: Site
    ) -> None:
        site_one.compute.maximum = (2, 95)
        (server,) = site_two.compute.add_servers(1, PROJECT)
        reply = compute.at("compute 2.100").get("/v2.1/servers")
        if reply.status == 200:
            assert [item["id"] for item in reply.json["servers"]] == [server.id]
            assert reply.header("X-Tricircle-Missing-Sites") == "SiteOne"
        else:
            assert reply.status == 406

    def test_no_site_answers(self, compute: GatewayClient, site_one: Site, site_two: Site) -> None:
        for site in (site_one, site_two):
            site.compute.stop()
        reply = compute.as_(None).get("/v2.1/")
        assert reply.status == 503
        assert reply.fault[0] == "serviceUnavailable"


class TestZones:
    def test_of_nova_are_the_tops(self, compute: GatewayClient) -> None:
        assert compute.get("/v2.1/os-availability-zone").json == {
            "availabilityZoneInfo": [
                {"zoneName": "az1", "zoneState": {"available": True}, "hosts": None},
                {"zoneName": "az2", "zoneState": {"available": True}, "hosts": None},
            ]
        }

    def test_of_cinder_are_the_tops(self, volume: GatewayClient) -> None:
        assert volume.get("/v3/os-availability-zone").json == {
            "availabilityZoneInfo": [
                {"zoneName": "az1", "zoneState": {"available": True}},
                {"zoneName": "az2", "zoneState": {"available": True}},
            ]
        }

    def test_details_are_for_administrators_as_the_sites_say(
        self, compute: GatewayClient, cloud: Cloud
    ) -> None:
        path = "/v2.1/os-availability-zone/detail"
        assert compute.get(path).status == 403
        zones = compute.as_(cloud.admin).get(path).json["availabilityZoneInfo"]
        assert {zone["zoneName"]: list(zone["hosts"]) for zone in zones} == {
            "az1": ["SiteOne"],
            "az2": ["SiteTwo"],
        }

    def test_cinders_may_have_another_name_in_a_site(
        self, volume: GatewayClient, cloud: Cloud, site_one: Site
    ) -> None:
        site_one.volume.zones = ("storage",)
        ZoneStore(cloud.database).put("az1", "", [Place("SiteOne", "nova", "storage")])
        reply = volume.post("/v3/volumes", {"volume": {"size": 1, "availability_zone": "az1"}})
        assert reply.status == 202, reply.body
        assert reply.json["volume"]["availability_zone"] == "az1"
        (made,) = site_one.volume.volumes.values()
        assert made.availability_zone == "storage"


class TestLimits:
    def test_of_nova_add_up(self, compute: GatewayClient, site_one: Site, site_two: Site) -> None:
        site_one.compute.add_servers(2, PROJECT)
        site_two.compute.add_servers(3, PROJECT)
        absolute = compute.get("/v2.1/limits").json["limits"]["absolute"]
        assert (absolute["totalInstancesUsed"], absolute["maxTotalInstances"]) == (5, 20)
        assert absolute["maxServerMeta"] == 128  # of one server, not of the cloud

    def test_of_cinder_add_up(self, volume: GatewayClient, site_one: Site, site_two: Site) -> None:
        site_one.volume.add_volumes(2, PROJECT, size=10)
        site_two.volume.add_volumes(1, PROJECT, size=5)
        absolute = volume.get("/v3/limits").json["limits"]["absolute"]
        assert (absolute["totalVolumesUsed"], absolute["totalGigabytesUsed"]) == (3, 25)
        assert absolute["maxTotalVolumes"] == 20


class TestWhatEverySiteHas:
    @pytest.mark.parametrize("path", ["/v2.1/flavors", "/v2.1/flavors/detail"])
    def test_flavors_are_listed_once(self, compute: GatewayClient, path: str) -> None:
        flavors = compute.get(path).json["flavors"]
        assert [flavor["id"] for flavor in flavors] == ["1", "2"]
        assert flavors[0]["links"][0]["href"] == f"{COMPUTE_ROOT}/v2.1/flavors/1"

    def test_a_flavor_is_shown(self, compute: GatewayClient) -> None:
        flavor = compute.get("/v2.1/flavors/2").json["flavor"]
        assert flavor["name"] == "m1.small"
        assert flavor["links"][0]["href"] == f"{COMPUTE_ROOT}/v2.1/flavors/2"

    def test_a_flavor_that_only_one_site_has_is_shown(self, compute: GatewayClient, site_two: Site) -> None:
        site_two.compute.flavors["9"] = Flavor("9", "special", extra_specs={"a": "b"})
        assert compute.get("/v2.1/flavors/9").json["flavor"]["name"] == "special"
        assert compute.get("/v2.1/flavors/9/os-extra_specs").json == {"extra_specs": {"a": "b"}}

    def test_a_flavor_that_nobody_has_is_not_found_in_novas_words(self, compute: GatewayClient) -> None:
        reply = compute.get("/v2.1/flavors/none")
        assert reply.fault == ("itemNotFound", "Flavor none could not be found.")

    def test_volume_types_are_listed(self, volume: GatewayClient) -> None:
        names = {kind["name"] for kind in volume.get("/v3/types").json["volume_types"]}
        assert names == {"__DEFAULT__"}

    def test_one_site_is_enough_to_show_them(self, compute: GatewayClient, site_one: Site) -> None:
        site_one.compute.stop()
        assert compute.get("/v2.1/flavors/1").status == 200
        assert len(compute.get("/v2.1/flavors").json["flavors"]) == 2


class TestNotServedYet:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/v2.1/os-server-groups"),
            ("GET", "/v2.1/os-hypervisors"),
            ("PUT", "/v2.1/os-quota-sets/x"),
        ],
    )
    def test_is_said_to_be_so_and_reaches_no_site(
        self, compute: GatewayClient, cloud: Cloud, method: str, path: str
    ) -> None:
        reply = compute.as_(cloud.admin).request(method, path, None if method == "GET" else b"{}")
        assert reply.status == 501
        assert reply.fault[0] == "notImplemented"
        assert [site.compute.requests for site in cloud.sites.values()] == [[], []]
