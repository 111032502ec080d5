"""The provider segments of a network, and the sites: which one a site's port is on, and which nobody has.

A network that is limited to one site is of the type `local` at the top, unless somebody names another one: it
takes no VLAN of the fabric, and its site makes it as its own type.

What a site gets is chosen in `tricircle.realise.reach`; here the same is said in Neutron's words.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from neutron_lib import constants, exceptions
from neutron_lib.api.definitions import external_net, multiprovidernet, provider_net
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg

from tricircle.network import sites
from tricircle.network.top import Top
from tricircle.realise.reach import candidates, sites_of
from tricircle.realise.segments import Segment
from tricircle.sites.registry import Snapshot
from tricircle.sites.site import Site

_HINTS = "availability_zone_hints"


def require_reach(top: Top, network: Mapping[str, Any]) -> None:
    """See to it that the sites which a new network is limited to have what an administrator asks for.

    Where nothing is asked for nothing is refused: a site without the fabric makes the network as it likes.

    :param network: as the request has it.
    :raises BadRequest: a site has none of the physical networks that are named.
    :raises SitesUnknown: the sites have never been read, and cannot be now.
    """
    asked = [_asked(each) for each in _given(network.get(multiprovidernet.SEGMENTS)) or [network]]
    hints = _given(network.get(_HINTS))
    if not hints or not all(each.is_physical for each in asked):
        return
    lacking: list[str] = []
    for is_fresh in (False, True):
        lacking = _lacking(sites.known(top), hints, asked)
        if not lacking:
            return
        if not is_fresh:
            top.expire()  # one may have got it a moment ago
    raise exceptions.BadRequest(
        resource="network",
        msg=f"no physical network that is named is in site {', '.join(lacking)}; see its physical_networks",
    )


def keep_local(top: Top, network: dict[str, Any]) -> None:
    """Have a new network that is limited to one site be local to it, where no segment is asked for.

    :param network: as the request has it, before ML2 gives it a segment.
    :raises SitesUnknown: the sites have never been read, and cannot be now.
    """
    hints = _given(network.get(_HINTS))
    if not hints or _is_chosen(network) or constants.TYPE_LOCAL not in cfg.CONF.ml2.type_drivers:
        return
    top.expire()  # what is decided here is decided for good
    if len(sites_of(sites.known(top), hints)) == 1:
        network[provider_net.NETWORK_TYPE] = constants.TYPE_LOCAL


def _is_chosen(network: Mapping[str, Any]) -> bool:
    """Say whether the request, or Neutron's configuration, tells what a network is."""
    if any(_given(network.get(name)) for name in (*provider_net.ATTRIBUTES, multiprovidernet.SEGMENTS)):
        return True
    return bool(_given(network.get(external_net.EXTERNAL)) and cfg.CONF.ml2.external_network_type)


def _lacking(snapshot: Snapshot, hints: Sequence[str], asked: Sequence[Segment]) -> list[str]:
    named = sorted(snapshot.by_id[site_id].name for site_id in sites_of(snapshot, hints))
    return [name for name in named if not candidates(asked, snapshot.by_name[name], snapshot)]


def _asked(segment: Mapping[str, Any]) -> Segment:
    names = (provider_net.NETWORK_TYPE, provider_net.PHYSICAL_NETWORK, provider_net.SEGMENTATION_ID)
    network_type, physical_network, number = (_given(segment.get(name)) for name in names)
    return Segment(network_type or "", physical_network, number)


def _given(value: Any) -> Any:
    return None if value is constants.ATTR_NOT_SPECIFIED else value


def segment_of(site: Site, segments: Sequence[Mapping[str, Any]], snapshot: Snapshot) -> Mapping[str, Any]:
    """Return which of a network's segments a port of a site is on; the first where that cannot be told.

    :param segments: as ML2 has them.
    """
    known = {_bound(each): each for each in segments}
    there = candidates([each for each in known if each.is_physical], site, snapshot)
    if not there:
        there = [each for each in known if not each.is_physical]
    return known[there[0]] if there else segments[0]


def _bound(segment: Mapping[str, Any]) -> Segment:
    return Segment(segment[api.NETWORK_TYPE], segment[api.PHYSICAL_NETWORK], segment[api.SEGMENTATION_ID])
