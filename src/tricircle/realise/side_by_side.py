"""Several calls at a time, where somebody waits for all of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")

_THREADS = 16


class SideBySide:
    """Does things in threads that stay, as connections belong to threads."""

    def __init__(self, threads: int = _THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="side-by-side")

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
