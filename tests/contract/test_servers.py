"""What a site's Nova answers."""

import base64
import struct

import pytest
from tests.contract.site import People

UNKNOWN = "11111111-2222-4333-8444-555555555555"

SERVER_AT_2_1 = {
    "OS-DCF:diskConfig",
    "OS-EXT-AZ:availability_zone",
    "OS-EXT-STS:power_state",
    "OS-EXT-STS:task_state",
    "OS-EXT-STS:vm_state",
    "OS-SRV-USG:launched_at",
    "OS-SRV-USG:terminated_at",
    "accessIPv4",
    "accessIPv6",
    "addresses",
    "config_drive",
    "created",
    "flavor",
    "hostId",
    "id",
    "image",
    "key_name",
    "links",
    "metadata",
    "name",
    "os-extended-volumes:volumes_attached",
    "progress",
    "security_groups",
    "status",
    "tenant_id",
    "updated",
    "user_id",
}

ADDED = {
    "2.9": {"locked"},
    "2.19": {"description"},
    "2.26": {"tags"},
    "2.63": {"trusted_image_certificates"},
    "2.71": {"server_groups"},
    "2.73": {"locked_reason"},
    "2.90": {"OS-EXT-SRV-ATTR:hostname"},
    "2.96": {"pinned_availability_zone"},
    "2.100": {"scheduler_hints"},
}
"""What each microversion shows beside the others."""


def boot(people: People, **fields: object) -> dict[str, object]:
    """The body of a boot."""
    least = {"name": "x", "flavorRef": people.site.flavor, "imageRef": people.site.image}
    return {"server": least | fields}


class TestLifeCycle:
    def test_create_show_change_act_delete(self, people: People) -> None:
        made = people.call(
            "POST",
            "/v2.1/servers",
            boot(people, networks=[{"uuid": people.site.network}]),
            version="compute 2.37",
        )
        assert made.status == 202
        server = made.json["server"]
        assert set(server) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
        assert made.headers["Location"] == server["links"][0]["href"]
        assert made.headers["Location"] == f"{people.site.compute}/v2.1/servers/{server['id']}"
        path = f"/v2.1/servers/{server['id']}"
        people.until(lambda: people.call("GET", path).json["server"]["status"] == "ACTIVE", "active")
        renamed = people.call("PUT", path, {"server": {"name": "renamed"}})
        assert (renamed.status, renamed.json["server"]["name"]) == (200, "renamed")
        stopped = people.call("POST", f"{path}/action", {"os-stop": None})
        assert (stopped.status, stopped.text) == (202, "")
        people.until(lambda: people.call("GET", path).json["server"]["status"] == "SHUTOFF", "stopped")
        gone = people.call("DELETE", path)
        assert (gone.status, gone.text) == (204, "")
        people.gone(path)

    def test_parts(self, people: People) -> None:
        path = f"/v2.1/servers/{people.server()}"
        assert people.call("POST", f"{path}/metadata", {"metadata": {"a": "1"}}).json == {
            "metadata": {"a": "1"}
        }
        assert people.call("GET", f"{path}/metadata/a").json == {"meta": {"a": "1"}}
        assert people.call("GET", f"{path}/metadata/none").fault[0] == "itemNotFound"
        assert people.call("DELETE", f"{path}/metadata/a").status == 204
        assert people.call("PUT", f"{path}/tags/red", version="compute 2.26").status == 201
        assert people.call("PUT", f"{path}/tags/red", version="compute 2.26").status == 204
        assert people.call("GET", f"{path}/tags", version="compute 2.26").json == {"tags": ["red"]}
        (port,) = people.call("GET", f"{path}/os-interface").json["interfaceAttachments"]
        assert {"net_id", "port_id", "mac_addr", "port_state", "fixed_ips"} <= set(port)
        assert port["net_id"] == people.site.network
        action = people.call("GET", f"{path}/os-instance-actions").json["instanceActions"][-1]
        assert action["action"] == "create"
        assert {"instance_uuid", "message", "project_id", "request_id", "start_time", "user_id"} <= set(
            action
        )
        groups = people.call("GET", f"{path}/os-security-groups").json["security_groups"]
        assert [group["name"] for group in groups] == ["default"]
        assert people.call("GET", f"{path}/os-volume_attachments").json == {"volumeAttachments": []}


class TestShape:
    def test_of_one_at_each_microversion(self, people: People) -> None:
        path = f"/v2.1/servers/{people.server()}"
        expected = set(SERVER_AT_2_1)
        assert set(people.call("GET", path).json["server"]) == expected
        for version, added in ADDED.items():
            expected |= added
            assert set(people.call("GET", path, version=f"compute {version}").json["server"]) == expected, (
                version
            )

    def test_of_links_flavor_and_image(self, people: People) -> None:
        identifier = people.server()
        server = people.call("GET", f"/v2.1/servers/{identifier}").json["server"]
        root = people.site.compute
        assert server["links"] == [
            {"rel": "self", "href": f"{root}/v2.1/servers/{identifier}"},
            {"rel": "bookmark", "href": f"{root}/servers/{identifier}"},
        ]
        assert server["flavor"] == {
            "id": people.site.flavor,
            "links": [{"rel": "bookmark", "href": f"{root}/flavors/{people.site.flavor}"}],
        }
        assert server["image"]["links"][0]["href"] == f"{root}/images/{people.site.image}"
        newer = people.call("GET", f"/v2.1/servers/{identifier}", version="compute 2.47").json["server"]
        assert set(newer["flavor"]) >= {"vcpus", "ram", "disk", "ephemeral", "swap", "original_name"}

    def test_of_links_where_the_path_has_the_project(self, people: People) -> None:
        identifier = people.server()
        project = people.site.projects["member"]
        server = people.call("GET", f"/v2.1/{project}/servers/{identifier}").json["server"]
        assert server["links"][0]["href"] == f"{people.site.compute}/v2.1/{project}/servers/{identifier}"
        assert server["links"][1]["href"] == f"{people.site.compute}/{project}/servers/{identifier}"

    def test_of_a_short_list(self, people: People) -> None:
        people.server()
        (server,) = people.call("GET", "/v2.1/servers").json["servers"]
        assert set(server) == {"id", "name", "links"}

    def test_of_times(self, people: People) -> None:
        server = people.call("GET", f"/v2.1/servers/{people.server()}").json["server"]
        for name in ("created", "updated"):
            assert len(server[name]) == len("2026-01-01T00:00:00Z")
            assert server[name].endswith("Z")


class TestLists:
    def test_paging(self, people: People) -> None:
        made = [people.server(f"contract-{number}") for number in range(3)]
        listed = [server["id"] for server in people.call("GET", "/v2.1/servers/detail").json["servers"]]
        assert set(listed) == set(made)
        first = people.call("GET", "/v2.1/servers/detail?limit=2").json
        assert [server["id"] for server in first["servers"]] == listed[:2]
        (link,) = first["servers_links"]
        assert link == {
            "rel": "next",
            "href": f"{people.site.compute}/v2.1/servers/detail?limit=2&marker={listed[1]}",
        }
        rest = people.call("GET", link["href"]).json
        assert [server["id"] for server in rest["servers"]] == listed[2:]
        assert "servers_links" not in rest

    def test_order_and_filters(self, people: People) -> None:
        made = {name: people.server(f"contract-{name}") for name in ("b", "a", "c")}
        query = "sort_key=display_name&sort_dir=asc"
        servers = people.call("GET", f"/v2.1/servers?{query}").json["servers"]
        assert [server["id"] for server in servers] == [made["a"], made["b"], made["c"]]
        found = people.call("GET", "/v2.1/servers?name=contract-b").json["servers"]
        assert [server["id"] for server in found] == [made["b"]]
        assert people.call("GET", "/v2.1/servers?status=ERROR").json == {"servers": []}
        assert len(people.call("GET", "/v2.1/servers?status=active").json["servers"]) == 3

    def test_of_nothing(self, people: People) -> None:
        assert people.call("GET", "/v2.1/servers?limit=0").json == {"servers": []}
        assert people.call("GET", "/v2.1/servers", who="stranger").json == {"servers": []}

    def test_of_everybody_is_for_administrators(self, people: People) -> None:
        identifier = people.server()
        assert people.call("GET", "/v2.1/servers?all_tenants=1").fault[0] == "forbidden"
        found = people.call("GET", "/v2.1/servers?all_tenants=1", who="admin").json["servers"]
        assert identifier in [server["id"] for server in found]

    def test_a_deleted_server_is_still_a_marker(self, people: People) -> None:
        made = [people.server(f"contract-{number}") for number in range(2)]
        listed = [server["id"] for server in people.call("GET", "/v2.1/servers").json["servers"]]
        assert set(listed) == set(made)
        people.call("DELETE", f"/v2.1/servers/{listed[0]}")
        people.gone(f"/v2.1/servers/{listed[0]}")
        after = people.call("GET", f"/v2.1/servers?marker={listed[0]}").json["servers"]
        assert [server["id"] for server in after] == listed[1:]


class TestRefused:
    def test_what_is_not_there(self, people: People) -> None:
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/metadata")):
            reply = people.call(method, f"/v2.1/servers/{UNKNOWN}{path}")
            assert reply.status == 404
            assert reply.fault == ("itemNotFound", f"Instance {UNKNOWN} could not be found.")

    def test_what_is_another_projects(self, people: People) -> None:
        identifier = people.server()
        reply = people.call("GET", f"/v2.1/servers/{identifier}", who="stranger")
        assert reply.fault == ("itemNotFound", f"Instance {identifier} could not be found.")
        assert people.call("GET", f"/v2.1/servers/{identifier}", who="admin").status == 200

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"availability_zone": "nowhere"}, "The requested availability zone is not available"),
            ({"flavorRef": "none"}, "Flavor none could not be found."),
            ({"min_count": 2, "max_count": 1}, "min_count must be <= max_count"),
        ],
    )
    def test_what_cannot_be_booted(self, people: People, fields: dict[str, object], message: str) -> None:
        reply = people.call("POST", "/v2.1/servers", boot(people, **fields))
        assert (reply.status, reply.fault) == (400, ("badRequest", message))

    def test_what_is_no_json(self, people: People) -> None:
        reply = people.call("POST", "/v2.1/servers", data=b"{")
        assert (reply.status, reply.fault[0]) == (400, "badRequest")

    def test_what_no_action_is_called(self, people: People) -> None:
        reply = people.call("POST", f"/v2.1/servers/{people.server()}/action", {"nonsense": None})
        assert reply.fault == ("badRequest", "There is no such action: nonsense")

    def test_what_the_state_forbids(self, people: People) -> None:
        identifier = people.server()
        reply = people.call("POST", f"/v2.1/servers/{identifier}/action", {"os-start": None})
        assert reply.status == 409
        assert reply.fault[0] == "conflictingRequest"
        assert identifier in reply.fault[1]

    def test_a_marker_that_nobody_knows(self, people: People) -> None:
        reply = people.call("GET", f"/v2.1/servers?marker={UNKNOWN}")
        assert reply.fault == ("badRequest", f"marker [{UNKNOWN}] not found")

    @pytest.mark.parametrize("query", ["limit=-1", "limit=x", "sort_key=nonsense"])
    def test_a_query_that_makes_no_sense(self, people: People, query: str) -> None:
        reply = people.call("GET", f"/v2.1/servers?{query}")
        assert (reply.status, reply.fault[0]) == (400, "badRequest")

    def test_an_unknown_filter_from_2_75_on(self, people: People) -> None:
        assert people.call("GET", "/v2.1/servers?nonsense=1", version="compute 2.74").status == 200
        reply = people.call("GET", "/v2.1/servers?nonsense=1", version="compute 2.75")
        assert (reply.status, reply.fault[0]) == (400, "badRequest")

    def test_another_projects_id_in_the_path(self, people: People) -> None:
        other = people.site.projects["stranger"]
        reply = people.call("GET", f"/v2.1/{other}/servers")
        assert (reply.status, reply.fault[0]) == (400, "badRequest")
        assert reply.fault[1].startswith("Malformed request URL: URL's project_id")


class TestBeforeTheService:
    """What the web framework and the middleware answer, which is not in Nova's shape."""

    @pytest.mark.parametrize(
        ("accept", "content"), [("application/json", "application/json"), ("*/*", "text/html")]
    )
    @pytest.mark.parametrize(("method", "path"), [("GET", "/v2.1/nowhere"), ("PATCH", "/v2.1/servers")])
    def test_a_path_or_method_that_nobody_knows(
        self, people: People, method: str, path: str, accept: str, content: str
    ) -> None:
        reply = people.call(method, path, headers={"Accept": accept})
        assert reply.status == 404
        assert reply.headers["Content-Type"].startswith(content)
        assert "itemNotFound" not in reply.text
        assert "OpenStack-API-Version" not in reply.headers

    def test_a_body_that_is_too_large(self, people: People) -> None:
        reply = people.call("POST", "/v2.1/servers", data=b"x" * 120_000)
        assert reply.status == 413
        assert set(reply.json) == {"message", "code", "title"}

    def test_another_media_type(self, people: People) -> None:
        reply = people.call("POST", "/v2.1/servers", data=b"{}", headers={"Content-Type": "text/html"})
        assert reply.fault == ("badMediaType", "Unsupported Content-Type")


class TestMicroversions:
    def test_are_echoed(self, people: People) -> None:
        reply = people.call("GET", "/v2.1/servers", version="compute 2.53")
        assert reply.headers["OpenStack-API-Version"] == "compute 2.53"
        assert reply.headers["X-OpenStack-Nova-API-Version"] == "2.53"
        assert reply.headers["Vary"] == "OpenStack-API-Version, X-OpenStack-Nova-API-Version"
        assert reply.headers["x-openstack-request-id"] == reply.headers["x-compute-request-id"]

    def test_are_echoed_in_errors_too(self, people: People) -> None:
        reply = people.call("GET", f"/v2.1/servers/{UNKNOWN}", version="compute 2.53")
        assert reply.headers["OpenStack-API-Version"] == "compute 2.53"

    @pytest.mark.parametrize(("version", "status"), [("compute 2.999", 406), ("compute x", 400)])
    def test_that_are_none(self, people: People, version: str, status: int) -> None:
        assert people.call("GET", "/v2.1/servers", version=version).status == status

    def test_of_another_service_only(self, people: People) -> None:
        reply = people.call("GET", "/v2.1/servers", version="volume 3.1")
        assert (reply.status, reply.headers["OpenStack-API-Version"]) == (200, "compute 2.1")

    def test_documents(self, people: People) -> None:
        root = people.call("GET", f"{people.site.compute}/", who=None)
        assert root.status == 200
        current = [version for version in root.json["versions"] if version["status"] == "CURRENT"]
        assert current[0]["links"] == [{"rel": "self", "href": f"{people.site.compute}/v2.1/"}]
        one = people.call("GET", "/v2.1/", who=None).json["version"]
        assert (one["id"], one["min_version"]) == ("v2.1", "2.1")


class TestTokens:
    @pytest.mark.parametrize("path", ["/v2.1/servers", "/v3/volumes"])
    @pytest.mark.parametrize("token", [None, "garbage"])
    def test_none_or_garbage(self, people: People, path: str, token: str | None) -> None:
        headers = {} if token is None else {"X-Auth-Token": token}
        reply = people.call("GET", path, who=None, headers=headers)
        assert reply.status == 401
        assert reply.json == {
            "error": {
                "code": 401,
                "title": "Unauthorized",
                "message": "The request you have made requires authentication.",
            }
        }
        assert reply.headers["WWW-Authenticate"].startswith("Keystone uri=")
        assert "x-openstack-request-id" in reply.headers


class TestTheRest:
    def test_flavors(self, people: People) -> None:
        flavor = people.call("GET", f"/v2.1/flavors/{people.site.flavor}").json["flavor"]
        assert {"id", "name", "ram", "disk", "vcpus", "swap", "links", "os-flavor-access:is_public"} <= set(
            flavor
        )
        assert flavor["links"][0]["href"] == f"{people.site.compute}/v2.1/flavors/{people.site.flavor}"
        short = people.call("GET", "/v2.1/flavors").json["flavors"]
        assert all(set(item) == {"id", "name", "links"} for item in short)
        assert people.call("GET", "/v2.1/flavors/none").fault == (
            "itemNotFound",
            "Flavor none could not be found.",
        )

    def test_keypairs(self, people: People) -> None:
        blob = struct.pack(">I11sI", 11, b"ssh-ed25519", 32) + bytes(range(32))
        key = f"ssh-ed25519 {base64.b64encode(blob).decode()} somebody"
        body = {"keypair": {"name": "contract", "public_key": key}}
        people.call("DELETE", "/v2.1/os-keypairs/contract")
        made = people.call("POST", "/v2.1/os-keypairs", body, version="compute 2.2")
        assert made.status == 201
        assert set(made.json["keypair"]) == {"name", "public_key", "fingerprint", "type", "user_id"}
        listed = people.call("GET", "/v2.1/os-keypairs").json["keypairs"]
        assert "contract" in [item["keypair"]["name"] for item in listed]
        assert people.call("POST", "/v2.1/os-keypairs", body).fault[0] == "conflictingRequest"
        assert people.call("DELETE", "/v2.1/os-keypairs/contract", version="compute 2.2").status == 204
        assert people.call("GET", "/v2.1/os-keypairs/contract").fault[0] == "itemNotFound"

    def test_server_groups(self, people: People) -> None:
        body = {"server_group": {"name": "contract", "policy": "affinity"}}
        made = people.call("POST", "/v2.1/os-server-groups", body, version="compute 2.64").json[
            "server_group"
        ]
        assert set(made) == {"id", "name", "policy", "rules", "members", "project_id", "user_id"}
        old = people.call("GET", f"/v2.1/os-server-groups/{made['id']}").json["server_group"]
        assert set(old) == {"id", "name", "policies", "metadata", "members"}
        path = f"/v2.1/os-server-groups/{made['id']}"
        assert people.call("GET", path, who="stranger").status in {403, 404}
        assert people.call("DELETE", path).status == 204

    def test_zones_and_limits(self, people: People) -> None:
        zones = people.call("GET", "/v2.1/os-availability-zone").json["availabilityZoneInfo"]
        assert {"zoneName": "nova", "zoneState": {"available": True}, "hosts": None} in zones
        assert people.call("GET", "/v2.1/os-availability-zone/detail").status == 403
        detailed = people.call("GET", "/v2.1/os-availability-zone/detail", who="admin").json
        assert {"internal", "nova"} <= {zone["zoneName"] for zone in detailed["availabilityZoneInfo"]}
        absolute = people.call("GET", "/v2.1/limits").json["limits"]["absolute"]
        assert {"maxTotalInstances", "maxTotalCores", "totalInstancesUsed", "totalRAMUsed"} <= set(absolute)
