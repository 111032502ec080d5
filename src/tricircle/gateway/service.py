"""A service whose API a gateway speaks: what the engine is told to make it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tricircle.gateway.microversion import MicroversionHeaders
from tricircle.gateway.operation import Operation


@dataclass(frozen=True, slots=True)
class Service:
    """A service.

    :param type: as in the Service Types Authority: `compute`.
    :param version_id: of the API version: `v2.1`; its path is this after a slash.
    :param request_id_header: its own name for X-OpenStack-Request-ID.
    :param operations: its table.
    :param lists_versions: its version documents are lists, also that of one version, as Cinder's are.
    """

    type: str
    version_id: str
    microversions: MicroversionHeaders
    request_id_header: str | None
    operations: Sequence[Operation]
    lists_versions: bool = False

    @property
    def version_path(self) -> str:
        """The version as a path begins with it."""
        return f"/{self.version_id}"
