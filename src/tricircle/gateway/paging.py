"""Pages of a list over several sites: limit, offset, marker, and the cursor of our own `next` links.

A site can only continue after an item of its own. So a place in the merged list is: the values that the
last item was sorted by, the site it came from, and for each site the last item that was taken from it. Our
own `next` links carry all that beside the marker. With a plain marker, which clients make themselves of the
last id they saw, the values are asked of the marker's site; where the others continue is looked up in
the routing table or, failing that, they begin anew and what comes before the place is skipped.
"""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import msgspec

from tricircle.errors import BadRequest
from tricircle.gateway.ordering import Parameters

CURSOR = "cursor"
Scalar = str | int | float | bool | None

_OWN = frozenset({"limit", "offset", "marker", CURSOR})


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """A place in a merged list.

    :param values: of the last item, by which the list is sorted.
    :param site: the name of the site it came from.
    :param markers: site's name -> the last item that was taken from it.
    :param hints: site's name -> some item of it before the place; what follows it is looked through.
    """

    values: list[Scalar]
    site: str
    markers: dict[str, str]
    hints: dict[str, str] = {}

    def encode(self) -> str:
        """Write it as a query's value."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).rstrip(b"=").decode("ascii")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Read it.

        :raises BadRequest: it is not one of ours. One that is made up does no harm: markers only say
            where in the user's own lists a site begins.
        """
        try:
            padded = text + "=" * (-len(text) % 4)
            return msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=cls)
        except (binascii.Error, ValueError):
            raise BadRequest("The cursor is not one of this service.") from None


@dataclass(frozen=True, slots=True)
class Page:
    """What a query asks for besides filters and order.

    :param limit: most items of the page.
    :param asked: the query names a limit, an offset or a marker itself.
    :param rest: the query without these.
    """

    limit: int
    offset: int
    marker: str | None
    cursor: Cursor | None
    asked: bool
    rest: Parameters

    @classmethod
    def of(cls, query: str, max_limit: int) -> "Page":
        """Read a query.

        :raises BadRequest: limit or offset is not a number of items.
        """
        parameters = parse_qsl(query, keep_blank_values=True)
        own = {name: value for name, value in parameters if name in _OWN}
        return cls(
            limit=min(_count(own, "limit", max_limit), max_limit),
            offset=_count(own, "offset", 0),
            marker=own.get("marker") or None,
            cursor=Cursor.decode(own[CURSOR]) if own.get(CURSOR) else None,
            asked=bool(own),
            rest=[(name, value) for name, value in parameters if name not in _OWN],
        )

    def next_query(self, cursor: Cursor) -> str:
        """Write the query of the page after this one."""
        own = [("limit", str(self.limit)), ("marker", cursor.markers[cursor.site]), (CURSOR, cursor.encode())]
        return urlencode([*self.rest, *own])


def _count(own: dict[str, str], name: str, default: int) -> int:
    text = own.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadRequest(f"Invalid input for query parameter {name}: {text!r} is not a number of items.")
    return int(text)
