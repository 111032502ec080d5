"""What is where in a sandbox: addresses, ports, sites, paths.

Everything else asks here, so that two sandboxes side by side differ in nothing but this object. Each sandbox
has a loopback /24 of its own, and every service in it listens on its usual port::

    127.77.N.10  Keystone 5000, the shared Glance 9292
    127.77.N.20  the top: compute 8774, volume 8776, network 9696, Admin API 8780
    127.77.N.31  SiteOne: nova 8774, cinder 8776, neutron 9696, placement 8778
    127.77.N.32  SiteTwo, and so on

The full profile has besides::

    127.77.N.11  MariaDB 3306, RabbitMQ 5672, memcached 11211
    127.77.N.21  the first compute 8774, volume 8776 and network 9696; HAProxy stands at .20 before them
    127.77.N.22  the second ones

RabbitMQ has two more ports, which Erlang takes on every address of the machine or asks for there: so they
differ by sandbox, 24000 + N (its port mapper, also on 127.0.0.1) and 25000 + N (its distribution).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[3]
ENVIRONMENT: Final = REPOSITORY / "sandbox" / ".venv"
SOURCE: Final = REPOSITORY / "sandbox" / "src"
PRODUCT_ENVIRONMENT: Final = REPOSITORY / ".venv"
CACHE: Final = REPOSITORY / ".sandbox-cache"
DEFAULT_DIRECTORY: Final = REPOSITORY / ".sandbox"

PASSWORD: Final = "secret"  # noqa: S105 - one documented password: nothing here is reachable from outside
TOP_REGION: Final = "Central"
SHARED_NETWORK: Final = "shared"
IMAGE: Final = "cirros"

NUMERALS: Final = (
    *("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"),
    *("Eleven", "Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"),
    "Twenty",
)
MAXIMUM_SITES: Final = len(NUMERALS)

LITE: Final = "lite"
FULL: Final = "full"
DATA_PLANE: Final = "data-plane"
PROFILES: Final = (LITE, FULL, DATA_PLANE)

# Who the services of the full profile are to MariaDB and to RabbitMQ.
SERVICES_USER: Final = "openstack"


@dataclasses.dataclass(frozen=True)
class Service:
    """One kind of OpenStack service: its program, its type in the catalogue, where it listens."""

    name: str
    type: str
    port: int
    path: str = ""

    def url(self, address: str) -> str:
        """Return the service's URL at an address, as the catalogue has it."""
        return f"http://{address}:{self.port}{self.path}"


KEYSTONE: Final = Service("keystone", "identity", 5000, "/v3")
GLANCE: Final = Service("glance", "image", 9292)
PLACEMENT: Final = Service("placement", "placement", 8778)
NEUTRON: Final = Service("neutron", "network", 9696)
CINDER: Final = Service("cinder", "block-storage", 8776, "/v3")
NOVA: Final = Service("nova", "compute", 8774, "/v2.1")
ADMIN_API: Final = Service("tricircle", "tricircle", 8780)

MARIADB_PORT: Final = 3306
RABBITMQ_PORT: Final = 5672
MEMCACHED_PORT: Final = 11211

SHARED_SERVICES: Final = (KEYSTONE, GLANCE)
SITE_SERVICES: Final = (PLACEMENT, NEUTRON, CINDER, NOVA)
TOP_SERVICES: Final = (NOVA, CINDER, NEUTRON, ADMIN_API)
CATALOGUE: Final = (*SHARED_SERVICES, *SITE_SERVICES, ADMIN_API)


@dataclasses.dataclass(frozen=True)
class Site:
    """One bottom OpenStack; its name is also the name of its Keystone region."""

    number: int
    address: str

    @property
    def name(self) -> str:
        """The site's and its region's name: SiteOne, SiteTwo, ..."""
        return f"Site{NUMERALS[self.number - 1]}"

    @property
    def cloud(self) -> str:
        """The site's name in clouds.yaml."""
        return self.name.lower()

    @property
    def host(self) -> str:
        """The name of the site's one compute, volume and L2 agent host."""
        return f"{self.cloud}-compute"

    @property
    def top_availability_zone(self) -> str:
        """The availability zone of the top that stands for this site."""
        return f"az{self.number}"

    @property
    def shared_cidr(self) -> str:
        """The addresses of the site's shared network: different in each site, so that a reader can tell."""
        return f"10.{30 + self.number}.0.0/24"


@dataclasses.dataclass(frozen=True)
class Layout:
    """A sandbox: its directory, its loopback /24, how many sites it has, and its profile.

    :ivar database_prefix: what the names of databases in MariaDB begin with; empty but in a template
    """

    directory: Path
    subnet: str
    sites_count: int = 2
    token_lifetime: int = 86400
    profile: str = LITE
    database_prefix: str = ""

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ValueError(f"a sandbox is {', '.join(PROFILES[:-1])} or {PROFILES[-1]}, not {self.profile}")
        if not 1 <= self.sites_count <= MAXIMUM_SITES:
            raise ValueError(f"a sandbox has 1 to {MAXIMUM_SITES} sites, not {self.sites_count}")

    def host(self, number: int) -> str:
        """Return an address of this sandbox's subnet."""
        return f"{self.subnet}.{number}"

    @property
    def shared_address(self) -> str:
        """Where Keystone and the shared Glance listen."""
        return self.host(10)

    @property
    def top_address(self) -> str:
        """Where the top's web services listen."""
        return self.host(20)

    @property
    def is_full(self) -> bool:
        """Whether MariaDB, RabbitMQ and memcached are beneath the services, and HAProxy before the top."""
        return self.profile == FULL

    @property
    def has_data_plane(self) -> bool:
        """Whether packets flow: through Open vSwitch and OVN of each site, in network namespaces."""
        return self.profile == DATA_PLANE

    @property
    def number(self) -> int:
        """What tells this sandbox's subnet from the others of the machine."""
        return int(self.subnet.rpartition(".")[2])

    @property
    def servers_address(self) -> str:
        """Where MariaDB, RabbitMQ and memcached listen."""
        return self.host(11)

    @property
    def gateway_addresses(self) -> tuple[str, ...]:
        """Where the gateways and the Networking APIs listen, one process of each at each address."""
        return (self.host(21), self.host(22)) if self.is_full else (self.top_address,)

    @property
    def sites(self) -> tuple[Site, ...]:
        """The sites, in order."""
        return tuple(Site(number, self.host(30 + number)) for number in range(1, self.sites_count + 1))

    @property
    def keystone_url(self) -> str:
        """Keystone's URL with its version."""
        return KEYSTONE.url(self.shared_address)

    @property
    def glance_url(self) -> str:
        """The URL of the Glance that the top and all sites share."""
        return GLANCE.url(self.shared_address)

    def site(self, name: str) -> Site:
        """Return the site of that name, in any letter case; KeyError if there is none."""
        return {site.name.lower(): site for site in self.sites}[name.lower()]

    def conf(self, owner: str, file: str = "") -> Path:
        """Return where the configuration of a site (or of ``shared`` or ``top``) is."""
        return self.directory / "conf" / owner / file

    def database(self, owner: str, name: str) -> Path:
        """Return one database file of the lite profile."""
        return self.directory / "db" / owner / f"{name}.sqlite"

    def schema(self, owner: str, name: str) -> str:
        """Return what a database is called in MariaDB."""
        return f"{self.database_prefix}{owner.lower()}_{name}"

    def database_url(self, owner: str, name: str) -> str:
        """Return one database as SQLAlchemy is told of it."""
        if not self.is_full:
            return f"sqlite:///{self.database(owner, name)}?timeout=60"
        login = f"{SERVICES_USER}:{PASSWORD}@{self.servers_address}:{MARIADB_PORT}"
        return f"mysql+pymysql://{login}/{self.schema(owner, name)}?charset=utf8mb4"

    def bus_url(self, owner: str) -> str:
        """Return the message bus of a site (or of ``shared`` or ``top``) as oslo.messaging is told of it.

        ``fake://`` is a bus inside a process, which is enough where all that speaks over it is one process.
        """
        if not self.is_full:
            return "fake://"
        return f"rabbit://{SERVICES_USER}:{PASSWORD}@{self.servers_address}:{RABBITMQ_PORT}/{owner}"

    @property
    def memcached(self) -> str:
        """Where memcached is, as clients are told of it."""
        return f"{self.servers_address}:{MEMCACHED_PORT}"

    def state(self, owner: str, service: str) -> Path:
        """Return the directory for what a service keeps besides its database."""
        return self.directory / "state" / owner / service

    def log(self, process: str) -> Path:
        """Return the log of one process: all that it wrote, its first words and its last included."""
        return self.directory / "log" / f"{process}.log"

    def data(self, server: str) -> Path:
        """Return the directory of what a server beneath the services keeps."""
        return self.directory / "data" / server

    def namespace(self, name: str) -> Path:
        """Return the link that leads to a network namespace: of a process, or of a server by its id."""
        return self.run / f"{name}.net"

    def faults(self, site: Site) -> Path:
        """Return the control file of the faults of a site."""
        return self.directory / "run" / f"{site.name}-faults.json"

    @property
    def clouds(self) -> Path:
        """The clouds.yaml of this sandbox."""
        return self.directory / "clouds.yaml"

    @property
    def run(self) -> Path:
        """Where the supervisor's socket and lock are."""
        return self.directory / "run"

    def save(self) -> None:
        """Write the layout into the sandbox's directory, for the next command."""
        facts = {key: value for key, value in dataclasses.asdict(self).items() if key != "directory"}
        target = self.directory / "sandbox.json"
        target.with_suffix(".new").write_text(json.dumps(facts, indent=2) + "\n")
        target.with_suffix(".new").replace(target)

    @classmethod
    def load(cls, directory: Path) -> Layout | None:
        """Read the layout that ``save`` wrote; None where there is no sandbox."""
        try:
            facts = json.loads((directory / "sandbox.json").read_text())
        except FileNotFoundError:
            return None
        return cls(directory=directory, **facts)
