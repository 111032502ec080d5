"""`GET /servers` and `GET /servers/detail`: filters, order, marker, limit and the next link."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.fakes import paging
from tests.fakes.compute import server_view
from tests.fakes.compute.records import STATUSES, Server
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.compute.service import Compute

SORT_KEYS = {
    "availability_zone",
    "config_drive",
    "created_at",
    "display_description",
    "display_name",
    "hostname",
    "image_ref",
    "instance_type_id",
    "key_name",
    "launched_at",
    "power_state",
    "project_id",
    "root_device_name",
    "task_state",
    "updated_at",
    "user_id",
    "uuid",
    "vm_state",
}
ADMIN_SORT_KEYS = {"host", "node"}
IGNORED_SORT_KEYS = {"id", "deleted", "deleted_at", "memory_mb", "vcpus", "reservation_id", "locked"}
"""Nova takes and ignores these up to microversion 2.74."""

Test = Callable[[Server, str], bool]


def _matches(attribute: str) -> Test:
    return lambda server, wanted: re.search(wanted, str(getattr(server, attribute))) is not None


def _equals(attribute: str) -> Test:
    return lambda server, wanted: str(getattr(server, attribute)) == wanted


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tags(server: Server, wanted: str) -> bool:
    return set(wanted.split(",")) <= set(server.tags)


FILTERS: Mapping[str, tuple[int, Test]] = {
    "name": (1, _matches("display_name")),
    "status": (1, lambda server, wanted: server.status.lower() == wanted.lower()),
    "image": (1, _equals("image_ref")),
    "flavor": (1, lambda server, wanted: server.flavor.id == wanted),
    "changes-since": (1, lambda server, wanted: server.updated_at >= _moment(wanted)),
    "ip": (1, lambda server, wanted: any(re.search(wanted, port.address) for port in server.interfaces)),
    "reservation_id": (1, lambda server, wanted: wanted == f"r-{server.id[:8]}"),
    "tags": (26, _tags),
    "tags-any": (26, lambda server, wanted: bool(set(wanted.split(",")) & set(server.tags))),
    "not-tags": (26, lambda server, wanted: not _tags(server, wanted)),
    "not-tags-any": (26, lambda server, wanted: not set(wanted.split(",")) & set(server.tags)),
    "changes-before": (66, lambda server, wanted: server.updated_at <= _moment(wanted)),
    "locked": (73, lambda server, wanted: server.locked == (wanted.lower() in {"1", "true", "yes", "on"})),
    "availability_zone": (83, _equals("availability_zone")),
    "key_name": (83, _matches("key_name")),
    "user_id": (83, _equals("user_id")),
    "vm_state": (83, _equals("vm_state")),
    "power_state": (83, _equals("power_state")),
    "hostname": (90, _matches("hostname")),
}
"""Filters of everybody, by the microversion that brought them."""

ADMIN_FILTERS: Mapping[str, Test] = {
    "availability_zone": _equals("availability_zone"),
    "host": _equals("host"),
    "uuid": _equals("id"),
    "user_id": _equals("user_id"),
    "vm_state": _equals("vm_state"),
    "key_name": _matches("key_name"),
}
"""Filters of administrators, at every microversion."""

PAGING = {"limit", "marker", "sort_key", "sort_dir", "page_size", "offset"}
OTHER = {"all_tenants", "tenant_id", "project_id", "deleted"}


def index(compute: "Compute", call: Call) -> Document:
    """List ids and names."""
    return _answer(compute, call, "servers", lambda server: server_view.basic(call, server))


def detail(compute: "Compute", call: Call) -> Document:
    """List whole servers."""
    return _answer(
        compute, call, "servers/detail", lambda server: server_view.detail(call, server, in_list=True)
    )


def _answer(compute: "Compute", call: Call, collection: str, view: Callable[[Server], Document]) -> Document:
    _refuse_unknown(call)
    order = _order(call)
    chosen = _chosen(compute, call)
    limit = min(_limit(call, compute.max_limit), compute.max_limit)
    page = _after_marker(compute, call, chosen, order)[:limit]
    document: Document = {"servers": [view(server) for server in page]}
    if limit and len(page) == limit:
        document["servers_links"] = [{"rel": "next", "href": _next(call, collection, page[-1].id)}]
    return document


def _refuse_unknown(call: Call) -> None:
    names = {name for name, _ in call.request.parameters}
    unknown = sorted(names - PAGING - OTHER - FILTERS.keys() - ADMIN_FILTERS.keys())
    if unknown and call.at_least(75):
        shown = ", ".join(f"'{name}'" for name in unknown)
        verb = "was" if len(unknown) == 1 else "were"
        raise Refusal(400, f"Additional properties are not allowed ({shown} {verb} unexpected)")


def _order(call: Call) -> paging.Order:
    keys = [value.strip() for name, value in call.request.parameters if name == "sort_key"]
    directions = [value.strip() for name, value in call.request.parameters if name == "sort_dir"]
    for key in keys:
        if key in ADMIN_SORT_KEYS and not call.admin:
            raise Refusal(403, f"Only administrators can sort servers by {key}")
        known = key in SORT_KEYS | ADMIN_SORT_KEYS or (key in IGNORED_SORT_KEYS and not call.at_least(75))
        if not known:
            raise Refusal(
                400, f"Invalid input for query parameters sort_key. Value: {key}. '{key}' is not one of"
            )
    keys = [key for key in keys if key not in IGNORED_SORT_KEYS]
    keys, directions = keys or ["created_at"], directions or ["desc"]
    padded = [*directions, *[directions[0]] * (len(keys) - len(directions))]
    if "uuid" not in keys:
        keys, padded = [*keys, "uuid"], [*padded, "asc"]
    return paging.complete_order(keys, padded, ("created_at", "sequence"))


def _chosen(compute: "Compute", call: Call) -> list[Server]:
    wanted = dict(call.request.parameters)
    everybody = call.admin and wanted.get("all_tenants", "0").lower() in {"", "1", "true", "yes", "on"}
    if "all_tenants" in wanted and not call.admin and wanted["all_tenants"].lower() in {"", "1", "true"}:
        raise Refusal(
            403, "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed."
        )
    project = (wanted.get("tenant_id") or wanted.get("project_id")) if everybody else call.token.project_id
    tests = _tests(call, wanted)
    deleted = "changes-since" in wanted or (call.admin and wanted.get("deleted", "").lower() in {"1", "true"})
    return [
        server
        for server in list(compute.servers.values())
        if (project is None or server.project_id == project)
        and (deleted or not server.deleted)
        and all(test(server, value) for test, value in tests)
    ]


def _tests(call: Call, wanted: Mapping[str, str]) -> list[tuple[Test, str]]:
    statuses = {status.lower() for status in STATUSES.values()} | {"deleted"}
    if "status" in wanted and wanted["status"].lower() not in statuses:
        if call.at_least(38):
            raise Refusal(400, "Invalid status value")
        return [(lambda server, value: False, "")]
    tests: list[tuple[Test, str]] = []
    for name, value in wanted.items():
        minor, test = FILTERS.get(name, (None, None))
        if minor is not None and test is not None and call.at_least(minor):
            tests.append((test, value))
        elif call.admin and name in ADMIN_FILTERS:
            tests.append((ADMIN_FILTERS[name], value))
    return tests


def _limit(call: Call, otherwise: int) -> int:
    text = call.request.parameter("limit")
    if text is None:
        return otherwise
    if not re.fullmatch(r"[0-9]+", text):
        raise Refusal(
            400,
            f"Invalid input for query parameters limit. Value: {text}. '{text}' does not match '^[0-9]*$'",
        )
    return int(text)


def _after_marker(compute: "Compute", call: Call, chosen: list[Server], order: paging.Order) -> list[Server]:
    arranged = paging.arrange(chosen, order)
    identifier = call.request.parameter("marker")
    if identifier is None:
        return arranged
    marker = compute.servers.get(identifier)
    if marker is None:
        raise Refusal(400, f"marker [{identifier}] not found")
    return paging.after(marker, arranged, [*chosen, *([] if marker in chosen else [marker])], order)


def _next(call: Call, collection: str, identifier: str) -> str:
    parameters: dict[str, Any] = dict(sorted(call.request.parameters))
    parameters["marker"] = identifier
    return f"{call.root}/v2.1{call.project}/{collection}?{urlencode(parameters)}"


ROUTES: tuple[Route, ...] = (("GET", "/servers", index), ("GET", "/servers/detail", detail))
