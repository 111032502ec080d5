"""The merge of sites' pages."""

from collections.abc import Callable

import msgspec
import orjson
import pytest
from tests.unit.gateway.office import A, B, C

from tricircle.gateway.merge import Entry, Shape, SitePage, SiteStream, merge
from tricircle.gateway.ordering import Order
from tricircle.sites.site import Site

SHAPE = Shape("servers")
ORDER = Order([("name", "asc")])


def page(site: Site, text: str, *, more: bool = False, order: Order = ORDER) -> SitePage:
    """Make a page of items with one-letter names; the ids tell the site as well."""
    items = [{"id": f"{site.name}{letter}", "name": letter} for letter in text]
    links = {"servers_links": [{"rel": "next", "href": "x"}]} if more else {}
    return SHAPE.page(site, SHAPE.parse(orjson.dumps({"servers": items} | links), order), order)


class Source:
    """A site of several pages; keeps after which items it was asked."""

    def __init__(
        self, site: Site, *texts: str, fails: bool = False, skip: Callable[[Entry], bool] = lambda _: False
    ) -> None:
        self._pages = [page(site, text, more=text is not texts[-1] or fails) for text in texts]
        self._fails = fails
        self.asked: list[str] = []
        self.stream = SiteStream(site, self._pages.pop(0), self._fetch, skip)

    def _fetch(self, _: Site, marker: str) -> SitePage | None:
        self.asked.append(marker)
        return self._pages.pop(0) if self._pages else None


def ids(*sources: Source) -> list[str]:
    return [entry.id for entry in merge([source.stream for source in sources])]


def test_streams_become_one_in_order() -> None:
    assert ids(Source(A, "adf"), Source(B, "be"), Source(C, "c")) == ["aa", "bb", "cc", "ad", "be", "af"]


def test_of_equal_items_the_earlier_streams_come_first() -> None:
    assert ids(Source(A, "xx"), Source(B, "x"), Source(C, "wx")) == ["cw", "ax", "ax", "bx", "cx"]


def test_without_an_order_one_stream_comes_after_the_other() -> None:
    order = Order([])
    pages = [(A, page(A, "za", order=order)), (B, page(B, "cb", order=order))]
    streams = [SiteStream(site, first, lambda *_: None, lambda _: False) for site, first in pages]
    assert [entry.id for entry in merge(streams)] == ["az", "aa", "bc", "bb"]


def test_a_stream_that_runs_dry_asks_for_what_follows_its_last_item() -> None:
    one, two = Source(A, "ac", "eg", "i"), Source(B, "bdfh")
    assert ids(one, two) == ["aa", "bb", "ac", "bd", "ae", "bf", "ag", "bh", "ai"]
    assert one.asked == ["ac", "ag"]
    assert two.asked == []


def test_no_more_is_asked_than_is_taken() -> None:
    source = Source(A, "ab", "cd")
    merged = merge([source.stream])
    assert [next(merged).id, next(merged).id] == ["aa", "ab"]
    assert source.asked == []


def test_a_site_that_stops_answering_ends_its_stream_only() -> None:
    assert ids(Source(A, "ac", fails=True), Source(B, "bd")) == ["aa", "bb", "ac", "bd"]


def test_an_empty_page_ends_a_stream_whatever_it_says() -> None:
    source = Source(A, "", fails=True)
    assert ids(source) == []
    assert source.asked == []


def test_what_stands_before_the_place_is_passed_over_on_every_page() -> None:
    source = Source(A, "ab", "cd", skip=lambda entry: entry.values[0] < "d")
    assert ids(source) == ["ad"]
    assert source.asked == ["ab"]


def taken(source: Source, count: int) -> Source:
    merged = merge([source.stream])
    for _ in range(count):
        next(merged, None)
    return source


@pytest.mark.parametrize(("count", "has_more"), [(0, True), (1, True), (3, True), (4, False), (5, False)])
def test_a_stream_has_more_until_its_last_entry(count: int, has_more: bool) -> None:
    assert taken(Source(A, "ab", "cd"), count).stream.has_more(min(count, 4)) is has_more


def test_entries_that_were_given_and_not_taken_are_more() -> None:
    source = taken(Source(A, "ab"), 3)
    assert source.stream.has_more(1)
    assert not source.stream.has_more(2)


def test_an_entry_is_its_items_json_untouched() -> None:
    raw = b'{ "id" : "1", "name":"\\u00fc", "x": 1.50, "tenant_id": "p", "created": "t"}'
    (entry,) = SHAPE.page(A, SHAPE.parse(b'{"servers": [' + raw + b"]}", ORDER), ORDER).entries
    assert bytes(entry.raw) == raw
    assert (entry.site, entry.id, entry.values, entry.project_id, entry.created) == (
        A,
        "1",
        ["\xfc"],
        "p",
        "t",
    )


def test_a_field_that_an_item_lacks_is_null() -> None:
    (entry,) = SHAPE.page(A, SHAPE.parse(b'{"servers": [{"id": "1"}]}', ORDER), ORDER).entries
    assert (entry.values, entry.project_id, entry.created) == ([None], None, None)


def test_numbers_for_ids_become_texts() -> None:
    (entry,) = SHAPE.page(A, SHAPE.parse(b'{"servers": [{"id": 42}]}', ORDER), ORDER).entries
    assert entry.id == "42"


def test_items_may_be_wrapped_and_called_by_another_field() -> None:
    shape = Shape("keypairs", id_field="name", wrapper="keypair")
    body = b'{"keypairs": [{"keypair": {"name": "mine"}}, {"keypair": {"name": "yours"}}]}'
    entries = shape.page(A, shape.parse(body, ORDER), ORDER).entries
    assert [entry.id for entry in entries] == ["mine", "yours"]


def test_items_may_be_the_same_by_another_field_than_their_id() -> None:
    shape = Shape("types", same_by="name")
    (entry,) = shape.page(A, shape.parse(b'{"types": [{"id": "1", "name": "ssd"}]}', ORDER), ORDER).entries
    assert (entry.id, entry.same_by) == ("1", "ssd")


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (b'{"servers": []}', False),
        (b'{"servers": [], "servers_links": []}', False),
        (b'{"servers": [], "servers_links": [{"rel": "previous", "href": "x"}]}', False),
        (b'{"servers": [], "servers_links": [{"rel": "next", "href": "x"}]}', True),
        (b'{"servers": [], "others_links": [{"rel": "next", "href": "x"}]}', False),
    ],
)
def test_a_page_says_whether_there_is_a_next_one(body: bytes, more: bool) -> None:
    assert SHAPE.page(A, SHAPE.parse(body, ORDER), ORDER).more is more


def test_the_link_may_stand_elsewhere() -> None:
    shape = Shape("volume_types", links_key="volume_type_links")
    body = b'{"volume_types": [], "volume_type_links": [{"rel": "next", "href": "x"}]}'
    assert shape.page(A, shape.parse(body, ORDER), ORDER).more


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"volumes": []}',
        b'{"servers": ',
    ],
)
def test_what_is_no_list_of_this_shape_is_a_value_error(body: bytes) -> None:
    """So that `ask` counts its site among the silent ones, and the others' lists are shown."""
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says
        SHAPE.parse(body, ORDER)


def test_the_decoder_of_one_shape_is_not_anothers() -> None:
    both = Order([("name", "asc"), ("size", "desc")])
    body = b'{"servers": [{"id": "1", "name": "x", "size": 2}]}'
    (first,) = SHAPE.page(A, SHAPE.parse(body, both), both).entries
    (second,) = SHAPE.page(A, SHAPE.parse(body, ORDER), ORDER).entries
    assert (first.values, second.values) == (["x", 2], ["x"])
    assert isinstance(first.raw, msgspec.Raw)
