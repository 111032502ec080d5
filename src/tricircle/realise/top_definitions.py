"""Definitions of what the top's Neutron has: it is their truth, and they are what was last read there.

Each change is followed (`tricircle.realise.following`). Where a site is about to need what is not defined yet
it is read, and defined together with a job that reads it once more: what changes meanwhile is not lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.errors import Conflict
from tricircle.jobs.boots import sites_of_boots_on
from tricircle.jobs.job import Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import FOLLOW
from tricircle.realise.definition import Body, Changed, Definition, DefinitionState, Known
from tricircle.realise.kinds import (
    NETWORK,
    NEUTRON_KINDS,
    PARTS_OF_NETWORKS,
    RBAC_POLICY,
    SECURITY_GROUP,
    SUBNET,
)
from tricircle.realise.replication import PATIENCE, precaution, replication
from tricircle.realise.shown import Shown, with_parts, with_policies
from tricircle.realise.store import DefinitionStore
from tricircle.realise.top_network import Item, TopNetwork
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.site import Site

_TURNS = 5

Written = TypeVar("Written")


@dataclass(frozen=True, slots=True)
class Needed:
    """What a site is to have.

    :param is_new: nobody has wanted it there before.
    """

    definition: Definition
    is_new: bool


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
        self.store = store
        self._top = top
        self._requester = requester
        self._registry = registry

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
            shown = with_parts(item, subnets, self.policies(kind, key, request_id))
            return self.with_remotes(shown, request_id)
        return self.with_remotes(self._with_policies(kind, item, request_id), request_id)

    def _with_policies(self, kind: str, item: Item, request_id: str | None) -> list[Shown]:
        """Return what is not a network with those with whom it is shared, where that is carried."""
        if kind != SECURITY_GROUP.name:
            return [(kind, item)]
        return with_policies(item, self.policies(kind, item["id"], request_id))

    def policies(self, kind: str, key: str, request_id: str | None) -> list[Item]:
        """Return the policies of a network or security group, which Neutron shows to its owner and to
        administrators.

        :raises TricircleError: as `ServiceCalls.call` does, of the top.
        """
        return self._top.list("rbac_policy", request_id=request_id, object_type=kind, object_id=key)

    def with_remotes(self, shown: list[Shown], request_id: str | None) -> list[Shown]:
        """Add what is not defined yet of the groups that rules name, and those that theirs name; and of the
        QoS policies that networks and ports have."""
        found = {(kind, item["id"]): item for kind, item in shown}
        remaining = list(shown)
        while remaining:
            kind, item = remaining.pop()
            for other, key in _named_by(kind, item) - found.keys():
                if self.store.find(other, key) is not None:
                    continue
                more = self._top.show(other, key, request_id=request_id)
                if more is not None:
                    each = self._with_policies(other, more, request_id)
                    found |= {(one, its["id"]): its for one, its in each}
                    remaining += each
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
            followed: set[tuple[str, str]] = set()
            for kind, item in sorted(shown, key=lambda each: (each[0], each[1]["id"])):
                definition, is_new = self.define(connection, kind, item, is_first=True)
                found.append(definition)
                if is_new:
                    followed.add(_followed_with(kind, item))
            for whole in sorted(followed):
                self._requester.enqueue(connection, following_of(*whole, request_id))
            needed = []
            for definition in sorted(found, key=lambda each: each.id):
                if definition.state is DefinitionState.DELETED:
                    continue
                is_wanted = self.store.realised.want(connection, definition.id, site.id)
                needed.append(Needed(definition, is_wanted))
                if definition.kind not in PARTS_OF_NETWORKS:
                    self._requester.enqueue(connection, precaution(definition, site, request_id))
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
                definition, has_changed = self.define(connection, "port", item)
                moved.append(definition)
                if has_changed:  # it may have been deleted since it was shown
                    jobs.append(following_of("port", definition.key, request_id))
                # The definition is locked: of several the first one has it.
                booting = sites_of_boots_on(connection, definition.key, besides=request_id)
                if booting - {site.id} & self.store.realised.needing(connection, definition.id):
                    raise in_use(definition.key)
                others = self.store.realised.want_only_in(connection, definition.id, site.id)
                jobs.append(precaution(definition, site, request_id))
                jobs += [replication(definition, sites[each], request_id) for each in others if each in sites]
            for job in sorted(jobs, key=lambda job: job.key):
                self._requester.enqueue(connection, job)
            return moved

        return self._again(lambda: self._database.transact(work))

    def agree(self, known: Known, body: Body, site: Site) -> None:
        """Note that something is to be as a site has it already, which agreed with what it was to be before.

        :raises Changed: it is to be otherwise meanwhile, or somebody else has worked on it.
        """
        seen = known.definition

        def work(connection: sa.Connection) -> None:
            definition, _ = self.store.define_as_shown(
                connection,
                seen.kind,
                seen.key,
                name=seen.name,
                project_id=seen.project_id or "",
                body=body,
                before=seen.version,
            )
            self.store.realised.record(
                connection,
                definition.id,
                site.id,
                site_resource_id=known.id_in(site.id),
                seen=known.version_in(site.id),
                version=definition.version,
                drift=known.drift_in(site.id),
                is_wanted=True,
            )

        self._database.transact(work)

    def define(
        self,
        connection: sa.Connection,
        kind: str,
        item: Item,
        *,
        is_first: bool = False,
        before: Known | None = None,
        version: int | None = None,
    ) -> tuple[Definition, bool]:
        it = NEUTRON_KINDS[kind]
        return self.store.define_as_shown(
            connection,
            kind,
            item["id"],
            name=item["name"],
            project_id=item["project_id"],
            body=it.following(it.define(item), before),
            is_first=is_first,
            before=version,
        )

    @staticmethod
    def _again(write: Callable[[], list[Written]]) -> list[Written]:
        for _ in range(_TURNS):
            try:
                return write()
            except Changed:
                continue
        raise Conflict("Others keep changing the same networks.")


def _named_by(kind: str, item: Item) -> set[tuple[str, str]]:
    """Return the groups that a group's rules name, or that a port is in; and QoS policies."""
    it = NEUTRON_KINDS[kind]
    body = it.define(item) if kind in {"security_group", "port", "network"} else {}
    named = [*it.parts(body), *it.needs(body)] if body else []
    return {each for each in named if each[0] in {"security_group", "address_group", "qos_policy"}}


def _followed_with(kind: str, item: Item) -> tuple[str, str]:
    """Return what something is followed with: itself, or what it is a part of."""
    if kind == SUBNET.name:
        return NETWORK.name, item["network_id"]
    if kind == RBAC_POLICY.name:
        return item["object_type"], item["object_id"]
    return kind, item["id"]


def following_of(kind: str, key: str, request_id: str | None) -> Request:
    return Request(FOLLOW.name, kind, key, request_id=request_id)
