"""Flavors, keypairs, volume types and QoS specs: made once at the top, and there in every site."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.sandbox import Sandbox

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("nothing_left")]

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGMsd8ZY6vjJ7dyZyLDtsEqbkHTsXbrq1Exnwyc5xm5I once@example"


def name(what: str) -> str:
    """A name that nothing has yet."""
    return f"{what}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def undo(admin: Client) -> Iterator[list[tuple[str, str]]]:
    """What the administrator deletes after the test: service and path, the latest first."""
    paths: list[tuple[str, str]] = []
    yield paths
    for service, path in reversed(paths):
        deleted = getattr(admin, service).delete(path)
        assert deleted.status_code in {202, 204, 404}, f"{path}: {deleted.status_code} {deleted.text}"


def make_flavor(admin: Client, undo: list[tuple[str, str]], **more: Any) -> Any:
    """Make a small flavor through the top."""
    flavor = admin.compute.create_flavor(name=name("flavor"), ram=64, vcpus=1, disk=1, **more)
    undo.append(("compute", f"/flavors/{flavor.id}"))
    return flavor


def flavor_in(site: SiteAdmin, identifier: str) -> dict[str, Any] | None:
    """A flavor as a site's own administrator sees it, with extra specs and access."""
    compute = site.connection.compute
    shown = compute.get(f"/flavors/{identifier}", microversion="2.75")
    if shown.status_code == 404:
        return None
    flavor: dict[str, Any] = shown.json()["flavor"]
    access = compute.get(f"/flavors/{identifier}/os-flavor-access")
    entries = access.json()["flavor_access"] if access.status_code == 200 else []
    wanted = ("id", "name", "ram", "description", "extra_specs", "os-flavor-access:is_public")
    return {field: flavor[field] for field in wanted} | {"access": {entry["tenant_id"] for entry in entries}}


def same_in_all(look: Any, sites: list[SiteAdmin], what: str) -> Any:
    """Wait until all sites show the same, which is something."""

    def seen() -> Any:
        first, *others = side_by_side(look, sites)
        return first if first is not None and all(other == first for other in others) else None

    return eventually(seen, f"{what} the same in all sites")


class TestFlavor:
    def test_made_once_boots_at_once_in_every_zone(
        self, admin: Client, belongings: Belongings, sites: list[SiteAdmin], undo: list[tuple[str, str]]
    ) -> None:
        flavor = make_flavor(admin, undo)
        servers = side_by_side(
            lambda site: belongings.server(f"of-{flavor.name}", site.site.zone, flavor_id=flavor.id), sites
        )
        assert [server.flavor.original_name for server in servers] == [flavor.name] * 2
        same_in_all(lambda site: flavor_in(site, flavor.id), sites, "the flavor")

    def test_specs_description_and_access_follow(
        self, admin: Client, tenant: Client, sites: list[SiteAdmin], undo: list[tuple[str, str]]
    ) -> None:
        flavor = make_flavor(admin, undo, is_public=False, description="first")
        compute = admin.compute
        compute.create_flavor_extra_specs(flavor, {"hw:cpu_policy": "shared", "tier": "gold"})
        path = f"/flavors/{flavor.id}"
        described = compute.put(path, json={"flavor": {"description": "second"}}, microversion="2.55")
        assert described.status_code == 200, described.text
        compute.flavor_add_tenant_access(flavor, tenant.project_id)
        compute.delete_flavor_extra_specs_property(flavor, "tier")

        def settled() -> Any:
            found = side_by_side(lambda site: flavor_in(site, flavor.id), sites)
            expected = {"extra_specs": {"hw:cpu_policy": "shared"}, "description": "second"}
            expected |= {"access": {tenant.project_id}, "os-flavor-access:is_public": False}
            return all(each is not None and each.items() >= expected.items() for each in found)

        eventually(settled, "all changes in all sites")
        assert tenant.compute.get_flavor(flavor.id).name == flavor.name

    def test_deleted_once_is_gone_everywhere(
        self, admin: Client, tenant: Client, sites: list[SiteAdmin], undo: list[tuple[str, str]]
    ) -> None:
        flavor = make_flavor(admin, undo)
        same_in_all(lambda site: flavor_in(site, flavor.id), sites, "the flavor")
        admin.compute.delete_flavor(flavor)
        assert tenant.compute.find_flavor(flavor.id, ignore_missing=True) is None
        assert flavor.id not in {each.id for each in tenant.compute.flavors()}
        eventually(lambda: [flavor_in(site, flavor.id) for site in sites] == [None, None], "gone everywhere")


class TestKeypair:
    def test_made_once_is_in_servers_of_every_zone(
        self, tenant: Client, belongings: Belongings, sites: list[SiteAdmin], undo: list[tuple[str, str]]
    ) -> None:
        keypair = tenant.compute.create_keypair(name=name("key"), public_key=PUBLIC)
        user = tenant.compute.get_keypair(keypair.name).user_id
        undo.append(("compute", f"/os-keypairs/{keypair.name}?user_id={user}"))
        servers = side_by_side(
            lambda site: belongings.server("with-key", site.site.zone, key_name=keypair.name), sites
        )
        assert [server.key_name for server in servers] == [keypair.name] * 2

        def there(site: SiteAdmin) -> Any:
            path = f"/os-keypairs/{keypair.name}?user_id={user}"
            shown = site.connection.compute.get(path, microversion="2.10")
            return shown.json()["keypair"]["public_key"] if shown.status_code == 200 else None

        assert same_in_all(there, sites, "the keypair") == PUBLIC
        tenant.compute.delete_keypair(keypair)
        assert keypair.name not in {each.name for each in tenant.compute.keypairs()}
        eventually(lambda: [there(site) for site in sites] == [None, None], "gone everywhere")


class TestVolumeType:
    def test_made_once_with_a_qos_spec_makes_volumes_in_every_zone(
        self,
        admin: Client,
        belongings: Belongings,
        sites: list[SiteAdmin],
        undo: list[tuple[str, str]],
    ) -> None:
        volume = admin.volume
        spec = volume.post("/qos-specs", json={"qos_specs": {"name": name("qos"), "total_iops_sec": "100"}})
        spec_id = spec.json()["qos_specs"]["id"]
        undo.append(("volume", f"/qos-specs/{spec_id}"))
        kind = volume.create_type(
            name=name("type"), extra_specs={"top:tier": "gold"}
        )  # scoped: no back end must have it
        undo.append(("volume", f"/types/{kind.id}"))
        associated = volume.get(f"/qos-specs/{spec_id}/associate?vol_type_id={kind.id}")
        assert associated.status_code == 202, associated.text
        # In the second site first: it has neither yet, unless a job has been very quick.
        for site in reversed(sites):
            made = belongings.volume("typed", site.site.zone, volume_type=kind.id)
            assert site.volumes()[made.id]["volume_type"] == kind.name

        def there(site: SiteAdmin) -> Any:
            block_storage = site.connection.block_storage
            found = [each for each in block_storage.types() if each.name == kind.name]
            if not found:
                return None
            shown = block_storage.get(f"/types/{found[0].id}").json()["volume_type"]
            if shown["qos_specs_id"] is None:
                return None
            qos = block_storage.get(f"/qos-specs/{shown['qos_specs_id']}").json()["qos_specs"]
            return shown["extra_specs"], qos["name"], qos["specs"]

        specs, _, promised = same_in_all(there, sites, "the type and its QoS spec")
        assert (specs, promised) == ({"top:tier": "gold"}, {"total_iops_sec": "100"})
        (listed,) = [each for each in volume.types() if each.name == kind.name]
        assert listed.id == kind.id
        belongings.put_away()


def test_a_site_that_was_away_gets_what_was_made_and_loses_what_was_deleted(
    sandbox: Sandbox, admin: Client, sites: list[SiteAdmin], undo: list[tuple[str, str]]
) -> None:
    old = make_flavor(admin, undo)
    same_in_all(lambda site: flavor_in(site, old.id), sites, "the flavor")
    away = sites[1]
    sandbox.stop_site(away.site.name)
    try:
        new = make_flavor(admin, undo)
        admin.compute.delete_flavor(old)
    finally:
        sandbox.start_site(away.site.name)
    eventually(lambda: flavor_in(away, new.id), "the new one")
    eventually(lambda: flavor_in(away, old.id) is None, "the old one gone")


def test_what_was_changed_in_a_site_is_shown_and_mended(
    admin: Client, sites: list[SiteAdmin], undo: list[tuple[str, str]]
) -> None:
    flavor = make_flavor(admin, undo)
    same_in_all(lambda site: flavor_in(site, flavor.id), sites, "the flavor")
    sneaky = sites[1]
    sneaky.connection.compute.create_flavor_extra_specs(flavor.id, {"sneaky": "1"})
    api = admin.admin_api

    def definition() -> dict[str, Any]:
        (found,) = api.get(f"/definitions?resource_type=flavor&name={flavor.name}").json()["definitions"]
        return dict(found)

    mended = api.post(f"/definitions/{definition()['id']}/mend", json={"site": sneaky.site.name})
    assert mended.status_code == 202, mended.text

    def specs() -> Any:
        seen = flavor_in(sneaky, flavor.id)
        return seen is not None and seen["extra_specs"] == {}

    eventually(specs, "mended")
