"""Which databases a sandbox needs in MariaDB."""

import dataclasses
from pathlib import Path

from sandbox import mariadb
from sandbox.layout import Layout

FULL = Layout(Path("/srv/sandbox"), "127.77.5", sites_count=2, profile="full")


def test_every_service_has_a_database_and_every_site_its_own() -> None:
    names = [name for _, name in mariadb.wanted(FULL)]
    homed = ("placement", "neutron", "cinder", "nova_api", "nova_cell0", "nova_cell1")
    assert sorted(names) == sorted(
        [
            "shared_keystone",
            "shared_glance",
            "top_neutron",
            *(f"{site}_{name}" for site in ("siteone", "sitetwo") for name in homed),
        ]
    )


def test_sites_and_the_tops_neutron_are_made_from_the_dumps_of_the_template() -> None:
    template = dataclasses.replace(FULL, sites_count=1, database_prefix=mariadb.TEMPLATE)
    made = mariadb.templates(template)
    assert sorted(dump for dump, _ in made) == sorted({dump for dump, _ in mariadb.wanted(FULL)})
    assert {name for _, name in made}.isdisjoint(name for _, name in mariadb.wanted(FULL))
