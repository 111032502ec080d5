"""`/v2.0/address-blocks`: addresses of a subnet that a site may give to its ports by itself.

POST with `size` delegates some (the answer may be smaller than asked for: ask again), with `start` exactly
these; PUT with `start` or `end` gives back what lies outside, DELETE gives back all. Addresses that ports
have stay these ports' own.

POST with `start` and `returning` notes that a site is about to give back addresses that it has: they become a
block of their own, with an id of its own. POST with `start` takes the site's word back, in which the block
loses its id. So DELETE of that id gives back only what nobody has decided to keep meanwhile.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import netaddr
from neutron.ipam import driver as ipam
from neutron_lib import constants, exceptions
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.db import api as db_api
from neutron_lib.db import model_query
from neutron_lib.db import utils as db_utils

from tricircle.network import blocks, sites
from tricircle.network.attributes import MOST_ADDRESSES
from tricircle.network.db.models import AddressBlock
from tricircle.network.listing import Listing, may_see
from tricircle.network.ranges import Run
from tricircle.network.top import Top
from tricircle.sites.registry import Snapshot
from tricircle.sites.site import Site

RESOURCE = "address_block"


class AddressBlockNotFound(exceptions.NotFound):
    """There is no such block."""

    message = "Address block %(id)s could not be found."


class AddressBlocks:
    """What the API's methods on address blocks do."""

    _top: Top

    def _watch_gateways(self) -> None:
        """Take part in how Neutron changes subnets."""
        registry.subscribe(_refuse_gateway, resources.SUBNET, events.BEFORE_UPDATE)

    @db_api.retry_if_session_inactive()
    def create_address_block(self, context: Any, address_block: dict[str, Any]) -> dict[str, Any]:
        """Delegate addresses.

        :raises SubnetNotFound: there is no such subnet.
        :raises BadRequest: there is no such site; or the subnet's hosts choose their addresses; or the
            addresses that are named are not the subnet's, or not in order.
        :raises IpAddressGenerationFailure: no address is free (409).
        :raises IpAddressAlreadyAllocated: one that is named is not (409).
        :raises NotDelegated: the site does not have those that it is to give back (409).
        """
        (made,) = self._make(context, [address_block])
        return made

    @db_api.retry_if_session_inactive()
    def create_address_block_bulk(self, context: Any, address_blocks: dict[str, Any]) -> list[dict[str, Any]]:
        """Delegate several runs of addresses, or none of them."""
        return self._make(context, address_blocks["address_blocks"])

    @db_api.retry_if_session_inactive()
    def update_address_block(
        self,
        context: Any,
        id: str,  # noqa: A002  # Neutron's signature
        address_block: dict[str, Any],
    ) -> dict[str, Any]:
        """Give a block's ends back.

        :raises AddressBlockNotFound: there is no such block.
        :raises BadRequest: what is to be kept does not lie within the block.
        """
        context, snapshot = context.elevated(), sites.if_known(self._top)
        with db_api.CONTEXT_WRITER.using(context):
            block = _get(context, id)
            kept = _kept(block, address_block[RESOURCE])
            if kept != blocks.run_of(block):
                self._keep(context, block, kept)
            return _shown(block, snapshot)

    @db_api.retry_if_session_inactive()
    def delete_address_block(self, context: Any, id: str) -> None:  # noqa: A002
        """Give a block back.

        :raises AddressBlockNotFound: there is no such block.
        """
        context = context.elevated()
        with db_api.CONTEXT_WRITER.using(context):
            self._keep(context, _get(context, id), None)

    @db_api.retry_if_session_inactive()
    def get_address_block(
        self,
        context: Any,
        id: str,  # noqa: A002
        fields: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Show a block.

        :raises AddressBlockNotFound: there is no such block, or none to be seen.
        """
        if not may_see(context, RESOURCE):
            raise AddressBlockNotFound(id=id)
        context, snapshot = context.elevated(), sites.if_known(self._top)
        with db_api.CONTEXT_READER.using(context):
            return _shown(_get(context, id), snapshot, fields)

    @db_api.retry_if_session_inactive()
    def get_address_blocks(
        self,
        context: Any,
        filters: dict[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        **page: Any,
    ) -> list[dict[str, Any]]:
        """List blocks."""
        listing = Listing.of(context, RESOURCE, filters, page, self._top)
        if listing is None:
            return []
        context = listing.context
        with db_api.CONTEXT_READER.using(context):
            marker = None if listing.marker is None else _get(context, listing.marker)
            filters = dict(listing.filters)
            if listing.site_ids is not None:
                filters["site_id"] = listing.site_ids
            shown: list[dict[str, Any]] = model_query.get_collection(
                context,
                AddressBlock,
                lambda row, wanted: _shown(row, listing.snapshot, wanted),
                filters=filters,
                fields=fields,
                marker_obj=marker,
                **listing.page,
            )
            return shown

    def _make(self, context: Any, bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Delegate addresses in one transaction; sites are looked up before it, as in another database."""
        asked = [
            (wanted, _named(wanted), sites.find(self._top, wanted["site"], RESOURCE))
            for wanted in (body[RESOURCE] for body in bodies)
        ]
        context, snapshot = context.elevated(), sites.if_known(self._top)
        with db_api.CONTEXT_WRITER.using(context):
            return [_shown(_delegated(context, *each), snapshot) for each in asked]

    def _keep(self, context: Any, block: AddressBlock, kept: Run | None) -> None:
        ipam.Pool.get_instance(None, context).get_subnet(block.subnet_id).keep(block, kept)


def _refuse_gateway(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    """Refuse a gateway among addresses that a site hands out, as Neutron does one within its pools.

    :raises GatewayConflictWithAllocationPools: a site has the address.
    """
    before, wanted = payload.states
    gateway = wanted.get("gateway_ip")
    if not gateway or gateway == before["gateway_ip"]:
        return
    for block in blocks.of_subnet(payload.context.elevated(), payload.resource_id):
        if blocks.number(gateway) in blocks.run_of(block):
            pool = f"{block.first_ip}-{block.last_ip}"
            raise exceptions.GatewayConflictWithAllocationPools(ip_address=gateway, pool=pool)


def _delegated(
    context: Any, wanted: dict[str, Any], ends: tuple[str, str] | None, site: Site
) -> AddressBlock:
    subnet = ipam.Pool.get_instance(None, context).get_subnet(wanted["subnet_id"])
    block: AddressBlock
    if ends is None:
        block = subnet.delegate(site.id, wanted["size"])
    elif wanted.get("returning"):
        block = subnet.begin_return(site.id, *ends)
    else:
        block = subnet.reserve(site.id, *ends)
    return block


def _get(context: Any, block_id: str) -> AddressBlock:
    block: AddressBlock | None = context.session.get(AddressBlock, block_id)
    if block is None:
        raise AddressBlockNotFound(id=block_id)
    return block


def _given(wanted: dict[str, Any], name: str) -> Any:
    """Return what a body says; None where it says nothing."""
    value = wanted.get(name, constants.ATTR_NOT_SPECIFIED)
    return None if value is constants.ATTR_NOT_SPECIFIED else value


def _named(wanted: dict[str, Any]) -> tuple[str, str] | None:
    """Return both ends of the addresses that a new block is to have; None where any will do.

    :raises BadRequest: what is said makes no sense.
    """
    start, end, size = (_given(wanted, name) for name in ("start", "end", "size"))
    if start is None:
        if size is None or end is not None or wanted.get("returning"):
            raise exceptions.BadRequest(
                resource=RESOURCE, msg="either size must be given, or start with size or end, or start alone"
            )
        return None
    first = netaddr.IPAddress(start)
    try:
        last = first + ((size or 1) - 1) if end is None else netaddr.IPAddress(end)
    except IndexError:  # beyond the last address that there is
        raise exceptions.BadRequest(resource=RESOURCE, msg=f"there are no {size} addresses") from None
    there = int(last) - int(first) + 1
    if last.version != first.version or not 1 <= there <= MOST_ADDRESSES or there != (size or there):
        message = f"from start to end there must be size addresses, at least 1 and at most {MOST_ADDRESSES}"
        raise exceptions.BadRequest(resource=RESOURCE, msg=message)
    return str(first), str(last)


def _kept(block: AddressBlock, wanted: dict[str, Any]) -> Run:
    ends = (_given(wanted, "start") or block.first_ip, _given(wanted, "end") or block.last_ip)
    kept, run = Run(*map(blocks.number, ends)), blocks.run_of(block)
    if kept.first not in run or kept.last not in run or kept.size < 1:
        raise exceptions.BadRequest(
            resource=RESOURCE, msg=f"start and end must lie within {block.first_ip} to {block.last_ip}"
        )
    return kept


def _shown(
    block: AddressBlock, snapshot: Snapshot | None, fields: Sequence[str] | None = None
) -> dict[str, Any]:
    row = {
        "id": block.id,
        "project_id": block.project_id,
        "network_id": block.network_id,
        "subnet_id": block.subnet_id,
        "site": sites.name_of(snapshot, block.site_id),
        "size": blocks.run_of(block).size,
        "start": block.first_ip,
        "end": block.last_ip,
        "returning": block.is_returning,
    }
    shown: dict[str, Any] = db_utils.resource_fields(row, fields)
    return shown
