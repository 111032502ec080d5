"""In which order sites are tried: drawn at random, each with the weight of its room.

Weights, and not the one with the most room first: what every process of every gateway would choose at the
same moment, from the same figures, would be full before the figures are read again.
"""

import random
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from tricircle.db.timestamps import now
from tricircle.sites.node import Node, NodeState

_OLDEST = timedelta(minutes=10)
"""Figures older than that say nothing any more."""

Rank = tuple[bool, float]


class Ranking:
    """Draws the ranks of sites; the smallest comes first.

    Sites whose room is not known count as having the average of those whose is; so all count alike where
    nobody has looked. Only servers are weighed: a node's disks are its hypervisors', which hold no volumes.

    :param nodes: by site id.
    :param sites: ids of those among which is chosen.
    :param time: the present one, naive, UTC.
    """

    def __init__(
        self,
        nodes: Mapping[str, Node],
        sites: Collection[str],
        service_type: str,
        *,
        time: datetime | None = None,
    ) -> None:
        oldest = (time or now()) - _OLDEST
        self._nodes = nodes
        self._room = {
            site_id: _free_memory(nodes[site_id])
            for site_id in sites
            if service_type == "compute" and site_id in nodes and _is_fresh(nodes[site_id], oldest)
        }
        self._average = sum(self._room.values()) / len(self._room) if self._room else 1.0

    def __call__(self, site_id: str) -> Rank:
        """Draw the rank of a site: those that are down come behind all others.

        The first of several exponential times is each one's with the probability of its share of the rates.
        """
        node = self._nodes.get(site_id)
        is_down = node is not None and node.state is NodeState.DOWN
        return is_down, random.expovariate(self._room.get(site_id, self._average))


def _is_fresh(node: Node, oldest: datetime) -> bool:
    return node.refreshed_at is not None and node.refreshed_at >= oldest


def _free_memory(node: Node) -> float:
    """Return MiB, at least one: a site that is full by its figures may have room by its own rules."""
    return float(max(1, node.figures.memory_mb - node.figures.memory_mb_used))
