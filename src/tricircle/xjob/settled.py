"""What was done of the rows that ports of a site have at the top."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tricircle.xjob.ports import Item


@dataclass
class Settled:
    """What was done.

    :param adopted: the ids of ports that have a row now and had none; so with the others.
    :param networks: ids at the top of networks of which ports were adopted.
    :param homeless: ids of ports whose network is gone from the top; they go with their server.
    :param complaints: what the top refused, in words, with cause and cure.
    :param later: ids of ports of which something could not be settled yet, as a change of them is on its way.
    """

    adopted: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    networks: set[str] = field(default_factory=set)
    homeless: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = {
            "adopted": self.adopted,
            "changed": self.changed,
            "removed": self.removed,
            "on networks that are gone from the top": self.homeless,
        }
        return ", ".join(f"{len(ids)} {name}" for name, ids in counts.items() if ids) or "nothing to do"

    def note_adopted(self, items: Iterable[Item]) -> None:
        """Note that ports have a row now."""
        for item in items:
            self.adopted.append(item["id"])
            self.networks.add(item["network_id"])

    def __iadd__(self, other: "Settled") -> "Settled":
        self.adopted += other.adopted
        self.changed += other.changed
        self.removed += other.removed
        self.networks |= other.networks
        self.homeless += other.homeless
        self.complaints += other.complaints
        self.later += other.later
        return self
