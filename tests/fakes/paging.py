"""Sort, marker and limit, as the database layers of Nova and Cinder do it."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from tests.fakes.service import Refusal


class Identified(Protocol):
    """What can be a marker."""

    id: str


Item = TypeVar("Item", bound=Identified)
Order = Sequence[tuple[str, str]]
"""Attributes and directions ("asc" or "desc"), the first one weighing most."""


def complete_order(keys: Sequence[str], directions: Sequence[str], tie_breakers: Sequence[str]) -> Order:
    """Pair keys and directions; what is missing takes the first direction."""
    for direction in directions:
        if direction not in {"asc", "desc"}:
            raise Refusal(400, "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'.")
    if len(directions) > len(keys):
        raise Refusal(400, "Invalid input received: Sort direction array size exceeds sort key array size.")
    default = directions[0] if directions else "desc"
    order = [
        (key, directions[place] if place < len(directions) else default) for place, key in enumerate(keys)
    ]
    return order + [(key, default) for key in tie_breakers if key not in keys]


def arrange(items: Sequence[Item], order: Order) -> list[Item]:
    """Sort. What has no value comes first, as in MySQL."""
    arranged = list(items)
    for attribute, direction in reversed(order):
        arranged.sort(
            key=lambda item: ((value := getattr(item, attribute)) is not None, value),
            reverse=direction == "desc",
        )
    return arranged


def after(
    marker: Item | None, arranged: Sequence[Item], everything: Sequence[Item], order: Order
) -> list[Item]:
    """Drop all up to the marker, which need not be among the items itself.

    :param everything: the items and the marker, among which the marker's place is found.
    """
    if marker is None:
        return list(arranged)
    places = {item.id: place for place, item in enumerate(arrange(everything, order))}
    return [item for item in arranged if places[item.id] > places[marker.id]]
