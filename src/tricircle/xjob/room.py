"""Addresses for the next servers in a site, before they are asked for."""

from collections.abc import Iterable

from oslo_log import log

from tricircle.errors import TricircleError
from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine

LOG = log.getLogger(__name__)


def make_room(engine: Engine, site: Site, networks: Iterable[str]) -> None:
    """See that the next servers on some networks find addresses in a site, without asking for them first.

    :param networks: the top's ids.
    """
    for network_id in sorted(networks):
        known = engine.replicas.store.find("network", network_id)
        if known is None:
            continue
        try:
            engine.networks.make_room(known.definition.id, site)
        except TricircleError as error:
            LOG.warning("Site %s gets no room on network %s: %s", site.name, network_id, error.message)
