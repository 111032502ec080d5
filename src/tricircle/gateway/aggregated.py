"""Aggregated answers: computed of what every site says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tricircle.gateway.call import Call, Reply
from tricircle.gateway.fan_out import ask_every_site
from tricircle.sites.site import Site

Combine = Callable[[Call, Sequence[tuple[Site, Any]]], object]
"""Makes one document of the sites' documents."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Handler of an operation whose answer is computed over all sites."""

    combine: Combine
    summary: str = field(default="computed over all sites", init=False)

    def __call__(self, call: Call) -> Reply:
        """Ask every site, and compute."""
        gathered = ask_every_site(call)
        documents = [(site, document) for site, _, document in gathered.good]
        return gathered.reply(call, self.combine(call, documents))
