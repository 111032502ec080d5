"""Service plugin `tricircle`: the resources that other processes of the top use, and the journal's sweep."""

from pathlib import Path

from neutron.api import extensions as neutron_extensions
from neutron_lib.services import base
from oslo_config import cfg

from tricircle.network import extensions, top
from tricircle.network.address_blocks import AddressBlocks
from tricircle.network.adopted_ports import AdoptedPorts
from tricircle.network.attributes import ALIAS
from tricircle.network.forwarder import Forwarder
from tricircle.network.sweeper import Sweeper


class TricirclePlugin(AddressBlocks, AdoptedPorts, base.ServicePluginBase):
    """The plugin."""

    supported_extension_aliases = (ALIAS,)

    # Neutron's API looks for these.
    __native_bulk_support = True
    __native_pagination_support = True
    __native_sorting_support = True

    def __init__(self) -> None:
        super().__init__()
        neutron_extensions.append_api_extensions_path([str(Path(extensions.__file__).parent)])
        self._top = top.of()
        self._watch_ports()
        self._watch_gateways()
        self.add_worker(Sweeper(Forwarder(self._top), cfg.CONF.tricircle.sweep_interval))

    @classmethod
    def get_plugin_type(cls) -> str:
        """Give the name by which other parts of Neutron find it."""
        return ALIAS

    def get_plugin_description(self) -> str:
        """Say what it is for."""
        return "Blocks of addresses delegated to sites, and ports adopted from sites"
