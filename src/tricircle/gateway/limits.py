"""Limits over several sites: what may be used adds up, what one request may do is the strictest's."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from tricircle.gateway.call import Call
from tricircle.sites.site import Site

UNLIMITED = -1


class Limits(msgspec.Struct):
    """What stands under `limits`."""

    absolute: dict[str, int]
    rate: list[Any] = []


class SiteLimits(msgspec.Struct):
    """A site's answer to `GET /limits`."""

    limits: Limits


class CombinedLimits:
    """Combines sites' answers to `GET /limits`.

    :param summed: names of absolute limits, and of what is used of them, that every site has for itself.
    """

    def __init__(self, *summed: str) -> None:
        self._summed = frozenset(summed)

    def __call__(self, _: Call, answers: Sequence[tuple[Site, SiteLimits]]) -> object:
        """Make one answer; rates are the first site's, as no release has had any since Havana."""
        absolute: defaultdict[str, list[int]] = defaultdict(list)
        for _site, answer in answers:
            for name, value in answer.limits.absolute.items():
                absolute[name].append(value)
        combined = {name: self._combine(name, values) for name, values in absolute.items()}
        return {"limits": {"rate": answers[0][1].limits.rate, "absolute": combined}}

    def _combine(self, name: str, values: list[int]) -> int:
        if name in self._summed:
            return UNLIMITED if UNLIMITED in values else sum(values)
        return min((value for value in values if value != UNLIMITED), default=UNLIMITED)
