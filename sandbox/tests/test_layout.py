"""Addresses, names and paths of a sandbox."""

from pathlib import Path

import pytest

from sandbox import processes
from sandbox.layout import Layout
from sandbox.process import Process

LAYOUT = Layout(Path("/srv/sandbox"), "127.77.5", sites_count=2)
FULL = Layout(Path("/srv/sandbox"), "127.77.5", sites_count=1, profile="full")
DATA_PLANE = Layout(Path("/srv/sandbox"), "127.77.5", sites_count=1, profile="data-plane")


def test_every_service_listens_on_its_usual_port_at_an_address_of_its_own() -> None:
    listening = {
        planned.name: (planned.address, planned.port)
        for planned in processes.all_processes(LAYOUT, with_top=True)
        if planned.port
    }
    assert listening == {
        "keystone": ("127.77.5.10", 5000),
        "glance": ("127.77.5.10", 9292),
        "top-compute": ("127.77.5.20", 8774),
        "top-volume": ("127.77.5.20", 8776),
        "top-network": ("127.77.5.20", 9696),
        "top-admin": ("127.77.5.20", 8780),
        "SiteOne-placement": ("127.77.5.31", 8778),
        "SiteOne-neutron": ("127.77.5.31", 9696),
        "SiteOne-cinder": ("127.77.5.31", 8776),
        "SiteOne-nova": ("127.77.5.31", 8774),
        "SiteTwo-placement": ("127.77.5.32", 8778),
        "SiteTwo-neutron": ("127.77.5.32", 9696),
        "SiteTwo-cinder": ("127.77.5.32", 8776),
        "SiteTwo-nova": ("127.77.5.32", 8774),
    }


def test_full_has_servers_beneath_and_two_of_each_api_behind_haproxy() -> None:
    listening = {
        planned.name: (planned.address, planned.port)
        for planned in processes.all_processes(FULL, with_top=True)
        if planned.port
    }
    assert listening == {
        "mariadb": ("127.77.5.11", 3306),
        "rabbitmq-mapper": ("127.77.5.11", 24005),
        "rabbitmq": ("127.77.5.11", 5672),
        "memcached": ("127.77.5.11", 11211),
        "keystone": ("127.77.5.10", 5000),
        "glance": ("127.77.5.10", 9292),
        "top-compute-1": ("127.77.5.21", 8774),
        "top-compute-2": ("127.77.5.22", 8774),
        "top-volume-1": ("127.77.5.21", 8776),
        "top-volume-2": ("127.77.5.22", 8776),
        "top-network-1": ("127.77.5.21", 9696),
        "top-network-2": ("127.77.5.22", 9696),
        "top-admin": ("127.77.5.20", 8780),
        "top-haproxy": ("127.77.5.20", 8774),
        "SiteOne-placement": ("127.77.5.31", 8778),
        "SiteOne-neutron-api": ("127.77.5.31", 9696),
        "SiteOne-cinder-api": ("127.77.5.31", 8776),
        "SiteOne-nova-api": ("127.77.5.31", 8774),
    }


def test_what_does_not_listen_is_a_worker_or_a_part_of_a_service() -> None:
    def silent(layout: Layout) -> set[str]:
        planned = processes.all_processes(layout, with_top=True)
        return {process.name for process in planned if not process.port}

    assert silent(LAYOUT) == {"top-xjob"}
    assert silent(FULL) == {
        *("top-xjob-1", "top-xjob-2", "top-network-workers"),
        *("SiteOne-neutron-rpc", "SiteOne-neutron-agent"),
        *("SiteOne-cinder-scheduler", "SiteOne-cinder-volume"),
        *("SiteOne-nova-conductor", "SiteOne-nova-scheduler", "SiteOne-nova-compute"),
    }


def test_two_sandboxes_side_by_side_share_no_address_and_none_of_erlangs_ports() -> None:
    def taken(subnet: str) -> set[tuple[str, int]]:
        layout = Layout(Path("/srv/sandbox"), subnet, profile="full")
        planned = processes.all_processes(layout, with_top=True)
        environment = next(process.environment for process in planned if process.name == "rabbitmq")
        everywhere = {("", int(environment[name])) for name in ("ERL_EPMD_PORT", "RABBITMQ_DIST_PORT")}
        return everywhere | {(process.address, process.port) for process in planned}

    assert taken("127.77.5").isdisjoint(taken("127.77.254"))


def test_sites_can_be_named_in_any_letter_case() -> None:
    assert LAYOUT.site("sitetwo") == LAYOUT.site("SiteTwo") == LAYOUT.sites[1]
    with pytest.raises(KeyError):
        LAYOUT.site("SiteThree")


@pytest.mark.parametrize("count", [0, 21])
def test_a_sandbox_has_a_sensible_number_of_sites(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 20"):
        Layout(Path("/srv/sandbox"), "127.77.5", sites_count=count)


def test_a_sandbox_has_a_profile_that_there_is() -> None:
    with pytest.raises(ValueError, match="lite, full or data-plane"):
        Layout(Path("/srv/sandbox"), "127.77.5", profile="heavy")


def test_a_layout_is_what_it_was_when_it_is_loaded(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "127.77.9", sites_count=3, token_lifetime=60, profile="full")
    layout.save()
    assert Layout.load(tmp_path) == layout
    assert Layout.load(tmp_path / "elsewhere") is None


def test_a_process_survives_its_journey_to_the_supervisor() -> None:
    for planned in [
        *processes.all_processes(LAYOUT, with_top=True),
        *processes.all_processes(FULL, with_top=True),
        *processes.all_processes(DATA_PLANE, with_top=True),
    ]:
        assert Process.from_json(planned.to_json()) == planned


def test_a_data_plane_is_lite_with_a_network_beneath() -> None:
    def names(layout: Layout) -> set[str]:
        return {process.name for process in processes.all_processes(layout, with_top=True)}

    lite = Layout(Path("/srv/sandbox"), "127.77.5", sites_count=1)
    programs = ("ovsdb", "vswitchd", "northd", "ovn-controller")
    more = {"wan", "SiteOne-host", *(f"SiteOne-{program}" for program in programs)}
    assert names(DATA_PLANE) == names(lite) | more
    of_the_site = {process.name for process in processes.site_processes(DATA_PLANE, DATA_PLANE.sites[0])}
    assert more - {"wan"} <= of_the_site


def test_the_top_runs_from_the_products_environment() -> None:
    compute = processes.gateway_processes(LAYOUT)[0]
    assert compute.arguments[0].endswith("/.venv/bin/granian")
    assert compute.arguments[-1] == "tricircle.wsgi.compute:application"
    assert compute.environment == {"OS_TRICIRCLE_CONFIG_FILES": "/srv/sandbox/conf/top/tricircle.conf"}


def test_the_tops_neutron_is_one_process_on_sqlite_and_has_one_worker_beside_its_apis_on_mariadb() -> None:
    (alone,) = processes.network_api_processes(LAYOUT)
    assert alone.arguments[-2:] == ("--factory", "sandbox.serving.top_neutron:api_and_workers")
    assert processes.network_worker_processes(LAYOUT) == []
    served = processes.network_api_processes(FULL)
    assert [process.name for process in served] == ["top-network-1", "top-network-2"]
    for process in served:
        assert process.arguments[-2:] == ("--factory", "sandbox.serving.top_neutron:api")
        assert process.environment["OS_NEUTRON_CONFIG_DIR"] == "/srv/sandbox/conf/top"
    (workers,) = processes.network_worker_processes(FULL)
    files = [f"/srv/sandbox/conf/top/{name}" for name in ("neutron.conf", "ml2.ini")]
    assert workers.arguments[0].endswith("/.venv/bin/neutron-periodic-workers")
    assert list(workers.arguments[2::2]) == files
