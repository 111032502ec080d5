"""Homed resources, made: a site is chosen, and the request goes there with only the zone's name changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import orjson

from tricircle.errors import BadRequest, NotFound, SiteUnavailable, TricircleError
from tricircle.gateway.answers import pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.resource import Item, Resource
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.scheduler.scheduler import Candidate, Pin
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

Bonds = Callable[[Item, Item], Iterable[tuple[ResourceType, object]]]
"""Finds the homed resources that a new one is bound to, in the body's document and its member."""


@dataclass(frozen=True, slots=True)
class Create:
    """Handler of an operation that makes a homed resource.

    :param bonds: what pins it to a site.
    :param unknown_zone: the service's own words for a zone that does not exist, with `{zone}`.
    :param unknown_bond: what it is to the service that there is no such resource to be bound to.
    :param zone_field: the field of the request that names the zone; None where a bond alone decides.
    """

    kind: ResourceType
    resource: Resource
    bonds: Bonds
    unknown_zone: str = ""
    unknown_bond: type[TricircleError] = NotFound
    zone_field: str | None = "availability_zone"
    summary: str = field(default="made in a site of its availability zone", init=False)

    def __call__(self, call: Call) -> Reply:
        """Make it in the best site; in the next one if that turns out to be down before it got anything."""
        document, member = call.json(self.resource.name)
        zone, host = self._asked_zone(member)
        candidates = call.engine.scheduler.candidates(
            call.engine.service.type,
            zone,
            call.identity.project_id,
            self._pins(call, document, member),
            unknown_zone=self.unknown_zone,
            placed=self.zone_field is not None,
        )
        site, answer = self._make(call, document, member, candidates, host)
        reply = pass_back(call, site, answer, self.resource)
        if 200 <= answer.status < 300:
            self._learn(call, site, reply)
        return reply

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
    ) -> tuple[Site, Answer]:
        """Send the request to the first candidate that can be reached.

        :param host: what an administrator may write behind a zone in Nova: `:host:node`.
        """
        for candidate in candidates:
            if self.zone_field and candidate.site_az is not None:
                member[self.zone_field] = candidate.site_az + host
            try:
                return candidate.site, call.send(candidate.site, body=orjson.dumps(document))
            except SiteUnavailable as error:
                unreachable = error
        raise unreachable

    def _learn(self, call: Call, site: Site, reply: Reply) -> None:
        """Keep the route; an answer without an id (`return_reservation_id`) is learnt from later lists."""
        try:
            item = orjson.loads(reply.body)[self.resource.name]
            item_id = item["id"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return
        if isinstance(item_id, str):
            project_id = self.kind.project_of(item) or call.identity.project_id
            created_at = self.kind.created_at(item)
            call.engine.locator.learn(
                [Route(item_id, self.kind.name, site.id, item_id, project_id, created_at)]
            )
