"""What a site's subnet hands out, which is not defined but the site's own; also that it may be nothing."""

from tricircle.realise.blocks import Blocks, NoAddressLeft
from tricircle.realise.definition import Body
from tricircle.realise.kinds import NETWORK, SUBNET
from tricircle.realise.kinds.kind import GoesWithout
from tricircle.realise.store import DefinitionStore
from tricircle.sites.site import Site


class OtherSubnets(NoAddressLeft, GoesWithout):
    """A subnet is full, and its network has others."""


class SubnetPools:
    """Tells it."""

    def __init__(self, store: DefinitionStore, blocks: Blocks) -> None:
        self._store = store
        self._blocks = blocks

    def own(self, subnet: Body, site: Site) -> Body:
        """Return what a site's subnet hands out; see `Blocks.pools`.

        :param subnet: the definition's body.
        :raises OtherSubnets: none is left for the site, which has addresses of another subnet.
        """
        try:
            return self._blocks.pools(subnet, site)
        except NoAddressLeft as error:
            if not self._has_others(subnet):
                raise
            raise OtherSubnets(subnet["network_id"], site) from error

    def _has_others(self, subnet: Body) -> bool:
        """Say whether its network has another subnet of the same IP version."""
        network = self._store.find(NETWORK.name, subnet["network_id"])
        keys = [] if network is None else network.definition.body["subnets"]
        others = self._store.several([(SUBNET.name, key) for key in keys if key != subnet["id"]])
        return any(each.definition.body["ip_version"] == subnet["ip_version"] for each in others)
