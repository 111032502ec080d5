"""The check of tokens, and how long a token is believed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.clock import Clock

from tricircle.errors import IdentityUnavailable, TricircleError, Unauthorized
from tricircle.identity.tokens import TokenChecker

USERS = {"one": "user of one", "two": "user of two"}
NOW = 1_800_000_000.0
CACHE_TIME = 300.0
BOUND = 10.0
"""Seconds after which a wait of these tests has failed."""


class Keystone:
    """Answers for every token, or fails while `error` is set; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.life = 3600.0
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, token: str) -> dict[str, Any]:
        self.asked.append(token)
        self.meanwhile()
        if self.error is not None:
            raise self.error
        expires_at = datetime.fromtimestamp(NOW + self.life, UTC).isoformat()
        user = {"id": USERS.get(token, "somebody")}
        return {"token": {"user": user, "project": {"id": "blue"}, "roles": [], "expires_at": expires_at}}


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def keystone() -> Keystone:
    return Keystone()


@pytest.fixture
def checker(keystone: Keystone, clock: Clock) -> TokenChecker:
    return TokenChecker(keystone, cache_time=CACHE_TIME, cache_size=2, clock=clock)


def test_a_token_is_believed_for_the_cache_time(
    checker: TokenChecker, keystone: Keystone, clock: Clock
) -> None:
    assert checker.identify("one").user_id == "user of one"
    clock.time = NOW + CACHE_TIME - 1
    assert checker.identify("one").user_id == "user of one"
    assert keystone.asked == ["one"]
    clock.time = NOW + CACHE_TIME
    checker.identify("one")
    assert keystone.asked == ["one", "one"]


def test_a_token_is_never_believed_past_its_expiry(
    checker: TokenChecker, keystone: Keystone, clock: Clock
) -> None:
    keystone.life = 10
    checker.identify("one")
    clock.time = NOW + 9
    checker.identify("one")
    assert keystone.asked == ["one"]
    clock.time = NOW + 10
    with pytest.raises(Unauthorized):
        checker.identify("one")


def test_a_token_that_keystone_shows_expired_is_refused(checker: TokenChecker, keystone: Keystone) -> None:
    keystone.life = 0
    with pytest.raises(Unauthorized):
        checker.identify("one")


def test_without_cache_time_keystone_is_asked_each_time(keystone: Keystone, clock: Clock) -> None:
    checker = TokenChecker(keystone, cache_time=0, cache_size=2, clock=clock)
    checker.identify("one")
    checker.identify("one")
    assert keystone.asked == ["one", "one"]


def test_no_more_tokens_are_kept_than_the_cache_holds(checker: TokenChecker, keystone: Keystone) -> None:
    for token in ("one", "two", "one", "three", "one", "two"):
        checker.identify(token)
    assert keystone.asked == ["one", "two", "three", "two"]


@pytest.mark.parametrize("error", [Unauthorized("no"), IdentityUnavailable("down"), KeyError("defect")])
def test_a_failure_is_not_remembered(checker: TokenChecker, keystone: Keystone, error: Exception) -> None:
    keystone.error = error
    with pytest.raises(type(error)):
        checker.identify("one")
    keystone.error = None
    assert checker.identify("one").user_id == "user of one"


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        " ",
        "one two",
        "one\n",
        "one\r\nX-Roles: admin",
        "t\xf6ken",
        "\uff54oken",
        "a" * 4097,
        "a,b",
        "a\x00",
    ],
)
def test_what_can_be_no_token_never_reaches_keystone(
    checker: TokenChecker, keystone: Keystone, token: str | None
) -> None:
    with pytest.raises(Unauthorized):
        checker.identify(token)
    assert keystone.asked == []


@pytest.mark.parametrize("token", ["gAAAAABn-_x==", "eyJhbGciOiJFUzI1NiJ9.e30.MEUC-_", "a" * 4096])
def test_fernet_and_jws_tokens_reach_keystone(checker: TokenChecker, keystone: Keystone, token: str) -> None:
    checker.identify(token)
    assert keystone.asked == [token]


class Crowd:
    """Threads that bring a token at the same instant, while Keystone is slow to answer the first of them."""

    def __init__(self, checker: TokenChecker, keystone: Keystone) -> None:
        self._checker = checker
        self._asked, self._go_on = threading.Event(), threading.Event()
        keystone.meanwhile = self._be_slow

    def bring(self, *tokens: str) -> list[str | TricircleError]:
        with ThreadPoolExecutor(len(tokens)) as threads:
            futures = [threads.submit(self._identify, token) for token in tokens]
            assert self._asked.wait(BOUND)
            self._go_on.set()
            return [future.result(BOUND) for future in futures]

    def _be_slow(self) -> None:
        self._asked.set()
        assert self._go_on.wait(BOUND)

    def _identify(self, token: str) -> str | TricircleError:
        try:
            return self._checker.identify(token).user_id
        except TricircleError as error:
            return error


def test_many_requests_with_one_new_token_ask_keystone_once(
    checker: TokenChecker, keystone: Keystone
) -> None:
    assert Crowd(checker, keystone).bring(*["one"] * 16) == ["user of one"] * 16
    assert keystone.asked == ["one"]


def test_requests_with_different_tokens_do_not_share_an_answer(
    checker: TokenChecker, keystone: Keystone
) -> None:
    assert Crowd(checker, keystone).bring("one", "two") == ["user of one", "user of two"]


def test_a_failure_reaches_everyone_who_waits_for_it(keystone: Keystone, checker: TokenChecker) -> None:
    keystone.error = IdentityUnavailable("down")
    errors = Crowd(checker, keystone).bring(*["one"] * 16)
    assert {type(error) for error in errors} == {IdentityUnavailable}


def test_tokens_are_not_kept_in_clear(checker: TokenChecker) -> None:
    checker.identify("a-secret-token")
    assert "a-secret-token" not in repr(list(_reachable(checker, skip=Keystone)))


def _reachable(thing: object, skip: type, seen: set[int] | None = None) -> Any:
    """Give the texts and bytes that hang on an object's attributes, keys and values."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, skip | type):
        return
    seen.add(id(thing))
    if isinstance(thing, str | bytes):
        yield thing
        return
    inner: list[object] = []
    if isinstance(thing, dict):
        inner += [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset):
        inner += thing
    inner += list(getattr(thing, "__dict__", {}).values())
    inner += [getattr(thing, name) for name in getattr(thing, "__slots__", ()) if hasattr(thing, name)]
    for each in inner:
        yield from _reachable(each, skip, seen)
