"""Pages, and the cursor of our own links."""

import base64
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tricircle.errors import BadRequest
from tricircle.gateway.paging import Cursor, Page

MOST = 50
CURSOR = Cursor(["2026-01-31T12:00:00Z", None, 3], "b", {"a": "id-1", "b": "id-2"}, {"c": "id-3"})


def page(query: str) -> Page:
    return Page.of(query, MOST)


def test_a_query_without_paging_asks_for_a_page_of_the_largest_size() -> None:
    assert page("name=x&status=") == Page(MOST, 0, None, None, False, [("name", "x"), ("status", "")])


def test_limit_offset_and_marker_are_taken_out_of_the_query() -> None:
    rest = [("name", "x"), ("name", "y")]
    assert page("limit=5&name=x&offset=2&marker=id-1&name=y") == Page(5, 2, "id-1", None, True, rest)


@pytest.mark.parametrize(("text", "limit"), [("0", 0), ("1", 1), ("050", 50), ("51", 50), ("999999999", 50)])
def test_a_limit_is_never_above_the_largest(text: str, limit: int) -> None:
    assert page(f"limit={text}").limit == limit


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "", "1e3", "%D9%A1", "%C2%B2", "+1", "1" * 10, "0x10"])
def test_what_is_no_number_of_items_is_refused(name: str, text: str) -> None:
    with pytest.raises(BadRequest):
        page(f"{name}={text}")


def test_an_empty_marker_is_none() -> None:
    assert page("marker=").marker is None


def test_a_cursor_comes_back_as_it_was_written() -> None:
    assert page(f"marker=id-2&cursor={CURSOR.encode()}").cursor == CURSOR


def test_the_next_page_keeps_filters_order_and_limit_and_drops_the_offset() -> None:
    query = page("limit=5&name=%C3%BC&offset=2&sort_key=name&marker=old").next_query(CURSOR)
    assert parse_qsl(query) == [
        ("name", "\xfc"),
        ("sort_key", "name"),
        ("limit", "5"),
        ("marker", "id-2"),
        ("cursor", CURSOR.encode()),
    ]
    assert page(query).cursor == CURSOR


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text())
TEXTS = st.dictionaries(st.text(), st.text(), max_size=3)


@given(st.lists(VALUES), st.text(), TEXTS, TEXTS)
def test_any_cursor_survives_a_query(
    values: list[Any], site: str, markers: dict[str, str], hints: dict[str, str]
) -> None:
    cursor = Cursor(values, site, markers | {site: "last"}, hints)
    assert page(page("").next_query(cursor)).cursor == cursor


def encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "!!!!",
        "\xfc",
        "a b",
        "A" * 5,
        CURSOR.encode()[:-3],
        encoded(b"\xff\xfe"),
        encoded(b""),
        encoded(b"null"),
        encoded(b"{}"),
        encoded(b"[]"),
        encoded(b'[[], "a"]'),
        encoded(b'[{}, "a", {}]'),
        encoded(b'[[], "a", {"a": 1}]'),
        encoded(b'[[], "a", {"a": null}]'),
        encoded(b"[[], 1, {}]"),
        encoded(b'[[], "a", {}, []]'),
        encoded(b"[" * 100_000),
    ],
)
def test_a_cursor_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        Cursor.decode(text)


@given(st.text())
def test_any_text_for_a_cursor_is_read_or_refused(text: str) -> None:
    with suppress(BadRequest):
        Cursor.decode(text)
