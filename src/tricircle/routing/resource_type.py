"""What routing must know of a type of homed resource: how its site is asked for one by id."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tricircle.sites.service_calls import VERSIONED

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type of homed resource.

    :param name: what rows of the routing table call it: `server`.
    :param service_type: the service that has it: `compute`.
    :param path: where a site shows one, with the API version: `/v2.1/servers/{id}`.
    :param envelope: the key its body stands under: `server`.
    :param not_found: what the service itself says of an unknown id.
    :param project_field: the field that holds its project.
    :param created_field: the field that holds its time of creation (ISO 8601, UTC).
    :param time_format: how its service writes times.
    :param version: the first microversion that shows all that is needed; None for the lowest one.
    """

    name: str
    service_type: str
    path: str
    envelope: str
    not_found: str
    project_field: str = "tenant_id"
    created_field: str = "created"
    time_format: str = "%Y-%m-%dT%H:%M:%SZ"
    version: str | None = None

    @property
    def headers(self) -> Sequence[str]:
        """What asking needs besides a token."""
        if self.version is None:
            return ()
        return (f"OpenStack-API-Version: {VERSIONED[self.service_type]} {self.version}",)

    @staticmethod
    def is_id(value: str) -> bool:
        """Say whether a text can be an id at all: all homed resources have UUIDs."""
        return _UUID.fullmatch(value) is not None

    def project_of(self, item: Mapping[str, Any]) -> str | None:
        """Return the project that a resource's body names."""
        return item.get(self.project_field)

    def created_at(self, item: Mapping[str, Any]) -> datetime | None:
        """Return when a resource was made, as its body says: naive, UTC, as the database keeps times."""
        return parse_time(item.get(self.created_field))

    def show_time(self, time: datetime | None) -> str | None:
        """Write a time as the service does."""
        return None if time is None else time.strftime(self.time_format)


def parse_time(value: object) -> datetime | None:
    """Read Nova's (`2026-01-31T12:00:00Z`) and Cinder's (`2026-01-31T12:00:00.000000`) times."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
