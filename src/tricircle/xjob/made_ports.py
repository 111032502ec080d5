"""Ports that were made at the top first: at the top they belong to whom they belong to in their site.

A server takes such a port in the site where it is realised. When it is deleted, or the port detached, Nova
lets go of it, and does not delete it: then it is nobody's at the top, too, and may be used in another site.
What Nova changes of one meanwhile is taken over (`changed_by_nova`), and its status is as the site says.
"""

from collections.abc import Callable, Iterable

from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site
from tricircle.xjob import changed_by_nova, membership
from tricircle.xjob.engine import Engine
from tricircle.xjob.ports import (
    GONE,
    OUTDATED,
    PORT,
    PORTS,
    SERVICE,
    Item,
    node_of,
    owner_at_top,
    ports_in,
    served_owner,
    show,
    status_of,
    tell,
)
from tricircle.xjob.settled import Settled

_AT_ONCE = 50
"""Ids in one query."""

_WHEN_BOUND = "ACTIVE"
"""The status that the top's plugin gives to a port with a host."""

_NOBODYS = {"device_id": "", "device_owner": "", "binding:host_id": ""}


class MadePorts:
    """Those of the top that one site has.

    :param step: called between effects; may raise to end the work there.
    """

    def __init__(self, engine: Engine, site: Site, step: Callable[[str], None]) -> None:
        self._engine = engine
        self._site = site
        self._step = step
        self._top = engine.networks.top.site
        self._node = node_of(engine, site)

    def follow_server(self, server_id: str, shown: Iterable[Item]) -> Settled:
        """Have the top say which of its ports a server has, and what Nova has changed of them.

        :param shown: the ports that the site says are the server's.
        """
        networks, done = self._engine.networks, Settled()
        wanted = {
            top_id: item
            for item in shown
            if (top_id := networks.at_top(PORT, self._site.id, item["id"])) is not None
        }
        there = {port["id"]: port for port in ports_in(self._engine.sites, self._top, device_id=server_id)}
        for top_id, item in wanted.items():
            port = there.get(top_id) or show(self._engine.sites, self._top, top_id)
            # One that is not there is deleted, and goes from the site, too.
            if port is not None and self._differs(port, self._taken({**item, "device_id": server_id}), item):
                self._settle_latest(top_id, item["id"], done, server_id)
        for top_id, port in there.items():
            # A port that a site made has the same id there, and a row of its own that tells whose it is.
            in_site = networks.in_site(PORT, top_id, self._site.id)
            if in_site is not None and top_id not in wanted and port.get("binding:host_id") == self._node:
                self._settle_latest(top_id, in_site, done)
        return done

    def compare(self, shown: Iterable[tuple[str, Item]]) -> Settled:
        """Have the top say whose its ports are that the site has, and what Nova has changed of them.

        What differs is read once more before.

        :param shown: ids at the top, and the ports as the site shows them.
        """
        there, done = dict(shown), Settled()
        for start in range(0, len(there), _AT_ONCE):
            ids = list(there)[start : start + _AT_ONCE]
            found = ports_in(self._engine.sites, self._top, id=ids)
            for port in found:
                item = there[port["id"]]
                if self._differs(port, self._owner(item, port), item):
                    self._settle_latest(port["id"], item["id"], done)
            self._let_have(found)
        return done

    def _settle_latest(self, port_id: str, item_id: str, done: Settled, server_id: str | None = None) -> None:
        """Read a port once more, and settle it.

        At the top first: what follows from the site is written only if the row is as it was before that.

        :param server_id: a server that has taken it, also where the top says that it is elsewhere.
        """
        port = show(self._engine.sites, self._top, port_id)
        if port is None:
            return
        item = show(self._engine.sites, self._site, item_id) or _NOBODYS
        is_its = server_id is not None and item["device_id"] == server_id
        self._settle(port, self._taken(item) if is_its else self._owner(item, port), item, done)

    def _settle(self, port: Item, owner: Item, item: Item, done: Settled) -> None:
        """Have a port at the top have an owner; and what Nova has changed, where that is a server there."""
        port_id = port["id"]
        try:
            given = self._give(port, owner, item)
            if given is None:
                done.later.append(port_id)
                return
            if given:
                done.changed.append(port_id)
            if self._is_otherwise(port, owner, item) and not self._tell_status(port_id, status_of(item)):
                done.later.append(port_id)
            if _is_taken(owner) and changed_by_nova.changes(self._engine, self._site, item, port):
                if changed_by_nova.take_over(self._engine, self._site, port_id, step=self._step):
                    done.changed.append(port_id)
                    latest = show(self._engine.sites, self._top, port_id)
                    self._let_have([] if latest is None else [latest])
                else:
                    done.later.append(port_id)
        except SiteRefused as error:
            words = f"The top does not take what site {self._site.name} has of its port {port_id}"
            done.complaints.append(f"{words}: {error.message}")

    def _let_have(self, ports: Iterable[Item]) -> None:
        """Have addresses that the site has given to ports of the top be the ports' own."""
        addresses: dict[str, set[str]] = {}
        for port in ports:
            addresses.setdefault(port["network_id"], set()).update(
                fixed["ip_address"] for fixed in port["fixed_ips"]
            )
        for network_id, each in addresses.items():
            self._engine.networks.returns.let_have(network_id, self._site, each, step=self._step)

    def _owner(self, item: Item, port: Item) -> Item:
        """Return whose a port is by what the site shows; nothing where the top says that it is elsewhere."""
        if port.get("binding:host_id") not in {None, "", self._node}:
            return {}
        if item["device_id"]:
            return self._taken(item)
        return _NOBODYS if port.get("binding:host_id") == self._node else {}

    def _taken(self, item: Item) -> Item:
        owner = owner_at_top(self._engine, self._site, item["device_owner"])
        return {"device_id": item["device_id"], "device_owner": owner, "binding:host_id": self._node}

    def _differs(self, port: Item, owner: Item, item: Item) -> bool:
        if self._differing(port, owner, item) or self._is_otherwise(port, owner, item):
            return True
        return _is_taken(owner) and bool(changed_by_nova.changes(self._engine, self._site, item, port))

    def _differing(self, port: Item, owner: Item, item: Item) -> Item:
        found = {name: value for name, value in owner.items() if (port.get(name) or "") != value}
        if found.get("device_owner"):
            found["device_owner"] = served_owner(self._engine, {**port, **found}, item["device_owner"])
            if found["device_owner"] == port.get("device_owner"):
                del found["device_owner"]
        return found

    def _give(self, port: Item, owner: Item, item: Item) -> bool | None:
        """Have a port have its owner.

        :return: whether that is a change; None where another job has given it one meanwhile.
        """
        changes = self._differing(port, owner, item)
        if not changes:
            return False
        # It is a member of its groups where it is.
        groups = set(port["security_groups"]) if "binding:host_id" in changes else set()
        with membership.changing(self._engine, self._site, groups):
            self._step("change the owner")
            answer = self._engine.sites.call(
                self._top,
                SERVICE,
                "PUT",
                f"{PORTS}/{port['id']}",
                {"port": changes},
                expected={GONE, OUTDATED},
                revision=port.get("revision_number"),
            )
        return None if answer.status == OUTDATED else answer.status != GONE

    def _is_otherwise(self, port: Item, owner: Item, item: Item) -> bool:
        """Say whether the status of a server's port is not as its site says, once the top has bound it."""
        status = port.get("status") if port.get("binding:host_id") == self._node else _WHEN_BOUND
        return _is_taken(owner) and status_of(item) != status

    def _tell_status(self, port_id: str, status: str) -> bool:
        """Have a port have a status at the top; say whether it has, which waits for what a user changes."""
        self._step("change the status")
        return tell(self._engine, port_id, {"status": status}).status != OUTDATED


def _is_taken(owner: Item) -> bool:
    """Say whether a server of the site has a port."""
    return bool(owner.get("device_id"))
