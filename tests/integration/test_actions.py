"""All that can be done with a server, in the site that is not the default one; what stands beside servers."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from openstack.connection import Connection
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin, connect
from tests.integration.conditions import eventually
from tests.integration.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("nothing_left")

ROUNDS: dict[str, list[tuple[dict[str, Any], str]]] = {
    "stop and start": [({"os-stop": None}, "SHUTOFF"), ({"os-start": None}, "ACTIVE")],
    "pause and unpause": [({"pause": None}, "PAUSED"), ({"unpause": None}, "ACTIVE")],
    "suspend and resume": [({"suspend": None}, "SUSPENDED"), ({"resume": None}, "ACTIVE")],
    "reboot": [({"reboot": {"type": "SOFT"}}, "ACTIVE"), ({"reboot": {"type": "HARD"}}, "ACTIVE")],
    "rescue and unrescue": [({"rescue": {}}, "RESCUE"), ({"unrescue": None}, "ACTIVE")],
    "shelve and unshelve": [({"shelve": None}, "SHELVED_OFFLOADED"), ({"unshelve": None}, "ACTIVE")],
    "resize and revert": [
        ({"resize": {"flavorRef": "2"}}, "VERIFY_RESIZE"),
        ({"revertResize": None}, "ACTIVE"),
    ],
    "resize and confirm": [
        ({"resize": {"flavorRef": "2"}}, "VERIFY_RESIZE"),
        ({"confirmResize": None}, "ACTIVE"),
        ({"resize": {"flavorRef": "1"}}, "VERIFY_RESIZE"),
        ({"confirmResize": None}, "ACTIVE"),
    ],
    "change the password": [({"changePassword": {"adminPass": "another"}}, "ACTIVE")],
    "lock and unlock": [({"lock": {"locked_reason": "busy"}}, "ACTIVE"), ({"unlock": None}, "ACTIVE")],
}
"""Actions, each with the status that the server has after it; the last one leaves it as it was."""

VERSION = "2.79"


@pytest.fixture(scope="module")
def worker(tenant: Client, sites: list[SiteAdmin]) -> Iterator[Any]:
    """A server in SiteTwo, with a port, for one action after the other."""
    belongings = Belongings(tenant)
    yield belongings.server("worker", "az2", networks=[{"uuid": sites[1].site.network_id}])
    belongings.put_away()


@pytest.fixture(scope="module")
def at_sites(sandbox: Sandbox) -> list[Connection]:
    """The tenant at each site, without the top."""
    return [connect(sandbox, site.tenant_cloud) for site in sandbox.sites]


def act(client: Client, server: Any, action: dict[str, Any], *, version: str = VERSION) -> Any:
    """Ask for an action, and have the site take it."""
    answer = client.compute.post(f"/servers/{server.id}/action", json=action, microversion=version)
    assert answer.status_code in {200, 202, 204}, answer.text
    return answer


def settled(client: Client, server: Any, status: str) -> dict[str, Any]:
    """Wait until a server has a status and nothing goes on with it; return what is shown of it."""

    def look() -> Any:
        shown = client.compute.get(f"/servers/{server.id}", microversion=VERSION).json()["server"]
        return shown if (shown["status"], shown["OS-EXT-STS:task_state"]) == (status, None) else None

    found: dict[str, Any] = eventually(look, f"the server {status}")
    return found


def below(client: Client, server: Any, path: str, *, version: str = VERSION) -> Any:
    """GET something below a server."""
    answer = client.compute.get(f"/servers/{server.id}/{path}", microversion=version)
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestActions:
    @pytest.mark.parametrize("what", ROUNDS)
    def test_change_the_server(self, tenant: Client, worker: Any, sites: list[SiteAdmin], what: str) -> None:
        for action, status in ROUNDS[what]:
            act(tenant, worker, action)
            shown = settled(tenant, worker, status)
            assert shown["OS-EXT-AZ:availability_zone"] in {"az2", ""}
            assert sites[1].servers()[worker.id]["status"] == status
            wanted = action.get("resize", {}).get("flavorRef")
            assert (
                wanted is None
                or shown["flavor"]["original_name"] == {"1": "m1.tiny", "2": "m1.small"}[wanted]
            )

    def test_unshelve_it_in_a_zone_of_its_site_only(self, tenant: Client, worker: Any) -> None:
        act(tenant, worker, {"shelve": None})
        settled(tenant, worker, "SHELVED_OFFLOADED")
        answer = tenant.compute.post(
            f"/servers/{worker.id}/action",
            json={"unshelve": {"availability_zone": "az1"}},
            microversion=VERSION,
        )
        assert answer.status_code == 400
        assert "SiteTwo" in answer.json()["badRequest"]["message"]
        act(tenant, worker, {"unshelve": {"availability_zone": "az2"}})
        assert settled(tenant, worker, "ACTIVE")["OS-EXT-AZ:availability_zone"] == "az2"

    def test_rebuild_it_from_an_image(self, tenant: Client, worker: Any) -> None:
        image_id = tenant.facts["image_id"]
        answer = act(tenant, worker, {"rebuild": {"imageRef": image_id, "name": "rebuilt"}})
        rebuilt = answer.json()["server"]
        assert (rebuilt["id"], rebuilt["image"]["id"]) == (worker.id, image_id)
        assert settled(tenant, worker, "ACTIVE")["name"] == "rebuilt"

    def test_show_its_console(self, tenant: Client, worker: Any) -> None:
        answer = act(tenant, worker, {"os-getConsoleOutput": {"length": 5}})
        assert "FAKE CONSOLE OUTPUT" in answer.json()["output"]
        wanted = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
        opened = tenant.compute.post(
            f"/servers/{worker.id}/remote-consoles", json=wanted, microversion=VERSION
        )
        assert opened.status_code == 200, opened.text
        assert opened.json()["remote_console"]["url"].startswith("http://")

    @pytest.mark.parametrize("version", ["2.44", "2.45"])
    def test_make_images_of_it(
        self, tenant: Client, belongings: Belongings, worker: Any, version: str
    ) -> None:
        answer = act(tenant, worker, {"createImage": {"name": "of-worker"}}, version=version)
        named = answer.json()["image_id"] if version == "2.45" else answer.headers["Location"].split("/")[-1]
        image_id = belongings.keep("images", named)
        image = tenant.connection.image
        eventually(lambda: image.get_image(image_id).status == "active", "the server's image")
        assert version == "2.45" or answer.headers["Location"].startswith(tenant.facts["glance_url"])
        settled(tenant, worker, "ACTIVE")

    def test_are_the_administrators_where_they_are_in_the_site(
        self, tenant: Client, admin: Client, worker: Any
    ) -> None:
        reset = {"os-resetState": {"state": "error"}}
        refused = tenant.compute.post(f"/servers/{worker.id}/action", json=reset)
        assert refused.status_code == 403
        act(admin, worker, reset)
        settled(tenant, worker, "ERROR")
        act(admin, worker, {"os-resetState": {"state": "active"}})
        settled(tenant, worker, "ACTIVE")
        assert below(admin, worker, "diagnostics")["state"] == "running"

    @pytest.mark.parametrize("action", [{"no-such-action": None}, {"os-stop": None, "os-start": None}, {}])
    def test_that_are_none_are_refused_by_the_site(
        self, tenant: Client, worker: Any, action: dict[str, None]
    ) -> None:
        answer = tenant.compute.post(f"/servers/{worker.id}/action", json=action)
        assert answer.status_code == 400
        assert answer.json()["badRequest"]["code"] == 400

    def test_are_told_by_its_history(self, tenant: Client, worker: Any) -> None:
        act(tenant, worker, {"os-stop": None})
        settled(tenant, worker, "SHUTOFF")
        act(tenant, worker, {"os-start": None})
        settled(tenant, worker, "ACTIVE")
        history = below(tenant, worker, "os-instance-actions")["instanceActions"]
        assert [entry["action"] for entry in history][:2] == ["start", "stop"]
        assert history[-1]["action"] == "create"
        path = f"os-instance-actions/{history[0]['request_id']}"
        assert below(tenant, worker, path)["instanceAction"]["action"] == "start"


class TestBelow:
    def test_tags_are_set_listed_and_filtered_by(self, tenant: Client, worker: Any) -> None:
        path, version = f"/servers/{worker.id}/tags", {"microversion": VERSION}
        put = tenant.compute.put(path, json={"tags": ["red", "round"]}, **version)
        assert put.status_code == 200, put.text
        assert tenant.compute.put(f"{path}/sweet", **version).status_code == 201
        assert tenant.compute.delete(f"{path}/round", **version).status_code == 204
        assert below(tenant, worker, "tags") == {"tags": ["red", "sweet"]}
        listed = tenant.compute.get("/servers?tags=red,sweet", **version).json()["servers"]
        assert [server["id"] for server in listed] == [worker.id]
        assert tenant.compute.delete(path, **version).status_code == 204
        assert below(tenant, worker, "tags") == {"tags": []}

    def test_metadata_are_set_shown_and_deleted(self, tenant: Client, worker: Any) -> None:
        tenant.compute.set_server_metadata(worker, colour="red", taste="sweet")
        tenant.compute.delete_server_metadata(worker, ["taste"])
        assert below(tenant, worker, "metadata") == {"metadata": {"colour": "red"}}
        assert below(tenant, worker, "metadata/colour") == {"meta": {"colour": "red"}}
        assert tenant.compute.delete(f"/servers/{worker.id}/metadata/colour").status_code == 204

    def test_interfaces_come_and_go(self, tenant: Client, worker: Any, sites: list[SiteAdmin]) -> None:
        (first,) = below(tenant, worker, "os-interface")["interfaceAttachments"]
        wanted = {"interfaceAttachment": {"net_id": sites[1].site.network_id}}
        made = tenant.compute.post(f"/servers/{worker.id}/os-interface", json=wanted)
        assert made.status_code == 200, made.text
        port_id = made.json()["interfaceAttachment"]["port_id"]
        assert {first["port_id"], port_id} <= set(sites[1].ports())
        addresses = below(tenant, worker, "ips")["addresses"]["shared"]
        assert len(addresses) == 2
        assert tenant.compute.delete(f"/servers/{worker.id}/os-interface/{port_id}").status_code == 202
        eventually(lambda: port_id not in sites[1].ports(), "the port gone")
        assert below(tenant, worker, f"os-interface/{first['port_id']}")["interfaceAttachment"] == first

    def test_security_groups_are_added_and_removed(
        self, tenant: Client, worker: Any, at_sites: list[Connection]
    ) -> None:
        def names() -> list[str]:
            return [entry["name"] for entry in below(tenant, worker, "os-security-groups")["security_groups"]]

        network: Any = at_sites[1].network
        group = network.create_security_group(name="worker-group")
        try:
            act(tenant, worker, {"addSecurityGroup": {"name": group.name}})
            assert sorted(names()) == ["default", "worker-group"]
            act(tenant, worker, {"removeSecurityGroup": {"name": group.name}})
            assert names() == ["default"]
        finally:
            network.delete_security_group(group)

    def test_what_else_there_is_is_the_sites(self, tenant: Client, admin: Client, worker: Any) -> None:
        assert below(tenant, worker, "os-server-password") == {"password": ""}
        assert below(tenant, worker, "topology")["nodes"] == []
        assert below(tenant, worker, "os-volume_attachments") == {"volumeAttachments": []}
        assert below(admin, worker, "migrations") == {"migrations": []}


class TestBeside:
    def test_keypairs_of_both_sites_are_listed_once_and_shown(
        self, tenant: Client, at_sites: list[Connection]
    ) -> None:
        everywhere = {"everywhere": at_sites, "in-site-two": at_sites[1:]}
        with ExitStack() as afterwards:
            for name, there in everywhere.items():
                for site in there:
                    compute: Any = site.compute
                    compute.create_keypair(name=name)
                    afterwards.callback(compute.delete_keypair, name)
            assert [keypair.name for keypair in tenant.compute.keypairs()] == sorted(everywhere)
            assert tenant.compute.get_keypair("in-site-two").name == "in-site-two"
        assert list(tenant.compute.keypairs()) == []

    def test_server_groups_are_found_and_hold_their_servers(
        self, tenant: Client, belongings: Belongings, at_sites: list[Connection], sites: list[SiteAdmin]
    ) -> None:
        compute: Any = at_sites[1].compute
        group = compute.create_server_group(name="together", policy="soft-affinity")
        try:
            assert [entry.id for entry in tenant.compute.server_groups()] == [group.id]
            server = belongings.server("member", scheduler_hints={"group": group.id})
            assert server.id in sites[1].servers()
            assert tenant.compute.get_server_group(group.id).member_ids == [server.id]
        finally:
            compute.delete_server_group(group)
        assert tenant.compute.get(f"/os-server-groups/{group.id}").status_code == 404
