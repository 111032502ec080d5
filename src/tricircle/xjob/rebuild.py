"""Learns the routes of a site from its lists, and drops those of what the site has no longer.

Each type is walked in the order of ids, beside the rows that there are: a page tells of a range of ids, and
what is in that range in the table and not in the page may be gone. It is asked for by itself before its row
is dropped, as lists leave out what they cannot reach (a cell that is down, a server not scheduled yet). So
the memory that is needed is that of a page, and whatever a walk has done when it breaks off is right. Begun
anew it begins at the beginning; what is there already costs one read.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from oslo_log import log

from tricircle.db.timestamps import now
from tricircle.errors import TricircleError
from tricircle.jobs.outcome import Outcome, Succeeded
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.xjob import homed
from tricircle.xjob.homed import Item
from tricircle.xjob.task import Task

LOG = log.getLogger(__name__)

_FRESH = timedelta(seconds=60)
"""Routes younger than that, before a page is asked for, are left alone: whoever recorded them knew better."""

_FOR_ADMINISTRATORS = MappingProxyType({"compute": "/v2.1/os-services", "block-storage": "/v3/os-services"})
"""What only an administrator may see. Anyone else is shown one project's volumes as if they were all."""


def rebuild(task: Task) -> Outcome:
    """Learn the routes of the job's site."""
    dropped = 0
    asked: set[str] = set()
    for kind in homed.kinds():
        if kind.service_type not in asked:
            target = _FOR_ADMINISTRATORS[kind.service_type]
            task.engine.sites.call(task.site, kind.service_type, "GET", target)
            asked.add(kind.service_type)
        walk = _Walk(task, kind, dropped)
        walk.go()
        dropped = walk.dropped
    return Succeeded(f"{dropped} routes were of resources that are gone." if dropped else None)


@dataclass
class _Walk:
    """The walk through one type's list.

    :param dropped: routes that were dropped up to now, in all walks of the job.
    """

    task: Task
    kind: ResourceType
    dropped: int
    seen: int = field(default=0, init=False)

    def go(self) -> None:
        """Walk."""
        listing = homed.LISTINGS[self.kind.name]
        calls, site = self.task.engine.sites, self.task.site
        asked_at = now()
        if listing.by_id is None:
            self._compare(homed.everything(calls, site, self.kind), "", None, asked_at)
            return
        after = ""
        for items, more in homed.pages(calls, site, self.kind, listing.by_id):
            until = items[-1]["id"] if more else None
            self._compare(items, after, until, asked_at)
            after, asked_at = until or after, now()

    def _compare(self, items: list[Item], after: str, until: str | None, asked_at: datetime) -> None:
        """Record what a page shows, and drop what it should show and does not.

        :param after: the page is of the ids after this one, up to `until`; None for no end.
        """
        task, kind = self.task, self.kind
        task.engine.routes.record(self._routes(items))
        self.seen += len(items)
        self._tell()
        shown = {item["id"] for item in items}
        while rows := task.engine.routes.between(
            kind.name, task.site.id, after, until, recorded_before=asked_at - _FRESH, limit=homed.PAGE
        ):
            for top_id in rows:
                if top_id not in shown and self._is_gone(top_id):
                    task.engine.routes.forget(top_id, kind.name, task.site.id)
                    self.dropped += 1
                    self._tell()
            after = rows[-1]

    def _is_gone(self, top_id: str) -> bool:
        try:
            return homed.show(self.task.engine.sites, self.task.site, self.kind, top_id) is None
        except TricircleError as error:
            LOG.info("The route of %s %s stays: %s", self.kind.name, top_id, error.message)
            return False

    def _tell(self) -> None:
        figures = {homed.LISTINGS[self.kind.name].collection: self.seen, "dropped": self.dropped}
        self.task.step("page", **figures)

    def _routes(self, items: list[Item]) -> list[Route]:
        project_of = self._projects(items)
        return [
            Route(
                item["id"],
                self.kind.name,
                self.task.site.id,
                item["id"],
                project_of(item),
                self.kind.created_at(item),
            )
            for item in items
        ]

    def _projects(self, items: list[Item]) -> Callable[[Item], str | None]:
        """Return what tells the project of an item: an attachment's is that of its volume."""
        if self.kind.name != "attachment":
            return self.kind.project_of
        volumes: Collection[str] = {str(item.get("volume_id")) for item in items}
        projects = self.task.engine.routes.known("volume", self.task.site.id, volumes)
        return lambda item: projects.get(str(item.get("volume_id")))
