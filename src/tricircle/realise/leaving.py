"""How a network goes from a site in which nothing is on it, and a group in which no port is.

It is noted first that it leaves, and then looked once more whether somebody asks for a server: whoever asks
has noted that before looking whether the network is there, so one of both sees the other. A boot that comes
later has it stay, or brings it back. See doc/source/decisions/idle-networks.md.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from uuid import uuid4

import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.jobs.boots import was_booted_on
from tricircle.jobs.job import Request
from tricircle.jobs.types import CLEAN_UP, AdoptParameters
from tricircle.realise.definition import Definition, DefinitionState
from tricircle.realise.reach import sites_of
from tricircle.realise.realiser import Realiser
from tricircle.realise.site_view import go_on
from tricircle.routing.homed import SERVER_TYPE
from tricircle.sites.registry import Snapshot
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site

NEUTRONS_OWN = frozenset({"network:dhcp", "network:distributed"})
"""Owners of ports that are on each network, and go with it."""

IN_USE = 409

Question = Callable[[sa.Connection], bool]
Note = Callable[[sa.Connection, Definition], bool]


def clean_up_job(
    site_id: str | None,
    project_id: str | None,
    uses: Iterable[str],
    groups: Iterable[str],
    *,
    delay: float = 0.0,
    request_id: str | None = None,
) -> Request | None:
    """Ask for the job that takes out of a site what was brought there for a server of which nothing came.

    :param uses: as `AdoptParameters` has them; so `groups`.
    :param delay: seconds before which nobody does it.
    :return: None where nothing was brought.
    """
    parameters = AdoptParameters(tuple(sorted(uses)), tuple(sorted(groups)))
    if not parameters.uses and not parameters.groups:
        return None
    return Request(
        CLEAN_UP.name,
        SERVER_TYPE.name,
        str(uuid4()),
        site_id,
        project_id,
        parameters,
        delay=delay,
        request_id=request_id,
    )


def is_empty(owners: Iterable[str | None]) -> bool:
    """Say whether nothing is on a network but what Neutron has on each.

    :param owners: of its ports.
    """
    return NEUTRONS_OWN.issuperset(owners)


def may_leave(network: Definition, site: Site, snapshot: Snapshot) -> bool:
    """Say whether a network is in a site only for as long as something there needs it."""
    # Where its hints name the site it is there from the start.
    hints = network.body["availability_zone_hints"]
    return network.state is DefinitionState.ACTIVE and site.id not in sites_of(snapshot, hints)


def take_network_out(
    database: Database,
    realiser: Realiser,
    network: Definition,
    site: Site,
    since: datetime,
    *,
    step: Callable[[str], None] = go_on,
) -> bool:
    """Take a network out of a site, unless a server was asked for on it; return whether it is gone.

    :param since: when that was long ago; naive, UTC.
    """
    return take_out(
        database,
        realiser,
        [network],
        site,
        is_asked_for=lambda connection: was_booted_on(connection, network.key, site.id, since),
        note=lambda connection, each: realiser.store.realised.leave(connection, each, site.id, since),
        step=step,
    )


class _Stays(Exception):  # it is no error: it takes back what was noted
    """Something may not leave."""


def take_out(
    database: Database,
    realiser: Realiser,
    definitions: Sequence[Definition],
    site: Site,
    *,
    is_asked_for: Question,
    note: Note,
    step: Callable[[str], None] = go_on,
) -> bool:
    """Take several things out of a site, all or none of them.

    What a port is on, or in, that the site is to have stays, however the port is asked for.

    :param is_asked_for: whether a server is being made that needs any, or was not long ago.
    :param note: notes that one leaves, if it still may; says whether it does.
    :return: whether all are gone.
    """
    realised = realiser.store.realised

    def is_needed(connection: sa.Connection) -> bool:
        return is_asked_for(connection) or any(
            realised.has_port_naming(connection, each.key, site.id) for each in definitions
        )

    def note_all(connection: sa.Connection) -> None:
        if is_needed(connection) or not all(note(connection, each) for each in definitions):
            raise _Stays

    step("leave")

    try:
        database.transact(note_all)
    except _Stays:
        return False
    with database.read() as connection:
        stays = is_needed(connection)
    left = list(definitions)
    try:
        while left and not stays:
            realiser.realise(left[0].id, site, step=step)
            del left[0]
    except SiteRefused as error:
        if error.site_status != IN_USE:
            raise
    for each in left:  # they are needed in the site again
        database.transact(partial(realised.want, definition_id=each.id, site_id=site.id))
        realiser.realise(each.id, site, step=step)
    return not left
