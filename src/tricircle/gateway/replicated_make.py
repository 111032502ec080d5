"""Replicated resources, made through the top."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import uuid4

import orjson

from tricircle.errors import BadRequest
from tricircle.gateway.addressable import require_addressable
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.replicated import OTHER_USERS
from tricircle.gateway.replicated_write import Sending, Subject, in_step, pass_on, ready
from tricircle.gateway.resource import Item, Resource
from tricircle.realise.definition import DefinitionState
from tricircle.realise.kinds import FLAVOR, KEYPAIR, Kind
from tricircle.realise.kinds.keypair import Keypair
from tricircle.sites.site import Site

PENDING_PREFIX = "?"
"""Begins the key of what has no id yet; no id of a site begins so."""

_LONGEST = MappingProxyType({"name": 255, "id": 400})
"""Characters that the columns of a definition hold. No site takes a longer name, or flavor's id."""

Identify = Callable[[Call, Item], tuple[str, str] | None]
"""Tells key and name of what is to be made from the body's member; None where that makes no sense."""


def identify_flavor(_: Call, flavor: Item) -> tuple[str, str] | None:
    """A flavor without an id is given one here, so that it is the same in every site."""
    identifier = flavor.get("id")
    if identifier is None:
        identifier = flavor["id"] = str(uuid4())
    name = flavor.get("name")
    if not isinstance(identifier, str | int | float) or not isinstance(name, str):
        return None
    return str(identifier), name.strip()


def identify_keypair(call: Call, keypair: Item) -> tuple[str, str] | None:
    """A keypair is known by its user, whom an administrator may name, and its name."""
    name, user_id = keypair.get("name"), call.identity.user_id
    if call.version_number >= OTHER_USERS:
        user_id = keypair.get("user_id") or user_id
    if not isinstance(name, str) or not isinstance(user_id, str):
        return None
    return Keypair.key_of(user_id, name.strip()), name.strip()


def identify_by_name(_: Call, item: Item) -> tuple[str, str] | None:
    """What gets its id from the first site is known by its name until then."""
    name = item.get("name")
    return (PENDING_PREFIX + name.strip(), name.strip()) if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class MakeReplicated:
    """Handler of an operation that makes a replicated resource.

    :param envelope: the key that the body's object stands under.
    :param resource: what the answer holds.
    """

    kind: Kind
    envelope: str
    identify: Identify
    resource: Resource
    summary: str = field(default="made in one site, then in the others", init=False)

    def __call__(self, call: Call) -> Reply:
        """Make it."""
        document, member = call.json(self.envelope)
        gave_no_id = self.kind is FLAVOR and member.get("id") is None
        identified = self.identify(call, member)
        if identified is None:
            return pass_on(call, self.resource)
        _check(*identified)
        require_addressable(_segments(self.kind, member, *identified))
        body = orjson.dumps(document) if gave_no_id else call.body()
        subject, sites = self._places(call, *identified)

        def make(site: Site) -> tuple[str, bytes | None]:
            if self.kind.is_named:
                # What had the name before, and is deleted, may still be there.
                names = [(self.kind.name, subject.name)]
                call.engine.replicas.realise_for(site, (), names, request_id=call.request_id)
            return call.target(), body

        return Sending(call, subject, make, resource=self.resource).to_one_of(sites)

    def _places(self, call: Call, key: str, name: str) -> tuple[Subject, list[Site]]:
        """Return what is made, and where it may be made.

        One that is there already is asked of a site that has it, which says so. One that was deleted is made
        again in a site where it is gone.
        """
        store = call.engine.replicas.store
        if self.kind.is_named:
            named = store.several(keys=[(self.kind.name, key)], names=[(self.kind.name, name)])
            live = [each for each in named if each.definition.state is not DefinitionState.DELETED]
            known = live[0] if live else None
        else:
            known = store.find(self.kind.name, key)
        if known is None:
            return Subject(self.kind, key, name), ready(call)
        sites = in_step(call, known)
        if known.definition.state is DefinitionState.PENDING and not sites:
            sites = ready(call)
        return Subject.of(known), sites


def _segments(kind: Kind, member: Item, key: str, name: str) -> Iterable[str]:
    """Return what of it stands in paths: a keypair's name, a flavor's id, the names of extra specs."""
    specs = member.get("extra_specs")
    return [name if kind is KEYPAIR else key, *(specs if isinstance(specs, dict) else ())]


def _check(key: str, name: str) -> None:
    """Go on only with what can be written down.

    :raises BadRequest: it cannot.
    """
    for field_name, value in (("name", name), ("id", key)):
        if len(value) > _LONGEST[field_name]:
            raise BadRequest(f"Invalid input for field/attribute {field_name}: it is too long.")
