"""An operation of a service's API, and what it means over several sites. Tables of these are the gateways."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tricircle.gateway.call import Call, Reply

Handler = Callable[[Call], Reply]
"""Serves an operation. It raises a TricircleError for whatever is not an answer."""


class Kind(StrEnum):
    """What a resource is to the top; see the design's words."""

    HOMED = "homed"
    REPLICATED = "replicated"
    AGGREGATED = "aggregated"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of a table.

    :param method: HTTP method, or `*` for every one that no other row of the path names.
    :param path: as the API reference writes it, without the version: `/servers/{server_id}/action`.
    :param resource: what it is about: `server`.
    :param handler: None while it is not decided what it means over several sites; it answers 501.
    """

    method: str
    path: str
    kind: Kind
    resource: str
    handler: Handler | None

    @property
    def decided(self) -> bool:
        """Say whether the operation can be used."""
        return self.handler is not None

    @property
    def summary(self) -> str:
        """Say in a few words how it is served."""
        if self.handler is None:
            return "not decided yet"
        return getattr(self.handler, "summary", "answered here")


def rows(kind: Kind, resource: str, handler: Handler | None, *lines: str) -> Iterator[Operation]:
    """Write rows that are served alike.

    :param lines: methods and a path: `GET PUT /servers/{server_id}/tags`.
    """
    for line in lines:
        *methods, path = line.split()
        for method in methods:
            yield Operation(method, path, kind, resource, handler)
