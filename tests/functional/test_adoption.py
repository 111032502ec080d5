"""Ports that sites make are seen at the top: real calls, a worker, and the fakes of Nova and Neutron."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.fakes.cloud import PROJECT, Cloud
from tests.fakes.network.ports import automatic_address
from tests.functional.adopting_top import give_network
from tests.functional.adoption_ground import Ground
from tests.functional.workshop import Workshop

from tricircle.jobs.job import JobState, Request
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, REPLICATE
from tricircle.routing.route import Route
from tricircle.xjob import adopt
from tricircle.xjob.ports import carry, carry_deletion
from tricircle.xjob.settled import Settled


@pytest.fixture
def ground(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """A top with a network service. The workshop is made after it."""
    monkeypatch.setattr(adopt, "_NOTICE", 0.2)
    top = give_network(cloud)
    workshop = Workshop(cloud)
    workshop.clear()
    yield Ground(cloud, cloud.sites["SiteOne"], top, workshop)
    workshop.engine.database.close()


@pytest.fixture
def adopted(ground: Ground) -> dict[str, Any]:
    """The one port of a server, at the top."""
    server = ground.boot()
    ground.adopt(server)
    (port,) = ground.ports_of(server)
    return port


def test_a_new_servers_port_is_at_the_top(ground: Ground) -> None:
    server = ground.boot()
    ground.adopt(server)
    ports = ground.ports_of(server)
    assert ground.top.rows() == ground.expected(*ports)
    (seen,) = ground.as_user("GET", f"/v2.0/ports?device_id={server}")["ports"]
    assert (seen["id"], seen["fixed_ips"][0]["ip_address"]) == (
        ports[0]["id"],
        ports[0]["fixed_ips"][0]["ip_address"],
    )


def test_it_is_seen_within_a_second_of_the_servers_being_active(ground: Ground) -> None:
    server = ground.boot(vm_state="building", port_status="DOWN")
    ground.ask(ADOPT.name, "server", server)
    ground.workshop.run()
    (port,) = ground.ports_of(server)
    assert ground.top.rows() == ground.expected(port)
    began = time.monotonic()
    port["status"] = "ACTIVE"
    ground.site.compute.servers[server].vm_state = "active"
    ground.workshop.finish(ADOPT.name)
    assert time.monotonic() - began < 1.0
    assert ground.top.rows() == ground.expected(port)
    assert ground.top.rows()[port["id"]]["status"] == "ACTIVE"


def test_a_deleted_servers_port_goes(ground: Ground, adopted: dict[str, Any]) -> None:
    server = adopted["device_id"]
    ground.delete(server)
    ground.ask(AFTER_DELETE.name, "server", server)
    ground.workshop.finish(AFTER_DELETE.name)
    assert ground.top.rows() == {}
    assert ground.as_user("GET", "/v2.0/ports")["ports"] == []


def test_while_the_tops_neutron_is_down_servers_boot_and_are_adopted_later(ground: Ground) -> None:
    gone, kept = ground.boot(), None
    ground.adopt(gone)
    ground.top.stop()
    kept = ground.boot()
    ground.delete(gone)
    ground.ask(ADOPT.name, "server", kept)
    ground.ask(AFTER_DELETE.name, "server", gone)
    ground.workshop.run()
    assert [job.state for job in ground.workshop.waiting(ADOPT.name, AFTER_DELETE.name)] == [
        JobState.WAITING,
        JobState.WAITING,
    ]
    ground.top.start()
    ground.workshop.finish(ADOPT.name, AFTER_DELETE.name)
    assert ground.top.rows() == ground.expected(*ground.ports_of(kept))


def test_what_happened_behind_the_tops_back_is_found(ground: Ground, adopted: dict[str, Any]) -> None:
    missed, vanished = ground.boot(), ground.boot()
    ground.adopt(vanished)
    (lost,) = ground.ports_of(vanished)
    del ground.site.network.ports[lost["id"]]
    adopted["name"] = "renamed there"
    assert ground.sweep().state is JobState.SUCCEEDED
    dhcp = [port for port in ground.site.network.ports.values() if port["device_owner"] == "network:dhcp"]
    assert len(dhcp) == 1
    assert ground.top.rows() == ground.expected(adopted, *ground.ports_of(missed), *dhcp)
    ground.top.requests.clear()
    ground.sweep()
    assert {request.method for request in ground.top.requests} == {"GET"}


BEHIND_ITS_BACK: list[dict[str, Any]] = [
    {
        "allowed_address_pairs": [{"ip_address": "10.1.0.99", "mac_address": "fa:16:3e:00:00:01"}],
        "port_security_enabled": True,
        "tags": ["blue", "red"],
    },
    {
        "allowed_address_pairs": [],
        "security_groups": [],
        "port_security_enabled": False,
        "tags": ["red"],
    },
]


@pytest.mark.parametrize("there", BEHIND_ITS_BACK, ids=["pairs", "no-port-security"])
def test_what_extensions_have_there_is_found_and_outlives_a_change_at_the_top(
    ground: Ground, adopted: dict[str, Any], there: dict[str, Any]
) -> None:
    path = f"/v2.0/ports/{adopted['id']}"
    fields = {name: value for name, value in there.items() if name != "tags"}
    ground.call(ground.site.network, "PUT", path, {"port": fields})
    ground.call(ground.site.network, "PUT", f"{path}/tags", {"tags": there["tags"]})
    assert ground.sweep().state is JobState.SUCCEEDED
    shown = ground.as_user("GET", path)["port"]
    assert {name: shown[name] for name in there} == there
    ground.as_user("PUT", path, {"port": {"name": "mine"}})
    ground.workshop.engine.requester.request(Request(FOLLOW.name, "port", adopted["id"]))
    ground.workshop.finish(FOLLOW.name)
    assert adopted["name"] == "mine"
    assert {name: adopted[name] for name in there} == there
    ground.top.requests.clear()
    ground.sweep()
    assert {request.method for request in ground.top.requests} == {"GET"}


@pytest.mark.parametrize("there", BEHIND_ITS_BACK, ids=["pairs", "no-port-security"])
def test_so_it_is_where_a_port_has_it_before_it_is_adopted(ground: Ground, there: dict[str, Any]) -> None:
    server = ground.boot()
    (port,) = ground.ports_of(server)
    port.update(there)
    ground.adopt(server)
    assert ground.top.rows() == ground.expected(port)


def test_addresses_that_hosts_make_are_seen_with_the_others(ground: Ground, adopted: dict[str, Any]) -> None:
    (at_top,) = ground.top.networks
    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    wanted = {"network_id": at_top, "cidr": "2001:db8::/64", "ip_version": 6, **modes}
    subnet = ground.as_user("POST", "/v2.0/subnets", {"subnet": wanted})["subnet"]
    ground.workshop.engine.requester.request(Request(FOLLOW.name, "subnet", subnet["id"]))
    ground.workshop.hurry(FOLLOW.name, REPLICATE.name)
    (there,) = ground.site.network.marked("subnets", subnet["id"])
    ground.names[there["id"]] = subnet["id"]
    server = ground.boot()
    ground.adopt(server)
    (port,) = ground.ports_of(server)
    six = {"subnet_id": there["id"], "ip_address": automatic_address(there, port["mac_address"])}
    assert six in port["fixed_ips"]
    assert ground.top.rows()[port["id"]] == ground.expected(port)[port["id"]]
    # The port that was there before the subnet has got one, too.
    assert len(adopted["fixed_ips"]) == 2
    ground.sweep()
    dhcp = [each for each in ground.site.network.ports.values() if each["device_owner"] == "network:dhcp"]
    assert ground.top.rows() == ground.expected(adopted, port, *dhcp)
    ground.top.requests.clear()
    assert ground.sweep().state is JobState.SUCCEEDED
    assert {request.method for request in ground.top.requests} == {"GET"}


def test_metadata_ports_have_rows_and_routers_have_none(ground: Ground) -> None:
    (home,) = ground.site.network.networks.values()

    def make(owner: str, **more: Any) -> dict[str, Any]:
        wanted = {"network_id": home["id"], "device_owner": owner, "device_id": "x", "security_groups": []}
        answer = ground.call(ground.site.network, "POST", "/v2.0/ports", {"port": wanted | more})["port"]
        return ground.site.network.ports[answer["id"]]

    metadata = make("network:distributed", fixed_ips=[])
    for owner in ("network:router_interface", "network:router_gateway", "network:floatingip"):
        make(owner)
    assert ground.sweep().state is JobState.SUCCEEDED
    dhcp = [each for each in ground.site.network.ports.values() if each["device_owner"] == "network:dhcp"]
    assert len(dhcp) == 1
    assert ground.top.rows() == ground.expected(metadata, *dhcp)
    # With the network they go, and their rows with them.
    del ground.site.network.ports[metadata["id"]]
    ground.sweep()
    assert ground.top.rows() == ground.expected(*dhcp)


def test_a_site_gets_more_addresses_before_it_has_none(ground: Ground) -> None:
    def free() -> int:
        (subnet,) = ground.site.network.subnets.values()
        return ground.site.network.pool_size(subnet) - len(ground.site.network.addresses_in_use(subnet))

    servers = [ground.boot() for _ in range(free())]
    ground.adopt(servers[-1])
    assert free() >= 8


def test_a_change_at_the_top_reaches_the_site(ground: Ground, adopted: dict[str, Any]) -> None:
    changes = {
        "name": "mine",
        "admin_state_up": False,
        "security_groups": [],
        "allowed_address_pairs": [{"ip_address": "10.1.0.99", "mac_address": adopted["mac_address"]}],
    }
    shown = ground.as_user("PUT", f"/v2.0/ports/{adopted['id']}", {"port": changes})["port"]
    engine = ground.workshop.engine
    site = engine.registry.snapshot.by_id[ground.site_id]
    carry(engine, shown, site)
    assert {name: adopted[name] for name in changes} == changes
    assert carry(engine, shown, site) == "It was so already."


def test_a_group_that_the_site_does_not_have_comes_with_the_port(
    ground: Ground, adopted: dict[str, Any]
) -> None:
    fields = {"security_group": {"name": "db"}}
    group = ground.as_user("POST", "/v2.0/security-groups", fields)["security_group"]
    changes = {"port": {"security_groups": [group["id"]]}}
    shown = ground.as_user("PUT", f"/v2.0/ports/{adopted['id']}", changes)["port"]
    engine = ground.workshop.engine
    carry(engine, shown, engine.registry.snapshot.by_id[ground.site_id])
    (there,) = ground.site.network.marked("security_groups", group["id"])
    assert (there["name"], adopted["security_groups"]) == ("db", [there["id"]])


def test_a_port_deleted_at_the_top_goes_from_its_site(ground: Ground, adopted: dict[str, Any]) -> None:
    ground.top.ports.pop(adopted["id"])
    ground.top.adopted.pop(adopted["id"])
    carry_deletion(ground.workshop.engine, adopted["id"])
    assert ground.ports_of(adopted["device_id"]) == []
    assert ground.workshop.engine.routes.all(adopted["id"]) == []


def test_so_does_one_that_is_deleted_as_soon_as_it_is_adopted(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker has told the top, and dies."""

    class Killed(BaseException):
        """The worker is killed."""

    def kill(*_: object) -> None:
        raise Killed

    server = ground.boot()
    ground.ask(ADOPT.name, "server", server)
    with monkeypatch.context() as patched:
        patched.setattr(Settled, "note_adopted", kill)
        with pytest.raises(Killed):
            ground.workshop.run()
    (port_id,) = ground.top.adopted
    ground.top.ports.pop(port_id)
    ground.top.adopted.pop(port_id)
    carry_deletion(ground.workshop.engine, port_id)
    assert ground.ports_of(server) == []


def test_two_sites_with_one_mac_address_are_told_to_the_operator(ground: Ground) -> None:
    server = ground.boot()
    (port,) = ground.ports_of(server)
    (home,) = ground.top.networks
    other = {"network_id": home, "project_id": PROJECT, "mac_address": port["mac_address"]}
    made = ground.call(ground.top, "POST", "/v2.0/ports", {"port": other})["port"]
    ground.adopt(server)
    (job,) = JobStore(ground.workshop.engine.database).page(JobFilters(state=JobState.FAILED))
    assert job.cause is not None
    for words in (port["id"], port["mac_address"], made["id"], "base_mac"):
        assert words in job.cause
    assert ground.top.rows() == {}


@pytest.mark.parametrize(
    "leave", [lambda ground: ground.top.stop(), lambda ground: ground.cloud.sites["SiteOne"].network.stop()]
)
def test_a_route_says_where_an_adopted_port_is(
    ground: Ground, adopted: dict[str, Any], leave: Callable[[Ground], None]
) -> None:
    leave(ground)
    assert ground.workshop.engine.routes.all(adopted["id"]) == [
        Route(adopted["id"], "port", ground.site_id, adopted["id"], PROJECT, None)
    ]
