"""Lists of ports, of a site or of the top, whole.

Source: Networking API v2.0 reference, "Filtering and Column Selection", "Sorting", "Pagination".
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from tricircle.errors import BadAnswer
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site

_PAGE = 200


def list_ports(
    calls: ServiceCalls, site: Site, path: str, collection: str, query: Iterable[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return all that fit, of all projects, by id.

    :param query: filters and fields; the field `id` must be among these, if there are any.
    :raises TricircleError: as `ServiceCalls.call` does; and BadAnswer where the list makes no sense.
    """
    asked = [("limit", str(_PAGE)), ("sort_key", "id"), ("sort_dir", "asc"), *query]
    found: dict[str, dict[str, Any]] = {}
    marker: list[tuple[str, str]] = []
    while True:
        document = calls.call(site, "network", "GET", f"{path}?{urlencode(asked + marker)}").document
        items = document.get(collection)
        if not isinstance(items, list) or not all(
            isinstance(item, dict) and isinstance(item.get("id"), str) for item in items
        ):
            raise BadAnswer(f"Site {site.name} gave no list of ports.", site=site.name)
        more = any(link.get("rel") == "next" for link in document.get(f"{collection}_links") or ())
        known = len(found)
        found |= {item["id"]: item for item in items}
        if not more:
            return list(found.values())
        if len(found) == known:
            raise BadAnswer(f"The list of ports of site {site.name} does not end.", site=site.name)
        marker = [("marker", items[-1]["id"])]
