"""One case's network: at the real top, in the first real site, and known to the case's own top.

It has no subnet, so that addresses, which are drawn by lot, are no matter. Whatever stands at the real top
is told there by the resource for sites' ports, which that top does not follow: no worker but the case's is
at it.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from tests.integration.kill.arrangement import Arrangement
from tests.integration.kill.order import Arranged

from tricircle.jobs.types import JobType
from tricircle.realise.definition import DefinitionState
from tricircle.realise.kinds import NEUTRON_KINDS
from tricircle.routing.route import Route
from tricircle.sites.site import Site

Item = dict[str, Any]


class NetworkGround:
    """The network, and the ports on it of a server that is gone: so nobody waits for it."""

    def __init__(self, case: Arrangement) -> None:
        self.case = case
        self._top: Site = case.engine.networks.top.site
        network = self._make_network(self._top)
        self.network_id: str = network["id"]
        self._there: str = self._make_network(case.first)["id"]
        self._define(network)
        self.server_id = str(uuid4())
        case.names[self.server_id] = "the server"

    def port(self, suffix: str) -> Item:
        """Have the site have a port of the server's; return it as the site shows it."""
        fields = {
            "network_id": self._there,
            "project_id": self.case.things.project_id,
            "name": f"{self.case.mark}-{suffix}",
            "fixed_ips": [],
            "device_id": self.server_id,
            "device_owner": "compute:nova",
            "security_groups": [],
        }
        made: Item = self._call(self.case.first, "/v2.0/ports", {"port": fields})["port"]
        return made

    def row(self, suffix: str, port: Item | None = None, *, groups: Sequence[str] = ()) -> str:
        """Have the top have adopted a port; return its id.

        :param port: the site's; None for one that the site has no longer.
        :param groups: the top's ids of its security groups.
        """
        port_id = str(uuid4()) if port is None else port["id"]
        digits = port_id.replace("-", "")[:6]
        mac = f"fa:16:3e:{digits[:2]}:{digits[2:4]}:{digits[4:]}"
        fields = {
            "id": port_id,
            "network_id": self.network_id,
            "project_id": self.case.things.project_id,
            "site": self.case.first.name,
            "name": f"{self.case.mark}-{suffix}",
            "mac_address": mac if port is None else port["mac_address"],
            "fixed_ips": [],
            "device_id": self.server_id,
            "device_owner": "compute:nova",
            "security_groups": list(groups),
            "status": "DOWN",
        }
        self._call(self._top, "/v2.0/adopted-ports", {"adopted_port": fields})
        self.route(port_id)
        return port_id

    def route(self, port_id: str) -> None:
        """Have it known that the port is the first site's."""
        project_id = self.case.things.project_id
        self.case.engine.routes.record(
            [Route(port_id, "port", self.case.first.id, port_id, project_id, None)]
        )

    def ask(self, kind: JobType) -> Arranged:
        """Ask for a job about the server."""
        return self.case.ask(kind, "server", self.server_id, self.case.first)

    def _make_network(self, site: Site) -> Item:
        fields = {"name": self.case.mark, "project_id": self.case.things.project_id}
        made: Item = self._call(site, "/v2.0/networks", {"network": fields})["network"]
        return made

    def _call(self, site: Site, target: str, body: Item) -> Item:
        return self.case.engine.sites.call(site, "network", "POST", target, body).document

    def _define(self, network: Item) -> None:
        store, there = self.case.engine.replicas.store, self._there
        body = NEUTRON_KINDS["network"].define({**network, "sharing": [], "external": [], "spare": None})

        def work(connection: sa.Connection) -> None:
            seen = store.propose(connection, "network", self.network_id, self.case.mark)
            version = store.define(
                connection,
                seen,
                key=self.network_id,
                name=self.case.mark,
                body=body,
                state=DefinitionState.ACTIVE,
            )
            store.realised.record(
                connection, seen.id, self.case.first.id, site_resource_id=there, seen=0, version=version
            )

        self.case.engine.database.transact(work)
