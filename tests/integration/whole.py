"""Compares what the top's Neutron says with what the sites' have, whole; and sees that nothing is left.

It knows nothing of how the product compares: it reads lists of APIs, and tables.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import sqlalchemy as sa
from tests.integration.aftermath import ALWAYS
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually, side_by_side
from tests.integration.copies import MARK, Copies, Neutron
from tests.integration.drawing import Document
from tests.integration.sandbox import Sandbox

from tricircle.db.tables import definitions, jobs, realisations, routes, sites

SETTLING = 120.0
"""Seconds in which the top and the sites agree when nobody changes anything any more."""

KINDS = {
    "network": "networks",
    "subnet": "subnets",
    "port": "ports",
    "security_group": "security_groups",
    "address_group": "address_groups",
    "remote_members": "address_groups",
    "qos_policy": "policies",
    "rbac_policy": "rbac_policies",
}
"""What definitions are of, and where a Neutron lists them."""

OF_NEUTRON = (
    *("networks", "subnets", "ports", "ipamallocations"),
    *("tricircle_address_blocks", "tricircle_adopted_ports", "tricircle_journal"),
)
"""Tables of the top's Neutron that have no rows when there is no network."""


class Whole:
    """All networks of a cloud, with what belongs to them, at the top and in the sites."""

    def __init__(self, sandbox: Sandbox, admin: Client, sites: list[SiteAdmin]) -> None:
        self._admin = admin
        self._sites = sites
        self._engine = sa.create_engine(sandbox.facts["top"]["database_url"])
        self._of_neutron = sa.create_engine(sandbox.facts["top"]["network_database_url"])

    def agrees(self) -> None:
        """Wait for the top and all sites to say the same.

        :raises AssertionError: they do not; with all that differs.
        """
        _settles(self._differences, "the top and the sites agree")

    def is_empty(self) -> None:
        """Wait for nothing to be left of any network, in the sites, at the top and in its tables.

        :raises AssertionError: something is; with all of it.
        """
        _settles(self._left, "nothing is left")

    # -- they agree ------------------------------------------------------------------------------------------

    def _differences(self) -> list[str]:
        if at_work := list(self._open()):
            return at_work
        top, *there = self._look()
        copies = [
            Copies(site.site.name, site.site.zone, top, its, self._blocks(site))
            for site, its in zip(self._sites, there, strict=True)
        ]
        found = [f"{each.site}: {words}" for each in copies for words in each.differences()]
        return [*found, *_twice(copies), *self._adopted(top, copies), *self._noted(copies)]

    def _look(self) -> list[Neutron]:
        """Return what the top's Neutron has, and each site's."""
        return side_by_side(lambda client: Neutron(client.connection.network), [self._admin, *self._sites])

    def _blocks(self, site: SiteAdmin) -> list[Document]:
        answer = self._admin.connection.network.get("/address-blocks", params={"site": site.site.name})
        blocks: list[Document] = answer.json()["address_blocks"]
        return blocks

    def _adopted(self, top: Neutron, copies: list[Copies]) -> Iterator[str]:
        """Say which ports are no site's, and should be, or are another one's."""
        answer = self._admin.connection.network.get("/adopted-ports")
        homes = {port["id"]: port["site"] for port in answer.json()["adopted_ports"]}
        known = {
            row.top_id: row.name
            for row in self._rows(
                sa.select(routes.c.top_id, sites.c.name)
                .join(sites, sites.c.id == routes.c.site_id)
                .where(routes.c.resource_type == "port")
            )
        }
        if known != homes:
            yield f"ports are routed to {known}, and were adopted from {homes}"
        for port in top.ports.values():
            there = [each.site for each in copies if port["id"] in each.ids.values()]
            host = port["binding:host_id"]
            # One that was made at the top first may be where its last server was.
            is_nobodys = port["id"] not in homes and not port["device_id"] and not host and len(there) <= 1
            if not is_nobodys and not there == [host] == [homes.get(port["id"], host)]:
                yield f"port {port['id']} of {host} is in {there}, adopted from {homes.get(port['id'])}"

    def _noted(self, copies: list[Copies]) -> Iterator[str]:
        """Say what the top's tables tell otherwise than the sites do."""
        there = {each.site: each for each in copies}
        noted: set[tuple[str, str, str | None]] = set()
        for row in self._realisations():
            if row.resource_type == "subnet" and (row.site_resource_id, row.version) == (None, 0):
                continue  # there is no address left for the site
            words = f"{row.resource_type} {row.resource_key} in {row.site}"
            noted.add((row.site, row.resource_type, row.site_resource_id))
            if row.state != "active" or row.version != row.defined or row.drift:
                yield f"{words}: {row.state}, version {row.version} of {row.defined}, {row.drift}"
            items = getattr(there[row.site].there, KINDS[row.resource_type])
            if row.site_resource_id not in items:
                yield f"{words}: is noted as {row.site_resource_id}, which is not there"
        for each in copies:
            for kind, identifier in each.marked():
                if (each.site, kind, identifier) not in noted:
                    yield f"{kind} {identifier} in {each.site} is not noted"

    def _realisations(self) -> list[sa.Row[tuple[str, str, str, str, str | None, int, int, str | None]]]:
        return self._rows(
            sa.select(
                definitions.c.resource_type,
                definitions.c.resource_key,
                definitions.c.state,
                sites.c.name.label("site"),
                realisations.c.site_resource_id,
                realisations.c.version,
                definitions.c.version.label("defined"),
                realisations.c.drift,
            )
            .join(realisations, realisations.c.definition_id == definitions.c.id)
            .join(sites, sites.c.id == realisations.c.site_id)
            .where(definitions.c.resource_type.in_(KINDS))
        )

    def _open(self) -> Iterator[str]:
        query = sa.select(jobs.c.type, jobs.c.resource_id, jobs.c.state, jobs.c.cause).where(
            jobs.c.state.in_(["waiting", "running"]), jobs.c.type.not_in(ALWAYS)
        )
        for row in self._rows(query):
            yield f"job {tuple(row)}"

    # -- nothing is left -------------------------------------------------------------------------------------

    def _left(self) -> list[str]:
        if at_work := list(self._open()):
            return at_work
        top, *there = self._look()
        # Each project has one, in each site where it was, for as long as there is the project.
        default = {group["id"] for group in top.security_groups.values() if group["name"] == "default"}
        marks = {f"{MARK}{each}" for each in default}
        found = [
            f"{site.site.name}: {kind} {item['name']} {item['description']}"
            for site, its in zip(self._sites, there, strict=True)
            for kind, item in its.all()
            if (item.get("description") or "").startswith(MARK) and item["description"] not in marks
        ]
        query = sa.select(definitions.c.resource_type, definitions.c.resource_key, definitions.c.state)
        query = query.where(
            definitions.c.resource_type.in_(KINDS), definitions.c.resource_key.not_in(default)
        )
        found += [f"definition {tuple(row)}" for row in self._rows(query)]
        query = sa.select(routes.c.top_id).where(routes.c.resource_type == "port")
        found += [f"route of port {row.top_id}" for row in self._rows(query)]
        return [*found, *self._rows_left()]

    def _rows_left(self) -> Iterator[str]:
        with self._of_neutron.connect() as connection:
            for name in OF_NEUTRON:
                count = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name)))
                if count:
                    yield f"{count} rows in {name} of the top's Neutron"

    def _rows(self, query: sa.Select) -> list:  # whatever was selected
        with self._engine.connect() as connection:
            return list(connection.execute(query))


def _twice(copies: Iterable[Copies]) -> Iterator[str]:
    """Say which addresses two sites may hand out, or two ports have."""
    known: dict[tuple[str, str], str] = {}
    for each in copies:
        for subnet_id, address in each.addresses():
            other = known.setdefault((subnet_id, address), each.site)
            if other != each.site:
                yield f"{address} of subnet {subnet_id} is in {other} and in {each.site}"


def _settles(look: Callable[[], list[str]], what: str) -> None:
    found: list[str] = []

    def is_so() -> bool:
        found[:] = look()
        return not found

    try:
        eventually(is_so, what, within=SETTLING)
    except AssertionError:
        raise AssertionError("\n".join(chain([f"not so: {what}"], found))) from None
