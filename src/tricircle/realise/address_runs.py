"""Runs of addresses, as Neutron writes them: `{"start": ..., "end": ...}`, both ends included."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

Pool = dict[str, str]


def merged(pools: Iterable[Mapping[str, str]]) -> list[Pool]:
    """Return the same addresses in as few runs as possible, in order.

    :param pools: all of one IP version.
    """
    runs: list[tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address]] = []
    for start, end in sorted((_ends(pool) for pool in pools), key=lambda ends: int(ends[0])):
        if runs and int(start) <= int(runs[-1][1]) + 1:
            if int(end) > int(runs[-1][1]):
                runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return [{"start": str(start), "end": str(end)} for start, end in runs]


def size_of(pools: Iterable[Mapping[str, str]]) -> int:
    """Return how many addresses there are in runs that do not overlap."""
    return sum(int(end) - int(start) + 1 for start, end in map(_ends, pools))


def number_in(pools: Iterable[Mapping[str, str]], addresses: Iterable[str]) -> int:
    """Return how many of some addresses are in runs that do not overlap."""
    ends = sorted((int(start), int(end)) for start, end in map(_ends, pools))
    found = 0
    for number in map(int, map(ip_address, addresses)):
        place = bisect_right(ends, number, key=lambda run: run[0])
        found += place > 0 and number <= ends[place - 1][1]
    return found


def idle_in(pools: Iterable[Mapping[str, str]], used: Iterable[str]) -> list[Pool]:
    """Return the runs of those addresses in pools that are not used, the longest first.

    :param pools: of one IP version, as the addresses are.
    """
    taken = sorted({int(ip_address(each)) for each in used})
    runs: list[Pool] = []
    for first, last in map(_ends, pools):
        start = int(first)
        for cut in (*taken[bisect_left(taken, start) : bisect_right(taken, int(last))], int(last) + 1):
            if cut > start:
                runs.append({"start": _text(first, start), "end": _text(first, cut - 1)})
            start = cut + 1
    return sorted(runs, key=lambda run: size_of([run]), reverse=True)


def tail(pool: Mapping[str, str], size: int) -> Pool:
    """Return the last addresses of a run, at most as many as that: the first ones are handed out first."""
    first, last = _ends(pool)
    return {"start": _text(first, max(int(first), int(last) - size + 1)), "end": str(last)}


def _text(like: IPv4Address | IPv6Address, number: int) -> str:
    """Write an address of the same version as another one."""
    return str(type(like)(number))


def _ends(pool: Mapping[str, str]) -> tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address]:
    return ip_address(pool["start"]), ip_address(pool["end"])
