"""Homed resources, made: a site is chosen, and the request goes there with only the zone's name changed.

A request that is sent and never answered may have made something all the same. Nobody repeats it; the client
is told so (504, 502), and the intent finds out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import orjson
from msgspec.structs import replace
from oslo_log import log

from tricircle.errors import BadRequest, NotFound, SiteUnavailable, TricircleError
from tricircle.gateway.answers import pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.intents import Intent, end_unanswered, end_undone
from tricircle.gateway.prerequisites import Needs, Prerequisites
from tricircle.gateway.resource import Item, Resource
from tricircle.gateway.sending import Sending
from tricircle.jobs.job import Request
from tricircle.jobs.types import IntentParameters
from tricircle.realise.blocks import NoAddressLeft
from tricircle.realise.fixed_addresses import AddressTaken
from tricircle.realise.reach import OutOfReach
from tricircle.realise.replication import PATIENCE
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.scheduler.scheduler import Candidate, Pin
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

LOG = log.getLogger(__name__)

Bonds = Callable[[Item, Item], Iterable[tuple[ResourceType, object]]]
"""Finds the homed resources that a new one is bound to, in the body's document and its member."""

_MARGIN = 2.0
"""Seconds that a worker has to make what a gateway was to make, and could not."""

_FOR_ANOTHER_SITE = (SiteUnavailable, OutOfReach, AddressTaken, NoAddressLeft)
"""What keeps one site from having something, and perhaps not the next one."""


@dataclass(frozen=True, slots=True)
class Create:
    """Handler of an operation that makes a homed resource.

    :param bonds: what pins it to a site.
    :param unknown_zone: the service's own words for a zone that does not exist, with `{zone}`.
    :param unknown_bond: what it is to the service that there is no such resource to be bound to.
    :param zone_field: the field of the request that names the zone; None where a bond alone decides.
    :param intent: tells from the body's member by what the new resource would be known again, were the answer
        lost; None where nobody looks for it.
    :param needs: what it names of the replicated resources, which its site must have before.
    """

    kind: ResourceType
    resource: Resource
    bonds: Bonds
    unknown_zone: str = ""
    unknown_bond: type[TricircleError] = NotFound
    zone_field: str | None = "availability_zone"
    intent: Callable[[Item], IntentParameters] | None = None
    needs: Needs | None = None
    summary: str = field(default="made in a site of its availability zone", init=False)

    def __call__(self, call: Call) -> Reply:
        """Make it in the best site; in the next one if that turns out to be down before it got anything."""
        document, member = call.json(self.resource.name)
        zone, host = self._asked_zone(member)
        pins = self._pins(call, document, member)
        try:
            return self._make(call, document, member, self._candidates(call, zone, pins), host)
        except OutOfReach as error:
            # What it is to be on decides before the default zone does, as what it is bound to.
            zones = [each for each in error.zones if each in call.engine.registry.snapshot.zones]
            if zone is not None or not zones:
                raise
        candidates = [each for zone in zones for each in self._candidates(call, zone, pins)]
        return self._make(call, document, member, candidates, host)

    def _candidates(self, call: Call, zone: str | None, pins: list[Pin]) -> list[Candidate]:
        return call.engine.scheduler.candidates(
            call.engine.service.type,
            zone,
            call.identity.project_id,
            pins,
            unknown_zone=self.unknown_zone,
            placed=self.zone_field is not None,
        )

    def _asked_zone(self, member: Item) -> tuple[str | None, str]:
        """Return the zone that is asked for, and what stands behind it: `:host:node`."""
        asked = member.get(self.zone_field) if self.zone_field else None
        if asked is None:
            return None, ""
        if not isinstance(asked, str):
            raise BadRequest(f"Invalid input for field/attribute {self.zone_field}: it must be a string.")
        zone, colon, host = asked.partition(":")
        return zone, colon + host

    def _pins(self, call: Call, document: Item, member: Item) -> list[Pin]:
        """Find the sites of what it is bound to; what is not even text is left for the site to refuse."""
        try:
            return [
                Pin(
                    f"{kind.name} {value}", call.engine.locator.locate(kind, value, call.identity, call.token)
                )
                for kind, value in self.bonds(document, member)
                if isinstance(value, str)
            ]
        except NotFound as error:
            raise self.unknown_bond(error.message) from None

    def _make(
        self, call: Call, document: Item, member: Item, candidates: list[Candidate], host: str
    ) -> Reply:
        """Send the request to the first candidate that can be reached.

        :param host: what an administrator may write behind a zone in Nova: `:host:node`.
        """
        needs = None if self.needs is None else self.needs(call, member)
        asked = None if self.intent is None else self.intent(member)
        if asked is not None and needs is not None:
            asked = replace(asked, uses=needs.uses, groups=needs.groups)
        unreachable: TricircleError
        for candidate in candidates:
            if self.zone_field and candidate.site_az is not None:
                member[self.zone_field] = candidate.site_az + host
            # Before anything is made for it, so that all that is in use is known to be.
            intent = call.engine.intents.begin(
                self.kind, candidate.site, call.identity.project_id, asked, call.request_id
            )
            sending = Sending(call, candidate.site, document, intent)
            try:
                if needs is not None:
                    needs.prepare(call, candidate.site, sending.early)
                sending.begin()
            except TricircleError as error:
                if not sending.may_have_made:
                    # Until then a worker has told, as the cause of its job, what the site has refused.
                    left = _leave_nothing(call, candidate.site, needs, PATIENCE + _MARGIN)
                    intent.not_made(f"It was not sent: {error.message}", *left)
                    if not isinstance(error, _FOR_ANOTHER_SITE):
                        raise
                    unreachable = error
                    continue
                LOG.warning("What request %s needs is left to jobs: %s", call.request_id, error.message)
            try:
                answer = sending.answer()
            except SiteUnavailable as error:
                left = _leave_nothing(call, candidate.site, needs)
                intent.not_made(f"It was not sent: {error.message}", *left)
                unreachable = error
            except TricircleError as error:
                end_unanswered(intent, error, _leave_nothing(call, candidate.site, needs))
                raise
            else:
                return self._reply(call, candidate.site, answer, intent, needs)
        raise unreachable

    def _reply(
        self, call: Call, site: Site, answer: Answer, intent: Intent, needs: Prerequisites | None
    ) -> Reply:
        """Make the reply, and end the intent as the answer says."""
        try:
            reply = pass_back(call, site, answer, self.resource)
        except TricircleError as error:
            end_unanswered(intent, error, _leave_nothing(call, site, needs))
            raise
        if 200 <= answer.status < 300:
            route = self._route(call, site, reply)
            jobs: list[Request] = []
            if needs is not None and route is not None:
                jobs = needs.follow_up(call, site, route.top_id)
            intent.made(route, *jobs)
        else:
            end_undone(intent, site, answer, _leave_nothing(call, site, needs))
        return reply

    def _route(self, call: Call, site: Site, reply: Reply) -> Route | None:
        """Return the route of what was made; None where the answer has no id (`return_reservation_id`)."""
        try:
            item = orjson.loads(reply.body)[self.resource.name]
            item_id = item["id"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None
        if not isinstance(item_id, str):
            return None
        project_id = self.kind.project_of(item) or call.identity.project_id
        return Route(item_id, self.kind.name, site.id, item_id, project_id, self.kind.created_at(item))


def _leave_nothing(call: Call, site: Site, needs: Prerequisites | None, delay: float = 0.0) -> list[Request]:
    """Return the jobs by which nothing is left in a site of what was not made."""
    return [] if needs is None else needs.leave_nothing(call, site, delay)
