"""A node: what stands for a site wherever one would look for a hypervisor."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NodeState(StrEnum):
    """Whether a site answers."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a site has, and how much of it is taken, over all its hosts.

    :param memory_mb: MiB, as `memory_mb_used`.
    :param local_gb: GiB of the hosts' own disks, as `local_gb_used`.
    :param services_up: compute and volume services that are enabled and alive.
    """

    vcpus: int
    vcpus_used: int
    memory_mb: int
    memory_mb_used: int
    local_gb: int
    local_gb_used: int
    running_vms: int
    services_up: int


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it is kept. Times are naive, UTC.

    :param figures: all 0 until the site has been asked for the first time.
    :param refreshed_at: when the site was asked; None where it has not been yet.
    :param state: None until somebody has looked.
    :param state_since: when it came to be so.
    :param cause: what was wrong at the last look; None where nothing was.
    """

    id: str
    site_id: str
    name: str
    figures: Figures
    refreshed_at: datetime | None
    state: NodeState | None
    state_since: datetime | None
    cause: str | None
