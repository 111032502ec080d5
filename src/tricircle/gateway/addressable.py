"""What can be a segment of a path: what is not is refused when it is made, as nothing could be done with it.

Dots that stand alone mean other places in a URL (RFC 3986, section 5.2.4), and clients and servers on the way
take them out.
"""

from collections.abc import Iterable

from tricircle.errors import BadRequest
from tricircle.gateway.call import Call

_DOTS = frozenset({".", ".."})


def require_addressable(segments: Iterable[str]) -> None:
    """Go on only with names that can be segments of a path.

    :raises BadRequest: one is dots.
    """
    for segment in segments:
        if segment in _DOTS:
            raise BadRequest(f"Invalid input: nothing that is called {segment} can be addressed.")


def require_addressable_spec(call: Call) -> None:
    """Go on only where the extra spec that the path names can be addressed; raises as above."""
    require_addressable([call.params["key"]])


def require_addressable_specs(call: Call) -> None:
    """Go on only where the extra specs of the body can be addressed; raises as above, and as `Call.json`."""
    _, specs = call.json("extra_specs")
    require_addressable(specs)
