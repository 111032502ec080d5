"""Changes of replicated resources by users: what is written before the request goes to a site, and after.

Before: a job that finds out what became of it, and for a new one a pending definition. After: the definition
is learnt, or what was written is taken back. Each request has a job of its own, as several may be under way
for the same resource; all of these go to one site, which puts them into an order.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import uuid4

import sqlalchemy as sa
from oslo_log import log

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable, TricircleError
from tricircle.jobs.job import Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import LEARN, LearnParameters
from tricircle.realise.definition import Body, Definition, DefinitionState
from tricircle.realise.kinds import Kind
from tricircle.realise.learner import Learner, Learnt
from tricircle.realise.store import DefinitionStore
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_SETTLING = 2.0
"""Seconds that a site gets to end what it was doing when its answer was lost."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is written before a request goes to a site.

    :param site: the site that it goes to; not the one that was proposed where another request is under way.
    :param request: for the job that finds out what became of it.
    """

    definition: Definition
    site: Site
    job_id: str
    may_be_gone: bool
    request: Request


def learning_of(definition_id: str) -> str:
    """Make the resource id of a job that learns a definition: each request has a job of its own."""
    return f"{definition_id}/{uuid4()}"


def definition_of(resource_id: str) -> str:
    """Return the definition's id from the resource id of a job that learns it."""
    return resource_id.partition("/")[0]


class Writing:
    """Begins and ends users' changes.

    :param grace: seconds that a gateway has for a request; afterwards a worker looks what became of it.
    """

    def __init__(
        self,
        database: Database,
        store: DefinitionStore,
        requester: JobRequester,
        learner: Learner,
        grace: float,
    ) -> None:
        self._database = database
        self._store = store
        self._requester = requester
        self._learner = learner
        self._grace = grace

    def begin(
        self,
        kind: Kind,
        key: str,
        name: str,
        sites: dict[str, Site],
        *,
        may_be_gone: bool = False,
        taken_over: bool = False,
        body: Body | None = None,
        project_id: str | None = None,
        request_id: str | None = None,
    ) -> Intent:
        """Write down what is about to be asked of a site.

        :param sites: those that may be asked by id, the best one first; never empty.
        :param taken_over: it has no definition, and gets one only if the site agrees to the request.
        :param body: as the site has it, where it has it already.
        :param project_id: of the user who asks.
        :raises DatabaseUnavailable: it cannot be written; nothing must be sent.
        """

        def work(connection: sa.Connection) -> Intent:
            definition = self._store.propose(
                connection, kind.name, key, name, body=body, project_id=project_id
            )
            best = next(iter(sites.values()))
            site = best
            if self._store.is_under_way(connection, definition.id):
                site = sites.get(definition.reference_site_id or "", best)
            self._store.refer(connection, definition.id, site.id)
            # That something is not there is a sign of its deletion only where it was there before.
            was_there = body is not None or not taken_over
            request = Request(
                LEARN.name,
                kind.name,
                learning_of(definition.id),
                site.id,
                project_id=project_id,
                parameters=LearnParameters(may_be_gone and was_there, taken_over),
                delay=self._grace,
                request_id=request_id,
            )
            job = self._requester.enqueue(connection, request)
            return Intent(definition, site, job.id, may_be_gone, request)

        return self._database.transact(work)

    def withdraw(self, intent: Intent, cause: str) -> None:
        """Take back what was written for a request that had no effect; a failure is left to the job."""

        def work(connection: sa.Connection) -> None:
            # The row is locked, so that two that are refused at the same time do not wait for each other.
            self._store.lock(connection, intent.definition.kind, intent.definition.key)
            self._requester.complete(connection, intent.job_id, cause)
            if not self._store.is_under_way(connection, intent.definition.id):
                self._store.drop(connection, intent.definition.id)
            self._store.bury(connection, intent.definition.id)

        try:
            self._database.transact(work)
        except DatabaseUnavailable as error:
            LOG.warning("Job %s is left to find that nothing was done: %s", intent.job_id, error.message)

    def drop(self, definition_id: str, job_id: str) -> None:
        """Drop what was never made, unless another request for the same is under way.

        :param job_id: of the job that has found out, which runs.
        """

        def work(connection: sa.Connection) -> None:
            if not self._store.is_under_way(connection, definition_id, besides=job_id):
                self._store.drop(connection, definition_id)

        self._database.transact(work)

    def learn(self, intent: Intent) -> Learnt | None:
        """Take over what the site has made of a request that it agreed to.

        :return: None where that is left to the job.
        """
        return self._learn(intent)

    def learn_gone(self, intent: Intent) -> Learnt | None:
        """Take over that something is gone, and nothing else: the site did not agree to the request."""
        return self._learn(intent, only_gone=frozenset(DefinitionState))

    def _learn(self, intent: Intent, only_gone: Collection[DefinitionState] = ()) -> Learnt | None:

        def also(connection: sa.Connection) -> None:
            self._requester.complete(connection, intent.job_id)

        try:
            return self._learner.learn(
                intent.definition.id,
                intent.site,
                may_be_gone=intent.may_be_gone,
                only_gone=only_gone,
                request_id=intent.request.request_id,
                also=also,
            )
        except TricircleError as error:
            LOG.warning("Job %s is left to learn what was done: %s", intent.job_id, error.message)
            if only_gone:
                self._hasten(intent, 0.0)
            else:
                self._have_learnt(intent)
            return None

    def _have_learnt(self, intent: Intent) -> None:
        """Have the job learn it now, which is told that the site has agreed."""
        agreed = replace(intent.request, parameters=LearnParameters(intent.may_be_gone), delay=0.0)
        try:
            self._requester.request(agreed)
        except DatabaseUnavailable as error:
            LOG.warning("Job %s is not hastened: %s", intent.job_id, error.message)

    def find_out(self, intent: Intent) -> None:
        """Have the job look soon what became of a request whose answer was lost."""
        self._hasten(intent, _SETTLING)

    def _hasten(self, intent: Intent, delay: float) -> None:
        try:
            self._requester.hasten(intent.job_id, delay)
        except DatabaseUnavailable as error:
            LOG.warning("Job %s is not hastened: %s", intent.job_id, error.message)
