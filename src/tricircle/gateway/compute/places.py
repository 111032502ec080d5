"""Where the bodies of the Compute API hold ids of networks, subnets, security groups and ports.

Each operation has a table of places. What has no place in one is never looked at: what users write themselves
(metadata, tags, user data) may well look like an id.

Source: Compute API reference, and Nova's own schemas of requests and answers.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

NETWORK, SUBNET, SECURITY_GROUP, PORT = "network", "subnet", "security_group", "port"

ADDRESS = "address"
"""Stands for an address of the network that is named beside it; it is the same at the top and in sites."""

WORDS = "words"
"""Stands for a text for people, in which an id comes after what it is of: `Network {id} is not there.`"""

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

NAMED = re.compile(
    r"\b(net|port|subnet|security[ _]group|uuid|vif)"
    r"(\w*+\W{1,5}+"
    # The last one is Neutron's of a group that a port is in already, as Nova cites it.
    r"(?:(?:s|with|name|or|uuid|id|is|Reason: Duplicate items in the list)\W{1,5}+)*+)"
    rf"({UUID.pattern}(?:\W{{1,5}}{UUID.pattern})*)",
    re.IGNORECASE,
)
"""Ids in such a text: what they are of, what stands between, and one id or several."""

KIND_OF_WORD = {
    "net": NETWORK,
    "port": PORT,
    "subnet": SUBNET,
    "security group": SECURITY_GROUP,
    "security_group": SECURITY_GROUP,
    "uuid": NETWORK,  # as the schema of `networks` calls it, which Nova cites in what it refuses
    "vif": PORT,
}

Find = Callable[[str, str], str | None]
"""Gives what is to stand in a place, from the kind and what stands there; None leaves it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a body holds an id.

    :param path: keys from the outside in, joined by dots; `*` stands for all that a list or object holds.
    :param kind: what the id is of. A security group may be named instead; a name is passed over.
    :param needed: the site must have it before it gets the request.
    """

    path: str
    kind: str
    needed: bool = False

    def replace(self, document: Any, find: Find) -> int:
        """Replace what stands here, in place.

        :return: how often anything is otherwise now.
        """
        return self._replace(document, self.path.split("."), find)

    def values(self, document: Any) -> list[str]:
        """Return what stands here."""
        found: list[str] = []
        self.replace(document, lambda _, value: found.append(value))
        return found

    def _replace(self, within: Any, path: Sequence[str], find: Find) -> int:
        key, *rest = path
        members = _members(within, key)
        if rest:
            return sum(self._replace(member, rest, find) for _, member in members)
        changes = {place: find(self.kind, value) for place, value in members if isinstance(value, str)}
        changes = {place: new for place, new in changes.items() if new is not None and new != within[place]}
        for place, new in changes.items():
            within[place] = new
        return len(changes)


def _members(within: Any, key: str) -> list[tuple[Any, Any]]:
    if isinstance(within, dict):
        return list(within.items()) if key == "*" else [(key, within[key])] if key in within else []
    return list(enumerate(within)) if isinstance(within, list) and key == "*" else []


@dataclass(frozen=True, slots=True)
class Shown:
    """Where ids stand in what an operation answers.

    :param signs: of which every body that holds an id has one; where none is given, any body may hold some.
    """

    places: Sequence[Place] = ()
    signs: Sequence[re.Pattern[bytes]] = ()

    def may_be_in(self, body: bytes) -> bool:
        """Say whether a body must be parsed."""
        return not self.signs or any(sign.search(body) for sign in self.signs)


@dataclass(frozen=True, slots=True)
class Asked(Shown):
    """Where ids stand in what an operation asks for.

    :param parameters: those that the path may have: name and kind.
    :param leaving: where addresses stand that the server is to lose.
    """

    parameters: Sequence[tuple[str, str]] = ()
    leaving: Sequence[Place] = ()


def _interface(path: str) -> tuple[Place, ...]:
    return (
        Place(f"{path}.net_id", NETWORK),
        Place(f"{path}.port_id", PORT),
        Place(f"{path}.fixed_ips.*.subnet_id", SUBNET),
    )


NOTHING = Asked()

INTERFACES_ASKED = Asked(
    (
        Place("interfaceAttachment.net_id", NETWORK, needed=True),
        Place("interfaceAttachment.port_id", PORT, needed=True),
        Place("interfaceAttachment.fixed_ips.*.ip_address", ADDRESS, needed=True),
    ),
    parameters=(("port_id", PORT),),
)
INTERFACES = Shown((*_interface("interfaceAttachment"), *_interface("interfaceAttachments.*")))

_NAMED_BYTES = re.compile(NAMED.pattern.encode(), re.IGNORECASE)

ACTION_EVENTS = Shown((Place("instanceAction.events.*.details", WORDS),), (_NAMED_BYTES,))

SERVER_ACTION = Asked(
    (
        Place("addFixedIp.networkId", NETWORK, needed=True),
        Place("addSecurityGroup.name", SECURITY_GROUP, needed=True),
        Place("removeSecurityGroup.name", SECURITY_GROUP),
    ),
    (
        re.compile(rb'"(?:add|remove)(?:FixedIp|SecurityGroup)"'),
        # They name nothing, but the server's ports go down with it, and come up again.
        re.compile(rb'"(?:(?:un)?shelve|shelveOffload|os-st(?:op|art)|suspend|resume)"'),
    ),
    leaving=(Place("removeFixedIp.address", ADDRESS),),
)

OF_SERVER = (
    # Nova shows the names of groups, and the ids of those without one.
    Place("security_groups.*.name", SECURITY_GROUP),
    Place("fault.message", WORDS),
    Place("fault.details", WORDS),
)
"""Within one server."""

SERVERS = Shown(
    [Place(f"{within}.{each.path}", each.kind) for within in ("server", "servers.*") for each in OF_SERVER],
    # Two, as one of both would be looked for letter by letter, which takes ten times as long.
    (re.compile(b'{"name": ?"' + UUID.pattern.encode() + b'"}'), re.compile(b'"fault"')),
)

REFUSAL = Shown((Place("*.message", WORDS),), (_NAMED_BYTES,))
"""In the answer to whatever a site refuses."""
