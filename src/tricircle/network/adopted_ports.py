"""`/v2.0/adopted-ports`: the rows at the top of ports that sites have made, or changed.

An adopted port is an ordinary port of the top, with the id, MAC and addresses that its site gave it, bound to
the site's node. POST says all of a port, and brings one up to date that is adopted already, so it may be
repeated; PUT says what has changed, and of which revision of the row it is known; DELETE removes the row, not
the site's port. PUT tells of a port that was made at the top first, too: its status, and what Nova has
changed where it is.
"""

from collections.abc import Sequence
from typing import Any, NoReturn

import sqlalchemy as sa
from neutron.common import ipv6_utils
from neutron.db import models_v2
from neutron.services.revisions.revision_plugin import RevisionNumberConstraintFailed
from neutron_lib import constants, exceptions
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.callbacks import exceptions as callback_exc
from neutron_lib.db import api as db_api
from neutron_lib.db import model_query
from neutron_lib.db import utils as db_utils
from neutron_lib.plugins import directory

from tricircle.network import adoption, journal, port_extensions, sites
from tricircle.network.adoption import Adoption
from tricircle.network.attributes import ADOPTED_PORT
from tricircle.network.db.models import AdoptedPort
from tricircle.network.listing import Listing, may_see
from tricircle.network.top import Top
from tricircle.sites.registry import Snapshot
from tricircle.sites.site import Site

RESOURCE = "adopted_port"

_OF_USERS = (
    *("name", "admin_state_up", "security_groups"),
    *(port_extensions.PAIRS, port_extensions.SECURITY, port_extensions.TAGS),
)
"""What users change here of what a site says of its port."""

_REVISION = "revision_number"

MUTABLE = tuple(name for name, field in ADOPTED_PORT.items() if field["allow_put"] and name != _REVISION)
"""What a site may change of its port; the rest is fixed when it is adopted."""

_OF_NOVA = ("security_groups", "fixed_ips", "status")
"""What a site says of a port that was made at the top first: what Nova changes there, and how it is."""

_FIXED = ("network_id", "mac_address")

_SITES = "tricircle:sites"
"""A filter of ports that no request can bear: those that these sites made; None for all sites."""


class AdoptedPortNotFound(exceptions.NotFound):
    """There is no port of this id that a site has made."""

    message = "Adopted port %(id)s could not be found."


class AdoptionConflict(exceptions.Conflict):
    """What is there already is another port."""

    message = "Port %(id)s cannot be adopted: %(reason)s."


class PortIsOfSite(exceptions.Conflict):
    """A site has given a port its addresses, and keeps them."""

    message = (
        "Port %(id)s was made by site %(site)s, whose addresses it has: they cannot be changed here. Give "
        "the server another port, or add and remove addresses of the server."
    )


class AdoptedPorts:
    """What the API's methods on adopted ports do."""

    _top: Top

    def _watch_ports(self) -> None:
        """Take part in how Neutron makes and lists ports."""
        model_query.register_hook(models_v2.Port, "tricircle", None, None, result_filters=_of_sites)
        registry.subscribe(_refuse_twice, resources.PORT, events.BEFORE_CREATE)
        registry.subscribe(self._refuse_addresses, resources.PORT, events.BEFORE_UPDATE)
        registry.subscribe(_refuse_outdated, resources.PORT, events.PRECOMMIT_UPDATE)
        for event in (events.PRECOMMIT_CREATE, events.PRECOMMIT_UPDATE):
            registry.subscribe(port_extensions.write_tags, resources.PORT, event)

    def _refuse_addresses(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        """Refuse to change at the top what an adopted port has of its site: a comparison would undo it.

        :raises PortIsOfSite: the port is a site's.
        """
        original, wanted = payload.states
        if adoption.of(payload.context) is None and _changes_addresses(original, wanted):
            site_id = self._owner(payload.context, payload.resource_id)
            if site_id is not None:
                name = sites.name_of(sites.if_known(self._top), site_id)
                raise PortIsOfSite(id=payload.resource_id, site=name)

    def create_adopted_port(self, context: Any, adopted_port: dict[str, Any]) -> dict[str, Any]:
        """Adopt a port, or bring the row of an adopted one up to date.

        :raises BadRequest: there is no such site, or the body contradicts it or itself.
        :raises AdoptionConflict: another port has this id; or it was deleted at the top just now.
        :raises MacAddressInUse, IpAddressAlreadyAllocated: another port of the network has them (409).
        """
        return self._adopt(context, adopted_port[RESOURCE])

    def create_adopted_port_bulk(self, context: Any, adopted_ports: dict[str, Any]) -> list[dict[str, Any]]:
        """Adopt several ports, up to one that is refused.

        Those before it stay adopted: others may have seen them, and have changed them, by now. The request
        may be sent again.
        """
        return [self._adopt(context, body[RESOURCE]) for body in adopted_ports["adopted_ports"]]

    def update_adopted_port(
        self,
        context: Any,
        id: str,  # noqa: A002  # Neutron's signature
        adopted_port: dict[str, Any],
    ) -> dict[str, Any]:
        """Take over what has changed of a site's port, or of one that was made here and is in a site.

        :raises AdoptedPortNotFound: there is no such port.
        :raises RevisionNumberConstraintFailed: the row is not of the revision any more that is named (412);
            or a user's change of a port that was made here is on its way to the site.
        :raises BadRequest: the host is not the site's node; or it is something that is the top's to say.
        """
        snapshot, body = sites.known(self._top), adopted_port[RESOURCE]
        site_id = self._owner(context, id)
        if site_id is None:
            site_id = _site_of(context, snapshot, id)
            _require_unchanged(context, id, body)
        return self._update(context, snapshot, site_id, id, body)

    def delete_adopted_port(self, context: Any, id: str) -> None:  # noqa: A002
        """Remove the row of a port that is gone from its site.

        :raises AdoptedPortNotFound: there is no such port.
        """
        adopting = adoption.adopting(context, Adoption(self._site_id(context, id)))
        directory.get_plugin().delete_port(adopting, id, l3_port_check=False)

    def get_adopted_port(
        self,
        context: Any,
        id: str,  # noqa: A002
        fields: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Show an adopted port, or one that was made here and is in a site: Neutron looks before a change.

        :raises AdoptedPortNotFound: there is no such port, or none to be seen.
        """
        if not may_see(context, RESOURCE):
            raise AdoptedPortNotFound(id=id)
        snapshot = sites.if_known(self._top)
        site_id = self._owner(context, id) or _site_of(context, snapshot, id)
        port = directory.get_plugin().get_port(context.elevated(), id)
        return _shown(port, site_id, snapshot, fields)

    def get_adopted_ports(
        self,
        context: Any,
        filters: dict[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        **page: Any,
    ) -> list[dict[str, Any]]:
        """List adopted ports."""
        listing = Listing.of(context, RESOURCE, filters, page, self._top)
        if listing is None:
            return []
        context = listing.context
        filters = {**listing.filters, _SITES: [listing.site_ids]}
        with db_api.CONTEXT_READER.using(context):
            ports = directory.get_plugin().get_ports(
                context, filters=filters, marker=listing.marker, **listing.page
            )
            owners = _site_ids(context, [port["id"] for port in ports])
        # One may have gone between the two queries.
        return [
            _shown(port, owners[port["id"]], listing.snapshot, fields)
            for port in ports
            if port["id"] in owners
        ]

    def _adopt(self, context: Any, body: dict[str, Any]) -> dict[str, Any]:
        site = sites.find(self._top, body["site"], RESOURCE)
        snapshot = sites.known(self._top)
        port_id = body["id"]
        owner = self._owner(context, port_id)
        if owner is None:
            try:
                return self._create(context, snapshot, site, body)
            except (callback_exc.CallbackFailure, exceptions.Conflict, exceptions.InUse) as failure:
                owner = self._owner(context, port_id)
                if owner is None:
                    _raise_cause(failure)
                # Another request has adopted it meanwhile, and has its id, MAC address and addresses.
        if owner != site.id:
            raise AdoptionConflict(id=port_id, reason="it is another site's")
        _check_same(directory.get_plugin().get_port(context.elevated(), port_id), body)
        return self._update(context, snapshot, site.id, port_id, body)

    def _create(self, context: Any, snapshot: Snapshot, site: Site, body: dict[str, Any]) -> dict[str, Any]:
        if journal.mentions(context.elevated(), journal.PORT, body["id"]):
            # It was there, and somebody has just deleted it: it is to go from its site.
            raise AdoptionConflict(id=body["id"], reason="its deletion is on its way to the site")
        core = directory.get_plugin()
        wanted = port_extensions.had(core, _specified(body))
        # A new one has no tags that would have to go.
        marked = Adoption(site.id, wanted["status"], tags=wanted.pop(port_extensions.TAGS, None) or None)
        adopting = adoption.adopting(context, marked)
        del wanted["site"]
        wanted[portbindings.HOST_ID] = _host(snapshot, site, wanted)
        wanted["fixed_ips"] = _fixed_ips(core, adopting, wanted.get("fixed_ips"))
        # A port of the top may bear neither an id nor a status of the client's choice; this one does.
        port = port_extensions.create_port(core, adopting, wanted)
        port = port_extensions.with_tags(core, adopting, port)
        return _shown(port, site.id, snapshot)

    def _update(
        self, context: Any, snapshot: Snapshot, site_id: str, port_id: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        core = directory.get_plugin()
        said = port_extensions.had(core, _specified(body))
        changes = {name: value for name, value in said.items() if name in MUTABLE}
        if journal.mentions(context.elevated(), journal.PORT, port_id):
            # A user has just changed it, and its site does not know yet.
            changes = {name: value for name, value in changes.items() if name not in _OF_USERS}
        tags = changes.pop(port_extensions.TAGS, None)
        marked = Adoption(site_id, changes.get("status"), body.get(_REVISION), tags)
        adopting = adoption.adopting(context, marked)
        site = snapshot.by_id.get(site_id)
        if site is not None:
            changes[portbindings.HOST_ID] = _host(snapshot, site, changes)
        if "fixed_ips" in changes:
            changes["fixed_ips"] = _fixed_ips(core, adopting, changes["fixed_ips"])
        try:
            port = core.update_port(adopting, port_id, {"port": changes})
            port = port_extensions.with_tags(core, adopting, port)
        except exceptions.PortNotFound:
            raise AdoptedPortNotFound(id=port_id) from None
        return _shown(port, site_id, snapshot)

    def _site_id(self, context: Any, port_id: str) -> str:
        owner = self._owner(context, port_id)
        if owner is None:
            raise AdoptedPortNotFound(id=port_id)
        return owner

    @staticmethod
    def _owner(context: Any, port_id: str) -> str | None:
        """Return the id of the site that made a port; None where the top has no such port of a site."""
        context = context.elevated()
        with db_api.CONTEXT_READER.using(context):
            return _site_ids(context, [port_id]).get(port_id)


def _site_of(context: Any, snapshot: Snapshot | None, port_id: str) -> str:
    """Return the id of the site in which a port is that was made here.

    :raises AdoptedPortNotFound: it is in none.
    """
    try:
        port = directory.get_plugin().get_port(context.elevated(), port_id)
    except exceptions.PortNotFound:
        raise AdoptedPortNotFound(id=port_id) from None
    site = None if snapshot is None else sites.on_node(snapshot, port[portbindings.HOST_ID])
    if site is None:
        raise AdoptedPortNotFound(id=port_id)
    return site.id


def _require_unchanged(context: Any, port_id: str, body: dict[str, Any]) -> None:
    """Go on where a site may say what has changed of a port that was made here.

    :raises BadRequest: it is the top's to say.
    :raises RevisionNumberConstraintFailed: a user has just changed it, and its site does not know yet.
    """
    others = sorted(_specified(body).keys() - {*_OF_NOVA, _REVISION})
    if others:
        message = f"of a port that was made at the top no site says {', '.join(others)}"
        raise exceptions.BadRequest(resource=RESOURCE, msg=message)
    if journal.mentions(context.elevated(), journal.PORT, port_id):
        raise RevisionNumberConstraintFailed(body.get(_REVISION), None)


def _site_ids(context: Any, port_ids: Sequence[str]) -> dict[str, str]:
    query = sa.select(AdoptedPort.port_id, AdoptedPort.site_id).where(AdoptedPort.port_id.in_(port_ids))
    return {row.port_id: row.site_id for row in context.session.execute(query)}


def _of_sites(query: Any, filters: dict[str, Any]) -> Any:
    """Narrow a query of ports to adopted ones, where that is asked for."""
    if _SITES not in filters:
        return query
    (site_ids,) = filters[_SITES]
    adopted = sa.select(AdoptedPort.port_id)
    if site_ids is not None:
        adopted = adopted.where(AdoptedPort.site_id.in_(site_ids))
    return query.filter(models_v2.Port.id.in_(adopted))


def _refuse_twice(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    """Refuse to adopt an id that is there, before Neutron tries time and again to write a second row."""
    context, wanted = payload.context, payload.latest_state
    if adoption.of(context) is None:
        return
    with db_api.CONTEXT_READER.using(context):
        is_there = context.session.get(models_v2.Port, wanted["id"]) is not None
    if is_there:
        raise AdoptionConflict(id=wanted["id"], reason="a port of this id was made at the top")


def _refuse_outdated(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    """Refuse, within the transaction, what follows from a row that somebody has changed since.

    Neutron's own `If-Match` is forgotten when it tries a transaction again, as it does where two meet.
    """
    adopted, there = adoption.of(payload.context), payload.states[0].get(_REVISION)
    if adopted is not None and adopted.revision not in {None, there}:
        raise RevisionNumberConstraintFailed(adopted.revision, there)


def _changes_addresses(original: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Say whether a request gives a port other addresses; Neutron's own clean-up of a subnet is none."""
    mac = wanted.get("mac_address")
    if mac and mac is not constants.ATTR_NOT_SPECIFIED and mac.lower() != original["mac_address"].lower():
        return True
    asked = wanted.get("fixed_ips")
    if asked is None or asked is constants.ATTR_NOT_SPECIFIED:
        return False
    if any(fixed.get("delete_subnet") for fixed in asked):
        return False
    there = original["fixed_ips"]
    return len(asked) != len(there) or not all(
        any(fixed.items() <= each.items() for each in there) for fixed in asked
    )


def _raise_cause(failure: Exception) -> NoReturn:
    for error in getattr(failure, "errors", ()):
        if isinstance(error.error, exceptions.NeutronException):
            raise error.error
    raise failure


def _specified(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not constants.ATTR_NOT_SPECIFIED}


def _check_same(port: dict[str, Any], body: dict[str, Any]) -> None:
    for name in _FIXED:
        if name in body and port[name].lower() != body[name].lower():
            raise AdoptionConflict(id=port["id"], reason=f"it was adopted with {name} {port[name]}")


def _host(snapshot: Snapshot, site: Site, wanted: dict[str, Any]) -> str:
    node = sites.node_of(snapshot, site)
    host: str = wanted.get(portbindings.HOST_ID, node)
    if host != node:
        message = f"binding:host_id of a port of site {site.name} is its node, {node}"
        raise exceptions.BadRequest(resource=RESOURCE, msg=message)
    return host


def _fixed_ips(core: Any, context: Any, given: Sequence[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return the addresses that Neutron must be told of.

    It adds those that hosts choose by themselves to every port, computed from its MAC; to be told of them,
    too, would be a conflict.

    :raises BadRequest: one is not said in full: then Neutron would choose it.
    """
    told = []
    for fixed_ip in given or ():
        if not (fixed_ip.get("subnet_id") and fixed_ip.get("ip_address")):
            raise exceptions.BadRequest(
                resource=RESOURCE, msg="each of fixed_ips must say both subnet_id and ip_address"
            )
        if not ipv6_utils.is_auto_address_subnet(core.get_subnet(context, fixed_ip["subnet_id"])):
            told.append(dict(fixed_ip))
    return told


def _shown(
    port: dict[str, Any], site_id: str, snapshot: Snapshot | None, fields: Sequence[str] | None = None
) -> dict[str, Any]:
    row = {name: port[name] for name in ADOPTED_PORT if name in port}
    row["site"] = sites.name_of(snapshot, site_id)
    shown: dict[str, Any] = db_utils.resource_fields(row, fields)
    return shown
