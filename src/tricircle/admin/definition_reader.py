"""The definitions of replicated resources as their operator sees them: where each is in step or has drifted.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.db.tables import definitions, jobs, realisations, sites
from tricircle.errors import BadRequest, NotFound
from tricircle.sites.site import SiteState

_ORDER = (definitions.c.resource_type, definitions.c.resource_key)

# Correlated by hand: SQLAlchemy sees the query that these stand in, and not the one around that.
_HERE = (
    sa.exists()
    .where(realisations.c.definition_id == definitions.c.id, realisations.c.site_id == sites.c.id)
    .correlate(definitions, sites)
)
_AGREES = _HERE.where(realisations.c.version == definitions.c.version, realisations.c.version > 0)
_DRIFTED = _HERE.where(realisations.c.drift.is_not(None))


@dataclass(frozen=True, slots=True)
class SiteView:
    """A replicated resource in one site.

    :param site_resource_id: what the site calls it; None where it is not known to be there.
    :param in_step: whether the site was made to agree with the definition as it is now.
    :param drift: what was found to be otherwise in the site since then.
    :param updated_at: when that was written; None where nothing is known of it in the site.
    :param job_id: the latest job that was to make the site agree.
    """

    site_id: str
    site_name: str
    site_resource_id: str | None
    version: int
    in_step: bool
    drift: str | None
    updated_at: datetime | None
    job_id: str | None


@dataclass(frozen=True, slots=True)
class DefinitionView:
    """A replicated resource, and each site's part of it. Times are naive, UTC.

    :param key: what the top calls it.
    :param body: as JSON.
    :param sites: by name.
    """

    id: str
    resource_type: str
    key: str
    name: str
    project_id: str | None
    state: str
    version: int
    body: bytes
    created_at: datetime
    updated_at: datetime
    sites: tuple[SiteView, ...]


@dataclass(frozen=True, slots=True)
class DefinitionFilters:
    """Which definitions to list; None is any.

    :param site_id: the only site that is looked at; None for all that are not disabled.
    :param in_step: whether all sites that are looked at are in step.
    :param drifted: whether any site that is looked at has drifted.
    """

    resource_type: str | None = None
    name: str | None = None
    site_id: str | None = None
    in_step: bool | None = None
    drifted: bool | None = None


class DefinitionReader:
    """Reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        filters: DefinitionFilters = DefinitionFilters(),
        *,
        limit: int | None = None,
        marker: str | None = None,
    ) -> list[DefinitionView]:
        """Return definitions, by type and key.

        :param marker: id of the last definition of the page before.
        :raises BadRequest: there is no definition with the marker's id.
        """
        query = sa.select(definitions).where(*_conditions(filters)).order_by(*_ORDER).limit(limit)
        with self._database.read() as connection:
            if marker is not None:
                last = connection.execute(sa.select(*_ORDER).where(definitions.c.id == marker)).one_or_none()
                if last is None:
                    raise BadRequest(f"Marker {marker} could not be found.")
                query = query.where(sa.tuple_(*_ORDER) > sa.tuple_(*map(sa.literal, last)))
            return _views(connection, connection.execute(query).all(), filters.site_id)

    def show(self, definition_id: str) -> DefinitionView:
        """Return a definition.

        :raises NotFound: there is none.
        """
        with self._database.read() as connection:
            query = sa.select(definitions).where(definitions.c.id == definition_id)
            views = _views(connection, connection.execute(query).all(), None)
        if not views:
            raise NotFound(f"There is no definition {definition_id}.")
        return views[0]


def _conditions(filters: DefinitionFilters) -> list[sa.ColumnElement[bool]]:
    conditions = [
        definitions.c[name] == value
        for name in ("resource_type", "name")
        if (value := getattr(filters, name)) is not None
    ]
    looked_at = (
        sites.c.state != SiteState.DISABLED if filters.site_id is None else sites.c.id == filters.site_id
    )
    for wanted, condition in (
        (filters.in_step, ~sa.exists(sa.select(sites.c.id).where(looked_at, ~_AGREES))),
        (filters.drifted, sa.exists(sa.select(sites.c.id).where(looked_at, _DRIFTED))),
    ):
        if wanted is not None:
            conditions.append(condition if wanted else ~condition)
    return conditions


def _views(
    connection: sa.Connection, rows: Sequence[sa.Row[Any]], site_id: str | None
) -> list[DefinitionView]:
    """Put definitions together with what is known of each in the sites."""
    ids = [row.id for row in rows]
    chosen = sa.select(sites.c.id, sites.c.name).order_by(sites.c.name)
    if site_id is not None:
        chosen = chosen.where(sites.c.id == site_id)
    names = {row.id: row.name for row in connection.execute(chosen)}
    known = {
        (row.definition_id, row.site_id): row
        for row in connection.execute(sa.select(realisations).where(realisations.c.definition_id.in_(ids)))
    }
    latest = _latest_jobs(connection, ids)
    return [
        DefinitionView(
            id=row.id,
            resource_type=row.resource_type,
            key=row.resource_key,
            name=row.name,
            project_id=row.project_id,
            state=row.state,
            version=row.version,
            body=row.body.encode(),
            created_at=row.created_at,
            updated_at=row.updated_at,
            sites=tuple(
                _site_view(row.version, site, name, known.get((row.id, site)), latest.get((row.id, site)))
                for site, name in names.items()
            ),
        )
        for row in rows
    ]


def _site_view(
    version: int, site_id: str, site_name: str, row: sa.Row[Any] | None, job_id: str | None
) -> SiteView:
    if row is None:
        return SiteView(site_id, site_name, None, 0, False, None, None, job_id)
    in_step = row.version == version and version > 0
    return SiteView(
        site_id, site_name, row.site_resource_id, row.version, in_step, row.drift, row.updated_at, job_id
    )


def _latest_jobs(connection: sa.Connection, ids: Sequence[str]) -> dict[tuple[str, str], str]:
    """Map (definition id, site id) to the id of the newest job about it there."""
    place = sa.func.row_number().over(
        partition_by=(jobs.c.resource_id, jobs.c.site_id),
        order_by=(jobs.c.created_at.desc(), jobs.c.id.desc()),
    )
    ordered = (
        sa.select(jobs.c.id, jobs.c.resource_id, jobs.c.site_id, place.label("place"))
        .where(jobs.c.resource_id.in_(ids), jobs.c.site_id.is_not(None))
        .subquery()
    )
    newest = sa.select(ordered.c.id, ordered.c.resource_id, ordered.c.site_id).where(ordered.c.place == 1)
    return {(row.resource_id, row.site_id): row.id for row in connection.execute(newest)}
