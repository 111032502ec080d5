"""Nova in memory."""

from tests.fakes.compute.records import Flavor as Flavor
from tests.fakes.compute.records import Server as Server
from tests.fakes.compute.service import Compute as Compute
