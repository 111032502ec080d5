"""Both sides of a replicated resource: what is defined of it, and what a site has."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.errors import TricircleError
from tricircle.realise.definition import Body, Found, Known, differences
from tricircle.realise.kinds import KINDS, Kind
from tricircle.realise.kinds.kind import NotOffered
from tricircle.realise.reach import OutOfReach
from tricircle.realise.site_view import SiteView, go_on
from tricircle.realise.store import DefinitionStore
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site

Own = Callable[[Body, Site], Body]
"""Tells from a definition's body and a site what further fields it is to have there."""


class Sides:
    """Reads both, and tells what differs.

    :param own: tells, by kind, what a site has of its own beside what is defined.
    """

    def __init__(
        self, database: Database, calls: ServiceCalls, own: Mapping[str, Own] = MappingProxyType({})
    ) -> None:
        self._database = database
        self._calls = calls
        self._own = own
        self.store = DefinitionStore(database)

    def view(
        self,
        kind: Kind,
        site: Site,
        *,
        request_id: str | None = None,
        step: Callable[[str], None] = go_on,
    ) -> SiteView:
        """Return a site as a kind sees it."""
        return SiteView(self._calls, site, kind.service_type, kind.version, request_id=request_id, step=step)

    def find(self, kind: Kind, known: Known, site: Site, view: SiteView) -> Found | None:
        """Find what a site has for a definition; what it has for another one is none of it."""
        definition = known.definition
        found = kind.look(view, known.sought_in(site.id))
        if found is None or not kind.is_named:
            return found
        others = self.store.several(names=[(kind.name, found.name)])
        taken = any(
            other.id_in(site.id) == found.site_resource_id
            for other in others
            if other.definition.id != definition.id
        )
        return None if taken else found

    def compare(self, known: Known, site: Site) -> dict[str, str]:
        """Say what is otherwise in a site than it is defined, by field."""
        definition = known.definition
        kind = KINDS[definition.kind]
        try:
            found = self.find(kind, known, site, self.view(kind, site))
        except NotOffered as error:
            return {"": error.message}
        if found is None:
            return {"": "it is not there"}
        try:
            wanted = self.in_site(kind, definition.body, site)
        except OutOfReach as error:
            return {"": error.message}
        there = differences(found.body, wanted)
        return {field: words for field, words in there.items() if kind.is_drift(field, found.body, wanted)}

    def is_as_made(self, known: Known, site: Site) -> bool:
        """Say whether a site has it as the top made it, in what cannot be changed, or not at all.

        Of a site that does not answer it is said by what was found to be otherwise there before.
        """
        try:
            there = self.compare(known, site)
        except TricircleError:
            return known.realisations[site.id].drift is None
        return not there.keys() & KINDS[known.definition.kind].fixed

    def in_site(self, kind: Kind, body: Body, site: Site) -> Body:
        """Return a body as a site should show it: other replicated resources by the site's ids."""
        return self.translated(kind, body, site) | self.own(kind, body, site)

    def translated(self, kind: Kind, body: Body, site: Site) -> Body:
        """Return what of that is defined."""
        # Rules name the same groups time and again.
        return kind.in_site(
            body, cache(lambda other, key: self.store.realised.id_in_site(other, key, site.id))
        )

    def own(self, kind: Kind, body: Body, site: Site) -> Body:
        """Return what of that is the site's own."""
        own = self._own.get(kind.name)
        return {} if own is None else own(body, site)

    def write(self, work: Callable[[sa.Connection], object]) -> None:
        """Write in a transaction of its own."""
        self._database.transact(work)
