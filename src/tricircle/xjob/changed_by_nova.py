"""What Nova changes in a site of a server's port that was made at the top first: its groups and addresses.

`addSecurityGroup`, `addFixedIp` and their opposites go to the site that has the server, and so have to come
to the top, where the port is defined. There are three to compare: the definition, with which the site
agreed; the site; and the top. What the top has as it was defined, and the site has otherwise, Nova has
changed, or the site's administrator. What the top has otherwise a user has changed, and is on its way there.

The top is told first, of the row that was compared. Then the definition is to be as the site is already, so
that nobody carries back what was before. A worker that dies between the two leaves a definition that the next
change at the top puts right.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from tricircle.jobs.job import Request
from tricircle.jobs.types import FOLLOW
from tricircle.realise.definition import Body, Changed, DefinitionState, Known
from tricircle.realise.kinds import NEUTRON_KINDS, SUBNET
from tricircle.realise.kinds.port import is_automatic
from tricircle.sites.site import Site
from tricircle.xjob import membership
from tricircle.xjob.engine import Engine
from tricircle.xjob.port_rows import is_on_its_way, undeleted
from tricircle.xjob.ports import GONE, OUTDATED, PORT, Item, comparable, groups_at_top, show, tell

_GROUPS, _ADDRESSES = "security_groups", "fixed_ips"


def changes(engine: Engine, site: Site, item: Item, port: Item) -> Item:
    """Return in what a port at the top is not as its site has it.

    Groups and subnets that the top does not know are left out: they are the site's own.

    :param item: as the site shows it.
    :param port: as the top's Neutron shows it.
    """
    mac = port["mac_address"]
    named = [
        (engine.networks.at_top(SUBNET.name, site.id, each["subnet_id"]), each) for each in item[_ADDRESSES]
    ]
    there = [{"subnet_id": key, "ip_address": each["ip_address"]} for key, each in named if key is not None]
    wanted: Item = {_GROUPS: sorted(groups_at_top(engine, item, site)), _ADDRESSES: _chosen(there, mac)}
    found = {name: value for name, value in wanted.items() if not _is_so(name, value, port[name], mac)}
    if _GROUPS in found:
        found[_GROUPS] = undeleted(engine, found[_GROUPS])
        if _is_so(_GROUPS, found[_GROUPS], port[_GROUPS], mac):
            del found[_GROUPS]
    return found


def take_over(engine: Engine, site: Site, port_id: str, *, step: Callable[[str], None]) -> bool:
    """Have the top have a port as its site has it.

    :param port_id: the top's.
    :param step: called between effects; may raise to end the work there.
    :return: whether that is so now; else another change is on its way, after which it is to be looked again.
    :raises SiteRefused: the top does not agree.
    """
    known = engine.replicas.store.find(PORT, port_id)
    if known is None or not _agreed(known, site):
        return False
    item = show(engine.sites, site, known.id_in(site.id) or port_id)
    port = show(engine.sites, engine.networks.top.site, port_id)
    if item is None or port is None or not item["device_id"]:
        return True  # it goes, or no server has it
    differing = changes(engine, site, item, port)
    defined, mac = _defined(port, known), port["mac_address"]
    wanted = {
        name: value
        for name, value in differing.items()
        if _is_so(name, known.definition.body[name], defined[name], mac)
    }
    if _ADDRESSES in wanted:
        automatic = (each for each in port[_ADDRESSES] if is_automatic(each["ip_address"], mac))
        wanted[_ADDRESSES] = [*wanted[_ADDRESSES], *automatic]
    if wanted:
        if not _tell(engine, site, port, wanted, step):
            return False
        _define(engine, site, known, {**port, **wanted}, wanted)
    elif differing and not is_on_its_way(engine, port_id):
        # Nobody carries it: a worker died before it had defined what the top was told.
        engine.requester.request(Request(FOLLOW.name, PORT, port_id, project_id=port["project_id"]))
    return wanted.keys() == differing.keys()


def _agreed(known: Known, site: Site) -> bool:
    return known.definition.state is DefinitionState.ACTIVE and known.in_step(site.id)


def _defined(port: Item, known: Known) -> Body:
    kind = NEUTRON_KINDS[PORT]
    return kind.following(kind.define(port), known)


def _chosen(fixed_ips: Iterable[Item], mac: str) -> list[Item]:
    """Leave out the addresses that hosts make of their MAC: Neutron gives these by itself on both sides."""
    return [each for each in fixed_ips if not is_automatic(each["ip_address"], mac)]


def _is_so(name: str, one: Any, other: Any, mac: str) -> bool:
    if name == _ADDRESSES:
        one, other = _chosen(one, mac), _chosen(other, mac)
    return bool(comparable(one) == comparable(other))


def _tell(engine: Engine, site: Site, port: Item, wanted: Item, step: Callable[[str], None]) -> bool:
    """Tell the top; say whether it has taken it: not where somebody has changed the port, or it is gone."""
    body = dict(wanted)
    if "revision_number" in port:
        body["revision_number"] = port["revision_number"]
    with membership.changing(engine, site, {*port[_GROUPS], *wanted.get(_GROUPS, ())}):
        step("take over what Nova has changed")
        answer = tell(engine, port["id"], body)
    return answer.status not in {GONE, OUTDATED}


def _define(engine: Engine, site: Site, known: Known, port: Item, wanted: Item) -> None:
    """Have the definition be as the top was told; what else the top has is for those who carry it."""
    defined = _defined(port, known)
    body = {**known.definition.body, **{name: defined[name] for name in wanted}}
    with suppress(Changed):  # somebody has read the top meanwhile, which was told
        engine.networks.definitions.agree(known, body, site)
