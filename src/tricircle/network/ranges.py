"""Arithmetic of runs of addresses; pure, without a database. Addresses are integers.

The version of an address is not seen in the integer: `::2` is 2. Whoever renders one knows its subnet.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple, Self


class Run(NamedTuple):
    """Addresses in one run, both ends included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return self.last - self.first + 1

    def __contains__(self, address: object) -> bool:
        """Say whether an address lies within."""
        return isinstance(address, int) and self.first <= address <= self.last

    def tail(self, size: int) -> Self:
        """Return the last addresses, as many as that."""
        return self._replace(first=self.last - size + 1)


def runs_of(addresses: Iterable[int]) -> list[Run]:
    """Put single addresses together to runs, in order."""
    runs = []
    for _, group in groupby(enumerate(sorted(set(addresses))), key=lambda pair: pair[1] - pair[0]):
        members = [address for _, address in group]
        runs.append(Run(members[0], members[-1]))
    return runs


def without(pools: Iterable[Run], taken: Iterable[Run]) -> list[Run]:
    """Cut runs out of others.

    :param pools: do not overlap one another; `taken` may.
    :return: what is left, in order.
    """
    cuts = sorted(taken)
    return [left for pool in sorted(pools) for left in _cut(pool, cuts)]


def last_run(free: Iterable[Run], size: int) -> Run | None:
    """Choose the addresses of a new block.

    Looked for from the end: stock Neutron takes addresses among the first thousand that are free, so the far
    end is the least broken up. The first run that is long enough is taken, else the longest one.

    :param free: in order.
    :param size: most addresses of the block; there may be fewer.
    :return: None where nothing is free.
    """
    longest = None
    for run in reversed(list(free)):
        if run.size >= size:
            return run.tail(size)
        if longest is None or run.size > longest.size:
            longest = run
    return longest


def _cut(pool: Run, cuts: Iterable[Run]) -> Iterator[Run]:
    first = pool.first
    for cut in cuts:
        if cut.last < first:
            continue
        if cut.first > pool.last:
            break
        if cut.first > first:
            yield Run(first, cut.first - 1)
        first = cut.last + 1
    if first <= pool.last:
        yield Run(first, pool.last)
