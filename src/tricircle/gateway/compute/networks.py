"""Ids of networks, subnets, security groups and ports in requests of the Compute API, and in answers to them.

To clients they are the top's, to a site they are the site's own; where they stand is in `places`. An id that
the top does not know is the site's own business, and stays as it is. Where the top has no network service,
and where nothing can stand in a body, the body is not even parsed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tricircle.errors import BadRequest, Conflict, DatabaseUnavailable, TricircleError
from tricircle.gateway.answers import SITE_REQUEST_ID, pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.compute.places import (
    ADDRESS,
    INTERFACES,
    INTERFACES_ASKED,
    KIND_OF_WORD,
    NAMED,
    NETWORK,
    NOTHING,
    OF_SERVER,
    PORT,
    REFUSAL,
    SECURITY_GROUP,
    SERVERS,
    UUID,
    WORDS,
    Asked,
    Place,
    Shown,
)
from tricircle.gateway.compute.ports_followed import expected, have_followed, unsure
from tricircle.gateway.intents import Intent, end_unanswered, end_undone, may_be_done
from tricircle.gateway.operation import Handler
from tricircle.gateway.resource import Item
from tricircle.jobs.boots import address_on
from tricircle.jobs.job import Request
from tricircle.jobs.types import AdoptParameters, IntentParameters
from tricircle.realise.definition import Known
from tricircle.realise.fixed_addresses import AddressTaken
from tricircle.realise.kinds.security_group import DEFAULT
from tricircle.realise.leaving import clean_up_job
from tricircle.realise.replication import PATIENCE, completing
from tricircle.routing.homed import SERVER_TYPE
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

_LATER = PATIENCE + 2.0
"""Seconds after which a worker has told, as the cause of its job, what the site has refused to have."""


def send(
    call: Call, site: Site, body: bytes | None, asked: Asked, *, project_id: str | None = None
) -> Answer:
    """Send a request about a server to its site, with the site's ids.

    What it needs is noted as in use, as of a new server, and realised in the site before; what has become of
    the server's ports is looked at after, and what was brought only as far as Nova needs it is completed.

    :param project_id: with whose eyes Nova looks for what it names; None stands for those of who asks.
    :raises TricircleError: the site cannot have what it needs; see `Networks.prepare`.
    """
    if not call.engine.networks.is_there or (body is not None and not asked.may_be_in(body)):
        return call.send(site, body=body)
    ids = _Ids(call, site)
    parameters = {
        name: ids.in_site(kind, call.params[name]) or call.params[name]
        for name, kind in asked.parameters
        if name in call.params
    }
    document = _document(body)
    needs = _Needs.of(document, asked.places, project_id or call.identity.project_id)
    intent = needs.begin(call, site)
    try:
        there = needs.prepare(call, site)
        if _named_in_site(call, site, document, asked.places, there):
            body = orjson.dumps(document)
        intent.sending()
    except TricircleError as error:
        intent.not_made(f"It was not sent: {error.message}", *needs.leave_nothing(call, site, _LATER))
        raise
    adoption = expected(call, needs.adoption, parameters, document, asked)
    try:
        answer = call.send(site, target=call.target(call.path(**parameters)), body=body)
    except TricircleError as error:
        if may_be_done(error):
            have_followed(call, site, needs.project_id, unsure(adoption))
        end_unanswered(intent, error, needs.leave_nothing(call, site))
        raise
    if 200 <= answer.status < 300:
        have_followed(call, site, needs.project_id, adoption, completing(there, site, call.request_id))
        intent.done()
    else:
        if answer.status >= 500:
            have_followed(call, site, needs.project_id, unsure(adoption))
        end_undone(intent, site, answer, needs.leave_nothing(call, site))
    return answer


def show(call: Call, site: Site, reply: Reply, shown: Shown) -> Reply:
    """Show a client the top's ids in a site's answer; in one that refuses, in the words of the refusal.

    An id that the client has named by itself a refusal repeats: it may be another project's in the site.
    """
    own = b""
    if reply.status >= 400:
        shown, own = REFUSAL, (call.body() or b"") + call.path().encode()
    document = _parsed(call, reply, shown)
    ids = _Ids(call, site, own)
    if sum(place.replace(document, ids.at_top) for place in shown.places):
        reply.body = orjson.dumps(document)
    return reply


class OnNetworks:
    """Handler of an operation below a server which names what the network service keeps."""

    summary = "forwarded to the site that holds it; ids of networks and ports are the top's"

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def __call__(self, call: Call) -> Reply:
        """Forward the request."""
        site = call.engine.locator.locate(SERVER_TYPE, call.params["server_id"], call.identity, call.token)
        return show(call, site, pass_back(call, site, self._send(call, site)), self._shown)

    def _send(self, call: Call, site: Site) -> Answer:
        return send(call, site, call.body(), NOTHING)


class Interfaces(OnNetworks):
    """Handler of the interfaces of a server, whose networks and ports are its project's, whoever asks."""

    def __init__(self) -> None:
        super().__init__(INTERFACES)

    def _send(self, call: Call, site: Site) -> Answer:
        project_id = _project(call)
        return send(call, site, self._body(call, project_id), INTERFACES_ASKED, project_id=project_id)

    @staticmethod
    def _body(call: Call, project_id: str | None) -> bytes | None:
        """Name the network to be attached where the client does not: Nova takes the only one of the server's
        project, but not for an address that is asked for.

        :raises BadRequest: the project has several.
        """
        body = call.body()
        if not call.engine.networks.is_there or not body:
            return body
        try:
            document = orjson.loads(body)
            wanted = document.setdefault("interfaceAttachment", {})
            is_named = wanted.get("net_id") or wanted.get("port_id") or wanted.get("fixed_ips")
        except (orjson.JSONDecodeError, AttributeError):
            return body  # the site says what is wrong
        if is_named:
            return body
        networks = call.engine.networks.own(project_id, call.token, request_id=call.request_id)
        if len(networks) > 1:
            raise BadRequest("Multiple possible networks found, use a Network ID to be more specific.")
        if not networks:
            return body
        wanted["net_id"] = networks[0]
        return orjson.dumps(document)


class ShowsServers:
    """Handler of an operation that shows servers, around the one that gets them."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.summary = getattr(handler, "summary", "answered here")

    def __call__(self, call: Call) -> Reply:
        """Get and show them."""
        reply = self._handler(call)
        if not call.engine.networks.is_there:
            return reply
        site = _answering(call, reply)
        return self._several(call, reply) if site is None else show(call, site, reply, SERVERS)

    @staticmethod
    def _several(call: Call, reply: Reply) -> Reply:
        """Show the top's ids in an answer that is put together of those of many sites."""
        document = _parsed(call, reply, SERVERS) or {}
        changed = 0
        for server in document.get("servers", ()):
            site = _home(call, server)
            if site is not None:
                ids = _Ids(call, site)
                changed += sum(place.replace(server, ids.at_top) for place in OF_SERVER)
        if changed:
            reply.body = orjson.dumps(document)
        return reply


class _Ids:
    """The ids of one site, and the top's.

    :param kept: what is in this text is shown as it is.
    """

    def __init__(self, call: Call, site: Site, kept: bytes = b"") -> None:
        self._networks = call.engine.networks
        self._site_id = site.id
        self._kept = kept

    def in_site(self, kind: str, value: str) -> str | None:
        return self._networks.in_site(kind, value, self._site_id) if UUID.fullmatch(value) else None

    def at_top(self, kind: str, value: str) -> str | None:
        if kind == WORDS:
            return NAMED.sub(self._named_at_top, value)
        if not UUID.fullmatch(value) or value.encode() in self._kept:
            return None
        try:
            return self._networks.at_top(kind, self._site_id, value)
        except DatabaseUnavailable:
            return None  # what the site has done must not be told as a failure

    def _named_at_top(self, found: re.Match[str]) -> str:
        word, between, ids = found.groups()
        kind = KIND_OF_WORD[word.lower()]
        return word + between + UUID.sub(lambda each: self.at_top(kind, each[0]) or each[0], ids)


@dataclass(frozen=True, slots=True)
class _Needs:
    """What a request names of the top's that the site must have before it gets the request.

    :param addresses: networks by the top's ids, and an address that is asked for on each.
    :param project_id: whose it is, and by whose names it is called.
    """

    networks: Sequence[str]
    groups: Sequence[str]
    ports: Sequence[str]
    addresses: Sequence[tuple[str, str]]
    project_id: str | None

    @classmethod
    def of(cls, document: Any, places: Sequence[Place], project_id: str | None) -> "_Needs":
        """Find it in a body."""
        named = [(place.kind, value) for place in places if place.needed for value in place.values(document)]
        networks = [value for kind, value in named if kind == NETWORK and UUID.fullmatch(value)]
        groups = [value for kind, value in named if kind == SECURITY_GROUP]
        if networks and "interfaceAttachment" in document:
            groups = [DEFAULT]  # Nova makes a port there, which is in it
        return cls(
            networks,
            groups,
            [value for kind, value in named if kind == PORT and UUID.fullmatch(value)],
            [(network, value) for network in networks for kind, value in named if kind == ADDRESS],
            project_id,
        )

    def __bool__(self) -> bool:
        return bool(self.networks or self.groups or self.ports)

    @property
    def adoption(self) -> AdoptParameters:
        """The same, as jobs name it."""
        uses = {*self.networks, *self.ports, *(address_on(*asked) for asked in self.addresses)}
        return AdoptParameters(tuple(sorted(uses)), tuple(sorted(set(self.groups))))

    def begin(self, call: Call, site: Site) -> Intent:
        """Note that it is in use, so that it is nobody else's meanwhile.

        :raises DatabaseUnavailable: that cannot be written, and the site must not be asked.
        """
        used, asked = self.adoption, None
        if self:
            # By its id: no other server is taken for what comes of it.
            facts = {"id": call.params["server_id"]}
            asked = IntentParameters(None, 1, "", facts, uses=used.uses, groups=used.groups)
        return call.engine.intents.begin(SERVER_TYPE, site, self.project_id, asked, call.request_id)

    def prepare(self, call: Call, site: Site) -> Sequence[Known]:
        """See that the site has it; return what it has of it.

        :raises Conflict: an address is in use, which Nova says otherwise here than of a new server.
        """
        if not self:
            return ()
        try:
            return call.engine.networks.prepare(
                site,
                self.networks,
                self.groups,
                project_id=self.project_id,
                token=call.token,
                count=1,
                request_id=call.request_id,
                ports=self.ports,
                addresses=self.addresses,
            )
        except AddressTaken as error:
            raise Conflict(error.message, site=error.site) from error

    def leave_nothing(self, call: Call, site: Site, delay: float = 0.0) -> list[Request]:
        """Return the job that takes out of the site what was brought there for what is not done."""
        used = self.adoption
        job = clean_up_job(
            site.id, self.project_id, used.uses, used.groups, delay=delay, request_id=call.request_id
        )
        return [] if job is None else [job]


def _project(call: Call) -> str | None:
    """Return the project of the server, which an administrator need not be in."""
    route = call.engine.locator.known(SERVER_TYPE, call.params["server_id"], call.identity)
    return (route.project_id if route is not None else None) or call.identity.project_id


def _document(body: bytes | None) -> Any:
    """Parse a request's body; of what is no JSON the site says what is wrong."""
    try:
        return None if body is None else orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _named_in_site(
    call: Call, site: Site, document: Any, places: Sequence[Place], there: Sequence[Known]
) -> int:
    """Name all in a body as a site does; return how often anything is otherwise now.

    :param there: what the site must have before, as far as it has it.
    """
    # Of what is not the user's the site hears nothing that tells whether it is there.
    prepared = {(each.definition.kind, each.definition.key): each.id_in(site.id) for each in there}
    ids = _Ids(call, site)

    def in_site(kind: str, value: str) -> str | None:
        return prepared.get((kind, value))

    return sum(place.replace(document, in_site if place.needed else ids.in_site) for place in places)


def _parsed(call: Call, reply: Reply, shown: Shown) -> Any:
    """Parse an answer, if ids can stand in it."""
    if not call.engine.networks.is_there or not reply.body or not shown.may_be_in(reply.body):
        return None
    try:
        return orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None


def _answering(call: Call, reply: Reply) -> Site | None:
    """Return the one site that a reply is of, where it tells."""
    told = [value for name, value in reply.headers if name == SITE_REQUEST_ID]
    return call.engine.registry.snapshot.by_name.get(told[0].partition(" ")[0]) if len(told) == 1 else None


def _home(call: Call, server: Item) -> Site | None:
    """Return the site of a server that was shown just now."""
    route = call.engine.locator.known(SERVER_TYPE, str(server.get("id")), call.identity)
    return None if route is None else call.engine.registry.snapshot.by_id.get(route.site_id)
