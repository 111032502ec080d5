"""In which portions addresses are delegated, and how runs of them are written."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tricircle.realise.address_runs import idle_in, merged, number_in, size_of, tail
from tricircle.realise.blocks import Sizes
from tricircle.realise.room import spare_of


@pytest.mark.parametrize(
    ("cidr", "block", "spare"),
    [
        ("10.0.0.0/16", 32, 16),
        ("10.0.0.0/24", 32, 16),
        ("10.0.0.0/26", 15, 15),
        ("10.0.0.0/27", 7, 7),
        ("10.0.0.0/28", 1, 1),
        ("10.0.0.0/30", 1, 1),
        ("10.0.0.0/32", 1, 1),
        ("2001:db8::/64", 32, 16),
        ("2001:db8::/126", 1, 1),
    ],
)
def test_blocks_are_smaller_where_there_is_little(cidr: str, block: int, spare: int) -> None:
    assert Sizes.of({"cidr": cidr}) == Sizes(block, spare)


@pytest.mark.parametrize(
    ("addresses", "block", "spare"),
    [(250, 32, 16), (24, 6, 6), (15, 3, 3), (14, 1, 1), (1, 1, 1), (0, 1, 1)],
)
def test_they_are_sized_by_what_the_top_hands_out(addresses: int, block: int, spare: int) -> None:
    pools = [{"start": "10.0.0.4", "end": f"10.0.0.{3 + addresses}"}] if addresses else []
    for subnet in ({"allocation_pools": pools}, {"addresses": addresses}):
        assert Sizes.of({"cidr": "10.0.0.0/24", **subnet}) == Sizes(block, spare)


@given(
    cidr=st.sampled_from(["10.0.0.0/24", "10.0.0.0/26", "10.0.0.0/28", "2001:db8::/64"]),
    total=st.integers(0, 1000),
    used=st.integers(0, 1000),
    count=st.integers(0, 1000),
)
def test_what_is_missing_is_enough_in_whole_blocks(cidr: str, total: int, used: int, count: int) -> None:
    sizes, free = Sizes.of({"cidr": cidr}), total - used
    more = sizes.missing(total, free, count)
    assert more >= 0
    assert more % sizes.block == 0
    assert free + more - count >= sizes.spare
    if more:
        assert free - count < max(sizes.spare, -(-total // 4))
        assert sizes.missing(total + more, free + more - count, 0) <= total + more


@given(
    cidr=st.sampled_from(["10.0.0.0/24", "10.0.0.0/26", "10.0.0.0/28", "2001:db8::/64"]),
    used=st.integers(0, 1000),
    more=st.integers(0, 100),
)
def test_a_site_that_has_given_back_what_it_may_gets_no_more_at_once(cidr: str, used: int, more: int) -> None:
    sizes = Sizes.of({"cidr": cidr})
    free = sizes.kept(used) + more
    assert sizes.missing(used + free, free, 0) == 0
    assert free >= sizes.spare


def test_room_is_that_of_the_version_that_has_least() -> None:
    four = {"cidr": "10.0.0.0/28", "ip_version": 4}
    more = {"cidr": "10.0.1.0/24", "ip_version": 4}
    six = {"cidr": "2001:db8::/64", "ip_version": 6}
    by_itself = six | {"ipv6_address_mode": "slaac"}
    assert spare_of([four]) == 1
    assert spare_of([four, more]) == 17
    assert spare_of([four, more, six]) == 16
    assert spare_of([four, by_itself]) == 1
    assert spare_of([by_itself]) is None
    assert spare_of([]) is None


@given(st.sets(st.integers(0, 255), max_size=60))
def test_runs_hold_the_same_addresses_in_as_few_as_possible(numbers: set[int]) -> None:
    pools = merged({"start": f"10.0.0.{number}", "end": f"10.0.0.{number}"} for number in numbers)
    ends = [(int(pool["start"].split(".")[3]), int(pool["end"].split(".")[3])) for pool in pools]
    assert {each for start, end in ends for each in range(start, end + 1)} == numbers
    assert all(start > end + 1 for (_, end), (start, _) in pairwise(ends))
    assert size_of(pools) == len(numbers)
    assert merged(pools) == pools


def test_runs_that_overlap_are_one() -> None:
    pools = [{"start": "10.0.0.5", "end": "10.0.0.9"}, {"start": "10.0.0.1", "end": "10.0.0.7"}]
    assert merged([*pools, {"start": "10.0.0.6", "end": "10.0.0.6"}]) == [
        {"start": "10.0.0.1", "end": "10.0.0.9"}
    ]


@given(st.sets(st.integers(0, 255), max_size=60), st.sets(st.integers(0, 255), max_size=60))
def test_addresses_in_runs_are_counted(pools: set[int], addresses: set[int]) -> None:
    runs = merged({"start": f"10.0.0.{number}", "end": f"10.0.0.{number}"} for number in pools)
    assert number_in(runs, (f"10.0.0.{number}" for number in addresses)) == len(pools & addresses)


@given(st.sets(st.integers(0, 255), max_size=60), st.sets(st.integers(0, 255), max_size=60))
def test_what_is_not_used_is_idle_in_runs_the_longest_first(numbers: set[int], used: set[int]) -> None:
    pools = merged({"start": f"10.0.0.{number}", "end": f"10.0.0.{number}"} for number in numbers)
    idle = idle_in(pools, (f"10.0.0.{number}" for number in used))
    assert size_of(idle) == len(numbers - used)
    assert number_in(idle, (f"10.0.0.{number}" for number in numbers - used)) == len(numbers - used)
    sizes = [size_of([run]) for run in idle]
    assert sizes == sorted(sizes, reverse=True)
    assert merged(idle) == sorted(idle, key=lambda run: int(run["start"].split(".")[3]))


def test_the_last_addresses_of_a_run() -> None:
    run = {"start": "2001:db8::10", "end": "2001:db8::1f"}
    assert tail(run, 4) == {"start": "2001:db8::1c", "end": "2001:db8::1f"}
    assert tail(run, 16) == tail(run, 99) == run
