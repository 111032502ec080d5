"""What the Admin API serves its requests with, made once for a process."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import falcon
from oslo_config import cfg
from oslo_policy import policy

from tricircle.admin.definition_reader import DefinitionReader
from tricircle.admin.policies import make_enforcer
from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.jobs.bus import Bus, make_bus
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.store import JobStore
from tricircle.jobs.worker_store import WorkerStore
from tricircle.realise.store import DefinitionStore
from tricircle.routing.store import RouteStore
from tricircle.sites.binding_store import BindingStore
from tricircle.sites.node_store import NodeStore
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import ZoneStore

SERVICE_TYPE = "tricircle"
"""The Admin API's service type in the Keystone catalogue."""

PublicRoot = Callable[[falcon.Request], str]
"""Tells where the links in the answer to a request begin; `tricircle.web.links` has the real one."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The Admin API's parts, put together.

    :param region_name: the top's own region.
    :param clock: the present time, naive, UTC.
    """

    sites: SiteStore
    zones: ZoneStore
    bindings: BindingStore
    nodes: NodeStore
    routes: RouteStore
    jobs: JobStore
    requester: JobRequester
    workers: WorkerStore
    definitions: DefinitionReader
    replicated: DefinitionStore
    bus: Bus
    enforcer: policy.Enforcer
    public_root: PublicRoot
    region_name: str
    max_limit: int
    max_body_size: int
    clock: Callable[[], datetime] = now

    def page_size(self, limit: int | None) -> int:
        """Return the most items that a page holds.

        :param limit: what the request asks for; None where it asks for nothing.
        """
        return min(limit or self.max_limit, self.max_limit)


def make_engine(conf: cfg.ConfigOpts, public_root: PublicRoot) -> Engine:
    """Put the Admin API together from its configuration.

    :raises ValueError: `[database] connection` or `[DEFAULT] transport_url` cannot work.
    """
    database = Database(conf)
    bus = make_bus(conf)
    return Engine(
        sites=SiteStore(database, wake=bus.wake),
        zones=ZoneStore(database),
        bindings=BindingStore(database),
        nodes=NodeStore(database),
        routes=RouteStore(database),
        jobs=JobStore(database),
        requester=JobRequester(database),
        workers=WorkerStore(database, patience=conf.xjob.lease),
        definitions=DefinitionReader(database),
        replicated=DefinitionStore(database),
        bus=bus,
        enforcer=make_enforcer(conf),
        public_root=public_root,
        region_name=conf.region_name,
        max_limit=conf.api.max_limit,
        max_body_size=conf.api.max_body_size,
    )
