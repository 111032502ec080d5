"""Replicated resources, read: any site that has one as it is defined answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tricircle.errors import DatabaseUnavailable, NotFound, SiteUnavailable, TricircleError
from tricircle.gateway.answers import check, pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.fan_out import headers_for_all
from tricircle.gateway.resource import Resource
from tricircle.realise.definition import DefinitionState, Known
from tricircle.realise.kinds import KEYPAIR, Kind
from tricircle.realise.kinds.keypair import Keypair
from tricircle.sites.site import Site

OTHER_USERS = (2, 10)
"""The first microversion in which a keypair may be named that is another user's."""


@dataclass(frozen=True, slots=True)
class Named:
    """How an operation names a replicated resource.

    :param parameter: the path's parameter that holds its id.
    """

    kind: Kind
    parameter: str

    def key(self, call: Call) -> str:
        """Return its key."""
        return call.params[self.parameter]

    def known(self, call: Call) -> Known | None:
        """Return what is known of it; also where a site's own id is given for it.

        :raises DatabaseUnavailable: that cannot be read.
        """
        replicas, key = call.engine.replicas, self.key(call)
        known = replicas.store.find(self.kind.name, key)
        if known is None and self.kind.is_named:
            alias = replicas.identifiers.key_of(self.kind.name, key)
            known = None if alias is None else replicas.store.find(self.kind.name, alias)
        return known

    def require_there(self, call: Call, known: Known | None) -> None:
        """Go on only where it is not deleted, as far as the caller may be told.

        :raises NotFound: it is.
        """
        if known is not None and known.definition.state is DefinitionState.DELETED and self.may_be_told(call):
            raise self.missing(call)

    def may_be_told(self, _: Call) -> bool:
        """Say whether the top may tell the caller that it is gone; else a site answers."""
        return True

    def target(self, call: Call, known: Known | None, site: Site) -> str:
        """Return path and query of the operation at a site, which may call the resource otherwise."""
        site_resource_id = None if known is None else known.id_in(site.id)
        if site_resource_id is None:
            return call.target()
        return call.target(call.path(**{self.parameter: site_resource_id}))

    def missing(self, call: Call) -> NotFound:
        """Return the service's own words for one that is not there."""
        return NotFound(self.kind.not_found.format(name=call.params[self.parameter], user=user_of(call)))


class NamedKeypair(Named):
    """How an operation names a keypair: by its name, and in the query by its user."""

    def __init__(self) -> None:
        super().__init__(KEYPAIR, "keypair_name")

    def key(self, call: Call) -> str:
        """Return its key."""
        return Keypair.key_of(user_of(call), call.params[self.parameter])

    def may_be_told(self, call: Call) -> bool:
        """Only the user, and who sees all: others would learn from it what there was."""
        return may_be_told_of(call, user_of(call))


def may_be_told_of(call: Call, user_id: str) -> bool:
    """Say whether the caller may be told of a user's keypairs without a site being asked."""
    return user_id == call.identity.user_id or call.engine.locator.sees_all(call.identity)


def user_of(call: Call) -> str:
    """Return the user whose keypairs a request is about."""
    if call.version_number < OTHER_USERS:
        return call.identity.user_id
    return next((value for name, value in parse_qsl(call.query) if name == "user_id"), call.identity.user_id)


def deleted_keypairs(call: Call) -> frozenset[str]:
    """Return the names of a user's keypairs that are deleted and may still be in some site."""
    prefix = Keypair.key_of(user_of(call), "")
    if not may_be_told_of(call, user_of(call)):
        return frozenset()
    return frozenset(key.removeprefix(prefix) for key in deleted(call, KEYPAIR, prefix))


def deleted(call: Call, kind: Kind, prefix: str = "") -> frozenset[str]:
    """Return keys or names of what is deleted and may still be in some site; nothing if that is not known."""
    try:
        return call.engine.replicas.deleted(kind.name, prefix)
    except DatabaseUnavailable:
        return frozenset()


@dataclass(frozen=True, slots=True)
class AnySite:
    """Handler of an operation that reads one replicated resource.

    Sites that have it as it is defined are asked first, those that answer before those that do not, in the
    order of their names: that is one hop, and everyone is told the same. What has no definition is asked of
    one site after the other, until one has it.
    """

    named: Named
    resource: Resource | None = None
    summary: str = field(default="answered by a site that has it as it is defined", init=False)

    def __call__(self, call: Call) -> Reply:
        """Ask for it."""
        known = self._known(call)
        self.named.require_there(call, known)
        headers = headers_for_all(call)
        reply: Reply | None = None
        failure: TricircleError = SiteUnavailable("No site is registered.")
        for site in _sites(call, known):
            try:
                answer = call.send(site, headers=headers, target=self.named.target(call, known, site))
                check(call, site, answer)
            except TricircleError as error:
                failure = error
                continue
            reply = pass_back(call, site, answer, self.resource)
            # What a site that is in step refuses, an older state elsewhere must not give away.
            if answer.status < 400 or (known is not None and known.in_step(site.id) and answer.status < 500):
                break
        if reply is None:
            raise failure
        return reply

    def _known(self, call: Call) -> Known | None:
        try:
            return self.named.known(call)
        except DatabaseUnavailable:
            return None


def _sites(call: Call, known: Known | None) -> Iterator[Site]:
    sites = sorted(call.engine.registry.snapshot.asked, key=lambda site: site.name)
    if known is None:
        return iter(sites)
    health = call.engine.client.health
    return iter(
        sorted(
            sites,
            key=lambda site: (not known.in_step(site.id), not health.of(site.id, site.name).is_up),
        )
    )
