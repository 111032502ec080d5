"""What a process of the sandbox is, before it runs: plain data, which travels to the supervisor as JSON."""

from __future__ import annotations

import dataclasses
from typing import Any, Self

COMMAND = "command"
SHARED = "shared"
# How long a process may take to end by itself before it is made to, unless it says otherwise.
PATIENCE = 3.0


@dataclasses.dataclass(frozen=True)
class Process:
    """One process to run.

    :ivar name: unique in the sandbox, such as ``SiteOne-nova``; its log and its row in ``status`` bear it
    :ivar program: which zygote forks it: an OpenStack service's name, or ``command`` for any other program
    :ivar owner: the site that it belongs to, or ``shared``, ``servers`` or ``top``
    :ivar type: the service type, by which faults are chosen
    :ivar port: 0 where it does not listen
    :ivar conf: the directory of its configuration files
    :ivar host: what an OpenStack service calls its host
    :ivar faults: the control file of its site's faults; empty where none can be injected
    :ivar arguments: the command line, for ``command``
    :ivar environment: what is added to its environment
    :ivar part: which of the service's processes it is, such as ``conductor``; empty where it is all of them
    :ivar patience: the seconds that it may take to end by itself
    """

    name: str
    program: str
    owner: str
    type: str
    address: str
    port: int
    log: str
    conf: str
    host: str = ""
    faults: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    part: str = ""
    patience: float = PATIENCE

    def to_json(self) -> dict[str, Any]:
        """Return the process as JSON's types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        """Return the process that ``to_json`` described."""
        return cls(**{**facts, "arguments": tuple(facts["arguments"])})
