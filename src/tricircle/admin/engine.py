"""What the Admin API serves its requests with, made once for a process."""

from collections.abc import Callable
from dataclasses import dataclass

import falcon
from oslo_config import cfg
from oslo_policy import policy

from tricircle.admin.policies import make_enforcer
from tricircle.db.engine import Database
from tricircle.routing.store import RouteStore
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import ZoneStore

SERVICE_TYPE = "tricircle"
"""The Admin API's service type in the Keystone catalogue."""

PublicRoot = Callable[[falcon.Request], str]
"""Tells where the links in the answer to a request begin; `tricircle.web.links` has the real one."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The Admin API's parts, put together."""

    sites: SiteStore
    zones: ZoneStore
    routes: RouteStore
    enforcer: policy.Enforcer
    public_root: PublicRoot
    max_limit: int
    max_body_size: int


def make_engine(conf: cfg.ConfigOpts, public_root: PublicRoot) -> Engine:
    """Put the Admin API together from its configuration."""
    database = Database(conf)
    return Engine(
        sites=SiteStore(database),
        zones=ZoneStore(database),
        routes=RouteStore(database),
        enforcer=make_enforcer(conf),
        public_root=public_root,
        max_limit=conf.api.max_limit,
        max_body_size=conf.api.max_body_size,
    )
