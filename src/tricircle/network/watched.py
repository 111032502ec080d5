"""Changes for which Neutron has no callback within the transaction: tags, sharing, address groups.

They are seen where they are written: by events of the stock models (SQLAlchemy's mapper events), on the
connection of the transaction itself. A job is asked for when the journal is next handed on.

What a site says of its port is left out, as in the journal: there is nothing to carry back to it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2, rbac_db_models
from neutron.db.models import address_group, securitygroup, tag
from neutron_lib.db import api as db_api
from oslo_context import context as request_context
from sqlalchemy import orm

from tricircle.network import adoption, journal

Found = Iterable[Any]
"""Rows of (type, id, project) of the resources that changed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A stock model, and which resources a row of it belongs to."""

    model: type[Any]
    resources: Callable[[sa.Connection, Any], Found]
    events: tuple[str, ...] = ("after_insert", "after_update", "after_delete")


_TAGGED = {
    "network": models_v2.Network,
    "subnet": models_v2.Subnet,
    "port": models_v2.Port,
    "security_group": securitygroup.SecurityGroup,
}


def _tagged(connection: sa.Connection, row: tag.Tag) -> Found:
    queries = [
        sa.select(sa.literal(kind), model.id, model.project_id).where(
            model.standard_attr_id == row.standard_attr_id
        )
        for kind, model in _TAGGED.items()
    ]
    return connection.execute(sa.union_all(*queries)).all()


def _address_group(_connection: sa.Connection, row: Any) -> Found:
    return [("address_group", row.id, row.project_id)]


def _address(connection: sa.Connection, row: Any) -> Found:
    group = address_group.AddressGroup
    query = sa.select(sa.literal("address_group"), group.id, group.project_id)
    return connection.execute(query.where(group.id == row.address_group_id)).all()


def _shared(kind: str) -> Callable[[sa.Connection, Any], Found]:
    return lambda _connection, row: [(kind, row.object_id, row.project_id)]


WATCHED = (
    Watched(tag.Tag, _tagged, ("after_insert", "after_delete")),
    Watched(rbac_db_models.NetworkRBAC, _shared("network")),
    Watched(rbac_db_models.SecurityGroupRBAC, _shared("security_group")),
    Watched(rbac_db_models.AddressGroupRBAC, _shared("address_group")),
    Watched(address_group.AddressGroup, _address_group),
    Watched(address_group.AddressAssociation, _address),
)


def watch() -> None:
    """Have each such change written to the journal."""
    for watched in WATCHED:
        for event in watched.events:
            db_api.sqla_listen(watched.model, event, _recorder(watched))


def _recorder(watched: Watched) -> Callable[[Any, sa.Connection, Any], None]:
    def record(_mapper: Any, connection: sa.Connection, row: Any) -> None:
        if adoption.is_told(orm.object_session(row)):
            return
        request = request_context.get_current()
        request_id = None if request is None else request.request_id
        for kind, resource_id, project_id in watched.resources(connection, row):
            journal.write(connection, kind, resource_id, project_id, request_id)

    return record
