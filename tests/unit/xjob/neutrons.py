"""Two Neutrons in memory, that of site `a` and that of the top; and the site's Nova, which shows servers.

They keep the rules that adoption meets: pages, filters, one MAC address once in a network, bulk requests that
end at the first port that is refused.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.unit.sites.register import write
from tests.unit.sites.wire import site

from tricircle.db.timestamps import now
from tricircle.errors import SiteUnavailable
from tricircle.jobs.job import Job, JobState, Request
from tricircle.jobs.outcome import Outcome
from tricircle.jobs.queue import JobQueue
from tricircle.jobs.store import JobStore
from tricircle.realise.site_ids import SiteIds
from tricircle.realise.top_definitions import TopDefinitions
from tricircle.routing.route import Route
from tricircle.sites.service_calls import SiteAnswer, SiteRefused
from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine
from tricircle.xjob.ports import PORT, Item
from tricircle.xjob.task import Handler, Task

A, TOP = site("a"), site("top")

NETWORK, SUBNET, GROUP = "top-network", "top-subnet", "top-group"
THERE = {
    "network": {NETWORK: "a-network"},
    "subnet": {SUBNET: "a-subnet"},
    "security_group": {GROUP: "a-group"},
}
"""What the site calls what the top has."""

SERVER = "00000000-0000-4000-8000-00000000000a"

GONE = SiteAnswer(404, {"NeutronError": {"type": "NotFound", "message": "no", "detail": ""}}, None)


def port(number: int, **more: Any) -> Item:
    """Make a port as the site shows it, of the server."""
    return {
        "id": f"port-{number}",
        "project_id": "blue",
        "network_id": "a-network",
        "mac_address": f"fa:16:3e:00:00:{number:02x}",
        "fixed_ips": [{"subnet_id": "a-subnet", "ip_address": f"10.0.0.{number}"}],
        "device_id": SERVER,
        "device_owner": "compute:nova",
        "name": "",
        "admin_state_up": True,
        "security_groups": ["a-group"],
        "status": "ACTIVE",
        "allowed_address_pairs": [],
        "port_security_enabled": True,
        "tags": [],
    } | more


def row(number: int, **more: Any) -> Item:
    """Make the row that the top has of such a port."""
    return {
        "id": f"port-{number}",
        "project_id": "blue",
        "network_id": NETWORK,
        "site": "a",
        "mac_address": f"fa:16:3e:00:00:{number:02x}",
        "fixed_ips": [{"subnet_id": SUBNET, "ip_address": f"10.0.0.{number}"}],
        "binding:host_id": "a",
        "device_id": SERVER,
        "device_owner": "compute:nova",
        "name": "",
        "admin_state_up": True,
        "security_groups": [GROUP],
        "status": "ACTIVE",
        "allowed_address_pairs": [],
        "port_security_enabled": True,
        "tags": [],
    } | more


@dataclass
class Neutrons:
    """Stands in for the calls of the site and of the top.

    :param ports: the site's.
    :param rows: of adopted ports, at the top.
    :param others: ports at the top that are not adopted.
    :param gone: ids of networks that the top has no longer.
    :param unheard_of: fields of adopted ports that the top's plugin does not know.
    :param before: called with site, method and path before each request is done.
    :param page: most items in one answer.
    """

    ports: dict[str, Item] = field(default_factory=dict)
    rows: dict[str, Item] = field(default_factory=dict)
    others: dict[str, Item] = field(default_factory=dict)
    servers: dict[str, Item] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    unheard_of: set[str] = field(default_factory=set)
    is_administrator: bool = True
    before: Callable[[str, str, str], None] = lambda *_: None
    page: int = 2
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    def call(
        self,
        site: Site,
        service_type: str,
        method: str,
        target: str,
        body: Any = None,
        *,
        version: str | None = None,
        expected: Collection[int] = (),
        revision: int | None = None,
    ) -> SiteAnswer:
        parts = urlsplit(target)
        self.before(site.name, method, parts.path)
        if site.name in self.away:
            raise SiteUnavailable(f"Site {site.name} does not answer.", site=site.name)
        self.asked.append((site.name, method, parts.path))
        if body is not None:
            self.bodies.append(body)
        assert version is None
        assert service_type == ("compute" if parts.path.startswith("/v2.1/") else "network")
        there = self._all(site).get(parts.path.rpartition("/")[2], {}).get("revision_number")
        if revision not in {None, there}:
            return _no(412, f"Constrained to {revision}, but current revision is {there}")
        answer = self.answer(site, method, parts.path, parts.query, body)
        if answer.status >= 400 and answer.status not in expected:
            (fault,) = answer.document.values()
            said = f"Site {site.name} said {answer.status}: {fault['message']}"
            raise SiteRefused(said, site=site.name, request_id="req-1", status=answer.status)
        return answer

    def answer(self, site: Site, method: str, path: str, query_string: str, body: Any) -> SiteAnswer:
        """Do a request."""
        query = parse_qsl(query_string)
        answer: SiteAnswer | None = None
        match path.removeprefix("/v2.0").split("/")[1:], method:
            case ["v2.1", "servers", *server_id], "GET":
                answer = self._server(*server_id) if server_id else self._servers(dict(query))
            case ["quotas", _], "GET":
                answer = SiteAnswer(200, {}, None) if self.is_administrator else _no(403, "Admins only.")
            case ["networks", key], "GET":
                answer = GONE if key in self.gone else SiteAnswer(200, {"network": {"id": key}}, None)
            case ["adopted-ports"], "GET":
                answer = self._list("adopted_ports", self.rows, query)
            case ["adopted-ports"], "POST":
                answer = self._adopt(body)
            case ["adopted-ports", key], "PUT":
                answer = self._change_row(key, dict(body["adopted_port"]))
            case ["adopted-ports", key], "DELETE":
                answer = _delete(self.rows, key)
            case ["ports"], "GET":
                answer = self._list("ports", self._all(site), query)
            case ["ports", key], "GET":
                found = self._all(site).get(key)
                answer = GONE if found is None else SiteAnswer(200, {"port": dict(found)}, None)
            case ["ports", key], "PUT":
                answer = _change(self._all(site), key, _bound(body["port"]))
            case ["ports", key, "tags"], "PUT":
                answer = _change(self._all(site), key, body)
            case ["ports", key], "DELETE":
                answer = _delete(self._all(site), key)
        assert answer is not None, f"nobody answers {method} {path}"
        return answer

    def _server(self, server_id: str) -> SiteAnswer:
        found = self.servers.get(server_id)
        if found is None:
            return SiteAnswer(404, {"itemNotFound": {"message": "no"}}, None)
        return SiteAnswer(200, {"server": found}, None)

    def _servers(self, query: dict[str, str]) -> SiteAnswer:
        assert query.keys() == {"all_tenants", "status", "uuid"}
        found = self.servers.get(query["uuid"])
        listed = [{"id": found["id"]}] if found and found["status"] == query["status"] else []
        return SiteAnswer(200, {"servers": listed}, None)

    def _all(self, site: Site) -> dict[str, Item]:
        return self.ports if site.name == "a" else self.rows | self.others

    def _list(self, collection: str, items: Mapping[str, Item], query: list[tuple[str, str]]) -> SiteAnswer:
        wanted: dict[str, set[str]] = {}
        for name, value in query:
            wanted.setdefault(name, set()).add(value)
        fields = wanted.pop("fields", None)
        marker = "".join(wanted.pop("marker", ()))
        for name in ("limit", "sort_key", "sort_dir"):
            wanted.pop(name, None)
        found = [
            {name: value for name, value in items[key].items() if fields is None or name in fields}
            for key in sorted(items)
            if all(items[key][name] in values for name, values in wanted.items()) and key > marker
        ]
        links = {f"{collection}_links": [{"rel": "next", "href": "x"}]} if len(found) > self.page else {}
        return SiteAnswer(200, {collection: found[: self.page]} | links, None)

    def _change_row(self, key: str, changes: Item) -> SiteAnswer:
        if not self.unheard_of.isdisjoint(changes):
            return _no(400, "Unrecognized attribute(s)")
        if key in self.others:
            return _change(self.others, key, changes)
        revision = changes.pop("revision_number", None)
        there = self.rows.get(key, {}).get("revision_number")
        if revision is not None and there != revision:
            return _no(412, f"Constrained to {revision}, but current revision is {there}")
        return _change(self.rows, key, changes if there is None else changes | {"revision_number": there + 1})

    def _adopt(self, body: Any) -> SiteAnswer:
        for item in body.get("adopted_ports") or [body["adopted_port"]]:
            if not self.unheard_of.isdisjoint(item):
                return _no(400, "Unrecognized attribute(s)")
            if item["network_id"] in self.gone:
                return _no(404, f"Network {item['network_id']} could not be found.")
            taken = next(
                (
                    other
                    for other in (self.rows | self.others).values()
                    if other["id"] != item["id"] and _clash(other, item)
                ),
                None,
            )
            if taken is not None:
                mac = item["mac_address"]
                return _no(409, f"Unable to complete operation for network. The mac address {mac} is in use.")
            self.rows[item["id"]] = dict(item)
        return SiteAnswer(201, body, None)


def _clash(one: Item, other: Item) -> bool:
    addresses = [{fixed["ip_address"] for fixed in each["fixed_ips"]} for each in (one, other)]
    return one["network_id"] == other["network_id"] and (
        one["mac_address"] == other["mac_address"] or not addresses[0].isdisjoint(addresses[1])
    )


def _no(status: int, words: str) -> SiteAnswer:
    return SiteAnswer(status, {"NeutronError": {"type": "X", "message": words, "detail": ""}}, None)


def _bound(changes: Item) -> Item:
    """Return changes of a port, and the status that it has with the host that they give it."""
    if "binding:host_id" not in changes:
        return changes
    return {**changes, "status": "ACTIVE" if changes["binding:host_id"] else "DOWN"}


def _change(items: dict[str, Item], key: str, changes: Item) -> SiteAnswer:
    if key not in items:
        return GONE
    items[key].update(changes)
    return SiteAnswer(200, {}, None)


def _delete(items: dict[str, Item], key: str) -> SiteAnswer:
    return SiteAnswer(204, {}, None) if items.pop(key, None) is not None else GONE


class NoBlocks:
    """Of the addresses here, none is in a block."""

    def let_have(self, *_: Any, **__: Any) -> None:
        """Change nothing."""


class Office:
    """A worker's engine over the two, and a hand that does jobs."""

    def __init__(self, engine: Engine, neutrons: Neutrons | None = None) -> None:
        write(engine.database, A)
        self.neutrons = neutrons or Neutrons()
        ids = SiteIds(engine.replicas.store.realised)
        self.networks: Any = SimpleNamespace(
            is_there=True,
            top=SimpleNamespace(
                site=TOP,
                show=lambda *_, **__: None,
                walk=lambda *_, **__: [],
                require_sight=lambda _: None,
            ),
            returns=NoBlocks(),
            at_top=ids.at_top,
            in_site=ids.in_site,
            make_room=lambda definition_id, site: self.roomy.append(self._key(definition_id)),
        )
        self.networks.definitions = TopDefinitions(
            engine.database, engine.replicas.store, self.networks.top, engine.requester, engine.registry
        )
        self.roomy: list[str] = []
        replicas = replace(engine.replicas, networks=self.networks)
        self.engine = replace(engine, sites=self.neutrons, replicas=replicas)
        self.routes = engine.routes
        self.jobs = JobStore(engine.database)
        self.steps: list[str] = []
        self.before_step: Callable[[str], None] = lambda name: None
        for kind, names in THERE.items():
            for key, there in names.items():
                self.realise(kind, key, there)

    def _key(self, definition_id: str) -> str:
        known = self.engine.replicas.store.get(definition_id)
        assert known is not None
        return known.definition.key

    def realise(self, kind: str, key: str, there: str, **more: Any) -> None:
        """Have the site have something of the top, with more in its definition's body."""
        store = self.engine.replicas.store
        # Idle or not, a network stays in the site.
        body: Item = {
            "network": {"availability_zone_hints": [A.name]},
            "security_group": {"id": key, "rules": []},
            "port": {"network_id": NETWORK, "security_groups": [], "fixed_ips": []},
        }.get(kind, {}) | more

        def work(connection: Any) -> None:
            proposed = store.propose(connection, kind, key, key)
            version = store.define(
                connection, proposed, key=key, name=key, body=body, state=proposed.state.ACTIVE
            )
            store.realised.record(
                connection, proposed.id, A.id, site_resource_id=there, seen=0, version=version
            )

        self.engine.database.transact(work)

    def bury(self, kind: str, key: str) -> None:
        """Have something be deleted at the top, which the site still has."""
        store = self.engine.replicas.store

        def work(connection: Any) -> None:
            was = store.lock(connection, kind, key)
            assert was is not None
            store.define(connection, was, key=key, name=key, body=was.body, state=was.state.DELETED)

        self.engine.database.transact(work)

    def put(self, *ports: Item) -> None:
        """Have the site have ports."""
        self.neutrons.ports |= {item["id"]: item for item in ports}

    def put_rows(self, *rows: Item) -> None:
        """Have the top have adopted ports, as by the jobs."""
        self.neutrons.rows |= {item["id"]: item for item in rows}
        self.routes.record([Route(item["id"], PORT, A.id, item["id"], "blue", None) for item in rows])

    def serve(self, status: str = "ACTIVE", task: str | None = None) -> None:
        """Have the site have the server, and be at a task of it."""
        server = {"id": SERVER, "status": status, "OS-EXT-STS:task_state": task, "tenant_id": "blue"}
        self.neutrons.servers[SERVER] = server

    def routed(self) -> set[str]:
        """Return the ids of ports that have a route."""
        return {route.top_id for route in self.routes.page(None, PORT, A.id, None)}

    def effects(self, *sites: str) -> list[tuple[str, str, str]]:
        """Return the requests that change something, and forget all."""
        asked = [
            entry for entry in self.neutrons.asked if entry[1] != "GET" and entry[0] in (sites or "a top")
        ]
        self.neutrons.asked.clear()
        return asked

    def do(self, handler: Handler, request: Request | None = None) -> tuple[Outcome, Job]:
        """Do one attempt at a job, at once.

        :param request: None for another attempt at the one that waits.
        """
        if request is not None:
            self.engine.requester.request(request)
        kinds = {request.type} if request is not None else {"adopt", "after_delete", "ports"}
        for job in self.jobs.page():
            if job.state is JobState.WAITING and job.type in kinds:
                self.engine.requester.hasten(job.id)
        queue = JobQueue(self.engine.database, clock=now)
        lease = queue.claim("hand")
        assert lease is not None, "there is nothing to do"

        def check() -> None:
            self.steps.append(task.progress["step"])
            self.before_step(task.progress["step"])

        task = Task(self.engine, lease, check)
        outcome = handler(task)
        return outcome, queue.finish(lease, outcome, progress=task.progress)
