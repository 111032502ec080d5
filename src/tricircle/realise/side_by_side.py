"""Several calls at a time, where somebody waits for all of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from typing import TypeVar

Result = TypeVar("Result")

Work = Callable[[], object]

_THREADS = 16


class SideBySide:
    """Does things in threads that stay, as connections belong to threads."""

    def __init__(self, threads: int = _THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="side-by-side")

    def begin(self, work: Callable[[], Result]) -> Future[Result]:
        """Begin something; of what is begun later, anything may wait for it."""
        return self._pool.submit(work)

    def do_in_turn(
        self, works: Sequence[tuple[Work, Sequence[Work]]], meanwhile: Work = lambda: None
    ) -> None:
        """Do some things, and after each, as soon as it is done, what needs it; return when all have ended.

        :param works: none of them waits for others here, but for what was begun before.
        :param meanwhile: is done by the caller's thread when all of the first things are done.
        :raises Exception: what the first one raised that failed; what needs it is not begun.
        """
        then = {self._pool.submit(work): later for work, later in works}
        begun: list[Future[object]] = []
        try:
            for done in as_completed(then):
                done.result()
                begun += [self._pool.submit(work) for work in then[done]]
            meanwhile()
        finally:
            wait([*then, *begun])
        for each in begun:
            each.result()

    def do(self, works: Sequence[Callable[[], Result]]) -> list[Result]:
        """Do some things; return their results in their order when all have ended.

        :param works: none of them waits for others here.
        :raises Exception: what the first one raised that failed.
        """
        if not works:
            return []
        others = [self._pool.submit(work) for work in works[1:]]
        try:
            first = works[0]()
        finally:
            wait(others)
        return [first, *(other.result() for other in others)]

    def do_within(self, seconds: float, works: Sequence[Callable[[], Result]]) -> list[Result]:
        """Do some things; return the results of those that have ended in time. The others go on.

        :raises Exception: what one of them raised.
        """
        done, _ = wait([self._pool.submit(work) for work in works], seconds)
        return [each.result() for each in done]
