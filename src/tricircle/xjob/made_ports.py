"""Ports that were made at the top first: at the top they belong to whom they belong to in their site.

A server takes such a port in the site where it is realised. When it is deleted, or the port detached, Nova
lets go of it, and does not delete it: then it is nobody's at the top, too, and may be used in another site.
What Nova changes of one meanwhile is taken over (`changed_by_nova`).
Its status is not told: the top's plugin binds it to the site's node, and it is ACTIVE there.
"""

from collections.abc import Callable, Iterable

from tricircle.sites.site import Site
from tricircle.xjob import changed_by_nova, membership
from tricircle.xjob.engine import Engine
from tricircle.xjob.ports import PORT, PORTS, SERVICE, Item, node_of, owner_at_top, ports_in, show
from tricircle.xjob.settled import Settled

_AT_ONCE = 50
"""Ids in one query."""

_NOBODYS = {"device_id": "", "device_owner": "", "binding:host_id": ""}


def follow_server(
    engine: Engine, site: Site, server_id: str, shown: Iterable[Item], *, step: Callable[[str], None]
) -> Settled:
    """Have the top say which of its ports a server has, and what Nova has changed of them.

    :param shown: the ports that the site says are the server's.
    :param step: called between effects; may raise to end the work there.
    """
    top, node = engine.networks.top.site, node_of(engine, site)
    wanted = {
        top_id: item
        for item in shown
        if (top_id := engine.networks.at_top(PORT, site.id, item["id"])) is not None
    }
    there = {port["id"]: port for port in ports_in(engine.sites, top, device_id=server_id)}
    done = Settled()
    for top_id, item in wanted.items():
        port = there.get(top_id) or show(engine.sites, top, top_id)
        if port is not None:  # else it is deleted, and goes from the site, too
            owner = {
                "device_id": server_id,
                "device_owner": owner_at_top(engine, site, item["device_owner"]),
                "binding:host_id": node,
            }
            _settle(engine, site, port, owner, item, done=done, step=step)
    for top_id, port in there.items():
        # A port that a site made has the same id there, and a row of its own that tells whose it is.
        is_made_here = engine.networks.in_site(PORT, top_id, site.id) is not None
        is_left = is_made_here and top_id not in wanted and port.get("binding:host_id") == node
        if is_left and _give(engine, site, port, _NOBODYS, step):
            done.changed.append(top_id)
    return done


def compare(
    engine: Engine, site: Site, shown: Iterable[tuple[str, Item]], *, step: Callable[[str], None]
) -> Settled:
    """Have the top say whose its ports are that a site has, and what Nova has changed of them.

    What differs is read once more before.

    :param shown: ids at the top, and the ports as the site shows them.
    :param step: as for `follow_server`.
    """
    top, there, done = engine.networks.top.site, dict(shown), Settled()
    for start in range(0, len(there), _AT_ONCE):
        ids = list(there)[start : start + _AT_ONCE]
        for port in ports_in(engine.sites, top, id=ids):
            item = there[port["id"]]
            owner = _owner(engine, site, item, port)
            if not _differing(port, owner) and not (
                _is_here(owner) and changed_by_nova.changes(engine, site, item, port)
            ):
                continue
            latest_there = show(engine.sites, site, item["id"])
            latest = show(engine.sites, top, port["id"])
            if latest_there is None or latest is None:
                continue
            owner = _owner(engine, site, latest_there, latest)
            _settle(engine, site, latest, owner, latest_there, done=done, step=step)
    return done


def _settle(
    engine: Engine,
    site: Site,
    port: Item,
    owner: Item,
    item: Item,
    *,
    done: Settled,
    step: Callable[[str], None],
) -> None:
    """Have a port at the top have an owner; and where that is a server of the site, groups and addresses."""
    changed = _give(engine, site, port, owner, step)
    if _is_here(owner) and changed_by_nova.changes(engine, site, item, port):
        if changed_by_nova.take_over(engine, site, port["id"], step=step):
            changed = True
        else:
            done.later.append(port["id"])
    if changed:
        done.changed.append(port["id"])


def _is_here(owner: Item) -> bool:
    """Say whether a server of the site has a port."""
    return bool(owner.get("device_id"))


def _owner(engine: Engine, site: Site, item: Item, port: Item) -> Item:
    """Return whose a port is by what a site shows of it; nothing where the top says that it is elsewhere."""
    node = node_of(engine, site)
    if port.get("binding:host_id") not in {None, "", node}:
        return {}
    if item["device_id"]:
        owner = owner_at_top(engine, site, item["device_owner"])
        return {"device_id": item["device_id"], "device_owner": owner, "binding:host_id": node}
    return _NOBODYS if port.get("binding:host_id") == node else {}


def _differing(port: Item, owner: Item) -> Item:
    return {name: value for name, value in owner.items() if (port.get(name) or "") != value}


def _give(engine: Engine, site: Site, port: Item, owner: Item, step: Callable[[str], None]) -> bool:
    changes = _differing(port, owner)
    if not changes:
        return False
    top, target = engine.networks.top.site, f"{PORTS}/{port['id']}"
    # It is a member of its groups where it is.
    groups = set(port["security_groups"]) if "binding:host_id" in changes else set()
    with membership.changing(engine, site, groups):
        step("change the owner")
        engine.sites.call(top, SERVICE, "PUT", target, {"port": changes}, expected={404})
    return True
