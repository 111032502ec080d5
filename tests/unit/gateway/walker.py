"""A client that walks through lists of servers, page by page."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from oslo_config import cfg
from tests.unit.gateway.office import ZONES, A, B, C, Office, document
from tests.unit.gateway.sorted_sites import Server, SortedSites, server
from tests.unit.sites.register import Register

from tricircle.gateway.compute.application import SERVICE as COMPUTE
from tricircle.gateway.compute.operations import OPERATIONS
from tricircle.routing.route import Route

HANDLERS = {(row.method, row.path): row.handler for row in OPERATIONS}
LIST = HANDLERS["GET", "/servers/detail"]
SITES = {"a": A, "b": B, "c": C}

HELD_BY_THREE = {
    "a": [server(1, 5), server(4, 2)],
    "b": [server(2, 4), server(5, 1)],
    "c": [server(3, 3)],
}
"""Servers that are listed by their numbers."""


class Walker:
    """Walks through lists of servers that some sites hold, as clients do."""

    def __init__(self, conf: cfg.ConfigOpts, held: dict[str, list[Server]], most: int = 1000) -> None:
        self.sites = SortedSites(held, most)
        self.office = Office(conf, COMPUTE, Register((A, B, C), ZONES), {}, client=self.sites)
        self.index = self.office.index
        for name, servers in held.items():
            for each in servers:
                self.index.sites["server", each["id"]] = SITES[name]

    def know(self, site: str, each: Server) -> None:
        """Write a server's row into the routing table."""
        created = datetime.fromisoformat(each["created"]).replace(tzinfo=None)
        self.index.routes.append(
            Route(each["id"], "server", SITES[site].id, each["id"], each["tenant_id"], created)
        )

    def page(self, query: str) -> dict[str, Any]:
        return document(LIST(self.office.call(f"GET /servers/detail?{query}")))

    def by_links(self, query: str) -> list[Server]:
        """Follow the `next` links, to a bound."""
        found: list[Server] = []
        for _ in range(100):
            page = self.page(query)
            found += page["servers"]
            if "servers_links" not in page:
                return found
            query = urlsplit(page["servers_links"][0]["href"]).query
        raise AssertionError("the list does not end")

    def by_markers(self, query: str) -> list[Server]:
        """Ask for what follows the last item seen, until a page is empty."""
        found: list[Server] = []
        marker = ""
        for _ in range(100):
            servers = self.page(f"{query}{marker}")["servers"]
            if not servers:
                return found
            found += servers
            marker = f"&marker={found[-1]['id']}"
        raise AssertionError("the list does not end")
