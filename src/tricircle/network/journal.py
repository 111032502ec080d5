"""What of the top's definitions changed and Tricircle has not been told yet: rows in Neutron's database.

A row is written in the transaction of the change itself: both are committed, or neither. Nothing here is
remote or slow. What a row says is only that somebody must look; so rows of one resource count as one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from neutron_lib.db import api as db_api

from tricircle.network import adoption
from tricircle.network.db.models import JournalEntry

PORT = "port"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row.

    :param project_id: whose the resource is; None where that was not known.
    :param request_id: of the request that changed it.
    """

    id: int
    resource_type: str
    resource_id: str
    project_id: str | None
    request_id: str | None


def record(context: Any, resource_type: str, resource_id: str, project_id: str | None) -> None:
    """Write a row in the transaction that a context has open.

    What a site itself said of its port is left out: there is nothing to carry back to it.

    :param context: neutron_lib's.
    """
    if resource_type == PORT and adoption.of(context) is not None:
        return
    write(context.session, resource_type, resource_id, project_id, context.request_id)


def write(
    session: Any, resource_type: str, resource_id: str, project_id: str | None, request_id: str | None
) -> None:
    """Write a row.

    :param session: an open transaction's, or its connection.
    """
    row = {
        "resource_type": resource_type,
        "resource_id": resource_id,
        "project_id": project_id,
        "request_id": request_id,
    }
    session.execute(sa.insert(JournalEntry.__table__), row)


def read(context: Any, limit: int, *, newest_first: bool = False) -> list[Entry]:
    """Return rows that are committed, a bounded number of them."""
    order: Any = JournalEntry.id.desc() if newest_first else JournalEntry.id
    query = sa.select(
        JournalEntry.id,
        JournalEntry.resource_type,
        JournalEntry.resource_id,
        JournalEntry.project_id,
        JournalEntry.request_id,
    )
    with db_api.CONTEXT_READER.using(context):
        return [Entry(*row) for row in context.session.execute(query.order_by(order).limit(limit))]


def mentions(context: Any, resource_type: str, resource_id: str) -> bool:
    """Say whether something changed of which Tricircle has not been told yet."""
    query = sa.select(JournalEntry.id).where(
        JournalEntry.resource_type == resource_type, JournalEntry.resource_id == resource_id
    )
    with db_api.CONTEXT_READER.using(context):
        return context.session.execute(query.limit(1)).first() is not None


def remove(context: Any, entries: Iterable[Entry]) -> None:
    """Remove rows that have been handed on. No matter if others do so, too."""
    ids: Sequence[int] = sorted(entry.id for entry in entries)
    with db_api.CONTEXT_WRITER.using(context):
        context.session.execute(sa.delete(JournalEntry.__table__).where(JournalEntry.id.in_(ids)))
