"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "availability_zones",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_availability_zones")),
        sa.UniqueConstraint("name", name=op.f("uniq_availability_zones0name")),
        **MYSQL,
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource_id", sa.String(length=255), nullable=False),
        sa.Column("site_id", sa.String(length=36)),
        sa.Column("project_id", sa.String(length=64)),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("run_after", TIMESTAMP, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=255)),
        sa.Column("lease_expires_at", TIMESTAMP),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text()),
        sa.Column("waiting_key", sa.String(length=400)),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("waiting_key", name=op.f("uniq_jobs0waiting_key")),
        **MYSQL,
    )
    op.create_index("ix_jobs_due", "jobs", ["state", "run_after"])
    op.create_index("ix_jobs_lease", "jobs", ["state", "lease_expires_at"])
    op.create_index("ix_jobs_resource", "jobs", ["resource_id", "resource_type"])
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("region_name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("name", name=op.f("uniq_sites0name")),
        sa.UniqueConstraint("region_name", name=op.f("uniq_sites0region_name")),
        **MYSQL,
    )
    op.create_table(
        "availability_zone_sites",
        sa.Column("availability_zone_id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("site_az", sa.String(length=255), nullable=False),
        sa.Column("volume_site_az", sa.String(length=255)),
        sa.ForeignKeyConstraint(
            ["availability_zone_id"],
            ["availability_zones.id"],
            name=op.f("fk_availability_zone_sites_availability_zone_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_availability_zone_sites_site_id")),
        sa.PrimaryKeyConstraint(
            "availability_zone_id", "site_id", "site_az", name=op.f("pk_availability_zone_sites")
        ),
        **MYSQL,
    )
    op.create_index(op.f("ix_availability_zone_sites_site_id"), "availability_zone_sites", ["site_id"])
    op.create_table(
        "job_events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.Text()),
        sa.Column("site_request_id", sa.String(length=255)),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_events_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_events")),
        **MYSQL,
    )
    op.create_index(op.f("ix_job_events_job_id"), "job_events", ["job_id"])
    op.create_table(
        "nodes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("vcpus", sa.BigInteger(), nullable=False),
        sa.Column("vcpus_used", sa.BigInteger(), nullable=False),
        sa.Column("memory_mb", sa.BigInteger(), nullable=False),
        sa.Column("memory_mb_used", sa.BigInteger(), nullable=False),
        sa.Column("local_gb", sa.BigInteger(), nullable=False),
        sa.Column("local_gb_used", sa.BigInteger(), nullable=False),
        sa.Column("running_vms", sa.BigInteger(), nullable=False),
        sa.Column("services_up", sa.Integer(), nullable=False),
        sa.Column("refreshed_at", TIMESTAMP),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_nodes_site_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
        sa.UniqueConstraint("site_id", name=op.f("uniq_nodes0site_id")),
        **MYSQL,
    )
    op.create_table(
        "project_bindings",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("availability_zone_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["availability_zone_id"],
            ["availability_zones.id"],
            name=op.f("fk_project_bindings_availability_zone_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project_bindings")),
        **MYSQL,
    )
    op.create_index(
        op.f("ix_project_bindings_availability_zone_id"), "project_bindings", ["availability_zone_id"]
    )
    op.create_table(
        "routes",
        sa.Column("top_id", sa.String(length=255), nullable=False),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("site_resource_id", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=64)),
        sa.Column("created_at", TIMESTAMP),
        sa.Column("recorded_at", TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_routes_site_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("top_id", "resource_type", "site_id", name=op.f("pk_routes")),
        **MYSQL,
    )
    op.create_index("ix_routes_project", "routes", ["project_id", "site_id", "resource_type", "created_at"])
    op.create_index("ix_routes_site", "routes", ["site_id", "resource_type", "created_at"])
    op.create_index("ix_routes_site_resource", "routes", ["site_id", "site_resource_id"])
