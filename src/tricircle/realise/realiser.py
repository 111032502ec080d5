"""Makes a site agree with the definition of a replicated resource.

It reads both sides and does the difference, as often as anybody likes: XJob does it for each site, a gateway
for the site that is about to get something which needs it. Two that do it at the same time do no harm:
whoever ends last looks again at what there is then.

Fails with what the site says, and with Differs where the site has something else by that key, which is not
ours to delete.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.errors import Conflict, TricircleError
from tricircle.realise.definition import (
    FORMER,
    Body,
    Definition,
    DefinitionState,
    Found,
    Known,
    differences,
)
from tricircle.realise.kinds import KINDS, Kind
from tricircle.realise.kinds.kind import NotOffered
from tricircle.realise.reach import OutOfReach
from tricircle.realise.site_view import SiteView, go_on
from tricircle.realise.store import Changed, DefinitionStore
from tricircle.sites.service_calls import ServiceCalls, SiteRefused
from tricircle.sites.site import Site

_IN_THE_WAY = frozenset({400, 409})
"""What a site says where there is one already: to Neutron a second subnet like the first is bad input."""

_TURNS = 5
"""How often it looks again because somebody else has worked on the same; more than that is no coincidence."""


Own = Callable[[Body, Site], Body]
"""Tells from a definition's body and a site what further fields it is to have there."""


class Differs(Conflict):
    """A site has something else by the same key; only an operator may say that it is to go."""


class Realiser:
    """Makes sites agree.

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

    def realise(
        self,
        definition_id: str,
        site: Site,
        *,
        mend: bool = False,
        is_new: bool = False,
        own: Body | None = None,
        with_parts: bool = True,
        request_id: str | None = None,
        step: Callable[[str], None] = go_on,
        within: frozenset[str] = frozenset(),
    ) -> str:
        """Make a site agree with a definition as it is now.

        :param mend: delete what cannot be changed, and make it again.
        :param is_new: the caller has just noted that the site needs it, and nobody before: it is not there.
        :param own: what the site has of its own, where the caller has looked that up just now.
        :param with_parts: see to its parts, too; else it is complete only when `complete` says so.
        :param within: ids of definitions that this one is part of, which are being realised.
        :param step: called between effects; may raise to end the work there.
        :return: what was done, in a word.
        :raises Differs: what the site has cannot be changed into what it should be.
        :raises TricircleError: what else `ServiceCalls.call` raises.
        """
        work: _Work | None = None
        for _ in range(_TURNS):
            known = self.store.get(definition_id)
            if known is None:
                if work is not None:
                    work.take_back()
                return "It is defined no more."
            if known.definition.state is DefinitionState.PENDING:
                return "It is not known yet whether it was made."
            work = _Work(self, known, site, mend=mend, request_id=request_id, step=step, within=within)
            if not _concerns(known, site):
                if work.take_back():
                    continue
                return f"Nothing in site {site.name} needs it."
            try:
                return work.do(is_new=is_new, own=own, with_parts=with_parts)
            except NotOffered as error:
                return work.go_without(error)
            except Changed:
                is_new, own = False, None
        raise Conflict(f"Others keep working on definition {definition_id} in site {site.name}.")

    def complete(self, definition_id: str, site: Site) -> bool:
        """Note that a site agrees with a definition that was realised there without its parts.

        :return: whether it does: all parts are there, and nobody has changed it meanwhile.
        """
        known = self.store.get(definition_id)
        if known is None or known.definition.state is not DefinitionState.ACTIVE:
            return False
        definition, site_resource_id = known.definition, known.id_in(site.id)
        keys = list(KINDS[definition.kind].parts(definition.body))
        parts = self.store.several(keys)
        if site_resource_id is None or len(parts) < len(keys):
            return False
        if not all(part.in_step(site.id) for part in parts):
            return False
        try:
            self.write(
                partial(
                    self.store.record,
                    definition_id=definition.id,
                    site_id=site.id,
                    site_resource_id=site_resource_id,
                    seen=known.version_in(site.id),
                    version=definition.version,
                )
            )
        except Changed:
            return False
        return True

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
            return differences(found.body, self.in_site(kind, definition.body, site))
        except OutOfReach as error:
            return {"": error.message}

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
        return kind.in_site(body, cache(lambda other, key: self.store.id_in_site(other, key, site.id)))

    def own(self, kind: Kind, body: Body, site: Site) -> Body:
        """Return what of that is the site's own."""
        own = self._own.get(kind.name)
        return {} if own is None else own(body, site)

    def write(self, work: Callable[[sa.Connection], object]) -> None:
        """Write in a transaction of its own."""
        self._database.transact(work)


def _concerns(known: Known, site: Site) -> bool:
    """Say whether a site is to have a definition, or to lose it."""
    return KINDS[known.definition.kind].everywhere or site.id in known.realisations


class _Work:
    """One look at both sides, and what follows from it."""

    def __init__(
        self,
        realiser: Realiser,
        known: Known,
        site: Site,
        *,
        mend: bool,
        request_id: str | None,
        step: Callable[[str], None],
        within: frozenset[str],
    ) -> None:
        self._realiser = realiser
        self._known = known
        self._definition = known.definition
        self._site = site
        self._mend = mend
        self._within = within | {known.definition.id}
        self._request_id = request_id
        self._step = step
        self._kind = KINDS[known.definition.kind]
        self._view = realiser.view(self._kind, site, request_id=request_id, step=step)

    def do(self, *, is_new: bool, own: Body | None, with_parts: bool) -> str:
        """Make the site agree, and note that it does; see `Realiser.realise`."""
        if self._definition.state is DefinitionState.DELETED:
            return self._remove()
        if not self._kind.everywhere and self._known.version_in(self._site.id) == FORMER:
            return self._leave()
        self._prepare()
        if own is None:
            own = self._realiser.own(self._kind, self._definition.body, self._site)
        wanted = self._translated() | own
        found = None if is_new else self._find()
        done = "It was so already."
        if found is not None and (at_odds := self._at_odds(found, wanted)):
            self._require_leave(at_odds)
            self._kind.remove(self._view, found)
            found = None
        if found is None:
            found = self._make(wanted)
            done = "Made."
        if not self._kind.everywhere:
            self._keep_id(found)
            if with_parts:
                self._complete(anew=done == "Made.")
            # What it refers to, maybe itself, has an id in the site by now.
            wanted = self._translated() | own
        if self._change(found, wanted):
            done = "Made." if done == "Made." else "Changed."
        if with_parts:
            self._record(found.site_resource_id, drift="; ".join(self._view.notes) or None)
        return done

    def go_without(self, error: NotOffered) -> str:
        """Note that the site has no such thing, which is all that can be done there."""
        deleted = self._definition.state is DefinitionState.DELETED
        if not deleted and self._known.version_in(self._site.id) == FORMER:
            self._forget()
            return "It is not needed there any more."
        self._record(None, drift=None if deleted else error.message)
        return error.message

    def _translated(self) -> Body:
        return self._realiser.translated(self._kind, self._definition.body, self._site)

    def _keep_id(self, found: Found) -> None:
        """Note what the site calls it, before anything else is made that refers to it.

        :raises Changed: somebody else has made it, too, and theirs holds.
        """
        self._realiser.write(
            partial(
                self._realiser.store.keep_id,
                definition_id=self._definition.id,
                site_id=self._site.id,
                site_resource_id=found.site_resource_id,
                seen=self._known.id_in(self._site.id),
            )
        )

    def _complete(self, *, anew: bool) -> None:
        """See that the site has the parts.

        :param anew: it was made just now: what the site had of its parts is gone.
        """
        store, site = self._realiser.store, self._site
        parts = [
            part
            for part in store.several(list(self._kind.parts(self._definition.body)))
            if part.definition.id not in self._within
            and part.definition.state is DefinitionState.ACTIVE
            and (anew or not part.in_step(site.id))
        ]
        for part in parts:
            self._want(part)
            self._realise_first(part)

    def _remove(self) -> str:
        found = self._find()
        if found is not None:
            self._kind.remove(self._view, found)
        self._record(None)
        return "It was gone already." if found is None else "Deleted."

    def take_back(self) -> bool:
        """Delete what was made for a site of which the top noted meanwhile that it does not need it.

        What is found was made for one who had noted before that the site needs it. So if that is not noted
        once it is found, it is nobody's.

        :return: whether there was something: then it is to be looked again at what is needed.
        """
        try:
            found = None if self._kind.everywhere else self._find()
        except NotOffered:
            return False
        if found is None:
            return False
        known = self._realiser.store.get(self._definition.id)
        if known is None or not _concerns(known, self._site):
            self._kind.remove(self._view, found)
        return True

    def _leave(self) -> str:
        """Take it from a site that does not need it any more.

        :raises Changed: it is needed there again.
        """
        found = self._find()
        if not self._realiser.store.is_leaving(self._definition.id, self._site.id):
            raise Changed
        if found is not None:
            self._kind.remove(self._view, found)
        self._forget()
        return "It is not needed there any more."

    def _forget(self) -> None:
        self._realiser.write(
            partial(self._realiser.store.forget, definition_id=self._definition.id, site_id=self._site.id)
        )

    def _prepare(self) -> None:
        """See that the site has what this refers to, and no longer has what had its name before."""
        store = self._realiser.store
        for kind, key in self._kind.needs(self._definition.body):
            needed = store.find(kind, key)
            if needed is not None and self._lacks(needed):
                if not KINDS[kind].everywhere:
                    self._want(needed)
                self._realise_first(needed)
        if not self._kind.is_named:
            return
        for former in store.several(names=[(self._kind.name, self._definition.name)]):
            deleted = former.definition.state is DefinitionState.DELETED
            if deleted and not former.in_step(self._site.id):
                self._realise_first(former)

    def _want(self, other: Known) -> None:
        store = self._realiser.store
        self._realiser.write(partial(store.want, definition_id=other.definition.id, site_id=self._site.id))

    def _lacks(self, needed: Known) -> bool:
        """Say whether what this refers to must be made first; one that this is a part of is there already."""
        if needed.definition.id in self._within:
            return False
        if KINDS[needed.definition.kind].everywhere:
            return not needed.in_step(self._site.id)
        return needed.id_in(self._site.id) is None

    def _realise_first(self, other: Known) -> None:
        self._realiser.realise(
            other.definition.id,
            self._site,
            request_id=self._request_id,
            step=self._step,
            within=self._within,
        )

    def _find(self) -> Found | None:
        return self._realiser.find(self._kind, self._known, self._site, self._view)

    def _at_odds(self, found: Found, wanted: Body) -> list[str]:
        """Say what differs of the fields that cannot be changed."""
        there = differences(found.body, wanted)
        return [words for field, words in there.items() if field in self._kind.fixed]

    def _require_leave(self, at_odds: list[str]) -> None:
        """Go on only where what is there may be deleted.

        :raises Differs: it may not.
        """
        if self._mend or self._known.version_in(self._site.id) == FORMER:
            return
        words = "; ".join(at_odds)
        self._record(None, version=self._known.version_in(self._site.id), drift=words)
        raise Differs(
            f"Site {self._site.name} has another {self._kind.name} {self._definition.name}: {words}.",
            site=self._site.name,
        )

    def _make(self, wanted: Body) -> Found:
        refused: TricircleError | None = None
        made: Found | None = None
        try:
            made = self._kind.make(self._view, wanted)
        except SiteRefused as error:
            if error.site_status not in _IN_THE_WAY:
                raise
            refused = error  # somebody has just made it, or something else is in the way
        found = made or self._find()
        if found is not None and not self._at_odds(found, wanted):
            return found
        raise refused or Conflict(
            f"{self._kind.name} {self._definition.name} was made in site {self._site.name} and is not there.",
            site=self._site.name,
        )

    def _change(self, found: Found, wanted: Body) -> bool:
        if not differences(found.body, wanted):
            return False
        self._kind.change(self._view, found, wanted)
        return True

    def _record(
        self, site_resource_id: str | None, *, version: int | None = None, drift: str | None = None
    ) -> None:
        definition = self._definition
        done = definition.version if version is None else version
        self._realiser.write(
            partial(
                self._write,
                definition=definition,
                site_resource_id=site_resource_id,
                version=done,
                drift=drift,
            )
        )

    def _write(
        self,
        connection: sa.Connection,
        *,
        definition: Definition,
        site_resource_id: str | None,
        version: int,
        drift: str | None,
    ) -> None:
        store = self._realiser.store
        now = store.lock(connection, definition.kind, definition.key)
        if (
            self._kind.everywhere
            and now is not None
            and version > 0
            and self._kind.fixed & differences(now.body, definition.body).keys()
        ):
            version = FORMER  # it was deleted and made again since the work began
        store.record(
            connection,
            definition.id,
            self._site.id,
            site_resource_id=site_resource_id,
            seen=self._known.version_in(self._site.id),
            version=version,
            drift=drift,
        )
        if definition.state is DefinitionState.DELETED:
            store.bury(connection, definition.id)
