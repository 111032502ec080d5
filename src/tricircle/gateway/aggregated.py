"""Aggregated answers: computed of what every site says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from tricircle.gateway.call import Call, Reply
from tricircle.gateway.fan_out import ask
from tricircle.sites.site import Site

Combine = Callable[[Call, Sequence[tuple[Site, Any]]], object]
"""Makes one document of the sites' answers."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Handler of an operation whose answer is computed over all sites.

    :param shape: the type of a site's answer; a site that answers something else is left out.
    """

    shape: type[msgspec.Struct]
    combine: Combine
    summary: str = field(default="computed over all sites", init=False)

    def __call__(self, call: Call) -> Reply:
        """Ask every site, and compute."""
        target = call.target()
        questions = [(site, target) for site in call.engine.registry.snapshot.asked]
        gathered = ask(call, questions, partial(msgspec.json.decode, type=self.shape)).require()
        answers = [(site, answer) for site, _, answer in gathered.good]
        return gathered.reply(call, self.combine(call, answers))
