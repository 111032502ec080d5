"""Makes a site agree with the definition of a replicated resource.

It reads both sides and does the difference, as often as anybody likes: XJob does it for each site, a gateway
for the site that is about to get something which needs it. Two that do it at the same time do no harm:
whoever ends last looks again at what there is then.

Fails with what the site says, and with Differs where the site has something else by that key, which is not
ours to delete.
"""

from collections.abc import Callable

import sqlalchemy as sa

from tricircle.errors import Conflict
from tricircle.realise.definition import Body, Changed, DefinitionState
from tricircle.realise.kinds import KINDS
from tricircle.realise.kinds.kind import GoesWithout
from tricircle.realise.replication import end_precaution
from tricircle.realise.sides import Sides
from tricircle.realise.site_view import go_on
from tricircle.realise.work import Work, concerns
from tricircle.sites.site import Site

_TURNS = 5
"""How often it looks again because somebody else has worked on the same; more than that is no coincidence."""


class Realiser(Sides):
    """Makes sites agree."""

    def realise(
        self,
        definition_id: str,
        site: Site,
        *,
        mend: bool = False,
        is_new: bool = False,
        own: Body | None = None,
        with_parts: bool = True,
        in_haste: bool = False,
        request_id: str | None = None,
        step: Callable[[str], None] = go_on,
        within: frozenset[str] = frozenset(),
    ) -> str:
        """Make a site agree with a definition as it is now.

        :param mend: delete what cannot be changed, and make it again.
        :param is_new: the caller has just noted that the site needs it, and nobody before: it is not there.
        :param own: what the site has of its own if it is not there yet, where the caller has looked that up.
        :param with_parts: see to its parts, too; else it is complete only when `complete` says so.
        :param in_haste: a server waits for it: what may follow is left to the job that was asked for.
        :param within: ids of definitions that this one is part of, which are being realised.
        :param step: called between effects; may raise to end the work there.
        :return: what was done, in a word.
        :raises Differs: what the site has cannot be changed into what it should be.
        :raises TricircleError: what else `ServiceCalls.call` raises.
        """
        work: Work | None = None
        for _ in range(_TURNS):
            known = self.store.get(definition_id)
            if known is None:
                if work is not None:
                    work.take_back()
                return "It is defined no more."
            if known.definition.state is DefinitionState.PENDING:
                return "It is not known yet whether it was made."
            work = Work(
                self,
                known,
                site,
                mend=mend,
                request_id=request_id,
                step=step,
                within=within,
                realise=self.realise,
            )
            if not concerns(known, site):
                if work.take_back():
                    continue
                return f"Nothing in site {site.name} needs it."
            try:
                return work.do(is_new=is_new, own=own, with_parts=with_parts, in_haste=in_haste)
            except GoesWithout as error:
                return error.message  # it stays wanted there
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
        if known.in_step(site.id):
            return True
        definition, site_resource_id = known.definition, known.id_in(site.id)
        keys = list(KINDS[definition.kind].parts(definition.body))
        parts = self.store.several(keys)
        if site_resource_id is None or len(parts) < len(keys):
            return False
        if not all(part.in_step(site.id) for part in parts):
            return False

        def record(connection: sa.Connection) -> None:
            present = self.store.lock(connection, definition.kind, definition.key)
            if present is None or present.version != definition.version:
                raise Changed
            self.store.realised.record(
                connection,
                definition.id,
                site.id,
                site_resource_id=site_resource_id,
                seen=known.version_in(site.id),
                version=definition.version,
                drift=known.drift_in(site.id),
                is_wanted=True,
            )
            end_precaution(connection, definition, site)

        try:
            self.write(record)
        except Changed:
            return False
        return True
