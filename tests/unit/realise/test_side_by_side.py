"""Several calls at a time."""

import threading

import pytest

from tricircle.realise.side_by_side import SideBySide

PATIENCE = 10


class Refused(Exception):
    """It does not work."""


def refuse() -> None:
    """Fail."""
    raise Refused


@pytest.fixture
def side_by_side() -> SideBySide:
    """Two threads."""
    return SideBySide(2)


class TestInTurn:
    def test_what_needs_something_is_begun_as_soon_as_that_is_done(self, side_by_side: SideBySide) -> None:
        """The other work ends only when it is."""
        is_begun = threading.Event()
        ended: list[bool] = []
        side_by_side.do_in_turn(
            [(lambda: None, [is_begun.set]), (lambda: ended.append(is_begun.wait(PATIENCE)), ())]
        )
        assert ended == [True]

    def test_it_returns_when_all_is_done(self, side_by_side: SideBySide) -> None:
        done: list[str] = []
        works = [(lambda: done.append("first"), [lambda: done.append("then"), lambda: done.append("too")])]
        side_by_side.do_in_turn(works)
        assert done[0] == "first"
        assert sorted(done[1:]) == ["then", "too"]

    def test_what_needs_something_that_fails_is_not_begun(self, side_by_side: SideBySide) -> None:
        done: list[str] = []
        with pytest.raises(Refused):
            side_by_side.do_in_turn([(refuse, [lambda: done.append("then")])])
        assert done == []

    def test_what_comes_after_may_fail_too(self, side_by_side: SideBySide) -> None:
        with pytest.raises(Refused):
            side_by_side.do_in_turn([(lambda: None, [refuse, lambda: None])])

    def test_many_that_wait_for_what_was_begun_before_do_not_hold_each_other_up(
        self, side_by_side: SideBySide
    ) -> None:
        before = [side_by_side.begin(lambda number=number: number) for number in range(20)]
        got: list[int] = []
        side_by_side.do_in_turn(
            [(lambda: None, [lambda each=each: got.append(each.result(PATIENCE))]) for each in before]
        )
        assert sorted(got) == list(range(20))
