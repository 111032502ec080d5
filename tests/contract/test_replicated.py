"""What a site answers about flavors, keypairs, volume types and QoS specs: all that replication builds on."""

import uuid
from collections.abc import Iterator

import pytest
from tests.contract.site import People, Reply

FLAVORS, KEYPAIRS, TYPES, QOS = "/v2.1/flavors", "/v2.1/os-keypairs", "/v3/types", "/v3/qos-specs"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGMsd8ZY6vjJ7dyZyLDtsEqbkHTsXbrq1Exnwyc5xm5I contract@example"
AT = "compute 2.75"


@pytest.fixture
def left(people: People) -> Iterator[list[str]]:
    """Paths of what a test leaves; the administrator deletes it, the latest first."""
    paths: list[str] = []
    yield paths
    for path in reversed(paths):
        reply = people.call("DELETE", path, who="admin", version=None if "/v3/" in path else "compute 2.10")
        assert reply.status in {200, 202, 204, 404}, reply.text


def name() -> str:
    """A name that nothing has yet."""
    return f"contract-{uuid.uuid4().hex[:8]}"


def admin(people: People, method: str, path: str, body: object = None, version: str | None = None) -> Reply:
    """Ask as the administrator."""
    return people.call(method, path, body, who="admin", version=version or (AT if "/v2.1/" in path else None))


class TestFlavor:
    @pytest.fixture
    def flavor(self, people: People, left: list[str]) -> str:
        """A private flavor, by its id."""
        identifier = name()
        wanted = {
            "id": identifier,
            "name": identifier,
            "ram": 64,
            "disk": 1,
            "vcpus": 1,
            "swap": 8,
            "OS-FLV-EXT-DATA:ephemeral": 2,
            "rxtx_factor": 2.0,
            "os-flavor-access:is_public": False,
            "description": "for contracts",
        }
        left.append(f"{FLAVORS}/{identifier}")
        made = admin(people, "POST", FLAVORS, {"flavor": wanted})
        assert made.status == 200, made.text
        shown = admin(people, "GET", f"{FLAVORS}/{identifier}").json["flavor"]
        assert {field: shown[field] for field in wanted} == wanted
        assert shown["extra_specs"] == {}
        return identifier

    def test_is_seen_by_those_who_may_use_it(self, people: People, flavor: str) -> None:
        path, project = f"{FLAVORS}/{flavor}", people.site.projects["member"]
        assert people.call("GET", path).fault == ("itemNotFound", f"Flavor {flavor} could not be found.")
        access = {"flavor_access": [{"flavor_id": flavor, "tenant_id": project}]}
        added = admin(people, "POST", f"{path}/action", {"addTenantAccess": {"tenant": project}})
        assert (added.status, added.json) == (200, access)
        again = admin(people, "POST", f"{path}/action", {"addTenantAccess": {"tenant": project}})
        assert again.status == 409
        assert people.call("GET", path).status == 200
        assert admin(people, "GET", f"{path}/os-flavor-access").json == access
        taken = admin(people, "POST", f"{path}/action", {"removeTenantAccess": {"tenant": project}})
        assert (taken.status, taken.json) == (200, {"flavor_access": []})
        twice = admin(people, "POST", f"{path}/action", {"removeTenantAccess": {"tenant": project}})
        assert twice.status == 404

    def test_extra_specs(self, people: People, flavor: str) -> None:
        path = f"{FLAVORS}/{flavor}/os-extra_specs"
        specs = {"extra_specs": {"a": "1", "b": "2"}}
        added = admin(people, "POST", path, specs)
        assert (added.status, added.json) == (200, specs)
        assert admin(people, "PUT", f"{path}/a", {"a": "3"}).json == {"a": "3"}
        assert admin(people, "GET", f"{path}/a").json == {"a": "3"}
        assert admin(people, "DELETE", f"{path}/a").status == 200
        assert admin(people, "DELETE", f"{path}/a").status == 404
        assert admin(people, "GET", path).json == {"extra_specs": {"b": "2"}}
        assert admin(people, "GET", f"{FLAVORS}/{flavor}").json["flavor"]["extra_specs"] == {"b": "2"}

    def test_description_may_change(self, people: People, flavor: str) -> None:
        for text in ("other", None):
            changed = admin(people, "PUT", f"{FLAVORS}/{flavor}", {"flavor": {"description": text}})
            assert (changed.status, changed.json["flavor"]["description"]) == (200, text)

    def test_id_and_name_are_taken(self, people: People, flavor: str) -> None:
        least = {"ram": 64, "disk": 1, "vcpus": 1}
        for taken in ({"id": flavor, "name": name()}, {"id": name(), "name": flavor}):
            assert admin(people, "POST", FLAVORS, {"flavor": least | taken}).status == 409

    def test_lists_leave_private_ones_out_unless_they_are_asked_for(
        self, people: People, flavor: str
    ) -> None:
        def ids(query: str, who: str) -> set[str]:
            found = people.call("GET", f"{FLAVORS}{query}", who=who).json["flavors"]
            return {item["id"] for item in found}

        assert flavor not in ids("", "admin")
        assert flavor in ids("?is_public=None", "admin")
        assert flavor not in ids("?is_public=None", "member")

    def test_is_for_administrators_to_change(self, people: People, flavor: str) -> None:
        assert (
            people.call("POST", FLAVORS, {"flavor": {"name": "x", "ram": 1, "disk": 1, "vcpus": 1}}).status
            == 403
        )
        assert people.call("DELETE", f"{FLAVORS}/{flavor}").status == 403

    def test_goes(self, people: People, flavor: str) -> None:
        path = f"{FLAVORS}/{flavor}"
        assert admin(people, "DELETE", path).status == 202
        assert admin(people, "GET", path).status == 404
        assert admin(people, "DELETE", path).status == 404

    def test_access_of_a_public_one_is_not_found(self, people: People) -> None:
        path = f"{FLAVORS}/{people.site.flavor}"
        assert admin(people, "GET", f"{path}/os-flavor-access").status == 404
        added = admin(
            people, "POST", f"{path}/action", {"addTenantAccess": {"tenant": people.site.projects["member"]}}
        )
        assert added.status == 409


class TestKeypair:
    def test_of_another_user_is_the_administrators_to_make_show_and_delete(
        self, people: People, left: list[str]
    ) -> None:
        label = name()
        first = people.call(
            "POST", KEYPAIRS, {"keypair": {"name": label, "public_key": PUBLIC}}, version="compute 2.10"
        )
        assert first.status == 201, first.text
        user = first.json["keypair"]["user_id"]
        path = f"{KEYPAIRS}/{label}"
        left.append(f"{path}?user_id={user}")
        assert people.call("DELETE", path, version="compute 2.10").status == 204
        wanted = {"name": label, "public_key": PUBLIC, "type": "ssh", "user_id": user}
        assert admin(people, "POST", KEYPAIRS, {"keypair": wanted}, "compute 2.10").status == 201
        again = admin(people, "POST", KEYPAIRS, {"keypair": wanted}, "compute 2.10")
        assert again.status == 409
        shown = admin(people, "GET", f"{path}?user_id={user}", version="compute 2.10").json["keypair"]
        assert {field: shown[field] for field in wanted} == wanted
        assert people.call("GET", path, version="compute 2.10").json["keypair"]["public_key"] == PUBLIC
        assert admin(people, "GET", path, version="compute 2.10").status == 404
        stranger = people.call("GET", f"{path}?user_id={user}", who="stranger", version="compute 2.10")
        assert stranger.status == 403
        assert admin(people, "DELETE", f"{path}?user_id={user}", version="compute 2.10").status == 204
        assert admin(people, "DELETE", f"{path}?user_id={user}", version="compute 2.10").status == 404

    def test_that_the_site_makes_can_be_given_to_another_site(self, people: People, left: list[str]) -> None:
        label = name()
        made = people.call("POST", KEYPAIRS, {"keypair": {"name": label}}, version="compute 2.10")
        assert made.status == 201
        user = made.json["keypair"]["user_id"]
        left.append(f"{KEYPAIRS}/{label}?user_id={user}")
        assert "PRIVATE KEY" in made.json["keypair"]["private_key"]
        public = made.json["keypair"]["public_key"]
        shown = people.call("GET", f"{KEYPAIRS}/{label}", version="compute 2.10").json["keypair"]
        assert (shown["public_key"], "private_key" in shown) == (public, False)
        other = name()
        left.append(f"{KEYPAIRS}/{other}?user_id={user}")
        wanted = {"name": other, "public_key": public.strip(), "type": "ssh", "user_id": user}
        given = admin(people, "POST", KEYPAIRS, {"keypair": wanted}, "compute 2.10")
        assert (given.status, given.json["keypair"]["public_key"]) == (201, public.strip())


class TestVolumeType:
    @pytest.fixture
    def kind(self, people: People, left: list[str]) -> str:
        """A private volume type, by its id."""
        wanted = {
            "name": name(),
            "description": "for contracts",
            "os-volume-type-access:is_public": False,
            "extra_specs": {"a": "1"},
        }
        made = admin(people, "POST", TYPES, {"volume_type": wanted})
        assert made.status == 200, made.text
        identifier: str = made.json["volume_type"]["id"]
        left.append(f"{TYPES}/{identifier}")
        shown = admin(people, "GET", f"{TYPES}/{identifier}").json["volume_type"]
        assert {field: shown[field] for field in wanted} == wanted
        assert (shown["is_public"], shown["qos_specs_id"]) == (False, None)
        assert admin(people, "POST", TYPES, {"volume_type": wanted}).status == 409
        return identifier

    def test_changes(self, people: People, kind: str) -> None:
        path, label = f"{TYPES}/{kind}", name()
        changes = {"name": label, "description": "other", "is_public": True}
        changed = admin(people, "PUT", path, {"volume_type": changes})
        assert changed.status == 200, changed.text
        shown = changed.json["volume_type"]
        assert {field: shown[field] for field in changes} == changes
        emptied = admin(people, "PUT", path, {"volume_type": {"description": ""}})
        assert (emptied.status, emptied.json["volume_type"]["description"]) == (200, "")

    def test_extra_specs(self, people: People, kind: str) -> None:
        path = f"{TYPES}/{kind}/extra_specs"
        specs = {"extra_specs": {"b": "2"}}
        added = admin(people, "POST", path, specs)
        assert (added.status, added.json) == (200, specs)
        assert admin(people, "PUT", f"{path}/a", {"a": "3"}).json == {"a": "3"}
        assert admin(people, "DELETE", f"{path}/b").status == 202
        assert admin(people, "DELETE", f"{path}/b").status == 404
        assert admin(people, "GET", path).json == {"extra_specs": {"a": "3"}}

    def test_access(self, people: People, kind: str) -> None:
        path, project = f"{TYPES}/{kind}", people.site.projects["member"]
        assert people.call("GET", path).status == 404
        for status in (202, 409):
            action = {"addProjectAccess": {"project": project}}
            assert admin(people, "POST", f"{path}/action", action).status == status
        access = admin(people, "GET", f"{path}/os-volume-type-access").json["volume_type_access"]
        assert access == [{"volume_type_id": kind, "project_id": project}]
        assert people.call("GET", path).status == 200
        for status in (202, 404):
            action = {"removeProjectAccess": {"project": project}}
            assert admin(people, "POST", f"{path}/action", action).status == status

    def test_is_found_by_name_in_a_list_of_all(self, people: People, kind: str) -> None:
        label = admin(people, "GET", f"{TYPES}/{kind}").json["volume_type"]["name"]
        listed = admin(people, "GET", f"{TYPES}?is_public=None&limit=500").json["volume_types"]
        assert [item["id"] for item in listed if item["name"] == label] == [kind]
        first = admin(people, "GET", f"{TYPES}?is_public=None&limit=1").json["volume_types"]
        rest = admin(people, "GET", f"{TYPES}?is_public=None&limit=500&marker={first[0]['id']}").json
        assert len(first) == 1
        assert [item["id"] for item in listed] == [item["id"] for item in first + rest["volume_types"]]

    def test_goes(self, people: People, kind: str) -> None:
        assert admin(people, "DELETE", f"{TYPES}/{kind}").status == 202
        assert admin(people, "GET", f"{TYPES}/{kind}").status == 404
        assert admin(people, "DELETE", f"{TYPES}/{kind}").status == 404

    def test_is_for_administrators_to_change(self, people: People, kind: str) -> None:
        assert people.call("POST", TYPES, {"volume_type": {"name": name()}}).status == 403


class TestQosSpec:
    @pytest.fixture
    def spec(self, people: People, left: list[str]) -> str:
        """A QoS spec, by its id."""
        label = name()
        wanted = {"qos_specs": {"name": label, "consumer": "front-end", "read_iops_sec": "100"}}
        made = admin(people, "POST", QOS, wanted)
        assert made.status == 200, made.text
        identifier: str = made.json["qos_specs"]["id"]
        left.append(f"{QOS}/{identifier}?force=true")
        shown = admin(people, "GET", f"{QOS}/{identifier}").json
        assert shown["qos_specs"] == {
            "id": identifier,
            "name": label,
            "consumer": "front-end",
            "specs": {"read_iops_sec": "100"},
        }
        assert {link["rel"] for link in shown["links"]} == {"self", "bookmark"}
        assert admin(people, "POST", QOS, wanted).status == 409
        return identifier

    def test_changes(self, people: People, spec: str) -> None:
        path = f"{QOS}/{spec}"
        changes = {"qos_specs": {"consumer": "both", "write_iops_sec": "50"}}
        changed = admin(people, "PUT", path, changes)
        assert (changed.status, changed.json) == (200, changes)
        assert admin(people, "PUT", f"{path}/delete_keys", {"keys": ["read_iops_sec"]}).status == 202
        shown = admin(people, "GET", path).json["qos_specs"]
        assert (shown["consumer"], shown["specs"]) == ("both", {"write_iops_sec": "50"})

    def test_associations(self, people: People, spec: str, left: list[str]) -> None:
        label = name()
        kind = admin(people, "POST", TYPES, {"volume_type": {"name": label}}).json["volume_type"]["id"]
        left.append(f"{TYPES}/{kind}")
        path = f"{QOS}/{spec}"
        for _ in range(2):
            assert admin(people, "GET", f"{path}/associate?vol_type_id={kind}").status == 202
        associated = admin(people, "GET", f"{path}/associations").json["qos_associations"]
        assert associated == [{"association_type": "volume_type", "name": label, "id": kind}]
        assert admin(people, "GET", f"{TYPES}/{kind}").json["volume_type"]["qos_specs_id"] == spec
        assert admin(people, "DELETE", path).fault == ("badRequest", "Qos specs still in use.")
        assert admin(people, "GET", f"{path}/disassociate?vol_type_id={kind}").status == 202
        assert admin(people, "GET", f"{TYPES}/{kind}").json["volume_type"]["qos_specs_id"] is None
        admin(people, "GET", f"{path}/associate?vol_type_id={kind}")
        assert admin(people, "GET", f"{path}/disassociate_all").status == 202
        assert admin(people, "GET", f"{path}/associations").json["qos_associations"] == []
        admin(people, "GET", f"{path}/associate?vol_type_id={kind}")
        assert admin(people, "DELETE", f"{path}?force=true").status == 202
        assert admin(people, "GET", f"{TYPES}/{kind}").json["volume_type"]["qos_specs_id"] is None
        assert admin(people, "GET", path).status == 404

    def test_is_found_by_name_in_a_list_of_all(self, people: People, spec: str) -> None:
        listed = admin(people, "GET", f"{QOS}?sort=id&limit=500").json["qos_specs"]
        assert spec in [item["id"] for item in listed]

    def test_is_for_administrators(self, people: People, spec: str) -> None:
        assert people.call("GET", f"{QOS}/{spec}").status == 403
        assert people.call("POST", QOS, {"qos_specs": {"name": name()}}).status == 403
