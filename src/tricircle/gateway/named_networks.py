"""What a new server names of networks and security groups, where these are the top's.

The rules are Nova's own: networks by id, ports, `auto`, `none`, or nothing, which means the only network that
the project has. What the top does not know is left as it is: a site may, and says what it does not know.

Source: Compute API reference, "Create Server"; `_ports_needed_per_instance` in Nova's `network/neutron.py`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tricircle.errors import Conflict
from tricircle.gateway.call import Call
from tricircle.gateway.resource import Item
from tricircle.jobs.boots import address_on
from tricircle.jobs.job import Request
from tricircle.jobs.types import ADOPT, AdoptParameters
from tricircle.realise.asked import is_uuid
from tricircle.realise.definition import Known
from tricircle.realise.kinds import NETWORK, PORT, SECURITY_GROUP
from tricircle.realise.kinds.security_group import DEFAULT
from tricircle.realise.leaving import clean_up_job
from tricircle.realise.replication import completing
from tricircle.routing.homed import SERVER_TYPE
from tricircle.sites.site import Site

SEVERAL = "Multiple possible networks found, use a Network ID to be more specific."
"""Nova's own words."""

_WORDS = (2, 37)
"""The first microversion with `auto` and `none`, in which one of both, or networks, must be said."""

_MOST_SERVERS = 1000
"""More at once are left for the site to refuse."""


@dataclass(slots=True)
class NamedNetworks:
    """Networks and groups that a new server names.

    :param entries: objects of the body that name a network, and the top's id in each.
    :param groups: objects of the body that name a group, and what they say.
    :param ports: objects of the body that name a port, and the id in each.
    :param count: servers that are made at once, as far as there is room.
    :param at_least: of these, without which none is made.
    """

    entries: list[tuple[Item, str]] = field(default_factory=list)
    groups: list[tuple[Item, str]] = field(default_factory=list)
    ports: list[tuple[Item, str]] = field(default_factory=list)
    count: int = 1
    at_least: int = 1
    _there: Sequence[Known] = ()

    def keys(self, call: Call) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
        """Return by what it is found in the database; see `Networks.keys`."""
        return call.engine.networks.keys(self._networks, self._groups, call.identity.project_id)

    @property
    def _networks(self) -> list[str]:
        return [network_id for _, network_id in self.entries]

    @property
    def uses(self) -> tuple[str, ...]:
        """The ids of networks and ports that are named; and addresses, behind their network."""
        addresses = (address_on(*asked) for asked in self._addresses)
        return tuple(sorted({*self._networks, *(port_id for _, port_id in self.ports), *addresses}))

    @property
    def named_groups(self) -> tuple[str, ...]:
        """The ids or names of the security groups."""
        return tuple(sorted(set(self._groups)))

    @property
    def _groups(self) -> list[str]:
        # What has a network of the top has its default group, too, as the top has it.
        return [name for _, name in self.groups] or ([DEFAULT] if self.entries else [])

    @property
    def _addresses(self) -> list[tuple[str, str]]:
        """Networks, and an address that is asked for on each."""
        if self.count > 1:
            return []  # which Nova refuses
        asked = ((network_id, item.get("fixed_ip")) for item, network_id in self.entries)
        return [(network_id, address) for network_id, address in asked if isinstance(address, str)]

    def prepare(
        self, call: Call, site: Site, known: Sequence[Known], early: Callable[[], None] | None = None
    ) -> None:
        """See that a site has them, and name them in the body as the site does.

        :param known: what `keys` find.
        :param early: is called as soon as all are named, if a server can be asked for before all is there.
        :raises TricircleError: what `Networks.prepare` raises.
        """

        def name_early(there: Sequence[Known]) -> None:
            self._name(there, site)
            if early is not None:
                early()

        of_each = _most_often(self._networks)
        there = call.engine.networks.prepare(
            site,
            self._networks,
            self._groups,
            project_id=call.identity.project_id,
            token=call.token,
            count=self.count * of_each,
            at_least=self.at_least * of_each,
            request_id=call.request_id,
            known=known,
            ports=[port_id for _, port_id in self.ports],
            addresses=self._addresses,
            early=None if early is None else name_early,
        )
        self._name(there, site)

    def _name(self, there: Sequence[Known], site: Site) -> None:
        self._there = there
        ids = {(each.definition.kind, each.definition.key): each.id_in(site.id) for each in there}
        for item, network_id in self.entries:
            item["uuid"] = ids.get((NETWORK.name, network_id)) or network_id
        for item, port_id in self.ports:
            item["port"] = ids.get((PORT.name, port_id)) or port_id
        for item, name in self.groups:
            # A name stays one, which is the same there.
            item["name"] = ids.get((SECURITY_GROUP.name, name)) or name

    def follow_up(self, call: Call, site: Site, server_id: str) -> list[Request]:
        """Return the job that gives the ports their rows at the top, and makes room for more; and those that
        complete what the site has only as far as Nova needs it."""
        if not self._there and not self.ports:
            return []
        adoption = Request(
            ADOPT.name,
            SERVER_TYPE.name,
            server_id,
            site.id,
            project_id=call.identity.project_id,
            parameters=AdoptParameters(self.uses, self.named_groups),
            request_id=call.request_id,
        )
        return [*completing(self._there, site, call.request_id), adoption]

    def leave_nothing(self, call: Call, site: Site, delay: float = 0.0) -> list[Request]:
        """Return the job that takes out of a site what was brought there for a server that is not made.

        :param delay: seconds before which nobody does it.
        """
        job = clean_up_job(
            site.id,
            call.identity.project_id,
            self.uses,
            self.named_groups,
            delay=delay,
            request_id=call.request_id,
        )
        return [] if job is None else [job]


def networks_of(call: Call, server: Item) -> NamedNetworks | None:
    """Find what a new server names; None where the top has no network service.

    Where it names no network, the project's only one is put into the body.

    :raises Conflict: it names none, and the project has several.
    :raises TricircleError: what `Networks.own` raises.
    """
    if not call.engine.networks.is_there:
        return None
    count, at_least = _counts(server)
    found = NamedNetworks(count=count, at_least=at_least)
    asked = server.get("networks")
    if _names_none(call, server):
        own = call.engine.networks.own(call.identity.project_id, call.token, request_id=call.request_id)
        if len(own) > 1:
            raise Conflict(SEVERAL)
        if own:
            server["networks"] = asked = [{"uuid": own[0]}]
    for item in _objects(asked):
        if item.get("port"):
            if isinstance(port_id := item["port"], str) and is_uuid(port_id):
                found.ports.append((item, port_id))
        elif isinstance(network_id := item.get("uuid"), str) and is_uuid(network_id):
            found.entries.append((item, network_id))
    for item in _objects(server.get("security_groups")):
        if isinstance(name := item.get("name"), str):
            found.groups.append((item, name))
    return found


def _names_none(call: Call, server: Item) -> bool:
    """Say whether the project's only network is meant; what a microversion does not have the site refuses."""
    if "networks" not in server:
        return call.version_number < _WORDS
    return server["networks"] == [] or (server["networks"] == "auto" and call.version_number >= _WORDS)


def _objects(value: Any) -> Iterable[Item]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _counts(server: Item) -> tuple[int, int]:
    """Return how many servers are asked for at most, and at least; what makes no sense the site refuses."""
    try:
        at_least = int(server.get("min_count", 1))
        most = int(server.get("max_count", at_least))
    except (TypeError, ValueError):
        return 1, 1
    most = min(max(1, most), _MOST_SERVERS)
    return most, min(max(1, at_least), most)


def _most_often(values: Sequence[str]) -> int:
    return max((values.count(value) for value in values), default=1)
