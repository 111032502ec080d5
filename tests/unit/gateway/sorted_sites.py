"""Sites that hold servers and list them as Nova does; they stand in for the client that would call them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.unit.gateway.office import says

from tricircle.errors import SiteUnavailable, TricircleError
from tricircle.gateway.ordering import Order
from tricircle.sites.client import SiteRequest
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

Server = dict[str, Any]

_COLUMNS = {"created_at": "created", "display_name": "name", "uuid": "id"}
_OTHERS = frozenset({"limit", "marker", "sort_key", "sort_dir"})


def server(number: int, created: int, name: str | None = None) -> Server:
    """Make a server; the greater the number the greater its id, and so it is for times."""
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "created": f"2026-01-31T12:00:{created:02}Z",
        "name": name,
        "tenant_id": "blue",
    }


def sorted_servers(servers: Sequence[Server], parameters: Sequence[tuple[str, str]]) -> list[Server]:
    """Sort as Nova does: by what is asked for, then by time and, of equal ones, by id."""
    keys = [value for name, value in parameters if name == "sort_key"]
    directions = [value for name, value in parameters if name == "sort_dir"]
    directions += [directions[0] if directions else "desc"] * (len(keys) - len(directions))
    last = directions[0] if directions else "desc"
    asked = [(_COLUMNS[key], direction) for key, direction in zip(keys, directions, strict=False)]
    fields = [*asked, ("created", last), ("id", last)]
    order = Order(fields)  # type: ignore[arg-type]  # directions are texts here
    return sorted(servers, key=lambda each: order.key([each[name] for name, _ in fields]))


@dataclass
class SortedSites:
    """A client of sites with servers.

    :param servers: name of a site -> what it holds.
    :param most: the longest page that a site gives, whatever it is asked for.
    :param silent: names of sites that do not answer.
    """

    servers: dict[str, list[Server]]
    most: int = 1000
    silent: set[str] = field(default_factory=set)
    lists: int = 0

    def send(self, site: Site, service_type: str, request: SiteRequest) -> Answer:
        if site.name in self.silent:
            raise SiteUnavailable("down", site=site.name)
        parts = urlsplit(request.target)
        path = parts.path.removeprefix("/v2.1/servers/")
        held = self.servers.get(site.name, [])
        if path == "detail":
            return self._list(held, parse_qsl(parts.query))
        found = [each for each in held if each["id"] == path]
        return says({"server": found[0]}) if found else says({"itemNotFound": {"code": 404}}, 404)

    def send_all(
        self, service_type: str, requests: Sequence[tuple[Site, SiteRequest]]
    ) -> list[Answer | TricircleError]:
        results: list[Answer | TricircleError] = []
        for site, request in requests:
            try:
                results.append(self.send(site, service_type, request))
            except TricircleError as error:
                results.append(error)
        return results

    def _list(self, held: Sequence[Server], query: list[tuple[str, str]]) -> Answer:
        self.lists += 1
        own = dict(query)
        chosen = sorted_servers(held, query)
        for name in own.keys() - _OTHERS:
            chosen = [each for each in chosen if each.get(name) == own[name]]
        if "marker" in own:
            places = [place for place, each in enumerate(chosen) if each["id"] == own["marker"]]
            if not places:
                return says({"badRequest": {"code": 400, "message": "marker not found"}}, 400)
            chosen = chosen[places[0] + 1 :]
        limit = min(int(own["limit"]), self.most)
        document: dict[str, Any] = {"servers": chosen[:limit]}
        if limit and len(chosen) >= limit:
            document["servers_links"] = [{"rel": "next", "href": "http://site/next"}]
        return says(json.loads(json.dumps(document)))
