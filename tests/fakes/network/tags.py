"""Tags (extension `standard-attr-tag`) of networks, subnets, ports and security groups."""

from typing import TYPE_CHECKING

from tests.fakes.network.rows import not_found
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

ALIAS = "standard-attr-tag"

_KINDS = ("network", "subnet", "port", "security_group")


def of_new(network: "Network") -> Document:
    """Return what something new has of it."""
    return {} if ALIAS in network.lacks else {"tags": []}


def replace(network: "Network", call: Call) -> Document:
    """Give something these tags, and no others."""
    collection = call.arguments["collection"].replace("-", "_")
    kind = collection.removesuffix("s")
    if ALIAS in network.lacks or kind not in _KINDS:
        raise Refusal(404, "The resource could not be found.")
    item = getattr(network, collection).get(call.arguments["id"])
    if item is None or not call.sees(item["project_id"]):
        raise not_found(kind, call.arguments["id"])
    item["tags"] = sorted(set(call.body("tags")))
    return {"tags": item["tags"]}


ROUTES: tuple[Route, ...] = (("PUT", "/{collection}/{id}/tags", replace),)
