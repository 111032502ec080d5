"""What is where in a sandbox: addresses, ports, sites, paths.

Everything else asks here, so that two sandboxes side by side differ in nothing but this object. Each sandbox
has a loopback /24 of its own, and every service in it listens on its usual port::

    127.77.N.10  Keystone 5000, the shared Glance 9292
    127.77.N.20  the top: compute 8774, volume 8776, Admin API 8780
    127.77.N.31  SiteOne: nova 8774, cinder 8776, neutron 9696, placement 8778
    127.77.N.32  SiteTwo, and so on
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[3]
ENVIRONMENT: Final = REPOSITORY / "sandbox" / ".venv"
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

SHARED_SERVICES: Final = (KEYSTONE, GLANCE)
SITE_SERVICES: Final = (PLACEMENT, NEUTRON, CINDER, NOVA)
TOP_SERVICES: Final = (NOVA, CINDER, ADMIN_API)
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
    """A sandbox: its directory, its loopback /24 and how many sites it has."""

    directory: Path
    subnet: str
    sites_count: int = 2
    token_lifetime: int = 86400

    def __post_init__(self) -> None:
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
        """Where the top's three web services listen."""
        return self.host(20)

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
        """Return one database file."""
        return self.directory / "db" / owner / f"{name}.sqlite"

    def state(self, owner: str, service: str) -> Path:
        """Return the directory for what a service keeps besides its database."""
        return self.directory / "state" / owner / service

    def log(self, process: str) -> Path:
        """Return the log of one process: all that it wrote, its first words and its last included."""
        return self.directory / "log" / f"{process}.log"

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
