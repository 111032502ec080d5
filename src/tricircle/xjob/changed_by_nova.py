"""What Nova changes in a site of a server's port that was made at the top first: its groups and addresses.

`addSecurityGroup`, `addFixedIp` and their opposites go to the site that has the server, and so have to come
to the top, where the port is defined. They do as soon as no change of the port at the top is on its way to
the site: until then the site shows what is not so any more.

The definition is first to be as the site has it, so that nobody carries back what it was before; then the
top. An address that the site has given the port is the port's own from then on, wherever it goes.
"""

from collections.abc import Callable, Iterable
from typing import Any

from tricircle.realise.definition import Changed, DefinitionState, Known
from tricircle.realise.kinds import SUBNET
from tricircle.realise.kinds.port import is_automatic
from tricircle.realise.top_definitions import TopDefinitions
from tricircle.sites.site import Site
from tricircle.xjob import membership
from tricircle.xjob.engine import Engine
from tricircle.xjob.port_rows import is_on_its_way, undeleted
from tricircle.xjob.ports import ADOPTED, PORT, SERVICE, Item, comparable, groups_at_top, show

_NOT_NOW = frozenset({404, 409, 412})
"""What the top says where somebody has changed the port, or the subnet of an address, meanwhile."""


def changes(engine: Engine, site: Site, item: Item, port: Item) -> Item:
    """Return in what a port at the top is not as its site has it.

    Groups and subnets that the top does not know are left out: they are the site's own.

    :param item: as the site shows it.
    :param port: as the top's Neutron shows it.
    """
    mac = port["mac_address"]
    known = (
        (engine.networks.at_top(SUBNET.name, site.id, each["subnet_id"]), each) for each in item["fixed_ips"]
    )
    there = [{"subnet_id": key, "ip_address": each["ip_address"]} for key, each in known if key is not None]
    wanted = {
        "security_groups": sorted(undeleted(engine, sorted(groups_at_top(engine, item, site)))),
        "fixed_ips": _chosen(there, mac),
    }
    is_so = {"security_groups": port["security_groups"], "fixed_ips": _chosen(port["fixed_ips"], mac)}
    return {name: value for name, value in wanted.items() if comparable(value) != comparable(is_so[name])}


def _chosen(fixed_ips: Iterable[Item], mac: str) -> list[Item]:
    """Leave out the addresses that hosts make of their MAC: Neutron gives these by itself on both sides."""
    return [each for each in fixed_ips if not is_automatic(each["ip_address"], mac)]


def take_over(engine: Engine, site: Site, port_id: str, *, step: Callable[[str], None]) -> bool:
    """Have the top have a port as its site has it.

    :param port_id: the top's.
    :param step: called between effects; may raise to end the work there.
    :return: whether that is so now; else another change is on its way, after which it is to be looked again.
    """
    known = engine.replicas.store.find(PORT, port_id)
    if known is None or not _agreed(known, site) or is_on_its_way(engine, port_id):
        return False
    # Both sides after that: what is carried to the site from now on changes the definition before.
    item = show(engine.sites, site, known.id_in(site.id) or port_id)
    port = show(engine.sites, engine.networks.top.site, port_id)
    if item is None or port is None:
        return True  # it goes
    wanted = changes(engine, site, item, port)
    if not wanted:
        return True
    automatic = [each for each in port["fixed_ips"] if is_automatic(each["ip_address"], port["mac_address"])]
    if "fixed_ips" in wanted:
        wanted["fixed_ips"] = [*wanted["fixed_ips"], *automatic]
    groups = {*port["security_groups"], *wanted.get("security_groups", ())}
    added = [each for each in wanted.get("fixed_ips", ()) if each not in port["fixed_ips"]]
    with membership.changing(engine, site, groups):
        for each in added:
            step("keep an address")
            engine.networks.returns.hand_out_no_more(each["subnet_id"], site, each["ip_address"])
        step("take over what Nova has changed")
        try:
            _definitions(engine).agree(known, {**port, **wanted}, site)
        except Changed:
            return False
        is_done = _tell(engine, port, wanted)
        for each in added:
            engine.networks.returns.let_have(each["subnet_id"], site, each["ip_address"])
    return is_done


def _agreed(known: Known, site: Site) -> bool:
    return known.definition.state is DefinitionState.ACTIVE and known.in_step(site.id)


def _tell(engine: Engine, port: Item, wanted: Item) -> bool:
    body: dict[str, Any] = dict(wanted)
    if "revision_number" in port:
        body["revision_number"] = port["revision_number"]
    answer = engine.sites.call(
        engine.networks.top.site,
        SERVICE,
        "PUT",
        f"{ADOPTED}/{port['id']}",
        {"adopted_port": body},
        expected=_NOT_NOW,
    )
    return answer.status < 400


def _definitions(engine: Engine) -> TopDefinitions:
    return TopDefinitions(
        engine.database, engine.replicas.store, engine.networks.top, engine.requester, engine.registry
    )
