"""The configuration files: what they say, who may read them, and what stays when they are written again."""

import configparser
import stat
from pathlib import Path

import pytest
import yaml

from sandbox import configuration
from sandbox.configuration import ini
from sandbox.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A sandbox that is written, but does not run."""
    layout = Layout(tmp_path, "127.77.5", sites_count=2, token_lifetime=90)
    configuration.write(layout)
    return layout


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
