"""What a gateway serves its calls with, made once for a process."""

from dataclasses import dataclass

from oslo_config import cfg

from tricircle.db.engine import Database
from tricircle.gateway.service import Service
from tricircle.gateway.versions import Versions
from tricircle.identity.service_user import ServiceUser
from tricircle.routing.cache import RouteCache
from tricircle.routing.locator import Locator
from tricircle.routing.search import Search
from tricircle.routing.store import RouteStore
from tricircle.scheduler.scheduler import Scheduler
from tricircle.sites.client import SiteClient
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.transport import CurlTransport
from tricircle.web.links import PublicRoot


@dataclass(frozen=True, slots=True)
class Engine:
    """A gateway's parts, put together."""

    conf: cfg.ConfigOpts
    service: Service
    endpoints: Endpoints
    registry: SiteRegistry
    client: SiteClient
    locator: Locator
    scheduler: Scheduler
    versions: Versions
    public_root: PublicRoot


def make_engine(conf: cfg.ConfigOpts, service: Service) -> Engine:
    """Put a gateway together from its configuration."""
    database = Database(conf)
    registry = SiteRegistry(database, conf.sites.refresh_interval)
    service_user = ServiceUser(conf)
    endpoints = Endpoints(service_user, conf)
    health = HealthBoard(conf)
    client = SiteClient(endpoints, service_user, health, CurlTransport(conf), conf)
    cache = RouteCache(conf.gateway.route_cache_size, conf.gateway.route_cache_time)
    search = Search(client, conf.gateway.fan_out_deadline)
    return Engine(
        conf=conf,
        service=service,
        endpoints=endpoints,
        registry=registry,
        client=client,
        locator=Locator(registry, cache, RouteStore(database), search, conf),
        scheduler=Scheduler(registry, health, conf),
        versions=Versions(service, registry, client, conf),
        public_root=PublicRoot(endpoints, service.type, conf),
    )
