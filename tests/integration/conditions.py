"""Waiting for what must come to be, with a bound; and doing several things side by side."""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Value = TypeVar("Value")
Subject = TypeVar("Subject")

BOUND = 180.0
"""Seconds after which something that has not come to be never will: far above what a busy machine takes."""

_INTERVAL = 0.1


def eventually(look: Callable[[], Value], what: str, *, within: float = BOUND) -> Value:
    """Look until there is something true to see, and return it; fail the test where there never is.

    :param what: what is waited for, for the failure's message.
    """
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what} (last seen: {seen!r})"
        threading.Event().wait(_INTERVAL)
    return seen


def none_left(look: Callable[[], Collection[object]], what: str, *, within: float = BOUND) -> None:
    """Look until there is nothing to see; fail the test, and say what there is, where something stays.

    :param what: what is waited for, for the failure's message.
    """
    deadline = time.monotonic() + within
    while left := look():
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what} (left: {left!r})"
        threading.Event().wait(_INTERVAL)


def side_by_side(do: Callable[[Subject], Value], subjects: Iterable[Subject]) -> list[Value]:
    """Do the same with each subject, all at once; the results are in their order.

    A failure of one is raised here, when all have ended.
    """
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(do, subjects))
