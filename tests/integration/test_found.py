"""What was made in a site behind the top's back is found there, and what is gone there is gone."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, connect
from tests.integration.conditions import BOUND, eventually
from tests.integration.sandbox import Sandbox, Site

pytestmark = pytest.mark.usefixtures("nothing_left")

SERVICES = {"servers": "compute", "volumes": "volume", "snapshots": "volume"}


class Behind:
    """The tenant at a site, without the top; what is made there is put away over the top."""

    def __init__(self, sandbox: Sandbox, site: Site, belongings: Belongings) -> None:
        self.site = site
        self.connection = connect(sandbox, site.tenant_cloud)
        self._facts = sandbox.facts
        self._belongings = belongings

    def server(self, name: str) -> str:
        """Boot a server, and return its id when it is ACTIVE."""
        compute: Any = self.connection.compute
        image = self._facts["image_id"]
        server = compute.create_server(name=name, image_id=image, flavor_id="1", networks="none")
        self._belongings.keep("servers", server.id)
        return str(compute.wait_for_server(server, interval=0.2, wait=BOUND).id)

    def volume(self, name: str) -> str:
        """Create a volume, and return its id when it is available."""
        storage: Any = self.connection.block_storage
        volume = storage.create_volume(name=name, size=1)
        self._belongings.keep("volumes", volume.id)
        return str(storage.wait_for_status(volume, "available", ["error"], interval=0.1, wait=BOUND).id)

    def snapshot(self, name: str) -> str:
        """Take a snapshot of a new volume, and return its id when it is available."""
        storage: Any = self.connection.block_storage
        snapshot = storage.create_snapshot(name=name, volume_id=self.volume(f"{name}-volume"))
        self._belongings.keep("snapshots", snapshot.id)
        return str(storage.wait_for_status(snapshot, "available", ["error"], interval=0.1, wait=BOUND).id)

    def delete(self, kind: str, item_id: str) -> None:
        """Delete something, and see it gone."""
        service: Any = self.connection.compute if kind == "servers" else self.connection.block_storage
        assert service.delete(f"/{kind}/{item_id}").status_code in {202, 204}
        eventually(lambda: service.get(f"/{kind}/{item_id}").status_code == 404, f"{kind} {item_id} gone")


@pytest.fixture(params=[0, 1], ids=["in SiteOne", "in SiteTwo"])
def behind(request: pytest.FixtureRequest, sandbox: Sandbox, belongings: Belongings) -> Behind:
    """The tenant at either site."""
    return Behind(sandbox, sandbox.sites[request.param], belongings)


@pytest.fixture(params=SERVICES)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of what can be made."""
    name: str = request.param
    return name


@pytest.fixture
def made(behind: Behind, kind: str) -> str:
    """The id of something that the top has never heard of."""
    make: dict[str, Callable[[str], str]] = {
        "servers": behind.server,
        "volumes": behind.volume,
        "snapshots": behind.snapshot,
    }
    return make[kind](f"behind-{kind}")


def get(client: Client, kind: str, item_id: str) -> Any:
    """Ask the top for something by id."""
    return getattr(client, SERVICES[kind]).get(f"/{kind}/{item_id}")


def homes(admin: Client, item_id: str) -> list[tuple[str, str]]:
    """Return type and site of the routes of an id, as the Admin API tells them."""
    answer = admin.admin_api.get(f"/routes/{item_id}")
    assert answer.status_code in {200, 404}, answer.text
    return [(route["type"], route["site"]) for route in answer.json().get("routes", [])]


def test_it_is_found_by_id_and_then_known(
    tenant: Client, admin: Client, behind: Behind, kind: str, made: str
) -> None:
    assert homes(admin, made) == []
    found = get(tenant, kind, made)
    assert found.status_code == 200, found.text
    item = found.json()[kind.removesuffix("s")]
    assert item["name"] == f"behind-{kind}"
    zones = {item[name] for name in ("OS-EXT-AZ:availability_zone", "availability_zone") if name in item}
    assert zones == ({behind.site.zone} if kind != "snapshots" else set())
    assert homes(admin, made) == [(kind.removesuffix("s"), behind.site.name)]


def test_it_is_in_lists_and_then_known(
    tenant: Client, admin: Client, behind: Behind, kind: str, made: str
) -> None:
    listed = getattr(tenant, SERVICES[kind]).get(f"/{kind}/detail").json()[kind]
    assert made in {item["id"] for item in listed}
    assert homes(admin, made) == [(kind.removesuffix("s"), behind.site.name)]


def test_nobody_else_finds_it_before_or_after_its_owner(
    tenant: Client, stranger: Client, admin: Client, kind: str, made: str
) -> None:
    assert get(stranger, kind, made).status_code == 404
    assert homes(admin, made) == []
    assert get(tenant, kind, made).status_code == 200
    assert get(stranger, kind, made).status_code == 404


def test_what_is_gone_from_its_site_is_gone(
    tenant: Client, admin: Client, behind: Behind, kind: str, made: str
) -> None:
    assert get(tenant, kind, made).status_code == 200
    behind.delete(kind, made)
    gone = get(tenant, kind, made)
    assert gone.status_code == 404
    assert gone.json()["itemNotFound"]["code"] == 404
    assert homes(admin, made) == []


def test_a_volume_is_attached_to_a_server_that_the_top_made(
    tenant: Client, behind: Behind, belongings: Belongings
) -> None:
    server = belongings.server("host", behind.site.zone)
    volume_id = behind.volume("guest")
    belongings.attach(server, tenant.volume.get_volume(volume_id))
    attached = tenant.compute.get(f"/servers/{server.id}/os-volume_attachments").json()["volumeAttachments"]
    assert [entry["volumeId"] for entry in attached] == [volume_id]


def test_a_server_boots_in_the_site_of_a_volume_that_the_top_has_never_heard_of(
    tenant: Client, behind: Behind, belongings: Belongings
) -> None:
    device = {
        "boot_index": 0,
        "uuid": behind.volume("system"),
        "source_type": "volume",
        "destination_type": "volume",
    }
    wishes = {"name": "pinned", "flavorRef": "1", "networks": "none", "block_device_mapping_v2": [device]}
    answer = tenant.compute.post("/servers", json={"server": wishes}, microversion="2.37")
    # The volume holds no system, and the site says so: had another one been asked, it would not know it.
    assert answer.status_code == 400
    assert f"block device {device['uuid']} is not bootable" in answer.json()["badRequest"]["message"].lower()
