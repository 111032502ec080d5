"""Microversions: the request header that asks for one.

Source: API-WG guideline "Microversion Specification"; Nova's own older header is honoured too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Version = tuple[int, int]

_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")


def parse(text: str) -> Version | None:
    """Read `2.69`; None for what is no version."""
    found = _VERSION.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class MicroversionHeaders:
    """How a service's clients ask for a microversion.

    :param service: the name before the number in `OpenStack-API-Version`: `compute`.
    :param legacy: an older header that holds nothing but the number.
    """

    service: str
    legacy: str | None = None

    def asked(self, environ: Mapping[str, str]) -> str | None:
        """Return what a request asks for, as it says it: `2.69` or `latest`."""
        for part in environ.get("HTTP_OPENSTACK_API_VERSION", "").split(","):
            service, _, version = part.strip().partition(" ")
            if service == self.service and version:
                return version.strip()
        if self.legacy is not None:
            return environ.get("HTTP_" + self.legacy.upper().replace("-", "_"))
        return None

    def lines(self, version: str) -> list[str]:
        """Write the headers that ask for a version."""
        lines = [f"OpenStack-API-Version: {self.service} {version}"]
        if self.legacy is not None:
            lines.append(f"{self.legacy}: {version}")
        return lines

    def fields(self, version: str) -> list[tuple[str, str]]:
        """Write the headers that an answer of a version bears."""
        fields = [("OpenStack-API-Version", f"{self.service} {version}"), ("Vary", "OpenStack-API-Version")]
        if self.legacy is not None:
            fields += [(self.legacy, version), ("Vary", self.legacy)]
        return fields
