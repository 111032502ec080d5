"""Intents: what a gateway is about to make in a site, written down before it asks the site.

So is what a server is to get that is there already, as a port: until it has it, it is in use.

An intent that nobody ends is looked after by XJob once its grace is over: so a gateway may be killed at any
instant, and an answer may get lost, and the resource is found all the same. The database must be there to
begin one; where it is away when one ends, the client gets its answer, and XJob finds out by itself.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import msgspec
import sqlalchemy as sa
from oslo_log import log

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.errors import DatabaseUnavailable, TricircleError, Unavailable
from tricircle.jobs.bus import Bus
from tricircle.jobs.job import Job, Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import INTENT, IntentParameters
from tricircle.routing.locator import Locator
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.routing.store import RouteStore
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

LOG = log.getLogger(__name__)

_PROMPT = 5.0
"""Seconds after which a request that is not sent yet is late."""

LONGEST_FACT = 255
"""Characters. Names and ids are no longer; what is will be refused by the site."""


def name_of(member: Mapping[str, object], *fields: str) -> str | None:
    """Return the name that is asked for: the first of some fields that is there."""
    name = next((member[field] for field in fields if field in member), None)
    return name[:LONGEST_FACT] if isinstance(name, str) else None


class Intent(Protocol):
    """One request that makes something, from before it is sent until it is known what became of it."""

    def made(self, route: Route | None, *jobs: Request) -> None:
        """Note what the site says that it has made; None where its answer does not tell.

        :param jobs: that are to follow.
        """

    def sending(self) -> None:
        """Note that the request goes to the site now, where it took long to get so far.

        :raises DatabaseUnavailable: that cannot be written, and the site must not be asked.
        """

    def not_made(self, cause: str, *jobs: Request) -> None:
        """Note that nothing was made.

        :param jobs: that are to follow.
        """

    def done(self) -> None:
        """Note that the site has done what was asked of something that it had already."""

    def lost(self, *, is_over: bool = False) -> None:
        """Note that nobody knows.

        :param is_over: the site is at it no more: what it has made is there by now.
        """


def may_be_done(error: TricircleError) -> bool:
    """Say whether a site may do what it has not answered: not what it refused, or what was not even sent."""
    return error.status >= 500 and not isinstance(error, Unavailable)


def end_unanswered(intent: Intent, error: TricircleError, jobs: Iterable[Request]) -> None:
    """End an intent without an answer.

    :param jobs: that are to follow where nothing was made.
    """
    if may_be_done(error):
        intent.lost()
    else:
        intent.not_made(error.message, *jobs)


def end_undone(intent: Intent, site: Site, answer: Answer, jobs: Iterable[Request]) -> None:
    """End an intent whose answer does not say that it is done.

    :param jobs: that are to follow where nothing was made.
    """
    if 400 <= answer.status < 500:
        intent.not_made(f"Site {site.name} refused it: {answer.status}.", *jobs)
    else:
        # With its own request id the service itself has answered, and not what stands before it.
        intent.lost(is_over=answer.header("x-openstack-request-id") is not None)


class Unwritten:
    """An intent that is not written down: what becomes of the request is learnt from what sites show."""

    def __init__(self, locator: Locator) -> None:
        self._locator = locator

    def made(self, route: Route | None, *_: Request) -> None:
        """Keep the route."""
        if route is not None:
            self._locator.learn([route])

    def sending(self) -> None:
        """Do nothing."""

    def not_made(self, cause: str, *_: Request) -> None:
        """Do nothing."""

    def done(self) -> None:
        """Do nothing."""

    def lost(self, *, is_over: bool = False) -> None:
        """Do nothing."""


class Written:
    """An intent with a job that looks after it.

    :param most: how many are made at once; the site's answer names but one.
    """

    def __init__(self, intents: "Intents", job: Job, most: int) -> None:
        self._intents = intents
        self._job = job
        self._most = most
        self._good_until = time.monotonic() + _PROMPT

    def sending(self) -> None:
        """Count the time from now on, where it began long ago."""
        if time.monotonic() > self._good_until:
            self._job = self._intents.renew(self._job)

    def made(self, route: Route | None, *jobs: Request) -> None:
        """Keep the route; have XJob look for what the answer does not name."""
        if route is not None and self._most == 1:
            self._intents.end(self._job, [route], None, jobs)
            return
        if route is not None and jobs:
            self._intents.keep([route], jobs)
        elif route is not None:
            self._intents.locator.learn([route])
        self.lost(is_over=True)

    def not_made(self, cause: str, *jobs: Request) -> None:
        """Have nobody look for it."""
        self._intents.end(self._job, [], cause, jobs)

    def done(self) -> None:
        """Have nobody look for it."""
        self._intents.end(self._job, [], None)

    def lost(self, *, is_over: bool = False) -> None:
        """Have XJob look now."""
        self._intents.hasten(self._job, is_over=is_over)


class Intents:
    """Begins and ends intents.

    :param grace: seconds that a gateway has to end one; `[xjob] intent_grace`.
    """

    def __init__(
        self,
        database: Database,
        requester: JobRequester,
        locator: Locator,
        grace: float,
        bus: Bus,
    ) -> None:
        self.locator = locator
        self._database = database
        self._requester = requester
        self._grace = grace
        self._bus = bus

    def begin(
        self,
        kind: ResourceType,
        site: Site,
        project_id: str | None,
        asked: IntentParameters | None,
        request_id: str | None,
    ) -> Intent:
        """Write an intent.

        :param asked: what is asked for; None where nobody needs to look after it.
        :param request_id: global id of the client's request.
        :raises DatabaseUnavailable: it is not written, and the site must not be asked.
        """
        if asked is None:
            return Unwritten(self.locator)
        request = Request(
            INTENT.name,
            kind.name,
            str(uuid.uuid4()),
            site.id,
            project_id,
            msgspec.structs.replace(asked, sent_at=now().isoformat()),
            delay=self._grace,
            request_id=request_id,
        )
        (job,) = self._requester.request(request)
        return Written(self, job, asked.most)

    def renew(self, job: Job) -> Job:
        """Have an intent count from now on; return it, or another one where a worker has it already.

        :raises DatabaseUnavailable: it is not written.
        """
        asked = msgspec.structs.replace(INTENT.read(job.parameters), sent_at=now().isoformat())
        if self._requester.revise(job.id, asked, self._grace):
            return replace(job, parameters=msgspec.json.encode(asked))
        request = Request(
            job.type,
            job.resource_type,
            str(uuid.uuid4()),
            job.site_id,
            job.project_id,
            asked,
            delay=self._grace,
            request_id=job.request_id,
        )
        return self._requester.request(request)[0]

    def end(
        self, job: Job, routes: Sequence[Route], cause: str | None, follow: Sequence[Request] = ()
    ) -> None:
        """Keep routes, ask for the jobs that follow, and have nobody look for more: all of it, or nothing."""

        def complete(connection: sa.Connection) -> None:
            self._requester.complete(connection, job.id, cause)

        try:
            self._write(routes, follow, complete)
        except DatabaseUnavailable as error:
            LOG.warning("Could not end the intent %s, which ends by itself: %s", job.id, error.message)
        self.locator.remember(routes)

    def keep(self, routes: Sequence[Route], follow: Sequence[Request]) -> None:
        """Keep routes, and ask for the jobs that follow; XJob looks for more."""
        try:
            self._write(routes, follow)
        except DatabaseUnavailable as error:
            LOG.warning("Could not keep a route, which is found again: %s", error.message)
        self.locator.remember(routes)

    def _write(
        self,
        routes: Sequence[Route],
        follow: Sequence[Request],
        also: Callable[[sa.Connection], None] = lambda _: None,
    ) -> None:
        record = RouteStore.recording(routes)

        def work(connection: sa.Connection) -> list[Job]:
            record(connection)
            also(connection)
            requests = sorted(follow, key=lambda request: request.key)
            return [self._requester.enqueue(connection, request) for request in requests]

        jobs = self._database.transact(work)
        if jobs:
            self._bus.wake(jobs)

    def hasten(self, job: Job, *, is_over: bool = False) -> None:
        """Have XJob look now, and not only when the grace is over.

        :param is_over: see `Intent.lost`.
        """
        try:
            if is_over:
                asked = INTENT.read(job.parameters)
                self._requester.revise(
                    job.id, msgspec.structs.replace(asked, over_at=now().isoformat()), delay=0.0
                )
            else:
                self._requester.hasten(job.id)
        except DatabaseUnavailable as error:
            LOG.warning("Could not hasten the intent %s: %s", job.id, error.message)
        else:
            self._bus.wake([replace(job, run_after=now())])
