"""Arithmetic of runs of addresses, against sets."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tricircle.network.ranges import Run, last_run, runs_of, without

MOST = 40


@st.composite
def runs(draw: st.DrawFn) -> Run:
    first = draw(st.integers(0, MOST))
    return Run(first, draw(st.integers(first, MOST)))


ADDRESSES = st.sets(st.integers(0, MOST))


def members(*some: Run) -> set[int]:
    return {address for run in some for address in range(run.first, run.last + 1)}


@given(ADDRESSES)
def test_runs_are_the_addresses_and_do_not_touch(addresses: set[int]) -> None:
    found = runs_of(addresses)
    assert members(*found) == addresses
    assert all(before.last + 1 < after.first for before, after in pairwise(found))


@given(ADDRESSES, st.lists(runs()))
def test_what_is_cut_out_is_missing_and_nothing_else(addresses: set[int], taken: list[Run]) -> None:
    left = without(runs_of(addresses), taken)
    assert members(*left) == addresses - members(*taken)
    assert sum(run.size for run in left) == len(members(*left))
    assert left == sorted(left)


@given(ADDRESSES, st.integers(1, MOST))
def test_a_block_is_free_long_enough_and_at_the_end(addresses: set[int], size: int) -> None:
    free = runs_of(addresses)
    run = last_run(free, size)
    if run is None:
        assert not addresses
        return
    assert members(run) <= addresses
    longest = max(each.size for each in free)
    assert run.size == min(size, longest)
    later = without(free, [Run(0, run.last)])
    assert all(each.size < run.size for each in later)


def test_an_address_lies_within_or_not() -> None:
    run = Run(3, 5)
    assert [address in run for address in (2, 3, 5, 6)] == [False, True, True, False]
    assert "3" not in run
    assert run.tail(2) == Run(4, 5)
