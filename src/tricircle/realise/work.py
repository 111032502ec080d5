"""What is done in a site to have it agree with a definition."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import sqlalchemy as sa

from tricircle.errors import Conflict
from tricircle.realise.definition import (
    FORMER,
    Body,
    Changed,
    Definition,
    DefinitionState,
    Found,
    Known,
    differences,
)
from tricircle.realise.kinds import KINDS, PARTS_OF_NETWORKS, SUBNET
from tricircle.realise.kinds.kind import NotOffered
from tricircle.realise.replication import end_precaution
from tricircle.realise.sides import Sides
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site

_IN_THE_WAY = frozenset({400, 409})
"""What a site says where there is one already: to Neutron a second subnet like the first is bad input."""


class Differs(Conflict):
    """A site has something else by the same key; only an operator may say that it is to go."""


class Realise(Protocol):
    """`Realiser.realise`, as far as it is done for another definition."""

    def __call__(
        self,
        definition_id: str,
        site: Site,
        *,
        request_id: str | None = None,
        step: Callable[[str], None],
        within: frozenset[str],
    ) -> str:
        """Make a site agree with a definition as it is now."""


def concerns(known: Known, site: Site) -> bool:
    """Say whether a site is to have a definition, or to lose it."""
    return KINDS[known.definition.kind].everywhere or site.id in known.realisations


class Work:
    """One look at both sides, and what follows from it.

    :param mend: as for `Realiser.realise`; so `request_id`, `step` and `within`.
    :param realise: makes the site agree with another definition.
    """

    def __init__(
        self,
        sides: Sides,
        known: Known,
        site: Site,
        *,
        mend: bool,
        request_id: str | None,
        step: Callable[[str], None],
        within: frozenset[str],
        realise: Realise,
    ) -> None:
        self._sides = sides
        self._realise = realise
        self._known = known
        self._definition = known.definition
        self._site = site
        self._mend = mend
        self._within = within | {known.definition.id}
        self._request_id = request_id
        self._step = step
        self._kind = KINDS[known.definition.kind]
        self._view = sides.view(self._kind, site, request_id=request_id, step=step)

    def do(self, *, is_new: bool, own: Body | None, with_parts: bool, in_haste: bool) -> str:
        """Make the site agree, and note that it does; see `Realiser.realise`."""
        try:
            return self._agree(is_new=is_new, own=own, with_parts=with_parts, in_haste=in_haste)
        except NotOffered as error:
            return self._go_without(error)

    def _agree(self, *, is_new: bool, own: Body | None, with_parts: bool, in_haste: bool) -> str:
        if self._definition.state is DefinitionState.DELETED:
            return self._remove()
        if not self._kind.everywhere and self._known.version_in(self._site.id) == FORMER:
            return self._leave()
        self._prepare()
        found = None if is_new else self._find()
        if own is None or found is not None:
            # After the site: what is written there holds only if nobody has written since it was looked at.
            own = self._sides.own(self._kind, self._definition.body, self._site)
        wanted = self._translated() | own
        done = "It was so already."
        if found is not None and (at_odds := self._at_odds(found, wanted)):
            self._require_leave(at_odds)
            self._kind.remove(self._view, found)
            found = None
        if found is None:
            found = self._make(wanted, alone=is_new)
            done = "Made."
        if not self._kind.everywhere:
            self._keep_id(found)
            parts = self._lacking_parts(anew=done == "Made.") if with_parts else []
            wanted = self._translated() | own  # it may refer to itself, and has an id by now
            if in_haste and self._may_follow(found, wanted, parts):
                return f"{done} The rest follows."
            if parts:
                self._complete(parts)
                wanted = self._translated() | own
        if self._change(found, wanted):
            done = "Made." if done == "Made." else "Changed."
        drift = "; ".join(self._view.notes) or None
        if with_parts:
            self._record(found.site_resource_id, drift=drift)
        elif drift != self._known.drift_in(self._site.id):
            self._sides.write(
                partial(
                    self._sides.store.realised.note,
                    definition_id=self._definition.id,
                    site_id=self._site.id,
                    drift=drift,
                )
            )
        return done

    def _go_without(self, error: NotOffered) -> str:
        """Note that the site has no such thing, which is all that can be done there."""
        deleted = self._definition.state is DefinitionState.DELETED
        if not deleted and self._known.version_in(self._site.id) == FORMER:
            self._forget()
            return "It is not needed there any more."
        self._record(None, drift=None if deleted else error.message)
        return error.message

    def _translated(self) -> Body:
        return self._sides.translated(self._kind, self._definition.body, self._site)

    def _keep_id(self, found: Found) -> None:
        """Note what the site calls it, before anything else is made that refers to it.

        :raises Changed: somebody else has made it, too, and theirs holds.
        """
        self._sides.write(
            partial(
                self._sides.store.realised.keep_id,
                definition_id=self._definition.id,
                site_id=self._site.id,
                site_resource_id=found.site_resource_id,
                seen=self._known.id_in(self._site.id),
            )
        )

    def _may_follow(self, found: Found, wanted: Body, parts: Sequence[Known]) -> bool:
        """Say whether something is still to be done, and may be done later."""
        is_left = bool(parts) or bool(differences(found.body, wanted))
        return is_left and self._kind.may_wait(found, wanted)

    def _lacking_parts(self, *, anew: bool) -> list[Known]:
        """Return the parts that the site lacks.

        :param anew: it was made just now: what the site had of its parts is gone.
        """
        store, site = self._sides.store, self._site
        return [
            part
            for part in store.several(list(self._kind.parts(self._definition.body)))
            if part.definition.id not in self._within
            and part.definition.state is DefinitionState.ACTIVE
            and (anew or not part.in_step(site.id))
        ]

    def _complete(self, parts: Iterable[Known]) -> None:
        """See that the site has some parts."""
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
        known = self._sides.store.get(self._definition.id)
        if known is None or not concerns(known, self._site):
            self._kind.remove(self._view, found)
        return True

    def _leave(self) -> str:
        """Take it from a site that does not need it any more.

        :raises Changed: it is needed there again.
        """
        found = self._find()
        if not self._sides.store.realised.is_leaving(self._definition.id, self._site.id):
            raise Changed
        if found is not None:
            self._kind.remove(self._view, found)
        self._forget()
        return "It is not needed there any more."

    def _forget(self) -> None:
        store, keys = self._sides.store, self._kind.parts(self._definition.body)
        # What has gone with it would have it made again, as what it needs.
        parts = store.several([each for each in keys if each[0] in PARTS_OF_NETWORKS])
        self._sides.write(
            partial(
                store.realised.forget,
                definition_id=self._definition.id,
                site_id=self._site.id,
                parts=[
                    each.id for part in parts if (each := part.definition).state is DefinitionState.ACTIVE
                ],
            )
        )

    def _prepare(self) -> None:
        """See that the site has what this refers to, and no longer has what had its name before."""
        store = self._sides.store
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
        store = self._sides.store
        self._sides.write(
            partial(store.realised.want, definition_id=other.definition.id, site_id=self._site.id)
        )

    def _lacks(self, needed: Known) -> bool:
        """Say whether what this refers to must be made first; one that this is a part of is there already."""
        if needed.definition.id in self._within:
            return False
        if KINDS[needed.definition.kind].everywhere:
            return not needed.in_step(self._site.id)
        return needed.id_in(self._site.id) is None

    def _realise_first(self, other: Known) -> None:
        self._realise(
            other.definition.id,
            self._site,
            request_id=self._request_id,
            step=self._step,
            within=self._within,
        )

    def _find(self) -> Found | None:
        return self._sides.find(self._kind, self._known, self._site, self._view)

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

    def _make(self, wanted: Body, *, alone: bool) -> Found:
        """Make it.

        :param alone: nobody else does. Whoever does all the same finds that its id is noted (`_keep_id`).
        :raises Changed: what it belongs to has just left the site.
        """
        body = self._definition.body
        if any(body.get(field) is not None and wanted[field] is None for field in self._kind.fixed):
            raise Changed
        refused: SiteRefused | None = None
        made: Found | None = None
        try:
            made = self._kind.make(self._view, wanted)
        except SiteRefused as error:
            if error.site_status not in _IN_THE_WAY:
                raise
            refused = error  # somebody has just made it, or something else is in the way
        found = made if made is not None and (alone or not self._kind.is_doubled) else self._find()
        if found is not None and not self._at_odds(found, wanted):
            if refused is not None:
                raise Changed  # what is to be there is looked up after what is there
            return found
        if refused is not None and not (refused.site_status == 400 and self._kind is SUBNET):
            raise refused
        # What is in the way of a subnet may be one of the same addresses that is to go.
        said = "It is not there." if refused is None else refused.message
        raise Conflict(
            f"Site {self._site.name} does not make {self._kind.name} {self._definition.name}: {said}",
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
        self._sides.write(
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
        store = self._sides.store
        now = store.lock(connection, definition.kind, definition.key)
        if (
            self._kind.everywhere
            and now is not None
            and version > 0
            and self._kind.fixed & differences(now.body, definition.body).keys()
        ):
            version = FORMER  # it was deleted and made again since the work began
        store.realised.record(
            connection,
            definition.id,
            self._site.id,
            site_resource_id=site_resource_id,
            seen=self._known.version_in(self._site.id),
            version=version,
            drift=drift,
            is_wanted=not self._kind.everywhere,
        )
        if definition.state is DefinitionState.DELETED:
            store.bury(connection, definition.id)
        elif now is not None and now.version == version:
            end_precaution(connection, definition, self._site)
