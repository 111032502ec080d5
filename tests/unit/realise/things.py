"""A kind of replicated resource that exists in tests only, and sites that are dictionaries."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from oslo_config import cfg
from tests.unit.sites.register import Register, write
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.jobs.bus import NoBus
from tricircle.jobs.job import Job, JobState
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.realise.definition import Body, Found, Known, Sought
from tricircle.realise.kinds import Kind
from tricircle.realise.learner import Learner
from tricircle.realise.realiser import Realiser
from tricircle.realise.site_view import SiteView
from tricircle.realise.store import DefinitionStore
from tricircle.realise.writing import Writing
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site

A, B, C = site("a"), site("b"), site("c")


def nothing(_: Site) -> None:
    """Let nothing happen meanwhile."""


@dataclass
class Things(Kind):
    """Things of a colour, which is fixed, and with a label, which is not.

    :param there: the things of each site by key.
    :param when_found: called after each look at a site.
    """

    there: dict[str, dict[str, Body]] = field(default_factory=lambda: {"a": {}, "b": {}, "c": {}})
    when_found: Callable[[Site], object] = nothing
    effects: list[str] = field(default_factory=list)
    refuses: bool = False

    name = "flavor"  # jobs are about kinds that there are
    service_type = "compute"
    not_found = "No thing {name}."
    fixed = frozenset({"colour"})

    def find(self, view: SiteView, sought: Sought) -> Found | None:
        body = self.there[view.site.name].get(sought.key)
        found = None if body is None else Found(f"{sought.key} in {view.site.name}", sought.key, dict(body))
        self.when_found(view.site)
        return found

    def make(self, view: SiteView, body: Body) -> None:
        self._effect(view, "made")
        self.there[view.site.name][body["key"]] = {**body, "label": ""}

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        if shown.body["label"] != body["label"]:
            self._effect(view, "labelled")
            self.there[view.site.name][body["key"]]["label"] = body["label"]

    def remove(self, view: SiteView, shown: Found) -> None:
        self._effect(view, "removed")
        self.there[view.site.name].pop(shown.name, None)

    def _effect(self, view: SiteView, name: str) -> None:
        view._step(name)
        if self.refuses:
            raise SiteRefused("It said 403: no.", site=view.site.name, request_id="req-1", status=403)
        self.effects.append(f"{name} in {view.site.name}")


class House:
    """All of `tricircle.realise` over three sites that are dictionaries.

    :param things: the only kind that there is.
    """

    def __init__(self, conf: cfg.ConfigOpts, database: Database, things: Things) -> None:
        self.database = database
        self.things = things
        write(database, A, B, C)
        self.registry: Any = Register([A, B, C], [])
        self.requester = JobRequester(database)
        calls: Any = None  # things need none
        self.realiser = Realiser(database, calls)
        self.store: DefinitionStore = self.realiser.store
        self.learner = Learner(database, self.registry, self.requester, self.realiser, NoBus())
        self.writing = Writing(database, self.store, self.requester, self.learner, 90.0)

    def thing(self, key: str, colour: str, label: str = "") -> Body:
        """Make a thing's body."""
        return {"key": key, "colour": colour, "label": label}

    def put(self, site: Site, key: str, colour: str = "red", label: str = "") -> None:
        """Put a thing into a site, as a user does."""
        self.things.there[site.name][key] = self.thing(key, colour, label)

    def define(self, key: str, colour: str = "red", label: str = "", site: Site = A) -> Known:
        """Have a thing defined as a site shows it."""
        self.put(site, key, colour, label)
        definition = self.database.transact(
            lambda connection: self.store.propose(connection, "flavor", key, key)
        )
        self.learner.learn(definition.id, site, may_be_gone=False)
        return self.known(key)

    def known(self, key: str) -> Known:
        """Return what is known of a thing, which must be defined."""
        known = self.store.find("flavor", key)
        assert known is not None
        return known

    def waiting(self, job_type: str) -> list[Job]:
        """Return the jobs of a type that wait."""
        return JobStore(self.database).page(JobFilters(state=JobState.WAITING, type=job_type))
