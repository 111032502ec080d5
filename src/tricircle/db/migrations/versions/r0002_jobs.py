"""What XJob needs: jobs one at a time and in order, workers, replicated resources, the state of nodes."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"

MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
TIMESTAMP = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Add it; nothing that an older process uses changes."""
    for column in (
        sa.Column("state", sa.String(length=16)),
        sa.Column("state_since", TIMESTAMP),
        sa.Column("cause", sa.Text()),
    ):
        op.add_column("nodes", column)
    for column in (
        sa.Column("running_key", sa.String(length=400)),
        sa.Column("progress", sa.Text()),
        sa.Column("request_id", sa.String(length=64)),
    ):
        op.add_column("jobs", column)
    op.create_index("uniq_jobs0running_key", "jobs", ["running_key"], unique=True)
    op.create_index("ix_jobs_next", "jobs", ["state", "priority", "run_after", "id"])
    op.create_index("ix_jobs_created", "jobs", ["created_at", "id"])
    op.create_table(
        "job_requirements",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("required_job_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_requirements_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["required_job_id"],
            ["jobs.id"],
            name=op.f("fk_job_requirements_required_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "required_job_id", name=op.f("pk_job_requirements")),
        **MYSQL,
    )
    op.create_index(op.f("ix_job_requirements_required_job_id"), "job_requirements", ["required_job_id"])
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("started_at", TIMESTAMP, nullable=False),
        sa.Column("seen_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
        **MYSQL,
    )
    op.create_table(
        "definitions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("resource_type", sa.String(length=32), nullable=False),
        sa.Column("resource_key", sa.String(length=400), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("project_id", sa.String(length=64)),
        sa.Column("body", LONG_TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reference_site_id", sa.String(length=36)),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definitions")),
        sa.UniqueConstraint(
            "resource_type", "resource_key", name=op.f("uniq_definitions0resource_type_resource_key")
        ),
        **MYSQL,
    )
    op.create_table(
        "realisations",
        sa.Column("definition_id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("site_resource_id", sa.String(length=255)),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("drift", sa.Text()),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["definitions.id"],
            name=op.f("fk_realisations_definition_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_realisations_site_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("definition_id", "site_id", name=op.f("pk_realisations")),
        **MYSQL,
    )
    op.create_index("ix_realisations_site", "realisations", ["site_id", "site_resource_id"])
