"""One fake site: a Nova, a Cinder and a Neutron, as a region of the fake Keystone's catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fakes.keystone import Keystone
from tests.fakes.network import Network
from tests.fakes.network.nova import NetworkedCompute
from tests.fakes.service import Service
from tests.fakes.volume import BlockStorage


@dataclass
class Site:
    """A complete OpenStack, as far as compute, block storage and networks go."""

    name: str
    keystone: Keystone
    zones: Sequence[str] = ("nova",)
    """The site's own availability zones."""
    compute: NetworkedCompute = field(init=False)
    volume: BlockStorage = field(init=False)
    network: Network = field(init=False)

    def __post_init__(self) -> None:
        """Make the services, which are not started."""
        self.compute = NetworkedCompute(keystone=self.keystone, region=self.name, zones=self.zones)
        self.volume = BlockStorage(keystone=self.keystone, region=self.name, zones=self.zones)
        self.network = Network(keystone=self.keystone, region=self.name)

    @property
    def services(self) -> tuple[Service, ...]:
        """All of them."""
        return self.compute, self.volume, self.network

    def start(self) -> None:
        """Listen, and put the endpoints into the catalogue."""
        services = {"compute": self.compute, "block-storage": self.volume, "network": self.network}
        for service_type, service in services.items():
            service.start()
            for interface in ("public", "internal", "admin"):
                self.keystone.add_endpoint(self.name, service_type, interface, service.url)

    def stop(self) -> None:
        """Let go whoever is held, and refuse connections from now on."""
        for service in self.services:
            service.faults.clear()
            service.stop()

    @property
    def failures(self) -> list[BaseException]:
        """What went wrong in the fakes themselves."""
        return [failure for service in self.services for failure in service.server.failures]
