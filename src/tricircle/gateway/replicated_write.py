"""Replicated resources, made, changed and deleted: in one site with the user's token, in the others by jobs.

The site is one that has the resource as it is defined, so that its validation and its policy answer as every
other site would. What it made of the request is the definition; see `tricircle.realise`. A request is
written down before it is sent, so the database must be there; where it is away afterwards, the client gets
its answer, and XJob finds out by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from tricircle.errors import SiteUnavailable, TricircleError
from tricircle.gateway.answers import pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.intents import may_be_done
from tricircle.gateway.replicated import Named
from tricircle.gateway.resource import Resource
from tricircle.realise.definition import Body, DefinitionState, Known
from tricircle.realise.kinds import KINDS, Kind
from tricircle.realise.writing import Intent
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

Make = Callable[[Site], tuple[str, bytes | None]]
"""Makes path with query, and body, of a request for a site."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request changes: a replicated resource that is defined, or is to be.

    :param taken_over: it has no definition, and gets one only if the site agrees to the request.
    :param body: as the site has it that it is taken over from.
    """

    kind: Kind
    key: str
    name: str
    taken_over: bool = False
    body: Body | None = None

    @classmethod
    def of(cls, known: Known) -> Self:
        """Name one that is defined."""
        definition = known.definition
        return cls(KINDS[definition.kind], definition.key, definition.name)


class Sending:
    """One request that changes replicated resources, on its way to a site.

    :param subject: what it is about.
    :param others: what it changes besides.
    :param deletes: it deletes the subject.
    """

    def __init__(
        self,
        call: Call,
        subject: Subject,
        make: Make,
        *,
        others: Sequence[Subject] = (),
        deletes: bool = False,
        resource: Resource | None = None,
    ) -> None:
        self._call = call
        self._writing = call.engine.replicas.writing
        self._subject = subject
        self._make = make
        self._others = others
        self._deletes = deletes
        self._resource = resource

    def to_one_of(self, sites: Sequence[Site]) -> Reply:
        """Send it to the first site that can be reached.

        :raises SiteUnavailable: none can be.
        """
        candidates = {site.id: site for site in sites}
        failure: TricircleError = _none_ready(self._call, self._subject)
        while candidates:
            intents = self._begin(candidates)
            site = intents[0].site
            try:
                target, body = self._make(site)
                answer = self._call.send(site, target=target, body=body)
                reply = pass_back(self._call, site, answer, self._resource)
            except SiteUnavailable as error:
                self._not_sent(intents, error)
                candidates.pop(site.id)
                failure = error
            except TricircleError as error:
                self._failed(intents, error)
                raise
            else:
                self._end(intents, answer)
                return reply
        raise failure

    def _begin(self, candidates: dict[str, Site]) -> list[Intent]:
        subject, request_id = self._subject, self._call.request_id
        project_id = self._call.identity.project_id
        first = self._writing.begin(
            subject.kind,
            subject.key,
            subject.name,
            candidates,
            may_be_gone=self._deletes,
            taken_over=subject.taken_over,
            body=subject.body,
            project_id=project_id,
            request_id=request_id,
        )
        there = {first.site.id: first.site}
        return [
            first,
            *(
                self._writing.begin(
                    other.kind, other.key, other.name, there, project_id=project_id, request_id=request_id
                )
                for other in self._others
            ),
        ]

    def _not_sent(self, intents: list[Intent], error: SiteUnavailable) -> None:
        if self._call.method != "GET":
            self._withdraw(intents, error.message)
            return
        # Cinder changes things by GETs, too: these may have been sent, and can be sent again.
        for intent in intents:
            self._writing.find_out(intent)

    def _failed(self, intents: list[Intent], error: TricircleError) -> None:
        """End it without an answer: what was not sent, or was refused before that, had no effect."""
        if may_be_done(error):
            for intent in intents:
                self._writing.find_out(intent)
        else:
            self._withdraw(intents, error.message)

    def _withdraw(self, intents: list[Intent], cause: str) -> None:
        for intent in intents:
            self._writing.withdraw(intent, cause)

    def _end(self, intents: list[Intent], answer: Answer) -> None:
        agreed = 200 <= answer.status < 300
        if agreed or (self._deletes and answer.status == 404 and not self._subject.taken_over):
            # The others first: where a QoS spec is deleted, its volume types have lost it before it is gone.
            for intent in reversed(intents):
                if agreed:
                    self._writing.learn(intent)
                else:
                    self._writing.learn_gone(intent)
            self._call.engine.replicas.identifiers.expire()
        elif answer.status < 500:
            self._withdraw(intents, f"Site {intents[0].site.name} refused it: {answer.status}.")
        else:
            for intent in intents:
                self._writing.find_out(intent)


@dataclass(frozen=True, slots=True)
class Change:
    """Handler of an operation that changes one replicated resource.

    :param resource: what the answer may hold that bears ids or links.
    :param deletes: it deletes it.
    :param others: tells what it changes besides.
    :param checks: refuses what the top could do nothing with later.
    """

    named: Named
    resource: Resource | None = None
    deletes: bool = False
    others: Callable[[Call, Known], Sequence[Known]] | None = None
    checks: Callable[[Call], None] | None = None
    summary: str = field(default="done in one site that is in step, then in the others", init=False)

    def __call__(self, call: Call) -> Reply:
        """Change it."""
        if self.checks is not None:
            self.checks(call)
        place = find(call, self.named)
        if place is None:
            return pass_on(call, self.resource)
        known = place.known
        others = self.others(call, known) if self.others and known else ()
        sending = Sending(
            call,
            place.subject,
            lambda site: (self.named.target(call, known, site), call.body()),
            others=[Subject.of(other) for other in others],
            deletes=self.deletes,
            resource=self.resource,
        )
        return sending.to_one_of(place.sites)


@dataclass(frozen=True, slots=True)
class Place:
    """Something that is to be changed, and where that may be done.

    :param known: what is known of it; None where only sites know it.
    """

    subject: Subject
    sites: list[Site]
    known: Known | None


def find(call: Call, named: Named) -> Place | None:
    """Find the resource that an operation names.

    What only sites know is read here, and written down only as a proposal: the user has not been judged yet.

    :return: None where no site has it either.
    :raises NotFound: it is deleted.
    """
    known = named.known(call)
    if known is None:
        return look(call, named, ready(call))
    named.require_there(call, known)
    if known.definition.state is DefinitionState.DELETED:
        return None
    sites = in_step(call, known)
    if known.definition.state is DefinitionState.PENDING:
        place = look(call, named, sites)
        return place or Place(replace(Subject.of(known), taken_over=True), sites, known)
    return Place(Subject.of(known), sites, known)


def look(call: Call, named: Named, sites: list[Site]) -> Place | None:
    """Find what has no definition in the first of some sites that has it."""
    kind, key = named.kind, named.key(call)
    there = call.engine.replicas.learner.look(kind, key, sites, call.request_id)
    if there is None:
        return None
    site, found = there
    # What it refers to may have no definition either.
    body = {name: None if name in kind.references else value for name, value in found.body.items()}
    return Place(Subject(kind, key, found.name, taken_over=True, body=body), [site], None)


def ready(call: Call) -> list[Site]:
    """Return the sites in which something new may be made now, by name."""
    health = call.engine.client.health
    return [
        site
        for site in sorted(call.engine.registry.snapshot.asked, key=lambda site: site.name)
        if site.takes_new and health.of(site.id, site.name).is_up
    ]


def in_step(call: Call, known: Known) -> list[Site]:
    """Return the sites in which something may be changed now, the one where it was changed last first."""
    reference = known.definition.reference_site_id
    pending = known.definition.state is DefinitionState.PENDING
    health = call.engine.client.health
    sites = [
        site
        for site in call.engine.registry.snapshot.asked
        if (known.in_step(site.id) or (pending and site.id == reference))
        and health.of(site.id, site.name).is_up
    ]
    return sorted(sites, key=lambda site: (site.id != reference, not site.takes_new, site.name))


def pass_on(call: Call, resource: Resource | None = None) -> Reply:
    """Have a site say what is wrong with a request that is about nothing that there is.

    :raises SiteUnavailable: no site takes anything now.
    """
    sites = ready(call)
    if not sites:
        raise SiteUnavailable("Nothing can be changed now: no site is available.")
    return pass_back(call, sites[0], call.send(sites[0]), resource)


def _none_ready(call: Call, subject: Subject) -> SiteUnavailable:
    names = ", ".join(sorted(site.name for site in call.engine.registry.snapshot.asked)) or "no site"
    return SiteUnavailable(
        f"No site has {subject.kind.name} {subject.name} as it is defined and can be reached: {names}.",
        site=names,
    )
