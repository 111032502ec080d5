"""Networks, subnets and security groups of the top in the sites: what gateways and XJob ask of them."""

from tricircle.realise.site_ids import SiteIds
from tricircle.realise.store import DefinitionStore
from tricircle.realise.top_network import TopNetwork


class Networks:
    """The networks of a top."""

    def __init__(self, store: DefinitionStore, top: TopNetwork) -> None:
        self._store = store
        self._ids = SiteIds(store)
        self.top = top

    @property
    def is_there(self) -> bool:
        """Say whether the top has a network service; where it has none, everything is left to the sites.

        :raises IdentityUnavailable: the catalogue has never been read, and cannot be now.
        """
        return self.top.is_there

    def in_site(self, kind: str, top_id: str, site_id: str) -> str | None:
        """Return what a site calls something of the top; None where it is not there, or has the same id.

        :param kind: `network`, `subnet`, `security_group` or `port`.
        :raises DatabaseUnavailable: it has not been looked up before, and cannot be now.
        """
        return self._ids.in_site(kind, top_id, site_id)

    def at_top(self, kind: str, site_id: str, site_resource_id: str) -> str | None:
        """Return what the top calls something of a site; None where it knows none, or it has the same id.

        :param kind: as for `in_site`.
        :raises DatabaseUnavailable: it has not been looked up before, and cannot be now.
        """
        return self._ids.at_top(kind, site_id, site_resource_id)
