"""Takes over what a site shows of a replicated resource after a user has changed it there.

The site's own validation and policy have said yes by then, so the definition is what the site made of the
request. What else follows is written in the same transaction: which site agrees, and jobs for the others.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.errors import BadAnswer, Conflict, TricircleError, Unavailable
from tricircle.jobs.bus import Bus
from tricircle.jobs.job import Job
from tricircle.jobs.requester import JobRequester
from tricircle.realise.definition import (
    Body,
    Changed,
    Definition,
    DefinitionState,
    Found,
    Known,
    Sought,
    differences,
)
from tricircle.realise.kinds import KINDS, Kind
from tricircle.realise.realiser import Realiser
from tricircle.realise.replication import replication
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.site import Site

Also = Callable[[sa.Connection], None]
"""What is written in the transaction of a learning besides."""

_TURNS = 10
"""How often it looks again because others have changed the same meanwhile."""


def nothing_else(_: sa.Connection) -> None:
    """Write nothing besides."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What has come of it.

    :param definition: as it is now; None where there is none any more.
    :param changed: it has a new version, and the other sites are to follow.
    """

    definition: Definition | None
    changed: bool


class Learner:
    """Learns definitions from sites.

    :param bus: by which workers are told of the jobs that follow.
    """

    def __init__(
        self,
        database: Database,
        registry: SiteRegistry,
        requester: JobRequester,
        realiser: Realiser,
        bus: Bus,
    ) -> None:
        self.database = database
        self.registry = registry
        self.requester = requester
        self.realiser = realiser
        self.store = realiser.store
        self.bus = bus

    def learn(
        self,
        definition_id: str,
        site: Site,
        *,
        may_be_gone: bool,
        yields: bool = False,
        only_gone: Collection[DefinitionState] = (),
        request_id: str | None = None,
        also: Also = nothing_else,
    ) -> Learnt:
        """Make a definition what a site shows.

        :param may_be_gone: a site that no longer shows it means that it is deleted.
        :param yields: what others have done through another site meanwhile goes before what is found here. So
            it is for a request that nobody has an answer to.
        :param only_gone: states of the definition in which a site that shows it says nothing: the site was
            not heard to agree to anything.
        :param also: written in the same transaction; may run several times.
        :raises Conflict: others change it all the time.
        :raises TricircleError: the site cannot be asked, or the database.
        """
        for _ in range(_TURNS):
            # The version is read before the site is: who changes the definition meanwhile is noticed.
            known = self.store.get(definition_id)
            if known is None:
                self.database.transact(also)
                return Learnt(None, changed=False)
            try:
                turn = _Turn(self, known, site, request_id, also)
                return turn.take(may_be_gone=may_be_gone, yields=yields, only_gone=only_gone)
            except Changed:
                continue
        raise Conflict(f"Others keep changing definition {definition_id}.")

    def define(
        self,
        kind: Kind,
        found: Found,
        key: str,
        site: Site,
        *,
        project_id: str | None,
        request_id: str | None,
    ) -> str:
        """Take over what has been in a site without the top's doing; return its definition's id.

        :param project_id: of the user whose request it follows from.
        """
        definition = self.database.transact(
            lambda connection: self.store.propose(
                connection, kind.name, key, found.name, project_id=project_id
            )
        )
        if definition.state is DefinitionState.PENDING:
            self.learn(definition.id, site, may_be_gone=False, request_id=request_id)
        return definition.id

    def look(
        self, kind: Kind, key: str, sites: list[Site], request_id: str | None
    ) -> tuple[Site, Found] | None:
        """Find what the top has no definition of in the first site that has it; nothing is written.

        :raises TricircleError: no site that answers has it, and one does not answer.
        """
        failure: TricircleError | None = None
        for site in sites:
            view = self.realiser.view(kind, site, request_id=request_id)
            try:
                found = kind.look(view, Sought(key, "", key))
            except (Unavailable, BadAnswer) as error:
                failure = error
                continue
            if found is not None:
                return site, found
        if failure is not None:
            raise failure
        return None


class _Turn:
    """One look at a site, and what follows from it."""

    def __init__(
        self, learner: Learner, known: Known, site: Site, request_id: str | None, also: Also
    ) -> None:
        self._learner = learner
        self._known = known
        self._seen = known.definition
        self._kind = KINDS[known.definition.kind]
        self._site = site
        self._request_id = request_id
        self._also = also

    def take(self, *, may_be_gone: bool, yields: bool, only_gone: Collection[DefinitionState]) -> Learnt:
        """Look, and write down what has changed.

        :raises Changed: somebody else has, too; look again.
        """
        realiser = self._learner.realiser
        view = realiser.view(self._kind, self._site, request_id=self._request_id)
        found = realiser.find(self._kind, self._known, self._site, view)
        # A site that has not heard of a delete, or of what was done elsewhere, follows; it is not followed.
        is_behind = not self._known.in_step(self._site.id)
        if is_behind and (
            self._seen.state is DefinitionState.DELETED
            or (yields and self._seen.state is DefinitionState.ACTIVE)
        ):
            return self._as_before()
        if found is not None:
            return self._as_before() if self._seen.state in only_gone else self._shown(found)
        if may_be_gone and self._seen.state is not DefinitionState.DELETED:
            return self._define(None, self._seen.key, self._seen.body)
        return self._as_before()

    def _as_before(self) -> Learnt:
        def work(connection: sa.Connection) -> None:
            self._also(connection)
            self._learner.store.bury(connection, self._seen.id)

        self._learner.database.transact(work)
        return Learnt(self._seen, changed=False)

    def _shown(self, found: Found) -> Learnt:
        seen, key = self._seen, self._seen.key
        body = self._at_top(found.body)
        same = body == seen.body and found.site_resource_id == self._known.id_in(self._site.id)
        if seen.state is DefinitionState.ACTIVE and same and self._known.in_step(self._site.id):
            return self._as_before()
        if seen.state is DefinitionState.PENDING and self._kind.is_named:
            key = found.site_resource_id
            other = self._learner.store.find(self._kind.name, key)
            if other is not None and other.definition.id != seen.id:
                return self._known_already(key)
        return self._define(found, key, body)

    def _known_already(self, key: str) -> Learnt:
        """Drop a pending definition of what has one by now: somebody has taken it over meanwhile."""

        def work(connection: sa.Connection) -> None:
            self._learner.store.drop(connection, self._seen.id)
            self._also(connection)

        self._learner.database.transact(work)
        known = self._learner.store.find(self._kind.name, key)
        return Learnt(None if known is None else known.definition, changed=False)

    def _at_top(self, body: Body) -> Body:
        """Return a body with the top's keys of other replicated resources, which are defined if need be."""
        translated = dict(body)
        for field, other in self._kind.references.items():
            if body[field] is not None:
                translated[field] = self._key_of(KINDS[other], body[field])
        return translated

    def _key_of(self, kind: Kind, site_resource_id: str) -> str | None:
        learner, site = self._learner, self._site
        for _, key, site_id, known_as in learner.store.realised.names([kind.name]):
            if (site_id, known_as) == (site.id, site_resource_id):
                return key
        view = learner.realiser.view(kind, site, request_id=self._request_id)
        found = kind.look(view, Sought(site_resource_id, "", site_resource_id))
        if found is None:
            return None
        definition_id = learner.define(
            kind,
            found,
            site_resource_id,
            site,
            project_id=self._seen.project_id,
            request_id=self._request_id,
        )
        known = learner.store.get(definition_id)
        return None if known is None else known.definition.key

    def _define(self, found: Found | None, key: str, body: Body) -> Learnt:
        """Give the definition its next version, and have the other sites follow."""
        learner, seen, site = self._learner, self._seen, self._site
        name = seen.name if found is None else found.name
        state = DefinitionState.DELETED if found is None else DefinitionState.ACTIVE
        stays_in = self._stays_in(body)

        def work(connection: sa.Connection) -> list[Job]:
            version = learner.store.define(connection, seen, key=key, name=name, body=body, state=state)
            if stays_in is not None:
                learner.store.realised.make_former(connection, seen.id, stays_in)
            learner.store.realised.record(
                connection,
                seen.id,
                site.id,
                site_resource_id=None if found is None else found.site_resource_id,
                seen=self._known.version_in(site.id),
                version=version,
            )
            jobs = [
                learner.requester.enqueue(connection, replication(seen, other, self._request_id))
                for other in learner.registry.snapshot.asked
                if other.id != site.id
            ]
            self._also(connection)
            learner.store.bury(connection, seen.id)
            return jobs

        learner.bus.wake(learner.database.transact(work))
        now = learner.store.get(seen.id)
        return Learnt(None if now is None else now.definition, changed=True)

    def _stays_in(self, body: Body) -> set[str] | None:
        """Return the sites whose own it stays where it was deleted and made again before it was seen gone.

        That was done where it is otherwise in what cannot be changed; elsewhere None. What is not as the top
        made it stays; the rest is to be replaced.
        """
        seen = self._seen
        again = self._kind.fixed & differences(body, seen.body).keys()
        if seen.state is not DefinitionState.ACTIVE or not again:
            return None
        sites = self._learner.registry.snapshot.by_id
        return {
            site_id
            for site_id in self._known.realisations.keys() & sites.keys()
            if site_id == self._site.id or not self._learner.realiser.is_as_made(self._known, sites[site_id])
        }
