"""Definitions, in the database, and what is known of them together with where they are.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
Those that take a connection write in the caller's transaction.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import orjson
import sqlalchemy as sa
from oslo_db.exception import DBDuplicateEntry
from sqlalchemy.dialects import mysql, postgresql, sqlite

from tricircle.db.engine import Database
from tricircle.db.tables import definitions, jobs, realisations, sites
from tricircle.db.timestamps import now
from tricircle.jobs.job import JobState
from tricircle.jobs.types import LEARN
from tricircle.realise.definition import (
    FORMER,
    Body,
    Changed,
    Definition,
    DefinitionState,
    Known,
    Realisation,
)
from tricircle.realise.kinds import WHERE_NEEDED
from tricircle.realise.realisation_store import RealisationStore

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

_WHERE_NEEDED = sorted(WHERE_NEEDED)

_AT_ONCE = 500


class DefinitionStore:
    """Reads and writes them.

    :ivar realised: the rows of realisations.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.realised = RealisationStore(database)

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

    def held_by(self, site_id: str, kinds: Collection[str]) -> list[Known]:
        """Return everything of some kinds that a site has, or is to have, with its realisations."""
        here = sa.select(realisations.c.definition_id).where(
            realisations.c.site_id == site_id, realisations.c.version != FORMER
        )
        return self._known(
            sa.and_(
                definitions.c.resource_type.in_(sorted(kinds)),
                definitions.c.state == DefinitionState.ACTIVE,
                definitions.c.id.in_(here),
            )
        )

    def referring(self, field: str, key: str, kind: str) -> list[Known]:
        """Return the definitions of a kind whose body names another one's key in a field."""
        named = definitions.c.body.contains(key, autoescape=True)
        found = self._known(sa.and_(definitions.c.resource_type == kind, named))
        return [known for known in found if known.definition.body.get(field) == key]

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
        before: int | None = None,
    ) -> tuple[Definition, bool]:
        """Make a definition what the top's own service shows, which is its truth.

        What is deleted stays so: its id never comes back.

        :param is_first: it is left as it is where there is one: others may know better by now.
        :param before: the version that there was before it was shown, 0 for none; None for any.
        :return: the definition, and whether it has changed.
        :raises Changed: it may have been shown before others have read it.
        """
        seen = self.propose(connection, kind, key, name, project_id=project_id)
        if before is not None and seen.version != before:
            raise Changed
        same = seen.state is DefinitionState.ACTIVE and (seen.name, seen.body) == (name, body)
        is_known = is_first and seen.state is DefinitionState.ACTIVE
        if same or is_known or seen.state is DefinitionState.DELETED:
            return seen, False
        version = self.define(connection, seen, key=key, name=name, body=body, state=DefinitionState.ACTIVE)
        return (
            replace(seen, name=name, body=body, version=version, state=DefinitionState.ACTIVE),
            True,
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
