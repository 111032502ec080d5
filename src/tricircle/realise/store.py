"""Definitions and realisations, in the database.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
Those that take a connection write in the caller's transaction.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import orjson
import sqlalchemy as sa
from oslo_db.exception import DBDuplicateEntry, DBReferenceError
from sqlalchemy.dialects import mysql, postgresql, sqlite

from tricircle.db.engine import Database
from tricircle.db.tables import definitions, jobs, realisations, sites
from tricircle.db.timestamps import now
from tricircle.jobs.job import JobState
from tricircle.jobs.types import LEARN
from tricircle.realise.definition import FORMER, Body, Definition, DefinitionState, Known, Realisation
from tricircle.realise.kinds import WHERE_NEEDED

_DEFINITION = tuple(column for column in definitions.c if column.name not in {"created_at", "updated_at"})
_REALISATION = (
    realisations.c.definition_id,
    realisations.c.site_id,
    realisations.c.site_resource_id,
    realisations.c.version,
    realisations.c.drift,
)
_SELECT = sa.select(*_DEFINITION)

_UNIQUE = ["resource_type", "resource_key"]
_INSERT_IF_ABSENT: Mapping[str, Any] = MappingProxyType(
    {
        "sqlite": sqlite.insert(definitions).on_conflict_do_nothing(index_elements=_UNIQUE),
        "postgresql": postgresql.insert(definitions).on_conflict_do_nothing(index_elements=_UNIQUE),
        "mysql": mysql.insert(definitions).on_duplicate_key_update(id=definitions.c.id),
        "mariadb": mysql.insert(definitions).on_duplicate_key_update(id=definitions.c.id),
    }
)

_WANT: Mapping[str, Any] = MappingProxyType(
    {
        "sqlite": sqlite.insert(realisations).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(realisations).on_conflict_do_nothing(),
        # Not IGNORE, which swallows other errors, too.
        "mysql": mysql.insert(realisations).on_duplicate_key_update(site_id=realisations.c.site_id),
        "mariadb": mysql.insert(realisations).on_duplicate_key_update(site_id=realisations.c.site_id),
    }
)

_WHERE_NEEDED = sorted(WHERE_NEEDED)

_AT_ONCE = 500


class Changed(Exception):  # it is no error: it says to look again
    """A row is not as it was seen any more."""


class DefinitionStore:
    """Reads and writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, definition_id: str) -> Known | None:
        """Return a definition by its row's id, with its realisations."""
        return next(iter(self._known(definitions.c.id == definition_id)), None)

    def find(self, kind: str, key: str) -> Known | None:
        """Return a definition by its key, with its realisations."""
        return next(iter(self.several([(kind, key)])), None)

    def several(
        self,
        keys: Collection[tuple[str, str]] = (),
        names: Collection[tuple[str, str]] = (),
        owned: Collection[tuple[str, str, str]] = (),
    ) -> list[Known]:
        """Return the definitions with certain keys or names, with their realisations.

        :param keys: kinds and keys.
        :param names: kinds and names; only for kinds of which there are few.
        :param owned: kinds, projects and names: those of that name that are a project's.
        """
        kind, key, name = definitions.c.resource_type, definitions.c.resource_key, definitions.c.name
        wanted = [sa.and_(kind == one, key == other) for one, other in keys]
        wanted += [sa.and_(kind == one, name == other) for one, other in names]
        wanted += [
            sa.and_(kind == one, definitions.c.project_id == project, name == other)
            for one, project, other in owned
        ]
        return self._known(sa.or_(*wanted)) if wanted else []

    def of_project(self, kind: str, project_id: str) -> list[Known]:
        """Return everything of a kind that is a project's, with its realisations."""
        return self._known(
            sa.and_(definitions.c.resource_type == kind, definitions.c.project_id == project_id)
        )

    def all(self, kind: str) -> list[Known]:
        """Return everything of a kind, with its realisations, by key."""
        return self._known(definitions.c.resource_type == kind)

    def referring(self, field: str, key: str, kind: str) -> list[Known]:
        """Return the definitions of a kind whose body names another one's key in a field."""
        return [known for known in self.all(kind) if known.definition.body.get(field) == key]

    def _known(self, condition: sa.ColumnElement[bool]) -> list[Known]:
        query = (
            sa.select(*_DEFINITION, *_REALISATION)
            .outerjoin(realisations, realisations.c.definition_id == definitions.c.id)
            .where(condition)
            .order_by(definitions.c.resource_type, definitions.c.resource_key)
        )
        width = len(_DEFINITION)
        found: dict[str, tuple[Definition, dict[str, Realisation]]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                definition_id = row[0]
                if definition_id not in found:
                    found[definition_id] = (_definition(row[:width]), {})
                if row[width] is not None:
                    realisation = Realisation(*row[width + 1 :])
                    found[definition_id][1][realisation.site_id] = realisation
        return [Known(definition, realised) for definition, realised in found.values()]

    def lock(self, connection: sa.Connection, kind: str, key: str) -> Definition | None:
        """Read a definition so that nobody else changes it before the transaction ends."""
        query = _SELECT.where(definitions.c.resource_type == kind, definitions.c.resource_key == key)
        row = connection.execute(query.with_for_update()).one_or_none()
        return None if row is None else _definition(row)

    def propose(
        self,
        connection: sa.Connection,
        kind: str,
        key: str,
        name: str,
        *,
        body: Body | None = None,
        project_id: str | None = None,
    ) -> Definition:
        """Make a pending definition, unless there is one of that key; return and lock what there is then.

        :param body: as a site has it already; None where it is new.
        :param project_id: of the user whose request it follows from.
        """
        time = now()
        row = {
            "id": str(uuid4()),
            "resource_type": kind,
            "resource_key": key,
            "name": name,
            "project_id": project_id,
            "body": orjson.dumps(body or {}).decode(),
            "version": 0,
            "state": DefinitionState.PENDING,
            "created_at": time,
            "updated_at": time,
        }
        connection.execute(_INSERT_IF_ABSENT[connection.dialect.name], row)
        found = self.lock(connection, kind, key)
        if found is None:
            raise Changed
        return found

    def refer(self, connection: sa.Connection, definition_id: str, site_id: str) -> None:
        """Note the site in which a definition is being changed."""
        statement = definitions.update().where(definitions.c.id == definition_id)
        connection.execute(statement.values(reference_site_id=site_id, updated_at=now()))

    def drop(self, connection: sa.Connection, definition_id: str) -> None:
        """Delete a definition that is still pending."""
        connection.execute(
            definitions.delete().where(
                definitions.c.id == definition_id, definitions.c.state == DefinitionState.PENDING
            )
        )

    def define(
        self,
        connection: sa.Connection,
        seen: Definition,
        *,
        key: str,
        name: str,
        body: Body,
        state: DefinitionState,
    ) -> int:
        """Give a definition its next version.

        :return: the version.
        :raises Changed: it is not as it was seen.
        """
        version = seen.version + 1
        changes = {
            "resource_key": key,
            "name": name,
            "body": orjson.dumps(body).decode(),
            "state": state,
            "version": version,
            "updated_at": now(),
        }
        statement = definitions.update().where(
            definitions.c.id == seen.id,
            definitions.c.version == seen.version,
            definitions.c.state == seen.state,
        )
        try:
            changed = connection.execute(statement.values(**changes)).rowcount
        except DBDuplicateEntry:
            raise Changed from None  # somebody has just given another row that key
        if changed != 1:
            raise Changed
        if seen.state is DefinitionState.DELETED:
            # Sites that still have the one that was deleted have nothing that could be changed into this one.
            connection.execute(
                realisations.update()
                .where(
                    realisations.c.definition_id == seen.id,
                    realisations.c.version < seen.version,
                    realisations.c.version > 0,
                )
                .values(version=FORMER)
            )
        return version

    def note(self, connection: sa.Connection, *, seen: Definition, body: Body) -> None:
        """Keep in a definition what only the top must know; no site is told. Not if it has changed."""
        statement = definitions.update().where(
            definitions.c.id == seen.id, definitions.c.version == seen.version
        )
        connection.execute(statement.values(body=orjson.dumps(body).decode(), updated_at=now()))

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
    ) -> None:
        """Note that a site agrees with a version.

        :param seen: the version that its row had when the site was first looked at; 0 for no row.
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
            if seen != 0:
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

    def define_as_shown(
        self,
        connection: sa.Connection,
        kind: str,
        key: str,
        *,
        name: str,
        project_id: str,
        body: Body,
        is_first: bool = False,
    ) -> tuple[Definition, bool]:
        """Make a definition what the top's own service shows, which is its truth.

        What is deleted stays so: its id never comes back.

        :param is_first: it is left as it is where there is one: others may know better by now.
        :return: the definition, and whether it has changed.
        """
        seen = self.propose(connection, kind, key, name, project_id=project_id)
        same = seen.state is DefinitionState.ACTIVE and (seen.name, seen.body) == (name, body)
        is_known = is_first and seen.state is DefinitionState.ACTIVE
        if same or is_known or seen.state is DefinitionState.DELETED:
            return seen, False
        version = self.define(connection, seen, key=key, name=name, body=body, state=DefinitionState.ACTIVE)
        return (
            replace(seen, name=name, body=body, version=version, state=DefinitionState.ACTIVE),
            True,
        )

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
        """Have something stay in a site that was about to go from there."""
        back = realisations.update().where(
            realisations.c.definition_id == definition_id,
            realisations.c.site_id == site_id,
            realisations.c.version == FORMER,
        )
        connection.execute(back.values(version=0, updated_at=now()))

    def want_only_in(self, connection: sa.Connection, definition_id: str, site_id: str) -> list[str]:
        """Note that one site needs something, and no other one any more.

        :return: the ids of the others, from which it is to go.
        :raises Changed: the definition or the site is gone.
        """
        self.want(connection, definition_id, site_id)
        others = (realisations.c.definition_id == definition_id, realisations.c.site_id != site_id)
        connection.execute(realisations.update().where(*others).values(version=FORMER, updated_at=now()))
        return list(connection.scalars(sa.select(realisations.c.site_id).where(*others)))

    def needing(self, connection: sa.Connection, definition_id: str) -> set[str]:
        """Return the ids of the sites that need something."""
        query = sa.select(realisations.c.site_id).where(
            realisations.c.definition_id == definition_id, realisations.c.version != FORMER
        )
        return set(connection.scalars(query))

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

    def want_no_more(self, connection: sa.Connection, definition_id: str, site_id: str) -> None:
        """Note that nothing in a site needs something any more, however it is there."""
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        connection.execute(realisations.update().where(*same).values(version=FORMER, updated_at=now()))

    def is_leaving(self, definition_id: str, site_id: str) -> bool:
        """Say whether something is about to go from a site."""
        query = sa.select(realisations.c.version).where(
            realisations.c.definition_id == definition_id, realisations.c.site_id == site_id
        )
        with self._database.read() as connection:
            return connection.scalar(query) == FORMER

    def forget(self, connection: sa.Connection, definition_id: str, site_id: str) -> None:
        """Drop what is noted of a site from which something has gone.

        :raises Changed: it is needed there again.
        """
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        connection.execute(realisations.delete().where(*same, realisations.c.version == FORMER))
        if connection.execute(sa.select(realisations.c.version).where(*same)).one_or_none() is not None:
            raise Changed

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
        :raises Changed: something else is noted by now; or it is not wanted any more.
        """
        same = (realisations.c.definition_id == definition_id, realisations.c.site_id == site_id)
        found = connection.execute(
            sa.select(realisations.c.site_resource_id).where(*same).with_for_update()
        ).one_or_none()
        if found is None or found[0] not in {seen, site_resource_id}:
            raise Changed
        if found[0] != site_resource_id:
            values = {"site_resource_id": site_resource_id, "updated_at": now()}
            connection.execute(realisations.update().where(*same).values(**values))

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

    def bury(self, connection: sa.Connection, definition_id: str | None = None) -> None:
        """Delete tombstones that no registered site has still to hear of, and that nobody is at.

        :param definition_id: that one only; None for all.
        """
        done = sa.exists().where(
            realisations.c.definition_id == definitions.c.id,
            realisations.c.site_id == sites.c.id,
            realisations.c.version == definitions.c.version,
        )
        here = sa.exists().where(
            realisations.c.definition_id == definitions.c.id, realisations.c.site_id == sites.c.id
        )
        lacking = (
            sa.select(sites.c.id)
            .where(
                ~done.correlate(definitions, sites),
                definitions.c.resource_type.not_in(_WHERE_NEEDED) | here.correlate(definitions, sites),
            )
            .correlate(definitions)
        )
        query = sa.select(definitions.c.id).where(
            definitions.c.state == DefinitionState.DELETED, ~lacking.exists()
        )
        if definition_id is not None:
            query = query.where(definitions.c.id == definition_id)
        # Locked before it is looked whether somebody makes it again, who locks it, too.
        ids = list(connection.scalars(query.with_for_update(of=definitions)))
        for each in ids:
            if not self.is_under_way(connection, each):
                connection.execute(definitions.delete().where(definitions.c.id == each))

    @staticmethod
    def is_under_way(connection: sa.Connection, definition_id: str, *, besides: str = "") -> bool:
        """Say whether a user's request for a definition is under way, or its end is not known.

        :param besides: a job that is not counted.
        """
        query = sa.select(jobs.c.id).where(
            jobs.c.resource_id.startswith(f"{definition_id}/"),
            jobs.c.type == LEARN.name,
            jobs.c.id != besides,
            jobs.c.state.in_([JobState.WAITING, JobState.RUNNING]),
        )
        return connection.execute(query.limit(1)).first() is not None

    def behind(self, site_id: str) -> list[Definition]:
        """Return what a site is not in step with, those that others refer to first."""
        agrees = sa.exists().where(
            realisations.c.definition_id == definitions.c.id,
            realisations.c.site_id == site_id,
            realisations.c.version == definitions.c.version,
        )
        wanted = sa.exists().where(
            realisations.c.definition_id == definitions.c.id, realisations.c.site_id == site_id
        )
        query = _SELECT.where(
            definitions.c.state != DefinitionState.PENDING,
            ~agrees,
            definitions.c.resource_type.not_in(_WHERE_NEEDED) | wanted,
        )
        with self._database.read() as connection:
            return [_definition(row) for row in connection.execute(query.order_by(*_ORDER))]

    def in_step(self, site_id: str, after: str = "") -> list[Known]:
        """Return some definitions that a site agrees with, by their rows' ids.

        :param after: the id of the last one before.
        """
        agrees = sa.exists().where(
            realisations.c.definition_id == definitions.c.id,
            realisations.c.site_id == site_id,
            realisations.c.version == definitions.c.version,
        )
        query = sa.select(definitions.c.id).where(
            definitions.c.state == DefinitionState.ACTIVE, definitions.c.id > after, agrees
        )
        with self._database.read() as connection:
            ids = list(connection.scalars(query.order_by(definitions.c.id).limit(_AT_ONCE)))
        found = self._known(definitions.c.id.in_(ids)) if ids else []
        return sorted(found, key=lambda known: known.definition.id)

    def tombstones(self, kind: str, prefix: str = "") -> list[Definition]:
        """Return what is deleted and may still be in some site.

        :param prefix: of the keys.
        """
        query = _SELECT.where(
            definitions.c.resource_type == kind, definitions.c.state == DefinitionState.DELETED
        )
        if prefix:
            query = query.where(definitions.c.resource_key.startswith(prefix, autoescape=True))
        with self._database.read() as connection:
            return [_definition(row) for row in connection.execute(query)]

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


# A volume type needs its QoS spec, and stands after it.
_ORDER = (definitions.c.resource_type, definitions.c.resource_key)


def _definition(row: Iterable[Any]) -> Definition:
    values = dict(zip((column.name for column in _DEFINITION), row, strict=True))
    return Definition(
        id=values["id"],
        kind=values["resource_type"],
        key=values["resource_key"],
        name=values["name"],
        project_id=values["project_id"],
        body=orjson.loads(values["body"]),
        version=values["version"],
        state=DefinitionState(values["state"]),
        reference_site_id=values["reference_site_id"],
    )
