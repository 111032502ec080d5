"""Lists over all sites: whichever way a client walks through one, it sees everything once and in order."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oslo_config import cfg
from tests.unit.gateway.sorted_sites import Server, server, sorted_servers
from tests.unit.gateway.walker import HELD_BY_THREE, Walker

from tricircle.errors import BadRequest
from tricircle.gateway.paging import Cursor

ORDERS = st.sampled_from(
    [
        "",
        "&sort_dir=asc",
        "&sort_key=display_name&sort_dir=asc",
        "&sort_key=display_name&sort_dir=desc&sort_key=uuid&sort_dir=asc",
        "&sort_key=uuid",
    ]
)
NAMES = st.one_of(st.none(), st.sampled_from(["", "a", "b"]))
HELD = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), NAMES), max_size=12).map(
    lambda drawn: [
        (site, server(number, created, name)) for number, (site, created, name) in enumerate(drawn)
    ]
)
WALKS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def split(held: Sequence[tuple[str, Server]]) -> dict[str, list[Server]]:
    return {name: [each for site, each in held if site == name] for name in "abc"}


def as_listed(servers: Sequence[Server], query: str) -> list[list[Any]]:
    """Give what a list is sorted by; of items alike in it any order is right."""
    keys = ["name", "created", "id"] if "display_name" in query and "uuid" in query else ["created"]
    if "sort_key=display_name" in query and "uuid" not in query:
        keys = ["name", "created"]
    if "sort_key=uuid" in query and "display_name" not in query:
        keys = ["id"]
    return [[each[key] for key in keys] for each in servers]


def assert_whole(walked: Sequence[Server], held: Sequence[tuple[str, Server]], query: str) -> None:
    """Assert that a walk gave everything once and in order."""
    everything = [each for _, each in held]
    assert sorted(each["id"] for each in walked) == [each["id"] for each in everything]
    parameters = [tuple(part.split("=")) for part in query.split("&") if part]
    expected = sorted_servers(everything, parameters)  # type: ignore[arg-type]  # pairs are
    assert as_listed(walked, query) == as_listed(expected, query)


@given(held=HELD, limit=st.integers(1, 5), most=st.integers(1, 4), order=ORDERS)
@WALKS
def test_following_links_gives_everything_once_and_in_order(
    conf: cfg.ConfigOpts, held: list[tuple[str, Server]], limit: int, most: int, order: str
) -> None:
    walked = Walker(conf, split(held), most).by_links(f"limit={limit}{order}")
    assert_whole(walked, held, order)


@given(held=HELD, limits=st.tuples(st.integers(1, 5), st.integers(1, 4)), order=ORDERS, known=st.data())
@WALKS
def test_asking_for_what_follows_the_last_item_gives_everything_once_and_in_order(
    conf: cfg.ConfigOpts,
    held: list[tuple[str, Server]],
    limits: tuple[int, int],
    order: str,
    known: st.DataObject,
) -> None:
    """Whatever the routing table happens to know."""
    limit, most = limits
    walker = Walker(conf, split(held), most)
    for site, each in held:
        if known.draw(st.booleans()):
            walker.know(site, each)
    assert_whole(walker.by_markers(f"limit={limit}{order}"), held, order)


@given(held=HELD, limit=st.integers(1, 5), most=st.integers(1, 4), order=ORDERS)
@WALKS
def test_asking_by_offset_gives_everything_once_and_in_order(
    conf: cfg.ConfigOpts, held: list[tuple[str, Server]], limit: int, most: int, order: str
) -> None:
    walker = Walker(conf, split(held), most)
    walked: list[Server] = []
    for offset in range(0, len(held) + 1, limit):
        walked += walker.page(f"limit={limit}&offset={offset}{order}")["servers"]
    assert_whole(walked, held, order)


@given(held=HELD, limit=st.integers(1, 3), gone=st.data())
@WALKS
def test_what_is_deleted_on_the_way_hides_nothing_else(
    conf: cfg.ConfigOpts, held: list[tuple[str, Server]], limit: int, gone: st.DataObject
) -> None:
    """A site that no longer knows its marker begins anew, and what was shown is not shown again.

    Times differ, as of items alike in what they are sorted by nobody can tell which were shown.
    """
    held = [(site, server(number, number)) for number, (site, _) in enumerate(held)]
    walker = Walker(conf, split(held))
    first = walker.page(f"limit={limit}")
    shown = [each["id"] for each in first["servers"]]
    if "servers_links" not in first:
        return
    lost = [each for each in shown if gone.draw(st.booleans())]
    for name, servers in walker.sites.servers.items():
        walker.sites.servers[name] = [each for each in servers if each["id"] not in lost]
    rest = walker.by_links(urlsplit(first["servers_links"][0]["href"]).query)
    assert [*shown, *(each["id"] for each in rest)] == [each["id"] for _, each in reversed(held)]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=2)),
    lambda inner: st.lists(inner, max_size=2),
)


@given(
    values=st.lists(VALUES, max_size=3),
    site=st.sampled_from(["a", "c", "", "nowhere"]),
    markers=st.dictionaries(st.sampled_from(["a", "b", "nowhere"]), st.text(max_size=3), max_size=2),
    order=ORDERS,
)
@WALKS
def test_a_cursor_that_is_made_up_is_answered_or_refused(
    conf: cfg.ConfigOpts, values: list[Any], site: str, markers: dict[str, str], order: str
) -> None:
    cursor = Cursor(values, site, markers).encode()
    with suppress(BadRequest):
        Walker(conf, HELD_BY_THREE).page(f"marker=x&cursor={cursor}{order}")
