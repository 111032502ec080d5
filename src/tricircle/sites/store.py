"""The registered sites, in the database.

Every method raises DatabaseUnavailable where the database cannot be reached, besides what it says itself.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

import orjson
import sqlalchemy as sa
from msgspec import UNSET, UnsetType
from oslo_db.exception import DBDuplicateEntry, DBReferenceError

from tricircle.db.engine import Database
from tricircle.db.tables import availability_zone_sites, availability_zones, sites
from tricircle.db.timestamps import now
from tricircle.errors import BadRequest, Conflict, NotFound
from tricircle.jobs.job import Job, Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import CATCH_UP, NODE, REBUILD, JobType
from tricircle.jobs.withdrawal import withdraw
from tricircle.sites.site import Site, SiteState

SORT_KEYS = ("name", "region_name", "state", "created_at", "updated_at")
"""What a list can be sorted by; equals stand in order of their ids."""

SortDirection = Literal["asc", "desc"]


_JOINING = (REBUILD, NODE, CATCH_UP)
"""What a site needs when it is called for the first time, or again."""


class SiteStore:
    """Reads and writes sites. A site is named by its id or, where no id is the same, by its name.

    :param wake: tells workers of the jobs that follow from a change, once they are committed.
    """

    def __init__(
        self, database: Database, *, wake: Callable[[Sequence[Job]], object] = lambda _: None
    ) -> None:
        self._database = database
        self._requester = JobRequester(database)
        self._wake = wake

    def create(
        self,
        name: str,
        region_name: str,
        description: str = "",
        state: SiteState = SiteState.ENABLED,
        physical_networks: Mapping[str, str] | None = None,
    ) -> Site:
        """Register a site. Unless it is disabled, jobs learn what is in it, and make it like the others.

        :param physical_networks: see `Site`.
        :raises Conflict: another site has this name or this region, or has an id like this name.
        """
        time = now()
        site = Site(str(uuid.uuid4()), name, region_name, description, state, time, time, physical_networks)

        def work(connection: sa.Connection) -> list[Job]:
            _check_name(connection, site)
            connection.execute(sites.insert().values(_written(asdict(site))))
            return self._welcome(connection, site) if site.is_asked else []

        try:
            jobs = self._database.transact(work)
        except DBDuplicateEntry as error:
            raise _taken(error, site) from None
        self._wake(jobs)
        return site

    def get(self, id_or_name: str) -> Site:
        """Return a site.

        :raises NotFound: there is none.
        """
        with self._database.read() as connection:
            return find_site(connection, id_or_name)

    def page(
        self,
        *,
        name: str | None = None,
        region_name: str | None = None,
        state: SiteState | None = None,
        sort_key: str = "name",
        sort_dir: SortDirection = "asc",
        limit: int | None = None,
        marker: str | None = None,
    ) -> list[Site]:
        """Return sites that match all that is given.

        :param sort_key: one of SORT_KEYS.
        :param limit: most sites to return; None for all.
        :param marker: id of the last site of the page before.
        :raises BadRequest: there is no such sort key, or no such marker.
        """
        if sort_key not in SORT_KEYS:
            raise BadRequest(f"Sites cannot be sorted by {sort_key}; only by {', '.join(SORT_KEYS)}.")
        order = (sites.c[sort_key], sites.c.id)
        query = sa.select(sites).order_by(
            *(column.desc() if sort_dir == "desc" else column for column in order)
        )
        for column, value in (
            (sites.c.name, name),
            (sites.c.region_name, region_name),
            (sites.c.state, state),
        ):
            if value is not None:
                query = query.where(column == value)
        with self._database.read() as connection:
            if marker is not None:
                last = _marker(connection, marker)
                point = sa.tuple_(sa.literal(getattr(last, sort_key)), sa.literal(last.id))
                query = query.where(
                    sa.tuple_(*order) < point if sort_dir == "desc" else sa.tuple_(*order) > point
                )
            return [_site(row) for row in connection.execute(query.limit(limit))]

    def update(
        self,
        id_or_name: str,
        *,
        name: str | None = None,
        region_name: str | None = None,
        description: str | None = None,
        state: SiteState | None = None,
        physical_networks: Mapping[str, str] | UnsetType | None = UNSET,
    ) -> Site:
        """Change what is given of a site.

        One that is called again after it was disabled is learnt anew; one that has other physical networks
        gets what it could not have before.

        :param physical_networks: None is a value, too: see `Site`.
        :return: the site as it is afterwards.
        :raises NotFound: there is no such site.
        :raises Conflict: another site has this name or this region, or has an id like this name.
        """
        given = {"name": name, "region_name": region_name, "description": description, "state": state}
        changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        if physical_networks is not UNSET:
            changes["physical_networks"] = physical_networks

        def work(connection: sa.Connection) -> tuple[Site, list[Job]]:
            before = find_site(connection, id_or_name)
            site = replace(before, **changes, updated_at=now())
            if name is not None:
                _check_name(connection, site)
            try:
                values = _written(changes | {"updated_at": site.updated_at})
                connection.execute(sites.update().where(sites.c.id == site.id).values(values))
            except DBDuplicateEntry as error:
                raise _taken(error, site) from None
            if not site.is_asked:
                return site, []
            if not before.is_asked:
                return site, self._welcome(connection, site)
            is_wired_anew = site.physical_networks != before.physical_networks
            return site, self._ask(connection, site, CATCH_UP) if is_wired_anew else []

        site, jobs = self._database.transact(work)
        self._wake(jobs)
        return site

    def delete(self, id_or_name: str) -> None:
        """Remove a site, with its node and its routes; its waiting jobs are cancelled. Nothing happens in it.

        :raises NotFound: there is no such site.
        :raises Conflict: availability zones still map to it.
        """

        def work(connection: sa.Connection) -> None:
            site = find_site(connection, id_or_name)
            zones = _zones_of(connection, site)
            if zones:
                raise Conflict(
                    f"Site {site.name} is in availability zones: {', '.join(zones)}.", site=site.name
                )
            withdraw(connection, site.id, f"Site {site.name} is not registered any more.", now())
            try:
                connection.execute(sites.delete().where(sites.c.id == site.id))
            except DBReferenceError:  # mapped since the look above
                raise Conflict(f"Site {site.name} is in an availability zone.", site=site.name) from None

        self._database.transact(work)

    def _welcome(self, connection: sa.Connection, site: Site) -> list[Job]:
        """Ask for what a site needs that joins."""
        return self._ask(connection, site, *_JOINING)

    def _ask(self, connection: sa.Connection, site: Site, *kinds: JobType) -> list[Job]:
        return [
            self._requester.enqueue(connection, Request(kind.name, "site", site.id, site.id))
            for kind in kinds
        ]


def _site(row: sa.Row[Any]) -> Site:
    return Site(
        row.id,
        row.name,
        row.region_name,
        row.description,
        SiteState(row.state),
        row.created_at,
        row.updated_at,
        None if row.physical_networks is None else orjson.loads(row.physical_networks),
    )


def _written(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as the columns hold them."""
    physical_networks = values.get("physical_networks")
    if physical_networks is None:
        return values
    return values | {"physical_networks": orjson.dumps(physical_networks).decode()}


def find_site(connection: sa.Connection, id_or_name: str) -> Site:
    """Return a site, for others that read or write in the same transaction.

    :raises NotFound: there is none.
    """
    query = sa.select(sites).where((sites.c.id == id_or_name) | (sites.c.name == id_or_name))
    found = [_site(row) for row in connection.execute(query)]
    if not found:
        raise NotFound(f"Site {id_or_name} could not be found.")
    return next((site for site in found if site.id == id_or_name), found[0])


def _marker(connection: sa.Connection, marker: str) -> Site:
    row = connection.execute(sa.select(sites).where(sites.c.id == marker)).one_or_none()
    if row is None:
        raise BadRequest(f"Marker {marker} could not be found.")
    return _site(row)


def _zones_of(connection: sa.Connection, site: Site) -> list[str]:
    query = (
        sa.select(availability_zones.c.name)
        .join(availability_zone_sites)
        .where(availability_zone_sites.c.site_id == site.id)
        .distinct()
        .order_by(availability_zones.c.name)
    )
    return list(connection.scalars(query))


def _check_name(connection: sa.Connection, site: Site) -> None:
    """See to it that a path never means one site by id and another by name."""
    query = sa.select(sites.c.id).where(sites.c.id == site.name, sites.c.id != site.id)
    if connection.scalar(query) is not None:
        raise Conflict(f"A site cannot be named {site.name}: that is the id of another site.")


def _taken(error: DBDuplicateEntry, site: Site) -> Conflict:
    if "region_name" in error.columns:
        return Conflict(f"Region {site.region_name} belongs to a site already.")
    return Conflict(f"There is a site named {site.name} already.")
