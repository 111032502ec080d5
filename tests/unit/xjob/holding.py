"""A site that holds resources and shows them to the service user, and a hand that does jobs there."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from oslo_config import cfg
from tests.unit.sites.register import Register, write
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.outcome import Outcome
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobStore
from tricircle.routing.homed import HOMED
from tricircle.routing.route import Route
from tricircle.routing.store import RouteStore
from tricircle.sites.service_calls import SiteAnswer
from tricircle.sites.site import Site
from tricircle.xjob import homed
from tricircle.xjob.task import Handler, Task

A = site("a")
GONE = SiteAnswer(404, {"itemNotFound": {"code": 404, "message": "no"}}, None)


@dataclass
class Holding:
    """Stands in for the calls of one site.

    :param items: what it holds, by type.
    :param hidden: ids that it shows by themselves and leaves out of its lists.
    :param said: what it says at a path, in place of what it would.
    """

    items: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in HOMED})
    hidden: set[str] = field(default_factory=set)
    said: dict[str, dict[str, Any] | SiteAnswer | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def call(
        self,
        site: Site,
        service_type: str,
        method: str,
        target: str,
        *,
        version: str | None = None,
        expected: Collection[int] = (),
    ) -> SiteAnswer:
        assert (site, method) == (A, "GET")
        self.asked.append(target)
        parts = urlsplit(target)
        said = self.said.get(parts.path)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, SiteAnswer):
            return said
        if said is None:
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            return self._resources(service_type, parts.path, query, version)
        return SiteAnswer(200, said, None)

    def _resources(
        self, service_type: str, path: str, query: dict[str, str], version: str | None
    ) -> SiteAnswer:
        for name, listing in homed.LISTINGS.items():
            kind = HOMED[name]
            if path == listing.path.partition("?")[0]:
                assert (service_type, version) == (kind.service_type, kind.version)
                return SiteAnswer(200, self._list(name, query), None)
            before, _, after = kind.path.partition("{id}")
            if path.startswith(before):
                wanted = path.removeprefix(before).removesuffix(after)
                found = [item for item in self.items[name] if item["id"] == wanted]
                return SiteAnswer(200, {kind.envelope: found[0]}, None) if found else GONE
        raise AssertionError(f"nobody answers at {path}")

    def _list(self, name: str, query: dict[str, str]) -> dict[str, Any]:
        collection = homed.LISTINGS[name].collection
        shown = [item for item in self.items[name] if item["id"] not in self.hidden]
        if "project_id" in query:
            shown = [item for item in shown if HOMED[name].project_of(item) == query["project_id"]]
        limit, offset = int(query["limit"]), int(query.get("offset", 0))
        if "offset" in query:
            return {collection: shown[offset : offset + limit]}
        newest = "created_at" in (query.get("sort_key") or query["sort"])
        created = HOMED[name].created_field
        shown.sort(key=lambda item: (item[created], item["id"]) if newest else item["id"], reverse=newest)
        ids = [item["id"] for item in shown]
        start = ids.index(query["marker"]) + 1 if "marker" in query else 0
        page = shown[start : start + limit]
        links = {f"{collection}_links": [{"rel": "next", "href": "http://x"}]} if len(page) == limit else {}
        return {collection: page} | links


class Hand:
    """Does jobs for site `a`, as a worker would, one attempt at a time."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        write(database, A)
        self.holding = Holding()
        self.routes = RouteStore(database)
        self.jobs = JobStore(database)
        self.requester = JobRequester(database)
        self.networks = SimpleNamespace(is_there=False)
        self.steps: list[str] = []
        self.before_step: Callable[[str], None] = lambda name: None
        self._queue = JobQueue(database)
        self._engine: Any = SimpleNamespace(
            conf=conf,
            database=database,
            registry=Register([A]),
            sites=self.holding,
            routes=self.routes,
            requester=self.requester,
            networks=self.networks,
        )

    def do(self, handler: Handler, request: Request | None = None) -> tuple[Outcome, Job]:
        """Do one attempt at a job, at once.

        :param request: None for another attempt at the one that waits.
        """
        if request is not None:
            self.requester.request(request)
        for job in self.jobs.page():
            if job.state is JobState.WAITING:
                self.requester.hasten(job.id)
        lease = self._queue.claim("hand")
        assert lease is not None, "there is nothing to do"

        def check() -> None:
            self.steps.append(task.progress["step"])
            self.before_step(task.progress["step"])

        task = Task(self._engine, lease, check)
        outcome = handler(task)
        return outcome, self._queue.finish(lease, outcome, progress=task.progress)

    def record(self, *top_ids: str, kind: str = "server") -> None:
        """Write routes."""
        self.routes.record([Route(top_id, kind, A.id, top_id, "blue", None) for top_id in top_ids])

    def routed(self, *kinds: str) -> set[str]:
        """Return the ids of what has a route to the site."""
        found = set()
        for kind in kinds or HOMED:
            found |= {route.top_id for route in self.routes.page(None, kind, A.id, None)}
        return found


def uuid(number: int) -> str:
    """Make an id, in order of the numbers."""
    return f"00000000-0000-4000-8000-{number:012}"


def server(number: int, name: str = "x", **more: Any) -> dict[str, Any]:
    """Make a server as Nova shows it, made now unless said otherwise."""
    return {
        "id": uuid(number),
        "name": name,
        "tenant_id": "blue",
        "created": now().isoformat(timespec="seconds") + "Z",
        "flavor": {"id": "1"},
        "image": {"id": "i"},
        "status": "ACTIVE",
        "OS-EXT-STS:task_state": None,
    } | more


def volume(number: int, name: str | None = "x", **more: Any) -> dict[str, Any]:
    """Make a volume as Cinder shows it."""
    return {
        "id": uuid(number),
        "name": name,
        "os-vol-tenant-attr:tenant_id": "blue",
        "created_at": now().isoformat(),
        "size": 1,
        "volume_type": "fast",
        "status": "available",
    } | more
