"""Neutron in memory: that of a site, and that of the top."""

from tests.fakes.network.service import Network
from tests.fakes.network.top import TopNetwork

__all__ = ["Network", "TopNetwork"]
