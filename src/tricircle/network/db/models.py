"""The tables that live in Neutron's own database, so that one transaction covers Neutron's rows and ours."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron_lib.db import model_base
from sqlalchemy import orm


class AddressBlock(model_base.BASEV2, model_base.HasId):
    """Addresses of a subnet, in one run, that are delegated to a site.

    A row that is about to be given back (`is_returning`) is made for that, and goes when it is not to be
    after all: while a row of that id is there nobody has decided otherwise.
    """

    __tablename__ = "tricircle_address_blocks"

    network_id: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), sa.ForeignKey("networks.id", ondelete="CASCADE"), nullable=False, index=True
    )
    subnet_id: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), sa.ForeignKey("subnets.id", ondelete="CASCADE"), nullable=False, index=True
    )
    project_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(255), nullable=True)
    site_id: orm.Mapped[str] = orm.mapped_column(sa.String(36), nullable=False)
    first_ip: orm.Mapped[str] = orm.mapped_column(sa.String(64), nullable=False)
    last_ip: orm.Mapped[str] = orm.mapped_column(sa.String(64), nullable=False)
    is_returning: orm.Mapped[bool] = orm.mapped_column(
        sa.Boolean, nullable=False, default=False, server_default=sa.false()
    )

    # A network shows the zones of the sites that hold blocks of it: one query a list, not one a network.
    network: orm.Mapped[Any] = orm.relationship(
        models_v2.Network,
        load_on_pending=True,
        backref=orm.backref("address_blocks", lazy="selectin", viewonly=True),
    )


class AdoptedPort(model_base.BASEV2):
    """Which site made a port of the top."""

    __tablename__ = "tricircle_adopted_ports"

    port_id: orm.Mapped[str] = orm.mapped_column(
        sa.String(36), sa.ForeignKey("ports.id", ondelete="CASCADE"), primary_key=True
    )
    site_id: orm.Mapped[str] = orm.mapped_column(sa.String(36), nullable=False, index=True)


class JournalEntry(model_base.BASEV2):
    """A resource of the top changed, and Tricircle has not been told yet.

    What was done is not kept: whoever follows looks at what is there now.
    """

    __tablename__ = "tricircle_journal"
    # No id comes again: one that a process has read and is about to remove must not be another row's by then.
    __table_args__ = {**model_base.BASEV2.__table_args__, "sqlite_autoincrement": True}  # noqa: RUF012

    id: orm.Mapped[int] = orm.mapped_column(
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    resource_type: orm.Mapped[str] = orm.mapped_column(sa.String(64), nullable=False)
    resource_id: orm.Mapped[str] = orm.mapped_column(sa.String(36), nullable=False, index=True)
    project_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(255), nullable=True)
    request_id: orm.Mapped[str | None] = orm.mapped_column(sa.String(64), nullable=True)
    created_at: orm.Mapped[datetime] = orm.mapped_column(
        sa.DateTime, nullable=False, server_default=sa.func.now()
    )
