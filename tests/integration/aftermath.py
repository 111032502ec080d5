"""What must be true when something was wrong under load, and is over: nothing lost, nothing done twice.

The ledger of the load is compared with what the sites really hold, and with what the top knows.
"""

from collections import Counter
from typing import Any

import sqlalchemy as sa
from tests.integration.clients import UPKEEP, SiteAdmin
from tests.integration.conditions import eventually, none_left, side_by_side
from tests.integration.load import Load
from tests.integration.sandbox import Sandbox

from tricircle.db.tables import definitions, job_events, jobs, realisations, routes

SETTLING = 240.0
"""Seconds in which all is settled: a job whose gateway died waits for its grace to be over, and some more."""

ALWAYS = (*UPKEEP, "rebuild")
"""Jobs that are under way at any time."""

_PATHS = {"server": ("compute", "/servers"), "volume": ("block_storage", "/volumes")}


class Aftermath:
    """Looks at the top's database and at the sites, as their administrators see them.

    :param since: jobs made from then on; naive, UTC.
    """

    def __init__(self, sandbox: Sandbox, sites: list[SiteAdmin], load: Load, since: Any) -> None:
        self._sites = sites
        self._load = load
        self._since = since
        self._engine = sa.create_engine(sandbox.facts["top"]["database_url"])

    def check(self) -> None:
        """Check all of it.

        :raises AssertionError: something is not as it must be.
        """
        eventually(self._help_sites, "nothing that sites do not finish", within=SETTLING)
        none_left(self._open_jobs, "the jobs done", within=SETTLING)
        self._check_jobs()
        self._check_replicated("flavor", side_by_side(self._flavors, self._sites))
        self._check_replicated("keypair", side_by_side(self._keypairs, self._sites))
        for kind in _PATHS:
            self._check_homed(kind)

    # -- jobs ------------------------------------------------------------------------------------------------

    def _open_jobs(self) -> list[Any]:
        """Return the jobs that are still to be done, but for upkeep, and for those that follow a server which
        its site builds: one that Nova forgot, as its database was away, it builds for ever, and a job follows
        it for ten minutes.
        """
        building = [
            item_id
            for site in self._sites
            for item_id, item in self._items("server", site).items()
            if item["status"] == "BUILD"
        ]
        query = sa.select(jobs.c.type, jobs.c.resource_id, jobs.c.state, jobs.c.cause).where(
            jobs.c.created_at >= self._since,
            jobs.c.state.in_(["waiting", "running"]),
            jobs.c.type.not_in(ALWAYS),
            (jobs.c.type != "adopt") | jobs.c.resource_id.not_in(building),
        )
        return self._rows(query)

    def _check_jobs(self) -> None:
        query = sa.select(jobs.c.type, jobs.c.resource_id, jobs.c.state, jobs.c.cause)
        mine = query.where(jobs.c.created_at >= self._since)
        superseded = sa.select(job_events.c.job_id).where(job_events.c.event == "superseded")
        not_done = mine.where(
            jobs.c.state.in_(["failed", "cancelled"]),
            jobs.c.id.not_in(superseded),
            jobs.c.type.not_in(ALWAYS),
        )
        assert self._rows(not_done) == []
        upkeep = mine.where(jobs.c.state == "failed")
        # It comes round again in a minute at most, and then succeeds.
        none_left(lambda: self._rows(upkeep), "upkeep well", within=SETTLING)
        ended = sa.select(job_events.c.job_id, sa.func.count()).where(job_events.c.event == "succeeded")
        twice = ended.group_by(job_events.c.job_id).having(sa.func.count() > 1)
        assert self._rows(twice) == []

    # -- replicated resources --------------------------------------------------------------------------------

    def _check_replicated(self, kind: str, sites: list[dict[str, Any]]) -> None:
        """The sites hold the same, which is what the top has defined, and what clients were told."""
        first, *others = sites
        assert all(other == first for other in others), (kind, sites)
        query = sa.select(definitions.c.name, definitions.c.state).where(
            definitions.c.resource_type == kind, definitions.c.name.startswith(self._load.mark)
        )
        defined = dict(self._rows(query))
        assert defined == dict.fromkeys(first, "active"), kind
        self._check_told(kind, set(first))
        behind = (
            sa.select(definitions.c.name, realisations.c.version, realisations.c.drift)
            .join(realisations, realisations.c.definition_id == definitions.c.id)
            .where(
                (realisations.c.version != definitions.c.version) | realisations.c.drift.is_not(None),
                definitions.c.name.startswith(self._load.mark),
            )
        )
        assert self._rows(behind) == []

    def _check_told(self, kind: str, there: set[str]) -> None:
        entries = self._load.of(kind)
        assert {entry.name for entry in entries if entry.is_kept} - there == set(), f"{kind}: lost"
        assert {entry.name for entry in entries if entry.is_to_go} & there == set(), f"{kind}: not gone"

    def _flavors(self, site: SiteAdmin) -> dict[str, Any]:
        target = "/flavors/detail?is_public=None&limit=1000"
        found = site.connection.compute.get(target, microversion="2.61").json()["flavors"]
        return {
            flavor["name"]: (flavor["id"], flavor["ram"], flavor["extra_specs"])
            for flavor in found
            if flavor["name"].startswith(self._load.mark)
        }

    def _keypairs(self, site: SiteAdmin) -> dict[str, Any]:
        user_id = self._load.user_id
        target = f"/os-keypairs?user_id={user_id}&limit=1000"
        found = site.connection.compute.get(target, microversion="2.35").json()["keypairs"]
        keypairs = [entry["keypair"] for entry in found]
        return {
            keypair["name"]: keypair["fingerprint"]
            for keypair in keypairs
            if keypair["name"].startswith(self._load.mark)
        }

    # -- homed resources -------------------------------------------------------------------------------------

    def _check_homed(self, kind: str) -> None:
        """What is in sites is there once, in the zone that was asked for, and has one route, to there."""
        homes: dict[str, list[str]] = {}
        zones = {site.site.name: site.site.zone for site in self._sites}
        for site in self._sites:
            for item_id in self._items(kind, site):
                homes.setdefault(item_id, []).append(site.site.name)
        names = {
            item_id: item["name"] for site in self._sites for item_id, item in self._items(kind, site).items()
        }
        assert {name: times for name, times in Counter(names.values()).items() if times > 1} == {}
        known = self._routes(kind)
        assert {item_id: known.get(item_id) for item_id in homes} == homes
        entries = {entry.name: entry for entry in self._load.of(kind)}
        for item_id, name in names.items():
            entry = entries[name]
            assert entry.id in {None, item_id}
            assert [zones[home] for home in homes[item_id]] == [entry.zone]
        self._check_told(kind, set(names.values()))
        gone = [entry.id for entry in entries.values() if entry.is_to_go and entry.id in known]
        assert gone == [], f"{kind}: deleted, and with a route"

    def _routes(self, kind: str) -> dict[str, list[str]]:
        names = {row.id: row.name for row in self._rows(sa.text("SELECT id, name FROM sites"))}
        found: dict[str, list[str]] = {}
        for top_id, site_id in self._rows(
            sa.select(routes.c.top_id, routes.c.site_id).where(routes.c.resource_type == kind)
        ):
            found.setdefault(top_id, []).append(names[site_id])
        return found

    def _items(self, kind: str, site: SiteAdmin) -> dict[str, dict[str, Any]]:
        every = site.servers() if kind == "server" else site.volumes()
        return {item_id: item for item_id, item in every.items() if item["name"].startswith(self._load.mark)}

    def _help_sites(self) -> bool:
        """Have sites finish what they lost themselves: what is being deleted there is deleted again.

        Nova and Cinder forget a delete whose message was in the broker, or that was under way without a
        database, when that was stopped. Cinder takes no other one while it believes in the first.
        """
        stuck = [
            (site, kind, item)
            for site in self._sites
            for kind in _PATHS
            for item in self._to_go_in(kind, site)
        ]
        for site, kind, item in stuck:
            if kind == "volume" and item["status"] == "deleting":
                _reset(site, item)
            service, path = _PATHS[kind]
            getattr(site.connection, service).delete(f"{path}/{item['id']}")
        return not stuck

    def _to_go_in(self, kind: str, site: SiteAdmin) -> list[Any]:
        to_go = {entry.id for entry in self._load.of(kind) if entry.is_to_go}
        return [item for item_id, item in self._items(kind, site).items() if item_id in to_go]

    def _rows(self, query: Any) -> list[Any]:
        with self._engine.connect() as connection:
            return list(connection.execute(query))


def _reset(site: SiteAdmin, volume: Any) -> None:
    """Have a site believe no longer that it is at work on a volume."""
    reset = {"os-reset_status": {"status": "error"}}
    site.connection.block_storage.post(f"/volumes/{volume['id']}/action", json=reset)


def put_away(load: Load, sites: list[SiteAdmin]) -> None:
    """Delete all that a load has made, through the top; also what sites would do something with for ever."""
    for site in sites:
        for volume in site.volumes().values():
            if volume["name"].startswith(load.mark) and volume["status"] in {"creating", "deleting"}:
                _reset(site, volume)
    load.put_away()
