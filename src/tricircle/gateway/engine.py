"""What a gateway serves its calls with, made once for a process."""

from dataclasses import dataclass

from oslo_config import cfg

from tricircle.db.engine import Database
from tricircle.gateway.intents import Intents
from tricircle.gateway.service import Service
from tricircle.gateway.versions import Versions
from tricircle.identity.service_user import ServiceUser
from tricircle.jobs.bus import Bus, make_bus
from tricircle.jobs.requester import JobRequester
from tricircle.realise.networks import Networks
from tricircle.realise.replicas import Replicas
from tricircle.routing.cache import RouteCache
from tricircle.routing.locator import Locator
from tricircle.routing.search import Search
from tricircle.routing.store import RouteStore
from tricircle.scheduler.scheduler import Scheduler
from tricircle.sites.client import SiteClient
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.service_calls import ServiceCalls
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
    requester: JobRequester
    bus: Bus
    intents: Intents
    replicas: Replicas
    scheduler: Scheduler
    versions: Versions
    public_root: PublicRoot

    @property
    def networks(self) -> Networks:
        """The networks of the top."""
        return self.replicas.networks


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
    routes = RouteStore(database)
    locator = Locator(registry, cache, routes, search, conf)
    requester = JobRequester(database)
    bus = make_bus(conf)
    return Engine(
        conf=conf,
        service=service,
        endpoints=endpoints,
        registry=registry,
        client=client,
        locator=locator,
        requester=requester,
        bus=bus,
        replicas=Replicas.of(
            conf,
            database,
            registry,
            ServiceCalls(client, service_user),
            requester,
            client=client,
            bus=bus,
        ),
        intents=Intents(database, requester, locator, conf.xjob.intent_grace, bus),
        scheduler=Scheduler(registry, health, conf),
        versions=Versions(service, registry, client, conf),
        public_root=PublicRoot(endpoints, service.type, conf),
    )
