"""What jobs are done with, made once for a worker."""

from dataclasses import dataclass

from oslo_config import cfg

from tricircle.db.engine import Database
from tricircle.identity.service_user import ServiceUser
from tricircle.jobs.requester import JobRequester
from tricircle.realise.networks import Networks
from tricircle.realise.replicas import Replicas
from tricircle.routing.store import RouteStore
from tricircle.sites.client import SiteClient
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.transport import CurlTransport


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of a worker that job types use."""

    conf: cfg.ConfigOpts
    database: Database
    registry: SiteRegistry
    health: HealthBoard
    sites: ServiceCalls
    routes: RouteStore
    requester: JobRequester
    replicas: Replicas

    @property
    def networks(self) -> Networks:
        """The networks of the top."""
        return self.replicas.networks


def make_engine(conf: cfg.ConfigOpts) -> Engine:
    """Put it together from a worker's configuration."""
    database = Database(conf)
    service_user = ServiceUser(conf)
    health = HealthBoard(conf)
    client = SiteClient(Endpoints(service_user, conf), service_user, health, CurlTransport(conf), conf)
    registry = SiteRegistry(database, conf.sites.refresh_interval)
    calls = ServiceCalls(client, service_user)
    requester = JobRequester(database)
    return Engine(
        conf=conf,
        database=database,
        registry=registry,
        health=health,
        sites=calls,
        routes=RouteStore(database),
        requester=requester,
        replicas=Replicas.of(conf, database, registry, calls, requester, client=client),
    )
