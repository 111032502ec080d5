"""What a site's Cinder answers."""

import pytest
from tests.contract.site import People

UNKNOWN = "11111111-2222-4333-8444-555555555555"

VOLUME_AT_3_0 = {
    "attachments",
    "availability_zone",
    "bootable",
    "consistencygroup_id",
    "created_at",
    "description",
    "encrypted",
    "id",
    "links",
    "metadata",
    "multiattach",
    "name",
    "os-vol-tenant-attr:tenant_id",
    "replication_status",
    "size",
    "snapshot_id",
    "source_volid",
    "status",
    "updated_at",
    "user_id",
    "volume_type",
}

ADDED = {
    "3.13": {"group_id"},
    "3.48": {"shared_targets", "service_uuid"},
    "3.63": {"volume_type_id"},
    "3.65": {"consumes_quota"},
}

SNAPSHOT_AT_3_0 = {
    "created_at",
    "description",
    "id",
    "metadata",
    "name",
    "os-extended-snapshot-attributes:progress",
    "os-extended-snapshot-attributes:project_id",
    "size",
    "status",
    "updated_at",
    "volume_id",
}


class TestLifeCycle:
    @pytest.mark.parametrize("with_project", [False, True])
    def test_create_show_change_act_delete(self, people: People, with_project: bool) -> None:
        project = people.site.projects["member"]
        base = f"/v3/{project}/volumes" if with_project else "/v3/volumes"
        made = people.call("POST", base, {"volume": {"name": "contract", "size": 1}})
        assert made.status == 202
        volume = made.json["volume"]
        assert volume["status"] == "creating"
        path = f"{base}/{volume['id']}"
        root = people.site.volume
        assert volume["links"] == [
            {"rel": "self", "href": root + path},
            {"rel": "bookmark", "href": (root + path).replace("/v3", "")},
        ]
        people.until(lambda: people.call("GET", path).json["volume"]["status"] == "available", "available")
        renamed = people.call("PUT", path, {"volume": {"name": "renamed"}})
        assert (renamed.status, renamed.json["volume"]["name"]) == (200, "renamed")
        extended = people.call("POST", f"{path}/action", {"os-extend": {"new_size": 2}})
        assert extended.status == 202
        people.until(
            lambda: (
                (seen := people.call("GET", path).json["volume"])["size"] == 2
                and seen["status"] == "available"
            ),
            "extended",
        )
        assert people.call("DELETE", path).status == 202
        people.gone(path)

    def test_metadata(self, people: People) -> None:
        path = f"/v3/volumes/{people.volume()}/metadata"
        assert people.call("POST", path, {"metadata": {"a": "1"}}).json == {"metadata": {"a": "1"}}
        assert people.call("PUT", path, {"metadata": {"b": "2"}}).json == {"metadata": {"b": "2"}}
        assert people.call("GET", f"{path}/b").json == {"meta": {"b": "2"}}
        assert people.call("GET", f"{path}/a").fault[0] == "itemNotFound"

    def test_snapshots(self, people: People) -> None:
        volume = people.volume()
        snapshot = people.snapshot(volume)
        shown = people.call("GET", f"/v3/snapshots/{snapshot}").json["snapshot"]
        assert set(shown) == SNAPSHOT_AT_3_0
        assert shown["volume_id"] == volume
        (listed,) = people.call("GET", "/v3/snapshots/detail").json["snapshots"]
        assert listed["id"] == snapshot
        assert people.call("DELETE", f"/v3/volumes/{volume}").fault[0] == "badRequest"  # it has a snapshot


class TestShape:
    def test_of_one_at_each_microversion(self, people: People) -> None:
        path = f"/v3/volumes/{people.volume()}"
        expected = set(VOLUME_AT_3_0)
        assert set(people.call("GET", path).json["volume"]) == expected
        for version, added in ADDED.items():
            expected |= added
            assert set(people.call("GET", path, version=f"volume {version}").json["volume"]) == expected, (
                version
            )

    def test_of_a_short_list(self, people: People) -> None:
        people.volume()
        (volume,) = people.call("GET", "/v3/volumes").json["volumes"]
        assert set(volume) == {"id", "name", "links"}

    def test_of_times(self, people: People) -> None:
        volume = people.call("GET", f"/v3/volumes/{people.volume()}").json["volume"]
        assert len(volume["created_at"]) == len("2026-01-01T00:00:00.000000")


class TestLists:
    def test_paging(self, people: People) -> None:
        made = [people.volume(f"contract-{number}") for number in range(3)]
        listed = [volume["id"] for volume in people.call("GET", "/v3/volumes/detail").json["volumes"]]
        assert listed == made[::-1]
        first = people.call("GET", "/v3/volumes/detail?limit=2").json
        (link,) = first["volumes_links"]
        assert link["href"] == f"{people.site.volume}/v3/volumes/detail?limit=2&marker={listed[1]}"
        rest = people.call("GET", link["href"]).json
        assert [volume["id"] for volume in rest["volumes"]] == listed[2:]
        assert "volumes_links" not in rest
        skipped = people.call("GET", "/v3/volumes?offset=1&limit=1").json["volumes"]
        assert [volume["id"] for volume in skipped] == listed[1:2]

    def test_order_filters_and_count(self, people: People) -> None:
        made = {name: people.volume(f"contract-{name}") for name in ("b", "a", "c")}
        volumes = people.call("GET", "/v3/volumes?sort=name:asc").json["volumes"]
        assert [volume["id"] for volume in volumes] == [made["a"], made["b"], made["c"]]
        found = people.call("GET", "/v3/volumes?name=contract-b").json["volumes"]
        assert [volume["id"] for volume in found] == [made["b"]]
        counted = people.call("GET", "/v3/volumes?limit=1&with_count=true", version="volume 3.45").json
        assert (len(counted["volumes"]), counted["count"]) == (1, 3)

    def test_of_strangers_and_administrators(self, people: People) -> None:
        identifier = people.volume()
        assert people.call("GET", "/v3/volumes", who="stranger").json == {"volumes": []}
        found = people.call("GET", "/v3/volumes?all_tenants=1", who="admin").json["volumes"]
        assert identifier in [volume["id"] for volume in found]


class TestRefused:
    @pytest.mark.parametrize(("collection", "noun"), [("volumes", "Volume"), ("snapshots", "Snapshot")])
    def test_what_is_not_there(self, people: People, collection: str, noun: str) -> None:
        reply = people.call("GET", f"/v3/{collection}/{UNKNOWN}")
        assert (reply.status, reply.fault) == (404, ("itemNotFound", f"{noun} {UNKNOWN} could not be found."))

    def test_what_is_another_projects(self, people: People) -> None:
        identifier = people.volume()
        reply = people.call("GET", f"/v3/volumes/{identifier}", who="stranger")
        assert reply.fault == ("itemNotFound", f"Volume {identifier} could not be found.")

    def test_an_unknown_zone(self, people: People) -> None:
        body = {"volume": {"size": 1, "availability_zone": "nowhere"}}
        reply = people.call("POST", "/v3/volumes", body)
        assert (reply.status, reply.fault[0]) == (400, "badRequest")
        assert reply.fault[1] == "Availability zone 'nowhere' is invalid."

    @pytest.mark.parametrize("size", [0, -1, "x"])
    def test_a_size_that_is_none(self, people: People, size: object) -> None:
        reply = people.call("POST", "/v3/volumes", {"volume": {"size": size}})
        assert (reply.status, reply.fault[0]) == (400, "badRequest")

    def test_what_is_no_json(self, people: People) -> None:
        reply = people.call("POST", "/v3/volumes", data=b"{")
        assert (reply.status, reply.fault[0]) == (400, "badRequest")

    def test_a_marker_that_nobody_knows(self, people: People) -> None:
        reply = people.call("GET", f"/v3/volumes?marker={UNKNOWN}")
        assert (reply.status, reply.fault) == (404, ("itemNotFound", f"Volume {UNKNOWN} could not be found."))

    @pytest.mark.parametrize("query", ["limit=-1", "limit=x", "sort=nonsense:asc", "sort=name:sideways"])
    def test_a_query_that_makes_no_sense(self, people: People, query: str) -> None:
        reply = people.call("GET", f"/v3/volumes?{query}")
        assert (reply.status, reply.fault[0]) == (400, "badRequest")

    def test_another_projects_id_in_the_path(self, people: People) -> None:
        other = people.site.projects["stranger"]
        reply = people.call("GET", f"/v3/{other}/volumes")
        assert (reply.status, reply.fault) == (400, ("badRequest", "Malformed request url"))


class TestBeforeTheService:
    """What the web framework and the middleware answer, which is not in Cinder's shape."""

    @pytest.mark.parametrize(
        ("accept", "content"), [("application/json", "application/json"), ("*/*", "text/html")]
    )
    def test_a_path_that_nobody_knows(self, people: People, accept: str, content: str) -> None:
        reply = people.call("GET", "/v3/nowhere", headers={"Accept": accept})
        assert reply.status == 404
        assert reply.headers["Content-Type"].startswith(content)
        assert "itemNotFound" not in reply.text

    def test_a_body_that_is_too_large(self, people: People) -> None:
        reply = people.call("POST", "/v3/volumes", data=b"x" * 120_000)
        assert reply.status == 413
        assert set(reply.json) == {"message", "code", "title"}


class TestMicroversions:
    def test_are_echoed(self, people: People) -> None:
        reply = people.call("GET", "/v3/volumes", version="volume 3.50")
        assert reply.headers["OpenStack-API-Version"] == "volume 3.50"
        assert reply.headers["Vary"] == "OpenStack-API-Version"
        assert "x-openstack-request-id" in reply.headers
        assert "x-compute-request-id" in reply.headers

    @pytest.mark.parametrize(("version", "status"), [("volume 3.999", 406), ("volume x", 400)])
    def test_that_are_none(self, people: People, version: str, status: int) -> None:
        assert people.call("GET", "/v3/volumes", version=version).status == status

    def test_documents(self, people: People) -> None:
        root = people.call("GET", f"{people.site.volume}/", who=None)
        assert root.status == 300
        (version,) = root.json["versions"]
        assert (version["id"], version["min_version"]) == ("v3.0", "3.0")
        assert {"rel": "self", "href": f"{people.site.volume}/v3/"} in version["links"]
        assert people.call("GET", "/v3/", who=None).status == 401
        one = people.call("GET", "/v3/")
        assert (one.status, one.json["versions"]) == (200, [version])

    def test_of_another_service_only(self, people: People) -> None:
        reply = people.call("GET", "/v3/volumes", version="compute 2.1")
        assert (reply.status, reply.fault[0]) == (400, "badRequest")


class TestTheRest:
    def test_types(self, people: People) -> None:
        kinds = people.call("GET", "/v3/types").json["volume_types"]
        assert "__DEFAULT__" in [kind["name"] for kind in kinds]
        expected = {
            "id",
            "name",
            "is_public",
            "description",
            "os-volume-type-access:is_public",
            "extra_specs",
        }
        assert set(kinds[0]) == expected
        assert people.call("GET", "/v3/types/default").json["volume_type"]["name"] == "__DEFAULT__"

    def test_zones_and_limits(self, people: People) -> None:
        zones = people.call("GET", "/v3/os-availability-zone").json["availabilityZoneInfo"]
        assert zones == [{"zoneName": "nova", "zoneState": {"available": True}}]
        absolute = people.call("GET", "/v3/limits").json["limits"]["absolute"]
        assert {"maxTotalVolumes", "totalVolumesUsed", "totalGigabytesUsed"} <= set(absolute)

    def test_attachments(self, people: People) -> None:
        volume = people.volume()
        body = {"attachment": {"volume_uuid": volume, "instance_uuid": UNKNOWN}}
        made = people.call("POST", "/v3/attachments", body, version="volume 3.27")
        assert made.status == 200, made.text
        attachment = made.json["attachment"]
        assert {"id", "status", "instance", "volume_id", "attach_mode", "connection_info"} <= set(attachment)
        path = f"/v3/attachments/{attachment['id']}"
        assert people.call("GET", path, version="volume 3.27").json["attachment"]["volume_id"] == volume
        listed = people.call("GET", "/v3/attachments", version="volume 3.27").json["attachments"]
        assert [item["id"] for item in listed] == [attachment["id"]]
        assert people.call("DELETE", path, version="volume 3.27").json == {"attachments": []}
        people.until(
            lambda: people.call("GET", f"/v3/volumes/{volume}").json["volume"]["status"] == "available",
            "free",
        )
