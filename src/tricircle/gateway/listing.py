"""Lists over all sites, as one: sorted, paged and filtered as a single service would."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import orjson

from tricircle.errors import BadAnswer, BadRequest, NotFound, SiteUnavailable, TricircleError
from tricircle.gateway.answers import prefix, rewrite
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.fan_out import Gathered, ask, headers_for_all
from tricircle.gateway.merge import Body, Entry, Shape, SitePage, SiteStream, merge
from tricircle.gateway.ordering import Parameters, Sorting
from tricircle.gateway.paging import Cursor, Page
from tricircle.gateway.resource import Item, Resource
from tricircle.routing.resource_type import ResourceType, parse_time
from tricircle.routing.route import Route
from tricircle.sites.site import Site

ZONE_FILTER = "availability_zone"

Absent = Callable[[Call, Site, Parameters, int], list[Item]]
"""Makes items for what a site holds that does not answer, from the query's filters and the room left."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of an API, and the handler of its operations.

    :param path: where sites are asked: the detailed list, as only that shows what lists are sorted by.
    :param kind: the routing type of what is listed. None for replicated resources, of which one of each
        id is shown: these lists are short, and are read whole whichever page is asked for.
    :param summary_fields: what a short form of the list shows of an item; None shows all.
    :param unknown_marker: what a marker that is none is to the service.
    :param absent: stands in for sites that do not answer, where the API knows such a thing.
    :param deleted: tells which replicated resources are deleted, though a site may still show them.
    """

    path: str
    resource: Resource
    shape: Shape
    sorting: Sorting
    kind: ResourceType | None = None
    summary_fields: Sequence[str] | None = None
    unknown_marker: type[BadRequest | NotFound] = BadRequest
    absent: Absent | None = None
    deleted: Callable[[Call], Collection[str]] | None = None
    summary: str = field(default="merged from all sites", init=False)

    def __call__(self, call: Call) -> Reply:
        """Answer one page of the list."""
        return _List(self, call).reply()


@dataclass(slots=True)
class _Place:
    """Where a page begins; see `tricircle.gateway.paging`. Without values it is the very beginning."""

    values: list[Any] | None = None
    site: str = ""
    markers: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)


class _List:
    """One call of a listing."""

    def __init__(self, listing: Listing, call: Call) -> None:
        self._listing = listing
        self._call = call
        self._max_limit: int = call.engine.conf.api.max_limit
        self._page = Page.of(call.query, self._max_limit)
        self._order = listing.sorting.order(self._page.rest)
        self._late: list[Site] = []

    def reply(self) -> Reply:
        """Ask the sites, merge what they say, and write the page."""
        filters = self._filters()
        self._site_filters = {site.id: rest for site, rest in filters}
        self._place = self._begin()
        values = self._place.values
        self._place_key = None if values is None else self._order.key(values)
        gathered = self._first_pages([site for site, _ in filters])
        streams = [self._stream(site, body) for site, _, body in gathered.good]
        taken, goes_on = self._take(streams)
        gathered.silent += self._late
        document = self._document(gathered, taken)
        if goes_on and self._listing.shape.links:
            document[self._listing.shape.links] = [{"rel": "next", "href": self._next_href(taken)}]
        return gathered.reply(self._call, document)

    def _filters(self) -> list[tuple[Site, Parameters]]:
        """Return the sites to ask, with each one's filters.

        They are in the order of their names, in which items that sort alike stand, too.
        """
        snapshot = self._call.engine.registry.snapshot
        rest = self._page.rest
        zone = next((value for name, value in rest if name == ZONE_FILTER), None)
        if zone is None or not self._listing.resource.zone_fields:
            return [(site, rest) for site in snapshot.asked]
        found = snapshot.zones.get(zone)
        members: dict[str, str] = {}
        for member in found.members if found else ():
            if member.site_id in members:
                raise BadRequest(
                    f"Availability zone {zone} is several zones of one site: cannot filter by it."
                )
            members[member.site_id] = member.az_of(self._call.engine.service.type)
        others = [(name, value) for name, value in rest if name != ZONE_FILTER]
        return [
            (site, [*others, (ZONE_FILTER, members[site.id])])
            for site in snapshot.asked
            if site.id in members
        ]

    def _begin(self) -> _Place:
        """Find out where the page begins."""
        marker, cursor, listing = self._page.marker, self._page.cursor, self._listing
        if marker is None or listing.kind is None or not listing.shape.links:
            return _Place()
        # A client may go on from a marker of its own and keep the cursor of our last link beside it.
        if cursor is not None and cursor.markers.get(cursor.site) == marker:
            if len(cursor.values) != len(self._order.fields):
                raise BadRequest("The cursor belongs to a list in another order.")
            return _Place(cursor.values, cursor.site, dict(cursor.markers), dict(cursor.hints))
        return self._place_of(listing.kind, marker)

    def _place_of(self, kind: ResourceType, marker: str) -> _Place:
        """Find out where an item stands: ask its site for it, and the routing table for its neighbours.

        :raises BadRequest: there is no such item; or NotFound, as the service has it.
        """
        call, engine = self._call, self._call.engine
        try:
            home = engine.locator.locate(kind, marker, call.identity, call.token)
        except NotFound:
            raise self._unknown(marker) from None
        item = self._marked(kind, marker, home)
        place = _Place([item.get(name) for name, _ in self._order.fields], home.name, {home.name: marker})
        created_at = kind.created_at(item)
        if created_at is not None and self._listing.sorting.is_default(self._order):
            project_id = None if engine.locator.sees_all(call.identity) else call.identity.project_id
            # Times are shown in whole seconds: what is surely before has a later one.
            before = created_at + timedelta(seconds=1)
            for site in engine.registry.snapshot.asked:
                near = (
                    None
                    if site.id == home.id
                    else engine.locator.nearest_before(kind, site, project_id, before)
                )
                if near is not None:
                    place.hints[site.name] = near.site_resource_id
        return place

    def _marked(self, kind: ResourceType, marker: str, home: Site) -> Item:
        """Get the item that is the marker; while its site is away, what the routing table has of it."""
        call = self._call
        try:
            answer = call.send(
                home,
                method="GET",
                target=kind.path.format(id=marker),
                headers=headers_for_all(call),
                body=None,
                deadline=call.engine.conf.gateway.fan_out_deadline,
            )
            if answer.is_html or answer.status >= 500:
                raise SiteUnavailable(f"Site {home.name} does not answer.", site=home.name)
        except (SiteUnavailable, BadAnswer):
            route = call.engine.locator.known(kind, marker, call.identity)
            if route is None or not self._listing.sorting.is_default(self._order):
                raise
            return {kind.created_field: kind.show_time(route.created_at)}
        if answer.status != 200:
            raise self._unknown(marker)
        item: Item = orjson.loads(answer.body).get(kind.envelope, {})
        return item

    def _first_pages(self, sites: list[Site]) -> Gathered:
        """Ask each site for its first page; one that no longer knows its marker begins anew."""
        place = self._place
        questions = [
            (site, self._target(site, place.markers.get(site.name) or place.hints.get(site.name)))
            for site in sites
        ]
        gathered = ask(self._call, questions, self._parse)
        lost = [
            site
            for site, answer in gathered.refused
            if answer.status in {400, 404} and (site.name in place.markers or site.name in place.hints)
        ]
        for site in lost:
            place.markers.pop(site.name, None)
            place.hints.pop(site.name, None)
        if lost:
            anew = ask(self._call, [(site, self._target(site, None)) for site in lost], self._parse)
            gathered.good = sorted(gathered.good + anew.good, key=lambda good: good[0].name)
            gathered.refused = [entry for entry in gathered.refused if entry[0] not in lost] + anew.refused
            gathered.silent += anew.silent
        return gathered.require() if sites else gathered

    def _target(self, site: Site, marker: str | None) -> str:
        limit = self._page.limit + self._page.offset
        looked_through = self._place.values is not None and site.name not in self._place.markers
        if looked_through or self._listing.kind is None:
            limit = self._max_limit
        own = [("limit", str(min(limit, self._max_limit))), *([("marker", marker)] if marker else [])]
        return self._call.target(self._listing.path, urlencode([*self._site_filters[site.id], *own]))

    def _parse(self, body: bytes) -> Body:
        return self._listing.shape.parse(body, self._order)

    def _stream(self, site: Site, body: Body) -> SiteStream:
        first = self._listing.shape.page(site, body, self._order)
        return SiteStream(site, first, self._fetch, self._is_before)

    def _fetch(self, site: Site, marker: str) -> SitePage | None:
        """Get a site's page after an item; a site that fails by now is left out from here on."""
        try:
            gathered = ask(self._call, [(site, self._target(site, marker))], self._parse).require()
        except TricircleError:
            self._late.append(site)
            return None
        _, _, body = gathered.good[0]
        return self._listing.shape.page(site, body, self._order)

    def _is_before(self, entry: Entry) -> bool:
        """Say whether an entry stands before the place where the page begins."""
        place, key = self._place, self._place_key
        if key is None or entry.site.name in place.markers:
            return False
        return entry.key < key or (entry.key == key and entry.site.name <= place.site)

    def _take(self, streams: list[SiteStream]) -> tuple[list[Entry], bool]:
        """Take the page from the merged streams, with what the offset passes over before it.

        :return: the entries, and whether the list goes on after them.
        """
        wanted = self._page.limit + self._page.offset
        if self._listing.kind is None:
            entries = list(islice(self._one_of_each(streams), wanted + 1))
            return entries[:wanted], 0 < wanted < len(entries)
        taken = list(islice(merge(streams), wanted))
        counts = Counter(entry.site.id for entry in taken)
        full = 0 < wanted == len(taken)
        return taken, full and any(stream.has_more(counts[stream.site.id]) for stream in streams)

    def _one_of_each(self, streams: list[SiteStream]) -> Iterator[Entry]:
        """Give one entry of each resource, from the one after the marker on.

        :raises BadRequest: no site knows the marker; or NotFound, as the service has it.
        """
        marker, deleted = self._page.marker, self._listing.deleted
        seen: set[str] = set() if deleted is None else set(deleted(self._call))
        for entry in merge(streams):
            if entry.same_by in seen:
                continue
            seen.add(entry.same_by)
            if marker is None:
                yield entry
            elif self._id_at_top(entry) == marker:
                marker = None
        if marker is not None:
            raise self._unknown(marker)

    def _id_at_top(self, entry: Entry) -> str:
        """Return what the top calls an entry."""
        identifiers = self._call.engine.replicas.identifiers
        for field_name, kind in self._listing.resource.replicated:
            if field_name == self._listing.shape.id_field:
                return identifiers.at_top(kind, entry.site.id, entry.id)
        return entry.id

    def _unknown(self, marker: str) -> BadRequest | NotFound:
        kind, error = self._listing.kind, self._listing.unknown_marker
        if error is NotFound and kind is not None:
            return NotFound(kind.not_found.format(id=marker))
        return error(f"marker [{marker}] not found")

    def _document(self, gathered: Gathered, taken: list[Entry]) -> dict[str, Any]:
        listing = self._listing
        shown = [self._item(entry) for entry in taken[self._page.offset :]]
        absent: list[Item] = []
        if listing.kind is not None:
            self._learn(listing.kind, taken)
        if listing.absent is not None and not self._page.asked:
            for site in gathered.silent:
                absent += listing.absent(
                    self._call, site, self._page.rest, self._page.limit - len(shown) - len(absent)
                )
        fields = listing.summary_fields
        items_shown = [_cut(item, fields) for item in shown]
        items_shown += [_cut(item, fields and (*fields, "status")) for item in absent]
        document: dict[str, Any] = {listing.shape.collection: items_shown}
        counts = [body.count for _, _, body in gathered.good if body.count is not None]
        if counts:
            document["count"] = sum(counts)
        return document

    def _item(self, entry: Entry) -> Item:
        item: Item = orjson.loads(bytes(entry.raw))
        wrapper = self._listing.shape.wrapper
        rewrite(self._call, entry.site, self._listing.resource, item[wrapper] if wrapper else item)
        return item

    def _learn(self, kind: ResourceType, entries: list[Entry]) -> None:
        locator, identity = self._call.engine.locator, self._call.identity
        # What a list does not show the project of is the user's own, unless the user sees all projects'.
        own = None if locator.sees_all(identity) else identity.project_id
        locator.learn(
            [
                Route(
                    entry.id,
                    kind.name,
                    entry.site.id,
                    entry.id,
                    entry.project_id or own,
                    parse_time(entry.created),
                )
                for entry in entries
                if kind.is_id(entry.id)
            ]
        )

    def _next_href(self, taken: list[Entry]) -> str:
        last = taken[-1]
        markers = self._place.markers | {entry.site.name: self._id_at_top(entry) for entry in taken}
        hints = {name: hint for name, hint in self._place.hints.items() if name not in markers}
        cursor = Cursor(last.values, last.site.name, markers, hints)
        return f"{prefix(self._call)}{self._call.operation.path}?{self._page.next_query(cursor)}"


def _cut(item: Item, fields: Sequence[str] | None) -> Item:
    return item if fields is None else {name: item[name] for name in fields if name in item}
