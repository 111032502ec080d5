"""What has become of the top's networks, subnets, policies and groups: taken over into the definitions.

Whatever the top has is defined before any site needs it, so that a first boot need not read the top. What
sites have of it they are told by jobs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.errors import Conflict
from tricircle.jobs import following
from tricircle.jobs.job import Job, Request
from tricircle.jobs.requester import JobRequester
from tricircle.realise.definition import Changed, Definition, DefinitionState, Known
from tricircle.realise.kinds import (
    NETWORK,
    NEUTRON_KINDS,
    RBAC_POLICY,
    REMOTE_MEMBERS,
    SECURITY_GROUP,
    SUBNET,
)
from tricircle.realise.reach import Reach
from tricircle.realise.remote_groups import RemoteGroups
from tricircle.realise.replication import replication
from tricircle.realise.segments import is_local, shown_segments
from tricircle.realise.shown import Shown
from tricircle.realise.top_definitions import TopDefinitions, following_of
from tricircle.realise.top_network import Item, TopNetwork
from tricircle.sites.registry import SiteRegistry

_TURNS = 5


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at something of the top.

    :param known: its definition as it was before.
    :param versions: versions of definitions before, by kind and key.
    :param policies: definitions before, of those with whom it, or its network, is shared.
    :param shown: what the top showed: itself, or its network, with all that belongs to it.
    """

    kind: str
    key: str
    request_id: str | None
    known: Known | None
    versions: Mapping[tuple[str, str], int]
    policies: Sequence[Known]
    shown: list[Shown]


class Following:
    """Takes over what changes."""

    def __init__(
        self,
        database: Database,
        definitions: TopDefinitions,
        top: TopNetwork,
        requester: JobRequester,
        registry: SiteRegistry,
    ) -> None:
        self._database = database
        self._definitions = definitions
        self._store = definitions.store
        self._top = top
        self._requester = requester
        self._registry = registry
        self._reach = Reach(registry)
        self._remote_groups = RemoteGroups(self._store)

    @property
    def is_behind(self) -> bool:
        """Say whether some definitions may not be as the top has them by now."""
        return following.is_under_way(self._database)

    def follow(self, kind: str, key: str, request_id: str | None) -> tuple[str, list[Job]]:
        """Take over what has become of something at the top.

        :return: what was done, in words; and the jobs that carry it to the sites.
        :raises TricircleError: as `ServiceCalls.call` does, of the top; or others keep changing it.
        """
        keys = {(kind, key)}
        for _ in range(_TURNS):
            look = self._look(kind, key, keys, request_id)
            keys |= {(each, item["id"]) for each, item in look.shown}
            try:
                return self._take_over(look)
            except Changed:
                continue
        raise Conflict(f"Others keep changing {kind} {key}.")

    def _look(self, kind: str, key: str, keys: set[tuple[str, str]], request_id: str | None) -> _Look:
        """Look at the definitions, then at the top.

        :param keys: kinds and keys of what the top showed before.
        """
        known = self._store.find(kind, key)
        root: tuple[str, str] | None = (kind, key)
        if kind == SUBNET.name:
            # A network with all its subnets is what sites need.
            network_id = self._network_id_of(key, known, request_id)
            root = None if network_id is None else (NETWORK.name, network_id)
        versions = self._versions(keys if root is None else keys | {root})
        policies, shown = [], []
        if root is not None:
            # Also those that only a boot has defined, of which the definition of the whole says nothing.
            policies = self._store.referring("object_id", root[1], RBAC_POLICY.name)
            shown = self._definitions.read(*root, request_id)
        return _Look(kind, key, request_id, known, versions, policies, shown)

    def _network_id_of(self, key: str, known: Known | None, request_id: str | None) -> str | None:
        body = None if known is None else known.definition.body
        item = body or self._top.show(SUBNET.name, key, request_id=request_id)
        return None if item is None else str(item["network_id"])

    def _versions(self, keys: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Return the versions of some definitions and of their parts."""
        found = self._store.several(sorted(keys))
        bodies = [(each.definition.kind, each.definition.body) for each in found]
        parts = {part for kind, body in bodies for part in NEUTRON_KINDS[kind].parts(body)}
        found += self._store.several(sorted(parts - keys))
        return {(each.definition.kind, each.definition.key): each.definition.version for each in found}

    def _take_over(self, look: _Look) -> tuple[str, list[Job]]:
        """Write what has changed.

        :raises Changed: somebody else has written it since it was looked at.
        """
        jobs: list[Request] = []
        gone_from_top = self._gone(look)
        for project_id in {gone.definition.project_id or "" for gone in gone_from_top}:
            self._top.require_sight(project_id)

        def work(connection: sa.Connection) -> list[Job]:
            jobs.clear()
            root: set[str] = set()
            for place, shown in enumerate(look.shown):
                # What comes after the first belongs to it, and is where that is.
                wanted = self._sites_for(*shown, root)
                root = root if place else wanted
                jobs.extend(self._change(connection, shown, wanted, look))
            for gone in gone_from_top:
                jobs.extend(self._bury(connection, gone, look.request_id))
            places = sorted(jobs, key=lambda job: job.key)
            return [self._requester.enqueue(connection, job) for job in places]

        made = self._database.transact(work)
        return (f"{len(made)} jobs follow." if made else "No site needs to know."), made

    def _sites_for(self, kind: str, item: Item, wanted: set[str]) -> set[str]:
        """Return the ids of the sites that need something: that have it, or are to have it from the start.

        :param wanted: sites that need it besides: those that have what it belongs to.
        """
        known = self._store.find(kind, item["id"])
        there = set() if known is None else known.holders
        hinted = self._hinted(item, there) if kind == "network" else set()
        return (there | wanted | hinted) & self._registry.snapshot.by_id.keys()

    def _hinted(self, network: Item, holders: set[str]) -> set[str]:
        """Return the ids of the sites in which a network is to be from the start."""
        hints = network.get("availability_zone_hints") or ()
        hinted = self._reach.sites_of(hints)
        is_settled = bool(holders) or len(hinted) > 1
        return set() if is_settled and is_local(shown_segments(network), hints) else hinted

    def _change(
        self,
        connection: sa.Connection,
        shown: Shown,
        wanted: set[str],
        look: _Look,
    ) -> list[Request]:
        """Define one thing as it is now; return what sites are to do."""
        kind, item = shown
        before = self._store.find(kind, item["id"])
        version = look.versions.get((kind, item["id"]), 0)
        definition, has_changed = self._definitions.define(
            connection, kind, item, before=before, version=version
        )
        sites, requests = self._registry.snapshot.by_id, []
        for site_id in sorted(wanted):
            is_new = self._store.realised.want(connection, definition.id, site_id)
            if has_changed or is_new:
                requests.append(replication(definition, sites[site_id], look.request_id))
        if has_changed:
            was = None if before is None else before.definition.body
            requests += self._remote_groups.of_change(kind, was, definition.body, wanted)
        return requests

    def _gone(self, look: _Look) -> list[Known]:
        """Return the definitions of what is not at the top any more."""
        there = {(each, item["id"]) for each, item in look.shown}
        found = [] if look.known is None or (look.kind, look.key) in there else [look.known]
        found += [each for each in look.policies if (RBAC_POLICY.name, each.definition.key) not in there]
        network = self._network_of(look.kind, look.known)
        if network is not None:
            if (NETWORK.name, network.definition.key) not in there:
                found.append(network)
            keys = [each for each in _parts(network.definition) if each[0] == SUBNET.name]
            found += self._store.several([each for each in keys if each not in there])
        by_id = {each.definition.id: each for each in found}
        return [each for each in by_id.values() if each.definition.state is DefinitionState.ACTIVE]

    def _network_of(self, kind: str, known: Known | None) -> Known | None:
        """Return the network whose subnets go with it: itself, or a subnet's."""
        if known is None or kind == NETWORK.name:
            return known
        if kind != SUBNET.name:
            return None
        return self._store.find(NETWORK.name, known.definition.body["network_id"])

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
            following_of(other.kind, other.key, request_id) for other in self._naming(definition)
        ]

    def _naming(self, gone: Definition) -> list[Definition]:
        """Return the security groups whose rules name a group."""
        if gone.kind not in {"security_group", "address_group"} or gone.project_id is None:
            return []
        reference = (gone.kind, gone.key)
        groups = [known.definition for known in self._store.of_project("security_group", gone.project_id)]
        return [
            group for group in groups if group.state is DefinitionState.ACTIVE and reference in _parts(group)
        ]


def _parts(definition: Definition) -> list[tuple[str, str]]:
    return list(NEUTRON_KINDS[definition.kind].parts(definition.body))
