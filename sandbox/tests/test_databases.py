"""Copies of the template's databases."""

import sqlite3
import tomllib
from pathlib import Path

from sandbox import configuration, databases
from sandbox.layout import REPOSITORY, Layout


def make_template(directory: Path) -> Layout:
    """Make databases that are empty, but for the one table that a copy changes."""
    template = Layout(directory, "127.77.0", sites_count=1)
    configuration.write(template)
    for name in databases.SHARED_DATABASES:
        template.database("shared", name).touch()
    for name in databases.SITE_DATABASES:
        template.database("SiteOne", name).touch()
    connection = sqlite3.connect(template.database("SiteOne", "nova_api"))
    with connection:
        connection.execute("CREATE TABLE cell_mappings (name TEXT, database_connection TEXT)")
        connection.execute("INSERT INTO cell_mappings VALUES ('cell0', 'there'), ('cell1', 'there')")
    connection.close()
    return template


def test_each_sites_cells_are_its_own(tmp_path: Path) -> None:
    sandbox = Layout(tmp_path / "sandbox", "127.77.5", sites_count=2)
    configuration.write(sandbox)
    databases.copy(make_template(tmp_path / "template"), sandbox)
    for site in sandbox.sites:
        connection = sqlite3.connect(sandbox.database(site.name, "nova_api"))
        cells = dict(connection.execute("SELECT name, database_connection FROM cell_mappings"))
        connection.close()
        assert cells == {
            name: f"sqlite:///{sandbox.database(site.name, f'nova_{name}')}?timeout=60"
            for name in ("cell0", "cell1")
        }


def test_the_tops_neutron_begins_as_a_sites_does(tmp_path: Path) -> None:
    template = make_template(tmp_path / "template")
    template.database("SiteOne", "neutron").write_text("tables")
    sandbox = Layout(tmp_path / "sandbox", "127.77.5", sites_count=1)
    configuration.write(sandbox)
    databases.copy(template, sandbox)
    assert sandbox.database("top", "neutron").read_text() == "tables"


def test_both_environments_have_the_same_neutron() -> None:
    """Its migrations cannot run on SQLite: the top's tables are the sites'."""

    def neutron(lock: Path) -> str:
        packages = tomllib.loads(lock.read_text())["package"]
        return str(next(package["version"] for package in packages if package["name"] == "neutron"))

    assert neutron(REPOSITORY / "uv.lock") == neutron(REPOSITORY / "sandbox" / "uv.lock")


def test_a_database_that_is_there_is_left_alone(tmp_path: Path) -> None:
    sandbox = Layout(tmp_path / "sandbox", "127.77.5", sites_count=1)
    configuration.write(sandbox)
    precious = sandbox.database("SiteOne", "cinder")
    precious.write_text("what a user has made")
    databases.copy(make_template(tmp_path / "template"), sandbox)
    assert precious.read_text() == "what a user has made"
