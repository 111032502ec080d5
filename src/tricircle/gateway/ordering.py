"""The order of a list: by which of an item's fields, and how two sites' items compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import Any, Literal

from tricircle.errors import BadRequest

Direction = Literal["asc", "desc"]
_DIRECTIONS: tuple[Direction, Direction] = ("asc", "desc")

Parameters = Sequence[tuple[str, str]]
"""A query, parsed: names and values in their order."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order of items.

    :param fields: JSON fields, the weightiest first, each with its direction.
    """

    fields: Sequence[tuple[str, Direction]]

    def key(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """Make what compares as an item with these values of the fields stands in the list."""
        return tuple(
            _rank(value) if direction == "asc" else _Descending(_rank(value))
            for value, (_, direction) in zip(values, self.fields, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Sorting:
    """How a list can be sorted.

    :param fields: the API's sort keys, and the JSON field that shows each.
    :param default: the sort keys that an order ends with, as far as it does not name them itself.
    :param direction: of the default, and of a key that comes without one.
    """

    fields: Mapping[str, str]
    default: Sequence[str] = ()
    direction: Direction = "desc"

    def order(self, parameters: Parameters) -> Order:
        """Read the order that a query asks for.

        Nova: pairs of `sort_key` and `sort_dir`. Cinder: these, or `sort=key:dir,key:dir`.

        :raises BadRequest: a sort key's values are not shown, so that sites' lists cannot be merged by it,
            or a direction is none.
        """
        keys = [value for name, value in parameters if name == "sort_key"]
        directions = [value for name, value in parameters if name == "sort_dir"]
        for name, value in parameters:
            if name == "sort" and value:
                for part in value.split(","):
                    key, _, direction = part.strip().partition(":")
                    keys.append(key.strip())
                    directions.append(direction.strip() or self.direction)
        # As in oslo.db's process_sort_params: the first direction stands for those that are missing.
        missing = directions[0] if directions else self.direction
        directions += [missing] * (len(keys) - len(directions))
        asked = [(self._field(key), _direction(text)) for key, text in zip(keys, directions, strict=False)]
        named = {field for field, _ in asked}
        ending = [self.fields[key] for key in self.default if self.fields[key] not in named]
        return Order([*asked, *((field, _direction(missing)) for field in ending)])

    def is_default(self, order: Order) -> bool:
        """Say whether an order is the one of a query that names none."""
        return list(order.fields) == [(self.fields[key], self.direction) for key in self.default]

    def _field(self, key: str) -> str:
        try:
            return self.fields[key]
        except KeyError:
            raise BadRequest(f"Lists of several sites cannot be sorted by {key!r}.") from None


def _direction(text: str) -> Direction:
    for direction in _DIRECTIONS:
        if text.lower() == direction:
            return direction
    raise BadRequest(f"Unknown sort direction {text!r}, must be one of: asc, desc.")


def _rank(value: Any) -> tuple[int, Any]:
    """Make any two JSON values comparable: null first, as SQLite and MariaDB have it."""
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return 1, value
    return (2, value) if isinstance(value, str) else (3, str(value))


@total_ordering
class _Descending:
    """Compares the other way round."""

    __slots__ = ("_rank",)

    def __init__(self, rank: tuple[int, Any]) -> None:
        self._rank = rank

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self._rank == other._rank

    def __lt__(self, other: "_Descending") -> bool:
        return other._rank < self._rank

    def __hash__(self) -> int:
        return hash(self._rank)
