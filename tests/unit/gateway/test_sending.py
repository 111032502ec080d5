"""A request that may be sent before all is there: what is told of it, and when it is sent once more."""

from typing import Any

import pytest
from tests.unit.sites.wire import site

from tricircle.errors import AnswerLost, DatabaseUnavailable, SiteUnavailable, TricircleError
from tricircle.gateway.sending import Sending
from tricircle.sites.transport import Answer

LOST = AnswerLost("No answer came.")
NO_PLACE = SiteUnavailable("Site a has too many requests under way.")


class Wire:
    """Stands for a call and its intent: answers one after the other, and counts."""

    def __init__(self, *outcomes: int | TricircleError, is_written: bool = True) -> None:
        self.outcomes = list(outcomes)
        self.sent = 0
        self.noted = 0
        self._is_written = is_written

    def send(self, *_: Any, **__: Any) -> Answer:
        """Be a call."""
        self.sent += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, TricircleError):
            raise outcome
        return Answer(outcome, [], b"")

    def sending(self) -> None:
        """Be an intent."""
        self.noted += 1
        if not self._is_written:
            raise DatabaseUnavailable("The database cannot be reached.")


def sending(wire: Wire) -> Sending:
    return Sending(wire, site("a"), {}, wire)  # type: ignore[arg-type]  # it stands for both


def test_what_was_not_asked_for_early_is_sent_when_all_is_there() -> None:
    wire = Wire(202)
    it = sending(wire)
    assert not it.may_have_made
    it.begin()
    assert it.answer().status == 202
    assert (wire.sent, wire.noted) == (1, 1)


@pytest.mark.parametrize("early", [202, 403, 404, 409, 500, LOST])
def test_what_was_answered_is_not_sent_again(early: int | TricircleError) -> None:
    wire = Wire(early)
    it = sending(wire)
    it.early()
    assert it.may_have_made == (early in {202, 500, LOST})
    it.begin()
    if isinstance(early, int):
        assert it.answer().status == early
    else:
        with pytest.raises(AnswerLost):
            it.answer()
    assert (wire.sent, wire.noted) == (1, 1)


@pytest.mark.parametrize("early", [400, NO_PLACE])
def test_what_made_nothing_for_certain_is_sent_when_all_is_there(early: int | TricircleError) -> None:
    wire = Wire(early, 202)
    it = sending(wire)
    it.early()
    assert not it.may_have_made
    it.begin()
    assert it.answer().status == 202
    assert (wire.sent, wire.noted) == (2, 2)


def test_without_its_intent_nothing_is_sent() -> None:
    wire = Wire(is_written=False)
    it = sending(wire)
    it.early()
    assert not it.may_have_made
    with pytest.raises(DatabaseUnavailable):
        it.begin()
    assert wire.sent == 0
