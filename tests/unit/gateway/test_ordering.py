"""The order of lists."""

from functools import cmp_to_key
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tricircle.errors import BadRequest
from tricircle.gateway.ordering import Direction, Order, Parameters, Sorting

SORTING = Sorting(
    {"created_at": "created", "name": "title", "size": "size", "id": "id"}, default=("created_at", "id")
)
UPWARDS = Sorting({"name": "title", "id": "id"}, default=("id",), direction="asc")


def fields(*parameters: tuple[str, str], sorting: Sorting = SORTING) -> list[tuple[str, Direction]]:
    return list(sorting.order(parameters).fields)


def test_without_a_sort_key_the_order_is_the_default() -> None:
    assert fields() == [("created", "desc"), ("id", "desc")]
    assert fields(sorting=UPWARDS) == [("id", "asc")]


def test_a_sort_key_goes_before_the_default_and_gives_it_its_direction() -> None:
    assert fields(("sort_key", "name"), ("sort_dir", "asc")) == [
        ("title", "asc"),
        ("created", "asc"),
        ("id", "asc"),
    ]


def test_a_sort_key_without_a_direction_has_the_default_one() -> None:
    assert fields(("sort_key", "name"))[0] == ("title", "desc")
    assert fields(("sort_key", "name"), sorting=UPWARDS)[0] == ("title", "asc")


def test_a_direction_alone_turns_the_default() -> None:
    assert fields(("sort_dir", "asc")) == [("created", "asc"), ("id", "asc")]


def test_directions_belong_to_keys_in_their_order_and_the_first_stands_for_missing_ones() -> None:
    pairs = [("sort_key", "name"), ("sort_dir", "asc"), ("sort_key", "size"), ("sort_dir", "desc")]
    assert fields(*pairs, ("sort_key", "id")) == [
        ("title", "asc"),
        ("size", "desc"),
        ("id", "asc"),
        ("created", "asc"),
    ]


def test_a_default_key_that_is_named_stands_where_it_was_named() -> None:
    assert fields(("sort_key", "id"), ("sort_dir", "asc")) == [("id", "asc"), ("created", "asc")]


def test_cinders_own_way_of_naming_keys() -> None:
    assert fields(("sort", "name:asc,size:desc, id")) == [
        ("title", "asc"),
        ("size", "desc"),
        ("id", "desc"),
        ("created", "asc"),
    ]


def test_directions_may_be_written_in_capitals() -> None:
    assert fields(("sort_key", "name"), ("sort_dir", "ASC"))[0] == ("title", "asc")


@pytest.mark.parametrize(
    "parameters",
    [
        [("sort_key", "secret")],
        [("sort_key", "title")],
        [("sort_key", "")],
        [("sort", "secret:asc")],
        [("sort_key", "name"), ("sort_dir", "up")],
        [("sort", "name:up")],
        [("sort_dir", "up")],
    ],
)
def test_what_cannot_be_sorted_by_is_refused(parameters: Parameters) -> None:
    with pytest.raises(BadRequest):
        SORTING.order(parameters)


def test_the_default_order_is_known_however_it_is_asked_for() -> None:
    for parameters in ([], [("sort_key", "created_at")], [("sort_key", "created_at"), ("sort_dir", "desc")]):
        assert SORTING.is_default(SORTING.order(parameters))
    for parameters in ([("sort_dir", "asc")], [("sort_key", "name")], [("sort", "id")]):
        assert not SORTING.is_default(SORTING.order(parameters))


def in_order(direction: Direction, *values: Any) -> list[Any]:
    order = Order([("field", direction)])
    return sorted(values, key=lambda value: order.key([value]))


def test_null_stands_first_upwards_and_last_downwards() -> None:
    assert in_order("asc", 1, None, 0, -1) == [None, -1, 0, 1]
    assert in_order("desc", 1, None, 0, -1) == [1, 0, -1, None]
    assert in_order("asc", "b", None, "", "a") == [None, "", "a", "b"]


def test_the_weightiest_field_decides_first() -> None:
    order = Order([("name", "asc"), ("size", "desc")])
    items = [["b", 1], ["a", 1], ["a", 2], [None, 9], ["b", 2]]
    assert sorted(items, key=order.key) == [[None, 9], ["a", 2], ["a", 1], ["b", 2], ["b", 1]]


def test_without_fields_all_stand_alike() -> None:
    assert Order([]).key([]) == Order([]).key([])


@pytest.mark.parametrize("pair", list(product([None, "a", 1, 1.5, True, [1], {"a": 1}], repeat=2)), ids=str)
def test_values_of_any_two_types_compare(pair: tuple[Any, Any]) -> None:
    """Sites of different releases may show a field differently, and a cursor may hold anything."""
    order = Order([("field", "asc")])
    one, two = (order.key([value]) for value in pair)
    assert (one < two) + (two < one) + (one == two) == 1


VALUES = st.one_of(st.none(), st.integers(-2, 2))


@given(st.lists(st.tuples(VALUES, VALUES)), st.sampled_from(list(product(["asc", "desc"], repeat=2))))
def test_keys_sort_as_the_fields_do_one_after_the_other(
    items: list[tuple[int | None, int | None]], directions: tuple[Direction, Direction]
) -> None:
    def compare(one: tuple[int | None, ...], two: tuple[int | None, ...]) -> int:
        for left, right, direction in zip(one, two, directions, strict=True):
            first, second = (-9 if value is None else value for value in (left, right))
            if first != second:
                return (first - second) * (1 if direction == "asc" else -1)
        return 0

    order = Order(list(zip(("one", "two"), directions, strict=True)))
    assert sorted(items, key=order.key) == sorted(items, key=cmp_to_key(compare))
