"""Sites in Neutron's views of agents and availability zones, computed at each look as OVN's chassis are.

No agent row is written and no heartbeat is sent: what is shown is what the register of sites says, which is
in memory. While Tricircle's database is away it is what it said last; a process that has never read it shows
no sites, and refuses what cannot do without. Neutron asks for some of it within its own transactions, which
are not kept open for another database: there it is what is at hand.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from neutron_lib import exceptions
from neutron_lib.api import converters
from neutron_lib.db import api as db_api
from neutron_lib.db import utils as db_utils
from neutron_lib.exceptions import agent as agent_exc
from neutron_lib.exceptions import availability_zone as zone_exc

from tricircle.network import sites
from tricircle.network.top import Top
from tricircle.sites.node import NodeState
from tricircle.sites.registry import Snapshot
from tricircle.sites.site import Site

AGENT_TYPE = "Tricircle site"
BINARY = "tricircle-xjob"
"""What keeps the state that is shown."""

Row = dict[str, Any]
Sorts = Sequence[tuple[str, bool]]


def as_agent(snapshot: Snapshot, site: Site) -> Row:
    """Show a site as an agent: its id is the site's, its host the node."""
    node = snapshot.nodes.get(site.id)
    return {
        "id": site.id,
        "agent_type": AGENT_TYPE,
        "binary": BINARY,
        "host": sites.node_of(snapshot, site),
        "topic": "N/A",
        "availability_zone": ", ".join(sites.zones_of(snapshot, site.id)),
        "configurations": {"site": site.name, "region": site.region_name, "state": site.state.value},
        "description": site.description,
        "alive": is_up(snapshot, site),
        "admin_state_up": site.takes_new,
        "created_at": site.created_at,
        "started_at": site.created_at if node is None else node.state_since or site.created_at,
        "heartbeat_timestamp": site.created_at if node is None else node.refreshed_at or site.created_at,
        "start_flag": True,
        "resources_synced": None,
        "resource_versions": {},
        "load": 0,
    }


def is_up(snapshot: Snapshot, site: Site) -> bool:
    """Say whether a site is called and answers."""
    node = snapshot.nodes.get(site.id)
    return site.is_asked and node is not None and node.state is NodeState.UP


class SiteViews:
    """Stands before the core plugin's methods of the same names.

    :param stock: the core plugin's own methods.
    """

    def __init__(self, stock: dict[str, Callable[..., Any]], top: Top) -> None:
        self._stock = stock
        self._top = top

    def get_agents(  # noqa: PLR0917  # Neutron's signature
        self,
        context: Any,
        filters: dict[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        sorts: Sorts | None = None,
        limit: int | None = None,
        marker: str | None = None,
        page_reverse: bool = False,
    ) -> list[Row]:
        """List the agents of stock Neutron, and the sites."""
        # The stock method takes away the filters that it has dealt with.
        rows = self._stock["get_agents"](context, filters=dict(filters or {}))
        is_within = db_api.is_session_active(context.session)
        snapshot = self._top.at_hand if is_within else sites.if_known(self._top)
        if snapshot is not None:
            shown = (as_agent(snapshot, site) for site in snapshot.by_name.values())
            rows = rows + [row for row in shown if _matches(row, filters)]
        rows = _page(rows, sorts, limit, marker, page_reverse=page_reverse)
        return [db_utils.resource_fields(row, fields) for row in rows] if fields else rows

    def get_agent(self, context: Any, id: str, fields: Sequence[str] | None = None) -> Row:  # noqa: A002
        """Show an agent, or a site."""
        found = self._site(id)
        if found is None:
            row: Row = self._stock["get_agent"](context, id, fields)
            return row
        shown: Row = db_utils.resource_fields(as_agent(*found), fields)
        return shown

    def update_agent(self, context: Any, id: str, agent: Any) -> Any:  # noqa: A002
        """Change an agent of stock Neutron."""
        self._refuse_site(id)
        return self._stock["update_agent"](context, id, agent)

    def delete_agent(self, context: Any, id: str) -> Any:  # noqa: A002
        """Delete an agent of stock Neutron."""
        self._refuse_site(id)
        return self._stock["delete_agent"](context, id)

    def get_availability_zones(  # noqa: PLR0917  # Neutron's signature
        self,
        context: Any,
        filters: dict[str, Any] | None = None,
        fields: Sequence[str] | None = None,
        sorts: Sorts | None = None,
        limit: int | None = None,
        marker: str | None = None,
        page_reverse: bool = False,
    ) -> list[Row]:
        """List the zones of stock agents, and the top's, each for networks and for routers."""
        rows: list[Row] = self._stock["get_availability_zones"](
            context, dict(filters or {}), fields, sorts, limit, marker, page_reverse
        )
        snapshot = sites.if_known(self._top)
        if snapshot is None:
            return rows
        there = {(row["name"], row["resource"]) for row in rows}
        return rows + [
            row
            for row in _zones(snapshot)
            if (row["name"], row["resource"]) not in there and _matches(row, filters)
        ]

    def validate_availability_zones(
        self,
        context: Any,  # noqa: ARG002  # Neutron's signature
        resource_type: str,  # noqa: ARG002
        availability_zones: Sequence[str] | None,
    ) -> None:
        """See to it that the zones which are asked for are the top's.

        :raises AvailabilityZoneNotFound: one is not.
        """
        if not availability_zones:
            return
        snapshot = self._top.at_hand
        unknown = set(availability_zones) - set(() if snapshot is None else snapshot.zones)
        if unknown:
            unknown -= set(sites.known(self._top).zones)  # one may have come a moment ago
        if unknown:
            raise zone_exc.AvailabilityZoneNotFound(availability_zone=", ".join(sorted(unknown)))

    def get_network_availability_zones(self, network: Any) -> list[str]:
        """Return the zones of the sites that have addresses of a network."""
        snapshot = self._top.at_hand
        if snapshot is None:
            return []
        site_ids = {block.site_id for block in network.address_blocks}
        return sorted(set(itertools.chain(*(sites.zones_of(snapshot, site_id) for site_id in site_ids))))

    def _site(self, agent_id: str) -> tuple[Snapshot, Site] | None:
        snapshot = sites.if_known(self._top)
        site = None if snapshot is None else snapshot.by_id.get(agent_id)
        return None if snapshot is None or site is None else (snapshot, site)

    def _refuse_site(self, agent_id: str) -> None:
        if self._site(agent_id) is not None:
            raise exceptions.BadRequest(
                resource="agent", msg="this is a site, which is changed with Tricircle's Admin API"
            )


VIEWS = (
    "get_agents",
    "get_agent",
    "update_agent",
    "delete_agent",
    "get_availability_zones",
    "validate_availability_zones",
    "get_network_availability_zones",
)


def install(plugin: Any, top: Top) -> None:
    """Put the views before the methods of the core plugin, unless they stand there already."""
    if isinstance(getattr(plugin.get_agents, "__self__", None), SiteViews):
        return
    views = SiteViews({name: getattr(plugin, name) for name in VIEWS}, top)
    for name in VIEWS:
        setattr(plugin, name, getattr(views, name))


def _zones(snapshot: Snapshot) -> Iterable[Row]:
    for zone in snapshot.zones.values():
        members = (snapshot.by_id[member.site_id] for member in zone.members)
        is_there = any(is_up(snapshot, site) for site in members)
        for resource in ("network", "router"):
            yield {
                "name": zone.name,
                "resource": resource,
                "state": "available" if is_there else "unavailable",
            }


def _matches(row: Row, filters: dict[str, Any] | None) -> bool:
    return all(_has(row, name, values) for name, values in (filters or {}).items() if values)


def _has(row: Row, name: str, values: Iterable[Any]) -> bool:
    """Say whether a row has one of some values in a field; a site that is in several zones is in each."""
    value = row.get(name)
    if isinstance(value, bool):
        return value in [converters.convert_to_boolean(each) for each in values]
    held = {str(value)}
    if name == "availability_zone":
        held.update(str(value).split(", "))
    return not held.isdisjoint(map(str, values))


def _page(
    rows: list[Row], sorts: Sorts | None, limit: int | None, marker: str | None, *, page_reverse: bool
) -> list[Row]:
    """Sort and cut a list that is put together here, as Neutron's databases would."""
    for key, is_ascending in reversed(sorts or ()):
        rows = sorted(rows, key=lambda row: str(row.get(key)), reverse=not is_ascending)
    if not limit:
        return rows
    place = next((place for place, row in enumerate(rows) if row["id"] == marker), None)
    if marker is not None and place is None:
        raise agent_exc.AgentNotFound(id=marker)
    if page_reverse:
        end = len(rows) if place is None else place
        return rows[max(end - limit, 0) : end]
    begin = 0 if place is None else place + 1
    return rows[begin : begin + limit]
