"""Error bodies, in the shape of the service whose API is spoken."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import orjson

Fault = Callable[[int, str], bytes]
"""Makes the body of an error from its HTTP status and its message."""

# Nova and Cinder share these names (their API references, "Faults"). Any other status is a "computeFault",
# in Cinder too.
_NAMES: Mapping[int, str] = MappingProxyType(
    {
        400: "badRequest",
        401: "unauthorized",
        403: "forbidden",
        404: "itemNotFound",
        405: "badMethod",
        409: "conflictingRequest",
        413: "overLimit",
        415: "badMediaType",
        429: "overLimit",
        501: "notImplemented",
        503: "serviceUnavailable",
    }
)


def compute_fault(status: int, message: str) -> bytes:
    """Make an error body as Nova and Cinder do: `{"itemNotFound": {"code": 404, "message": ...}}`."""
    if status == 401:  # both have keystonemiddleware answer for them
        return identity_fault(status, message)
    return orjson.dumps({_NAMES.get(status, "computeFault"): {"code": status, "message": message}})


def identity_fault(status: int, message: str) -> bytes:
    """Make an error body as Keystone does: `{"error": {"code": 404, "title": "Not Found", ...}}`."""
    title = HTTPStatus(status).phrase
    return orjson.dumps({"error": {"code": status, "title": title, "message": message}})
