"""Ports that were made at the top first: at the top they belong to whom they belong to in their site.

A server takes such a port in the site where it is realised. When it is deleted, or the port detached, Nova
lets go of it, and does not delete it: then it is nobody's at the top, too, and may be used in another site.
Its status is not told: the top's plugin binds it to the site's node, and it is ACTIVE there.
"""

from collections.abc import Callable, Iterable

from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine
from tricircle.xjob.ports import PORT, PORTS, SERVICE, Item, node_of, ports_in, show

_NOBODYS = {"device_id": "", "device_owner": "", "binding:host_id": ""}


def follow_server(
    engine: Engine, site: Site, server_id: str, shown: Iterable[Item], *, step: Callable[[str], None]
) -> int:
    """Have the top say which of its ports a server has.

    :param shown: the ports that the site says are the server's.
    :param step: called between effects; may raise to end the work there.
    :return: how many ports have another owner now.
    """
    top, node = engine.networks.top.site, node_of(engine, site)
    wanted = {
        top_id: {"device_id": server_id, "device_owner": item["device_owner"], "binding:host_id": node}
        for item in shown
        if (top_id := engine.networks.at_top(PORT, site.id, item["id"])) is not None
    }
    there = {port["id"]: port for port in ports_in(engine.sites, top, device_id=server_id)}
    changed = 0
    for top_id, owner in wanted.items():
        port = there.get(top_id) or show(engine.sites, top, top_id)
        if port is not None:  # else it is deleted, and goes from the site, too
            changed += _give(engine, port, owner, step)
    for top_id, port in there.items():
        # A port that a site made has the same id there, and a row of its own that tells whose it is.
        is_made_here = engine.networks.in_site(PORT, top_id, site.id) is not None
        if is_made_here and top_id not in wanted and port.get("binding:host_id") == node:
            changed += _give(engine, port, _NOBODYS, step)
    return changed


def _give(engine: Engine, port: Item, owner: Item, step: Callable[[str], None]) -> bool:
    changes = {name: value for name, value in owner.items() if (port.get(name) or "") != value}
    if changes:
        step("change the owner")
        target = f"{PORTS}/{port['id']}"
        engine.sites.call(engine.networks.top.site, SERVICE, "PUT", target, {"port": changes}, expected={404})
    return bool(changes)
