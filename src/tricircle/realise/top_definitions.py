"""Definitions of what the top's Neutron has: it is their truth, and they are what was last read there.

The first one is written when a site is about to need it, together with a job that reads it once more: what
changes at the top while it is read is not lost. From then on each change is followed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.errors import Conflict
from tricircle.jobs.boots import sites_of_boots_on
from tricircle.jobs.job import Job, Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import FOLLOW
from tricircle.realise.definition import FORMER, Body, Definition, DefinitionState, Known
from tricircle.realise.kinds import NEUTRON_KINDS, PARTS_OF_NETWORKS, REMOTE_MEMBERS, SECURITY_GROUP
from tricircle.realise.kinds.rbac_policy import SHARED
from tricircle.realise.learner import replication
from tricircle.realise.reach import Reach
from tricircle.realise.remote_groups import RemoteGroups
from tricircle.realise.room import spare_of
from tricircle.realise.store import Changed, DefinitionStore
from tricircle.realise.top_network import Item, TopNetwork
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.site import Site

_TURNS = 5

PATIENCE = 10.0
"""Seconds after which a worker makes what a gateway was to make in a site."""

Written = TypeVar("Written")

Shown = tuple[str, Item]
"""A kind, and an item of it as the top's Neutron shows it."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What a site is to have.

    :param is_new: nobody has wanted it there before.
    """

    definition: Definition
    is_new: bool


def with_parts(network: Item, subnets: list[Item], policies: list[Item]) -> list[Shown]:
    """Return a network with its subnets, and with whom it is shared, as they are defined."""
    known = [subnet for subnet in subnets if subnet["id"] in network["subnets"]]
    shown = {
        **network,
        "subnets": [subnet["id"] for subnet in known],
        "sharing": [[policy["id"], policy["target_tenant"]] for policy in policies],
        "spare": spare_of(known),
    }
    return [
        ("network", shown),
        *(("subnet", subnet) for subnet in known),
        *(("rbac_policy", {**policy, "name": policy["target_tenant"]}) for policy in policies),
    ]


def in_use(port_id: str) -> Conflict:
    """Say in Nova's own words that a port is another server's."""
    return Conflict(f"Port {port_id} is still in use.")


class TopDefinitions:
    """Reads the top, and writes definitions, who wants them, and jobs."""

    def __init__(
        self,
        database: Database,
        store: DefinitionStore,
        top: TopNetwork,
        requester: JobRequester,
        registry: SiteRegistry,
    ) -> None:
        self._database = database
        self._store = store
        self._top = top
        self._requester = requester
        self._registry = registry
        self._reach = Reach(registry)
        self._remote_groups = RemoteGroups(store)

    # -- reading ---------------------------------------------------------------------------------------------

    def read(self, kind: str, key: str, request_id: str | None) -> list[Shown]:
        """Read something with all that belongs to it, itself first; nothing where it is not there.

        :raises TricircleError: as `ServiceCalls.call` does, of the top.
        """
        item = self._top.show(kind, key, request_id=request_id)
        if item is None:
            return []
        if kind == "network":
            subnets = self._top.list("subnet", network_id=key, request_id=request_id)
            shown = with_parts(item, subnets, self.policies(key, request_id))
            return self.with_remotes(shown, request_id)
        return self.with_remotes([(kind, item)], request_id)

    def policies(self, network_id: str, request_id: str | None) -> list[Item]:
        """Return the policies that share a network, which Neutron shows to its owner and to administrators.

        :raises TricircleError: as `ServiceCalls.call` does, of the top.
        """
        return self._top.list("rbac_policy", request_id=request_id, object_id=network_id, **SHARED)

    def with_remotes(self, shown: list[Shown], request_id: str | None) -> list[Shown]:
        """Add what is not defined yet of the groups that rules name, and those that theirs name; and of the
        QoS policies that networks and ports have."""
        found = {(kind, item["id"]): item for kind, item in shown}
        remaining = list(shown)
        while remaining:
            kind, item = remaining.pop()
            for other, key in _named_by(kind, item) - found.keys():
                if self._store.find(other, key) is not None:
                    continue
                more = self._top.show(other, key, request_id=request_id)
                if more is not None:
                    found[other, key] = more
                    remaining.append((other, more))
        return [(kind, item) for (kind, _), item in found.items()]

    def as_defined(self, network: Item, request_id: str | None) -> Definition:
        """Return what the definition of a network would be; nothing is written.

        :raises TricircleError: as `ServiceCalls.call` does, of the top.
        """
        subnets = self._top.list("subnet", network_id=network["id"], request_id=request_id)
        body = NEUTRON_KINDS["network"].define(with_parts(network, subnets, [])[0][1])
        return Definition(
            id="",
            kind="network",
            key=network["id"],
            name=network["name"],
            project_id=network["project_id"],
            body=body,
            version=0,
            state=DefinitionState.PENDING,
            reference_site_id=None,
        )

    # -- what a site needs -----------------------------------------------------------------------------------

    def need(
        self, shown: Sequence[Shown], known: Sequence[Known], site: Site, request_id: str | None
    ) -> list[Needed]:
        """Note that a site needs something; what is not defined yet is defined.

        :param shown: read at the top just now.
        :param known: defined already.
        :return: all of it.
        :raises Conflict: it goes just now.
        """

        def work(connection: sa.Connection) -> list[Needed]:
            found = [known_one.definition for known_one in known]
            for kind, item in sorted(shown, key=lambda each: (each[0], each[1]["id"])):
                definition, is_new = self._define(connection, kind, item, is_first=True)
                found.append(definition)
                if is_new and kind not in PARTS_OF_NETWORKS:
                    self._requester.enqueue(connection, _following(kind, item["id"], request_id))
            needed = []
            for definition in found:
                if definition.state is DefinitionState.DELETED:
                    continue
                is_wanted = self._store.want(connection, definition.id, site.id)
                needed.append(Needed(definition, is_wanted))
                if is_wanted and definition.kind not in PARTS_OF_NETWORKS:
                    later = replication(definition, site, request_id, delay=PATIENCE)
                    self._requester.enqueue(connection, later)
            return needed

        return self._again(lambda: self._database.transact(work))

    def realise_later(self, definition: Definition, site: Site, request_id: str | None) -> None:
        """Have a worker bring a site into step in some seconds."""
        self._requester.request(replication(definition, site, request_id, delay=PATIENCE))

    def move(self, ports: Sequence[Item], site: Site, request_id: str | None) -> list[Definition]:
        """Note that ports are needed in a site, and nowhere else any more.

        :raises Conflict: another site makes a server with one just now; or others keep changing them.
        """

        def work(connection: sa.Connection) -> list[Definition]:
            moved, jobs = [], []
            sites = self._registry.snapshot.by_id
            for item in sorted(ports, key=lambda port: str(port["id"])):
                definition, _ = self._define(connection, "port", item)
                moved.append(definition)
                # The definition is locked: of several the first one has it.
                booting = sites_of_boots_on(connection, definition.key, besides=request_id)
                if booting - {site.id} & self._store.needing(connection, definition.id):
                    raise in_use(definition.key)
                others = self._store.want_only_in(connection, definition.id, site.id)
                jobs.append(replication(definition, site, request_id, delay=PATIENCE))
                jobs += [replication(definition, sites[each], request_id) for each in others if each in sites]
            for job in sorted(jobs, key=lambda job: job.key):
                self._requester.enqueue(connection, job)
            return moved

        return self._again(lambda: self._database.transact(work))

    def _define(
        self, connection: sa.Connection, kind: str, item: Item, *, is_first: bool = False
    ) -> tuple[Definition, bool]:
        return self._store.define_as_shown(
            connection,
            kind,
            item["id"],
            name=item["name"],
            project_id=item["project_id"],
            body=NEUTRON_KINDS[kind].define(item),
            is_first=is_first,
        )

    @staticmethod
    def _again(write: Callable[[], list[Written]]) -> list[Written]:
        for _ in range(_TURNS):
            try:
                return write()
            except Changed:
                continue
        raise Conflict("Others keep changing the same networks.")

    # -- what has changed at the top -------------------------------------------------------------------------

    def follow(self, kind: str, key: str, request_id: str | None) -> tuple[str, list[Job]]:
        """Take over what has become of something at the top.

        :return: what was done, in words; and the jobs that carry it to the sites.
        :raises TricircleError: as `ServiceCalls.call` does, of the top; or others keep changing it.
        """
        for _ in range(_TURNS):
            known = self._store.find(kind, key)
            shown = self.read(kind, key, request_id)
            if kind == "subnet":
                shown = self._with_network(shown, known, request_id)
            try:
                return self._take_over(kind, key, known, shown, request_id)
            except Changed:
                continue
        raise Conflict(f"Others keep changing {kind} {key}.")

    def _with_network(self, shown: list[Shown], known: Known | None, request_id: str | None) -> list[Shown]:
        """Return the network of a subnet with all its subnets, as the network is what sites need."""
        bodies = [item for _, item in shown] + ([] if known is None else [known.definition.body])
        return self.read("network", bodies[0]["network_id"], request_id) if bodies else []

    def _take_over(
        self, kind: str, key: str, known: Known | None, shown: list[Shown], request_id: str | None
    ) -> tuple[str, list[Job]]:
        """Write what has changed.

        :raises Changed: somebody else has just written it.
        """
        jobs: list[Request] = []

        def work(connection: sa.Connection) -> list[Job]:
            jobs.clear()
            root: set[str] = set()
            for place, (each, item) in enumerate(shown):
                # What comes after the first belongs to it, and is where that is.
                wanted = self._sites_for(each, item, root)
                root = root if place else wanted
                jobs.extend(self._change(connection, each, item, wanted, request_id))
            for gone in self._gone(kind, key, known, shown):
                jobs.extend(self._bury(connection, gone, request_id))
            places = sorted(jobs, key=lambda job: job.key)
            return [self._requester.enqueue(connection, job) for job in places]

        made = self._database.transact(work)
        return (f"{len(made)} jobs follow." if made else "No site needs to know."), made

    def _sites_for(self, kind: str, item: Item, wanted: set[str]) -> set[str]:
        """Return the ids of the sites that need something: that have it, or are to have it from the start.

        :param wanted: sites that need it besides: those that have what it belongs to.
        """
        known = self._store.find(kind, item["id"])
        there = {
            site_id
            for site_id, realised in ({} if known is None else known.realisations).items()
            if realised.version != FORMER
        }
        hints = (item.get("availability_zone_hints") or ()) if kind == "network" else ()
        return (there | wanted | self._reach.sites_of(hints)) & self._registry.snapshot.by_id.keys()

    def _change(
        self,
        connection: sa.Connection,
        kind: str,
        item: Item,
        wanted: set[str],
        request_id: str | None,
    ) -> list[Request]:
        """Define one thing as it is now, if any site needs it; return what sites are to do."""
        before = self._store.find(kind, item["id"])
        if not wanted and before is None:
            return []
        definition, has_changed = self._define(connection, kind, item)
        sites, requests = self._registry.snapshot.by_id, []
        for site_id in sorted(wanted):
            is_new = self._store.want(connection, definition.id, site_id)
            if has_changed or is_new:
                requests.append(replication(definition, sites[site_id], request_id))
        if has_changed:
            was = None if before is None else before.definition.body
            requests += self._remote_groups.of_change(kind, was, definition.body, wanted)
        return requests

    def _gone(self, kind: str, key: str, known: Known | None, shown: list[Shown]) -> list[Known]:
        """Return the definitions of what is not at the top any more."""
        there = {(each, item["id"]) for each, item in shown}
        found = [] if known is None or (kind, key) in there else [known]
        network = self._network_of(kind, known)
        if network is not None:
            if ("network", network.definition.key) not in there:
                found.append(network)
            keys = list(NEUTRON_KINDS["network"].parts(network.definition.body))
            found += self._store.several([each for each in keys if each not in there])
        by_id = {each.definition.id: each for each in found}
        return [each for each in by_id.values() if each.definition.state is DefinitionState.ACTIVE]

    def _network_of(self, kind: str, known: Known | None) -> Known | None:
        if known is None or kind not in {"network", "subnet"}:
            return None
        return (
            known if kind == "network" else self._store.find("network", known.definition.body["network_id"])
        )

    def _bury(self, connection: sa.Connection, known: Known, request_id: str | None) -> list[Request]:
        """Have something go from the sites that have it."""
        definition = known.definition
        self._store.define(
            connection,
            definition,
            key=definition.key,
            name=definition.name,
            body=definition.body,
            state=DefinitionState.DELETED,
        )
        self._store.bury(connection, definition.id)
        sites = self._registry.snapshot.by_id
        here = sorted(known.realisations.keys() & sites.keys())
        requests = [replication(definition, sites[site_id], request_id) for site_id in here]
        requests += self._remote_groups.of_change(definition.kind, definition.body, None, here)
        if definition.kind == SECURITY_GROUP.name:
            members = self._store.find(REMOTE_MEMBERS.name, definition.key)
            if members is not None and members.definition.state is DefinitionState.ACTIVE:
                requests += self._bury(connection, members, request_id)
        # Neutron deletes the rules that name a group together with it.
        return requests + [
            _following(other.kind, other.key, request_id) for other in self._naming(definition)
        ]

    def _naming(self, gone: Definition) -> list[Definition]:
        """Return the security groups whose rules name a group."""
        if gone.kind not in {"security_group", "address_group"} or gone.project_id is None:
            return []
        reference = (gone.kind, gone.key)
        groups = [known.definition for known in self._store.of_project("security_group", gone.project_id)]
        return [
            group
            for group in groups
            if group.state is DefinitionState.ACTIVE and reference in _parts(group.body)
        ]


def _named_by(kind: str, item: Item) -> set[tuple[str, str]]:
    """Return the groups that a group's rules name, or that a port is in; and QoS policies."""
    it = NEUTRON_KINDS[kind]
    body = it.define(item) if kind in {"security_group", "port", "network"} else {}
    named = [*it.parts(body), *it.needs(body)] if body else []
    return {each for each in named if each[0] in {"security_group", "address_group", "qos_policy"}}


def _parts(body: Body) -> set[tuple[str, str]]:
    return set(NEUTRON_KINDS["security_group"].parts(body))


def _following(kind: str, key: str, request_id: str | None) -> Request:
    return Request(FOLLOW.name, kind, key, request_id=request_id)
