"""A top and sites where servers get addresses, by processes that something happens to between two calls.

The top's Neutron and the sites' are called without a socket.
"""

import json
from collections.abc import Callable, Iterable
from itertools import count
from types import SimpleNamespace
from typing import Any

from tests.fakes.cloud import ADMIN_PROJECT, PROJECT, Cloud
from tests.fakes.network import Network, ports
from tests.fakes.server import Request as Sent
from tests.functional.adopting_top import AdoptingTop
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.db.timestamps import now
from tricircle.jobs.boots import address_on
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Succeeded
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import INTENT, IntentParameters
from tricircle.sites.service_calls import SiteAnswer, _read
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer
from tricircle.xjob.engine import make_engine
from tricircle.xjob.port_sweep import sweep
from tricircle.xjob.task import Task

SITES = ("SiteOne", "SiteTwo", "SiteThree")


class Crash(Exception):
    """A process ends here."""


class Process:
    """A process of the top, in whose midst something may happen: before one of its calls."""

    def __init__(self, cloud: Cloud) -> None:
        self.engine = make_engine(cloud.configuration)
        self._cloud = cloud
        self._token = cloud.keystone.add_token(ADMIN_PROJECT, roles=("admin", "service")).id
        self._calls = count(1)
        self._happening: tuple[int, Callable[[], None]] | None = None
        self.engine.sites.call = self._call

    def has(self, number: int, happening: Callable[[], None]) -> None:
        """Have something happen before the call of that number from now."""
        self._calls, self._happening = count(1), (number, happening)

    def goes_on(self) -> None:
        """Have nothing happen any more."""
        self._happening = None

    def _call(
        self,
        site: Site,
        service_type: str,
        method: str,
        target: str,
        body: object = None,
        *,
        expected: Iterable[int] = (),
        revision: int | None = None,
        **_: Any,
    ) -> SiteAnswer:
        assert service_type == "network"
        if self._happening is not None and next(self._calls) == self._happening[0]:
            happening, self._happening = self._happening[1], None
            happening()
        network = self._cloud.network if site.id == "top" else self._cloud.sites[site.name].network
        assert network is not None
        headers = [("X-Auth-Token", self._token), ("Host", "neutron"), ("Content-Type", "application/json")]
        if revision is not None:
            headers.append(("If-Match", f"revision_number={revision}"))
        data = b"" if body is None else json.dumps(body).encode()
        response = network._respond(Sent(method, target, tuple(headers), data), "req-1")
        return _read(site, Answer(response.status, list(response.headers), response.body), list(expected))


class World:
    """Sites, the top, and two of its processes."""

    def __init__(self, cloud: Cloud, top: AdoptingTop, workshop: Workshop) -> None:
        self.cloud = cloud
        self.top = top
        self.workshop = workshop
        self.processes = [Process(cloud), Process(cloud)]
        self.neutron = Neutron(cloud, top, cloud.member)
        self.names = count(1)

    def site(self, name: str) -> Site:
        """Return a site as it is registered."""
        return self.processes[0].engine.registry.snapshot.by_name[name]

    def network(self, name: str) -> Network:
        """Return a site's Neutron."""
        return self.cloud.sites[name].network

    def look(self, process: Process, name: str) -> None:
        """Compare a site's ports with the top's, an hour after everything."""
        facts = {"site_id": self.site(name).id, "created_at": now(), "progress": {}, "request_id": None}
        lease: Any = SimpleNamespace(job=SimpleNamespace(type="ports", resource_id="x", **facts))
        outcome = sweep(Task(process.engine, lease, lambda: None))
        assert isinstance(outcome, Succeeded), outcome

    def prepare(self, process: Process, name: str, network_id: str, many: int, address: str = "") -> None:
        """Have a site made ready for servers, as a gateway does."""
        process.engine.networks.prepare(
            self.site(name),
            [network_id],
            [],
            project_id=PROJECT,
            token=self.cloud.member.id,
            count=many,
            addresses=[(network_id, address)] if address else [],
        )

    def make_port(self, name: str, network_id: str, address: str = "") -> str:
        """Make a port in a site, as its Nova does; fails if the site does not have the address."""
        neutron = self.network(name)
        (home,) = neutron.marked("networks", network_id)
        owner = {"device_id": f"server-{next(self.names)}", "device_owner": "compute:nova"}
        fixed = {"fixed_ips": [{"ip_address": address}]} if address else {}
        port_id: str = ports.make(neutron, home, PROJECT, {**owner, **fixed})["id"]
        return port_id

    def intend(self, name: str, network_id: str, many: int, address: str = "") -> str:
        """Write the intent of a boot; return the job's id."""
        uses = (network_id, *([address_on(network_id, address)] if address else ()))
        parameters = IntentParameters("x", many, now().isoformat(), {}, uses)
        key = f"intent-{next(self.names)}"
        job = self.processes[0].engine.requester.request(
            Request(INTENT.name, "server", key, self.site(name).id, PROJECT, parameters, delay=3600)
        )
        return job[0].id

    def forget_intents(self) -> None:
        """Have all boots ended, as XJob finds out."""
        store = JobStore(self.cloud.database)
        for job in store.page(JobFilters(state=JobState.WAITING, type=INTENT.name)):
            store.cancel(job.id)
