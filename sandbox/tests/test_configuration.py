"""The configuration files: what they say, who may read them, and what stays when they are written again."""

import configparser
import json
import stat
from pathlib import Path

import pytest
import yaml

from sandbox import configuration
from sandbox.configuration import ini
from sandbox.layout import PROFILES, Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A sandbox that is written, but does not run."""
    layout = Layout(tmp_path, "127.77.5", sites_count=2, token_lifetime=90)
    configuration.write(layout)
    return layout


@pytest.fixture
def full(tmp_path: Path) -> Layout:
    """The same, with everything."""
    full = Layout(tmp_path, "127.77.5", sites_count=2, profile="full")
    configuration.write(full)
    return full


def read(file: Path) -> configparser.ConfigParser:
    """Read a file as oslo.config would."""
    parser = configparser.ConfigParser(interpolation=None, default_section="-")
    parser.read_string(file.read_text())
    return parser


def test_values_are_spelt_as_oslo_config_reads_them() -> None:
    text = ini.render({"one": {"flag": True, "list": ["a", "b"], "path": Path("/x")}, "two": {"n": 1}})
    assert text == "[one]\nflag = true\nlist = a,b\npath = /x\n\n[two]\nn = 1\n"


def test_each_site_has_every_file_of_its_own(layout: Layout) -> None:
    names = {"placement.conf", "neutron.conf", "ml2.ini", "cinder.conf", "nova.conf"}
    for site in layout.sites:
        assert {file.name for file in layout.conf(site.name).iterdir()} == names
        nova = read(layout.conf(site.name, "nova.conf"))
        assert nova["DEFAULT"]["my_ip"] == site.address
        assert nova["neutron"]["region_name"] == site.name
        assert f"/{site.name}/nova_cell1.sqlite" in nova["database"]["connection"]


def test_full_has_one_database_server_and_a_bus_for_each_site(full: Layout) -> None:
    for site in full.sites:
        for service, database in {"nova": "nova_cell1", "cinder": "cinder", "neutron": "neutron"}.items():
            file = read(full.conf(site.name, f"{service}.conf"))
            schema = f"{site.name.lower()}_{database}"
            assert file["database"]["connection"] == (
                f"mysql+pymysql://openstack:secret@127.77.5.11:3306/{schema}?charset=utf8mb4"
            )
            assert (
                file["DEFAULT"]["transport_url"] == f"rabbit://openstack:secret@127.77.5.11:5672/{site.name}"
            )
            assert file["keystone_authtoken"]["memcached_servers"] == "127.77.5.11:11211"


def test_the_broker_knows_a_host_for_each_site_and_one_for_the_top(full: Layout) -> None:
    definitions = json.loads(full.conf("servers", "rabbitmq-definitions.json").read_text())
    hosts = {"top", "SiteOne", "SiteTwo"}
    assert {host["name"] for host in definitions["vhosts"]} == hosts
    assert {permission["vhost"] for permission in definitions["permissions"]} == hosts


def test_the_top_has_a_bus_and_a_place_to_meet_in_full_only(tmp_path: Path) -> None:
    def top(layout: Layout) -> configparser.ConfigParser:
        configuration.write(layout)
        return read(layout.conf("top", "tricircle.conf"))

    lite = top(Layout(tmp_path / "lite", "127.77.5"))
    assert "transport_url" not in lite["DEFAULT"]
    assert "coordination" not in lite
    assert lite["database"]["connection"] == f"sqlite:///{tmp_path}/lite/db/top/tricircle.sqlite"
    full = top(Layout(tmp_path / "full", "127.77.5", profile="full"))
    assert full["DEFAULT"]["transport_url"] == "rabbit://openstack:secret@127.77.5.11:5672/top"
    assert full["coordination"]["backend_url"] == "memcached://127.77.5.11:11211"
    assert "/top_tricircle?" in full["database"]["connection"]


def test_the_tops_neutron_finds_the_top_and_speaks_over_no_bus(tmp_path: Path) -> None:
    for profile in PROFILES:
        top = Layout(tmp_path / profile, "127.77.5", profile=profile)
        configuration.write(top)
        neutron = read(top.conf("top", "neutron.conf"))
        assert neutron["tricircle"]["config_file"] == str(top.conf("top", "tricircle.conf"))
        assert neutron["database"]["connection"] == top.database_url("top", "neutron")
        assert neutron["DEFAULT"]["transport_url"] == "fake://"
        assert neutron["DEFAULT"]["ipam_driver"] == "tricircle"
        assert "tricircle" in neutron["DEFAULT"]["service_plugins"].split(",")
        assert "memcached_servers" not in neutron["keystone_authtoken"]
        assert Path(neutron["oslo_concurrency"]["lock_path"]).is_dir()


def test_a_sites_neutron_tells_an_agent_that_is_another_process_of_its_ports(full: Layout) -> None:
    neutron = read(full.conf(full.sites[0].name, "neutron.conf"))
    assert int(neutron["DEFAULT"]["rpc_workers"]) > 0  # Neutron notifies no agent where it is 0


def test_ovn_realises_networks_and_servers_are_plugged_where_there_is_a_data_plane(tmp_path: Path) -> None:
    def files(profile: str) -> tuple[configparser.ConfigParser, configparser.ConfigParser]:
        layout = Layout(tmp_path / profile, "127.77.5", sites_count=1, profile=profile)
        configuration.write(layout)
        return read(layout.conf("SiteOne", "ml2.ini")), read(layout.conf("SiteOne", "nova.conf"))

    ml2, nova = files("data-plane")
    assert ml2["ml2"]["mechanism_drivers"] == "ovn"
    assert ml2["ml2"]["tenant_network_types"] in ml2["ml2"]["type_drivers"].split(",")
    assert ml2["ovn"]["ovn_nb_connection"] == f"unix:{tmp_path}/data-plane/data/SiteOne-ovs/databases.sock"
    assert nova["DEFAULT"]["compute_driver"] == "sandbox.PluggingDriver"
    for profile in ("lite", "full"):
        ml2, nova = files(profile)
        assert ml2["ml2"]["mechanism_drivers"] == "openvswitch"
        assert "ovn" not in ml2
        assert nova["DEFAULT"]["compute_driver"] == "sandbox.SandboxDriver"


def test_a_vlan_of_the_top_can_be_the_same_vlan_in_each_site(layout: Layout) -> None:
    top = read(layout.conf("top", "ml2.ini"))
    assert top["ml2"]["tenant_network_types"] == "vlan"
    ranges = [part.partition(":") for part in top["ml2_type_vlan"]["network_vlan_ranges"].split(",")]
    (network,) = {name for name, of_tenants, _ in ranges if of_tenants}
    for site in layout.sites:
        there = read(layout.conf(site.name, "ml2.ini"))["ml2_type_vlan"]["network_vlan_ranges"]
        assert network in there.split(",")  # without a range: only what is asked for by its number


def test_haproxy_sends_requests_to_both_processes(full: Layout) -> None:
    text = full.conf("top", "haproxy.cfg").read_text()
    for port in (8774, 8776, 9696):
        assert f"bind 127.77.5.20:{port}\n" in text
        assert {f"127.77.5.{number}:{port}" for number in (21, 22)} <= set(text.split())
    assert "GET /healthcheck" in text


def test_files_that_hold_passwords_are_their_owners_alone(layout: Layout) -> None:
    for file in layout.directory.glob("conf/*/*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_token_lifetime_reaches_keystone(layout: Layout) -> None:
    assert read(layout.conf("shared", "keystone.conf"))["token"]["expiration"] == "90"


def test_keys_are_not_made_anew(layout: Layout) -> None:
    keys = {file: file.read_bytes() for file in layout.directory.glob("state/shared/keystone/*/*")}
    assert len(keys) == 4
    configuration.write(layout)
    assert {file: file.read_bytes() for file in keys} == keys


def test_clouds_are_the_top_for_its_users_and_each_site_for_comparison(layout: Layout) -> None:
    clouds = yaml.safe_load(layout.clouds.read_text())["clouds"]
    assert {
        name: (cloud["region_name"], cloud["auth"]["project_name"]) for name, cloud in clouds.items()
    } == {
        "tricircle": ("Central", "demo"),
        "tricircle-other": ("Central", "other"),
        "tricircle-admin": ("Central", "admin"),
        "siteone": ("SiteOne", "admin"),
        "siteone-demo": ("SiteOne", "demo"),
        "sitetwo": ("SiteTwo", "admin"),
        "sitetwo-demo": ("SiteTwo", "demo"),
    }
