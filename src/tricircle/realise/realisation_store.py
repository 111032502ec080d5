"""Which site has what of the definitions, and as of which version: the rows of realisations.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
Those that take a connection write in the caller's transaction.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson
import sqlalchemy as sa
from oslo_db.exception import DBDuplicateEntry, DBReferenceError
from sqlalchemy.dialects import mysql, postgresql, sqlite

from tricircle.db.engine import Database
from tricircle.db.tables import definitions, realisations
from tricircle.db.timestamps import now
from tricircle.realise.definition import FORMER, Changed, Definition, DefinitionState

_WANT: Mapping[str, Any] = MappingProxyType(
    {
        "sqlite": sqlite.insert(realisations).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(realisations).on_conflict_do_nothing(),
        # Not IGNORE, which swallows other errors, too.
        "mysql": mysql.insert(realisations).on_duplicate_key_update(site_id=realisations.c.site_id),
        "mariadb": mysql.insert(realisations).on_duplicate_key_update(site_id=realisations.c.site_id),
    }
)


class RealisationStore:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def want(self, connection: sa.Connection, definition_id: str, site_id: str) -> bool:
        """Note that something in a site needs a definition.

        :return: whether that is new; of several at the same time it is for one.
        :raises Changed: the definition or the site is gone.
        """
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        noted_at = sa.select(realisations.c.updated_at).where(*same)
        if connection.execute(noted_at).one_or_none() is not None:
            self._keep(connection, definition_id, site_id)
            if connection.execute(noted_at).one_or_none() is not None:
                return False
        time = now()
        row = {
            "definition_id": definition_id,
            "site_id": site_id,
            "site_resource_id": None,
            "version": 0,
            "updated_at": time,
        }
        try:
            connection.execute(_WANT[connection.dialect.name], row)
        except DBReferenceError:
            raise Changed from None
        # How many rows were written is not told alike by all databases.
        return bool(connection.scalar(noted_at.with_for_update()) == time)

    @staticmethod
    def _keep(connection: sa.Connection, definition_id: str, site_id: str) -> None:
        """Have something stay in a site that is about to leave it, also where that is just being noted."""
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        version = connection.scalar(sa.select(realisations.c.version).where(*same).with_for_update())
        if version == FORMER:
            connection.execute(realisations.update().where(*same).values(version=0, updated_at=now()))

    def want_only_in(self, connection: sa.Connection, definition_id: str, site_id: str) -> list[str]:
        """Note that one site needs something, and no other one any more.

        :return: the ids of the others, from which it is to go.
        :raises Changed: the definition or the site is gone.
        """
        self.want(connection, definition_id, site_id)
        others = (realisations.c.definition_id == definition_id, realisations.c.site_id != site_id)
        connection.execute(realisations.update().where(*others).values(version=FORMER, updated_at=now()))
        return list(connection.scalars(sa.select(realisations.c.site_id).where(*others)))

    def want_no_more(self, connection: sa.Connection, definition_id: str, site_id: str) -> None:
        """Note that nothing in a site needs something any more, however it is there."""
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        connection.execute(realisations.update().where(*same).values(version=FORMER, updated_at=now()))

    def needing(self, connection: sa.Connection, definition_id: str) -> set[str]:
        """Return the ids of the sites that need something."""
        query = sa.select(realisations.c.site_id).where(
            realisations.c.definition_id == definition_id, realisations.c.version != FORMER
        )
        return set(connection.scalars(query))

    def has_port_naming(self, connection: sa.Connection, key: str, site_id: str) -> bool:
        """Say whether a site is to have a port, made at the top first, that is on a network or in a group.

        :param key: of the network or group.
        """
        query = (
            sa.select(definitions.c.body)
            .join(definitions, realisations.c.definition_id == definitions.c.id)
            .where(
                realisations.c.site_id == site_id,
                realisations.c.version != FORMER,
                definitions.c.resource_type == "port",
                definitions.c.state == DefinitionState.ACTIVE,
                definitions.c.body.contains(key, autoescape=True),
            )
        )
        bodies = map(orjson.loads, connection.scalars(query))
        return any(key in {body["network_id"], *body["security_groups"]} for body in bodies)

    def leave(self, connection: sa.Connection, seen: Definition, site_id: str, before: datetime) -> bool:
        """Note that nothing in a site needs something any more.

        :param seen: as the site has it; else it stays.
        :param before: nothing must have been noted of it there since.
        :return: whether it is to go now.
        """
        statement = realisations.update().where(
            realisations.c.definition_id == seen.id,
            realisations.c.site_id == site_id,
            realisations.c.version == seen.version,
            realisations.c.updated_at < before,
        )
        done = connection.execute(statement.values(version=FORMER, updated_at=now()))
        return done.rowcount == 1

    def leave_if_new(
        self, connection: sa.Connection, definition_id: str, site_id: str, since: datetime
    ) -> bool:
        """Note that nothing in a site needs something any more that came there lately, or not at all yet.

        :param since: it must have been noted of it there since; naive, UTC.
        :return: whether it is to go now.
        """
        statement = realisations.update().where(
            realisations.c.definition_id == definition_id,
            realisations.c.site_id == site_id,
            (realisations.c.updated_at >= since) | (realisations.c.version == FORMER),
        )
        done = connection.execute(statement.values(version=FORMER, updated_at=now()))
        return done.rowcount == 1

    def is_leaving(self, definition_id: str, site_id: str) -> bool:
        """Say whether something is about to go from a site."""
        query = sa.select(realisations.c.version).where(
            realisations.c.definition_id == definition_id, realisations.c.site_id == site_id
        )
        with self._database.read() as connection:
            return connection.scalar(query) == FORMER

    def was_noted(self, definition_id: str, site_id: str, since: datetime) -> bool:
        """Say whether anything was noted since a time of something in a site."""
        query = sa.select(realisations.c.version).where(
            realisations.c.definition_id == definition_id,
            realisations.c.site_id == site_id,
            realisations.c.updated_at >= since,
        )
        with self._database.read() as connection:
            return connection.execute(query).one_or_none() is not None

    def forget(
        self, connection: sa.Connection, definition_id: str, site_id: str, parts: Collection[str] = ()
    ) -> None:
        """Drop what is noted of a site from which something has gone.

        :param parts: ids of definitions that have gone with it.
        :raises Changed: it is needed there again.
        """
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        connection.execute(realisations.delete().where(*same, realisations.c.version == FORMER))
        if connection.execute(sa.select(realisations.c.version).where(*same)).one_or_none() is not None:
            raise Changed
        if parts:
            gone = (realisations.c.definition_id.in_(sorted(parts)), realisations.c.site_id == site_id)
            connection.execute(realisations.delete().where(*gone))

    def keep_id(
        self,
        connection: sa.Connection,
        definition_id: str,
        site_id: str,
        site_resource_id: str,
        *,
        seen: str | None,
    ) -> None:
        """Note what a site calls something that was made there, or found.

        Of several who do that at the same time the first one holds.

        :param seen: what was noted when the site was looked at.
        :raises Changed: something else is noted by now; or it is not wanted any more; or it is another one's,
            as a policy of sharing that is to go may be like the next one.
        """
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        found = connection.execute(
            sa.select(realisations.c.site_resource_id).where(*same).with_for_update()
        ).one_or_none()
        if found is None or found[0] not in {seen, site_resource_id}:
            raise Changed
        if found[0] != site_resource_id:
            if self._is_anothers(connection, definition_id, site_id, site_resource_id):
                raise Changed
            values = {"site_resource_id": site_resource_id, "updated_at": now()}
            connection.execute(realisations.update().where(*same).values(**values))

    @staticmethod
    def _is_anothers(
        connection: sa.Connection, definition_id: str, site_id: str, site_resource_id: str
    ) -> bool:
        kind = sa.select(definitions.c.resource_type).where(definitions.c.id == definition_id)
        query = (
            sa.select(realisations.c.definition_id)
            .join(definitions, realisations.c.definition_id == definitions.c.id)
            .where(
                realisations.c.site_id == site_id,
                realisations.c.site_resource_id == site_resource_id,
                definitions.c.id != definition_id,
                definitions.c.resource_type == kind.scalar_subquery(),
            )
        )
        return connection.execute(query.limit(1)).first() is not None

    def record(
        self,
        connection: sa.Connection,
        definition_id: str,
        site_id: str,
        *,
        site_resource_id: str | None,
        seen: int,
        version: int,
        drift: str | None = None,
        is_wanted: bool = False,
    ) -> None:
        """Note that a site agrees with a version.

        :param seen: the version that its row had when the site was first looked at; 0 for no row.
        :param is_wanted: there was a row, as there must be of what sites get only where they need it.
        :raises Changed: somebody else has worked on it meanwhile.
        """
        row = {
            "site_resource_id": site_resource_id,
            "version": version,
            "drift": drift,
            "updated_at": now(),
        }
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        there = connection.scalar(sa.select(realisations.c.version).where(*same).with_for_update())
        if there is None:
            if seen != 0 or is_wanted:
                raise Changed
            try:
                connection.execute(
                    realisations.insert(), row | {"definition_id": definition_id, "site_id": site_id}
                )
            except (DBDuplicateEntry, DBReferenceError):
                raise Changed from None
        elif there != seen:
            raise Changed
        else:
            connection.execute(realisations.update().where(*same).values(**row))

    @staticmethod
    def note(connection: sa.Connection, definition_id: str, site_id: str, drift: str | None) -> None:
        """Keep what a site cannot have as it should, of something whose parts it still lacks."""
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        connection.execute(realisations.update().where(*same).values(drift=drift))

    def make_former(self, connection: sa.Connection, definition_id: str, stays_in: Collection[str]) -> None:
        """Note that sites have the former one under a key.

        :param stays_in: ids of sites in which it is not to be replaced.
        """
        statement = realisations.update().where(
            realisations.c.definition_id == definition_id,
            realisations.c.version > 0,
            realisations.c.site_id.not_in(sorted(stays_in)),
        )
        connection.execute(statement.values(version=FORMER))

    def note_drift(self, definition: Definition, site_id: str, drift: str | None) -> None:
        """Keep what is otherwise in a site, or that nothing is; not if it is at another version by now."""
        statement = realisations.update().where(
            realisations.c.definition_id == definition.id,
            realisations.c.site_id == site_id,
            realisations.c.version == definition.version,
        )
        if drift is None:
            statement = statement.where(realisations.c.drift.is_not(None))
        self._database.transact(
            lambda connection: connection.execute(statement.values(drift=drift, updated_at=now()))
        )

    def names(self, kinds: Collection[str]) -> list[tuple[str, str, str, str]]:
        """Return kind, key, site id and the site's id of everything of some kinds."""
        query = (
            sa.select(
                definitions.c.resource_type,
                definitions.c.resource_key,
                realisations.c.site_id,
                realisations.c.site_resource_id,
            )
            .join(realisations, realisations.c.definition_id == definitions.c.id)
            .where(
                definitions.c.resource_type.in_(sorted(kinds)),
                definitions.c.state == DefinitionState.ACTIVE,
                realisations.c.site_resource_id.is_not(None),
            )
        )
        with self._database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def id_in_site(self, kind: str, key: str, site_id: str) -> str | None:
        """Return what a site calls something; None where it has none."""
        return self._one_id(
            realisations.c.site_resource_id,
            definitions.c.resource_type == kind,
            definitions.c.resource_key == key,
            realisations.c.site_id == site_id,
        )

    def key_at_top(self, kind: str, site_id: str, site_resource_id: str) -> str | None:
        """Return what the top calls something of a site; None where it knows none."""
        return self._one_id(
            definitions.c.resource_key,
            realisations.c.site_id == site_id,
            realisations.c.site_resource_id == site_resource_id,
            definitions.c.resource_type == kind,
        )

    def _one_id(self, column: sa.Column[str], *conditions: sa.ColumnElement[bool]) -> str | None:
        joined = realisations.join(definitions, realisations.c.definition_id == definitions.c.id)
        with self._database.read() as connection:
            return connection.scalar(sa.select(column).select_from(joined).where(*conditions))
