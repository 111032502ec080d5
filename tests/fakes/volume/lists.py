"""Lists of volumes and snapshots: order, marker, offset, limit, count and the next link."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from tests.fakes import paging
from tests.fakes.service import Call, Document, Refusal

Item = TypeVar("Item", bound=paging.Identified)

PAGING = {"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "with_count", "all_tenants"}

NAMES = {"name": "display_name", "description": "display_description"}
"""Attributes whose name in the database is another than in the API."""

SORT_KEYS = {
    "availability_zone",
    "bootable",
    "created_at",
    "display_description",
    "display_name",
    "id",
    "project_id",
    "size",
    "status",
    "updated_at",
    "user_id",
    "volume_id",
    "volume_size",
}


def links(call: Call, collection: str, identifier: str) -> list[Document]:
    """The `self` and `bookmark` links of a thing."""
    return [
        {"rel": "self", "href": f"{call.root}/v3{call.project}/{collection}/{identifier}"},
        {"rel": "bookmark", "href": f"{call.root}{call.project}/{collection}/{identifier}"},
    ]


def answer(
    call: Call,
    everything: Mapping[str, Item],
    chosen: Sequence[Item],
    view: Callable[[Item], Document],
    *,
    name: str,
    path: str,
    max_limit: int,
) -> Document:
    """Make the document of one page.

    :param everything: all items of the site, among which the marker may be.
    :param chosen: items that pass the filters.
    :param name: the document's key.
    :param path: the collection's path, for the next link.
    """
    order = _order(call)
    limit = min(_integer(call, "limit", max_limit), max_limit)
    offset = _integer(call, "offset", 0)
    arranged = paging.arrange(chosen, order)
    marker = call.request.parameter("marker")
    if marker is not None:
        if marker not in everything:
            raise Refusal(404, f"{name.removesuffix('s').capitalize()} {marker} could not be found.")
        known = everything[marker]
        arranged = paging.after(known, arranged, [*chosen, *([] if known in chosen else [known])], order)
    page = arranged[offset : offset + limit]
    document: Document = {name: [view(item) for item in page]}
    counted = call.at_least(45) and (call.request.parameter("with_count") or "").lower() in {"1", "true"}
    total = len(chosen) if counted else len(page)
    if page and limit <= (total or len(page)):
        document[f"{name}_links"] = [{"rel": "next", "href": _next(call, path, page[-1].id)}]
    if counted:
        document["count"] = len(chosen)
    return document


def _order(call: Call) -> paging.Order:
    query = dict(call.request.parameters)
    if "sort" in query and ("sort_key" in query or "sort_dir" in query):
        raise Refusal(
            400,
            "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' "
            "parameter.",
        )
    if "sort" in query:
        pairs = [part.partition(":") for part in query["sort"].strip().split(",")]
        keys = [key.strip() for key, _, _ in pairs]
        directions = [direction.strip() or "desc" for _, _, direction in pairs]
    else:
        keys, directions = [query.get("sort_key", "created_at")], [query.get("sort_dir", "desc")]
    order = paging.complete_order([NAMES.get(key, key) for key in keys], directions, ("created_at", "id"))
    for key, _ in order:
        if key not in SORT_KEYS:
            raise Refusal(400, "Invalid input received: Invalid sort key")
    return order


def _integer(call: Call, name: str, otherwise: int) -> int:
    text = call.request.parameter(name)
    if text is None:
        return otherwise
    try:
        number = int(text)
    except ValueError:
        raise Refusal(400, f"{name} param must be an integer") from None
    if number < 0:
        raise Refusal(400, f"{name} param must be positive")
    return number


def _next(call: Call, path: str, identifier: str) -> str:
    parameters = [pair for pair in call.request.parameters if pair[0] != "marker"]
    query = urlencode([*parameters, ("marker", identifier)])
    return f"{call.root}/v3{call.project}/{path}?{query}"
