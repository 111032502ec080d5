"""A whole cloud of fakes: Keystone, sites, and the database and configuration of a top over them.

The top's gateways are not started here: a test makes them in its own process from `Cloud.configuration`, the
benchmark in another one from `Cloud.configuration_file`.
"""

import configparser
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from oslo_config import cfg
from tests.fakes.keystone import Keystone, Token
from tests.fakes.network import TopNetwork
from tests.fakes.site import Site

from tricircle.config import load
from tricircle.db import schema
from tricircle.db.engine import Database
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import Place, ZoneStore

REGION = "Central"
COMPUTE_ROOT = "http://compute.central.example.net:8774"
VOLUME_ROOT = "http://volume.central.example.net:8776"
"""Roots of the top's own endpoints in the catalogue. Nothing listens there: they appear in links only."""

PROJECT = "a" * 32
OTHER_PROJECT = "b" * 32
ADMIN_PROJECT = "c" * 32

Options = Mapping[str, Mapping[str, object]]

_PATIENCE = 60
"""Seconds that whoever is to answer has for it: a busy machine may stand still for some."""

PATIENT: Options = {
    "sites": {
        "connect_timeout": _PATIENCE,
        "read_deadline": _PATIENCE,
        "write_deadline": _PATIENCE,
        "breaker_cooldown": 0.2,
    },
    "gateway": {"fan_out_deadline": _PATIENCE},
}

HASTY: Options = {
    "sites": {
        "connect_timeout": 1.0,
        "read_deadline": 3.0,
        "write_deadline": 3.0,
        "breaker_cooldown": 0.2,
    },
    "gateway": {"fan_out_deadline": 3.0},
}
"""Deadlines that a test can wait for, where sites do not answer in it."""


@cache
def _empty_database() -> bytes:
    """Return the file of a database with empty tables, which take long to make."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "empty.db")
        conf = load(files=[])
        conf.set_override("connection", f"sqlite:///{file}", group="database")
        database = Database(conf)
        schema.upgrade(database)
        database.close()
        return file.read_bytes()


@dataclass
class Cloud:
    """Keystone, sites and what a top knows of them.

    :param directory: for the database and the configuration file.
    :param options: of the top's configuration, by group.
    :param network: the top's own Neutron, where it has one.
    """

    directory: Path
    keystone: Keystone = field(default_factory=Keystone)
    sites: dict[str, Site] = field(default_factory=dict)
    options: Options = field(default_factory=lambda: PATIENT)
    network: TopNetwork | None = None

    @property
    def database_file(self) -> Path:
        """The top's SQLite database."""
        return self.directory / "tricircle.sqlite"

    @property
    def configuration_file(self) -> Path:
        """The top's configuration, as an operator would write it."""
        return self.directory / "tricircle.conf"

    @cached_property
    def member(self) -> Token:
        """A token of somebody in the project whose resources most tests are about."""
        return self.keystone.add_token(PROJECT)

    @cached_property
    def stranger(self) -> Token:
        """A token of somebody in another project."""
        return self.keystone.add_token(OTHER_PROJECT)

    @cached_property
    def admin(self) -> Token:
        """A token of an administrator."""
        return self.keystone.add_token(ADMIN_PROJECT, roles=("admin", "member", "reader"))

    @cached_property
    def database(self) -> Database:
        """The top's database, for what a test looks up there itself."""
        return Database(self.configuration)

    @cached_property
    def configuration(self) -> cfg.ConfigOpts:
        """The top's configuration as a process reads it."""
        return load(files=[str(self.configuration_file)])

    def start(self) -> None:
        """Start Keystone, and make the top's configuration and database."""
        self.keystone.start()
        for service_type, url in (
            ("compute", f"{COMPUTE_ROOT}/v2.1"),
            ("block-storage", f"{VOLUME_ROOT}/v3"),
        ):
            for interface in ("public", "internal", "admin"):
                self.keystone.add_endpoint(REGION, service_type, interface, url)
        self._write_configuration()
        self.database_file.write_bytes(_empty_database())

    def start_network(self) -> TopNetwork:
        """Give the top a network service, and have each site's Nova use the site's own from now on."""
        self.network = TopNetwork(keystone=self.keystone, region=REGION)
        self.network.start()
        for interface in ("public", "internal", "admin"):
            self.keystone.add_endpoint(REGION, "network", interface, self.network.url)
        for site in self.sites.values():
            site.compute.network = site.network
        return self.network

    def stop(self) -> None:
        """Stop everything, and let go of the database."""
        if self.network is not None:
            self.network.faults.clear()
            self.network.stop()
        for site in self.sites.values():
            site.stop()
        self.keystone.stop()
        self.database.close()

    @property
    def failures(self) -> list[BaseException]:
        """What went wrong in the fakes themselves."""
        in_sites = [failure for site in self.sites.values() for failure in site.failures]
        at_top = [] if self.network is None else self.network.server.failures
        return [*in_sites, *at_top, *self.keystone.server.failures]

    def add_site(self, name: str, zone: str, site_zone: str = "nova") -> Site:
        """Start a site, and register it under a zone of the top's own."""
        site = Site(name, self.keystone, (site_zone,))
        site.start()
        if self.network is not None:
            site.compute.network = site.network
        self.sites[name] = site
        self.register(name, zone, site_zone)
        return site

    def register(self, region: str, zone: str, site_zone: str) -> None:
        """Register a region of the catalogue as a site, and add it to what a zone maps to."""
        SiteStore(self.database).create(region, region)
        zones = ZoneStore(self.database)
        known = {found.name: found for found in zones.page()}
        places = [
            Place(member.site_name, member.site_az, member.volume_site_az)
            for member in (known[zone].members if zone in known else ())
        ]
        zones.put(zone, "", [*places, Place(region, site_zone)])

    def _write_configuration(self) -> None:
        credentials = {
            "auth_type": "password",
            "auth_url": self.keystone.url,
            "username": self.keystone.service_name,
            "password": self.keystone.service_password,
            "user_domain_id": "default",
            "project_name": "service",
            "project_domain_id": "default",
        }
        parser = configparser.RawConfigParser()
        parser.read_dict(
            {
                # What a power cut would lose is of no interest.
                "database": {"connection": f"sqlite:///{self.database_file}", "sqlite_synchronous": False},
                "service_user": credentials | {"timeout": _PATIENCE},
                "keystone_authtoken": credentials
                | {"www_authenticate_uri": self.keystone.url, "http_connect_timeout": _PATIENCE},
                **self.options,
            }
        )
        with self.configuration_file.open("w") as stream:
            parser.write(stream)
