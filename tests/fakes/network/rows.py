"""What all resources of Neutron have in common: errors, filters, pages, fields."""

import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.service import Call, Document, Refusal

_NOT_FILTERS = {"fields", "limit", "marker", "sort_key", "sort_dir", "page_reverse"}


class Words(str):
    """A message of Neutron's, with the name of the exception that it comes from."""

    __slots__ = ("type",)
    type: str

    @classmethod
    def of(cls, type_: str, message: str) -> "Words":
        """Make one."""
        words = cls(message)
        words.type = type_
        return words


def refusal(status: int, type_: str, message: str) -> Refusal:
    """Make an error as Neutron's exceptions become one."""
    error = Refusal(status, message)
    error.message = Words.of(type_, message)
    return error


def not_found(kind: str, identifier: str) -> Refusal:
    """Say that something is not there, or not the caller's."""
    names = {"network": "Network", "subnet": "Subnet", "port": "Port"}
    if kind in names:
        name = names[kind]
        return refusal(404, f"{name}NotFound", f"{name} {identifier} could not be found.")
    if kind == "policy":
        return refusal(404, "QosPolicyNotFound", f"QoS policy {identifier} could not be found.")
    if kind == "address_group":
        return refusal(404, "AddressGroupNotFound", f"Address group {identifier} could not be found.")
    if kind == "security_group":
        return refusal(404, "SecurityGroupNotFound", f"Security group {identifier} does not exist")
    if kind == "security_group_rule":
        message = f"Security group rule {identifier} does not exist"
        return refusal(404, "SecurityGroupRuleNotFound", message)
    return refusal(404, "NotFound", f"{kind} {identifier} could not be found.")


def invalid(message: str) -> Refusal:
    """Refuse input."""
    return refusal(400, "InvalidInput", f"Invalid input for operation: {message}.")


def new_id() -> str:
    """Make an id."""
    return str(uuid.uuid4())


def chosen(call: Call, items: Iterable[Document]) -> list[Document]:
    """Return the items that fit the filters of a request.

    As the extension `filter-validation` has it, an unknown filter is refused.
    """
    filters = {
        name: values
        for name, values in parse_qs(call.request.query, keep_blank_values=True).items()
        if name not in _NOT_FILTERS
    }
    found = []
    for item in items:
        unknown = [name for name in filters if name not in item and name not in {"project_id", "tenant_id"}]
        if unknown:
            message = f"{unknown} is invalid attribute for filtering"
            raise refusal(400, "HTTPBadRequest", message)
        if all(_fits(item, name, values) for name, values in filters.items()):
            found.append(item)
    return found


def _fits(item: Document, name: str, values: list[str]) -> bool:
    if name == "tags":  # all of them
        return set(values[0].split(",")) <= set(item["tags"])
    if name == "security_groups":  # one of them is enough
        return not set(values).isdisjoint(item[name])
    return _text(item.get(name)) in values


def page(call: Call, collection: str, items: Iterable[Document]) -> Document:
    """Answer a list: sorted, cut, and with the fields that were asked for."""
    asked = parse_qs(call.request.query)
    found = sorted(items, key=lambda item: str(item.get(asked.get("sort_key", ["id"])[0])))
    marker, limit = asked.get("marker"), asked.get("limit")
    if marker:
        ids = [item["id"] for item in found]
        found = found[ids.index(marker[0]) + 1 :]
    document: Document = {}
    if limit:
        most = int(limit[0])
        if len(found) > most:
            href = f"{call.root}/v2.0/{collection}?marker={found[most - 1]['id']}"
            document[f"{collection.replace('-', '_')}_links"] = [{"rel": "next", "href": href}]
        found = found[:most]
    return {collection.replace("-", "_"): [shown(call, item) for item in found], **document}


def shown(call: Call, item: Document) -> Document:
    """Show an item with the fields that were asked for."""
    fields = parse_qs(call.request.query).get("fields")
    return {name: item[name] for name in fields if name in item} if fields else dict(item)


def require_known(wanted: Any, known: Iterable[str], name: str) -> Document:
    """Take a body whose fields are all known.

    :param name: of the resource, as Neutron names it.
    """
    if not isinstance(wanted, dict):
        raise refusal(400, "HTTPBadRequest", f"Invalid input for {name}.")
    unknown = sorted(wanted.keys() - set(known))
    if unknown:
        raise refusal(400, "HTTPBadRequest", f"Unrecognized attribute(s) '{', '.join(unknown)}'")
    return wanted


def require_revision(call: Call, item: Document) -> None:
    """Go on only where something is as the request says that it must be (`If-Match`)."""
    wanted = call.request.header("If-Match")
    if wanted is None:
        return
    expected, current = int(wanted.removeprefix("revision_number=")), item["revision_number"]
    if expected != current:
        words = f"Constrained to {expected}, but current revision is {current}"
        raise refusal(412, "RevisionNumberConstraintFailed", words)


def _text(value: object) -> str:
    return str(value) if not isinstance(value, list) else ",".join(sorted(map(str, value)))
