"""The tables of the top's database.

They hold what no site can know: which sites there are, the availability zone map, jobs; and an index of
which site holds which resource, which can be rebuilt from the sites.

Everything here is what SQLite, MariaDB, MySQL and PostgreSQL all take: every string has a length, no index
is partial, no index key is longer than InnoDB's 3072 bytes at four bytes a character. Times are naive UTC.
On MariaDB and MySQL text compares by its bytes, as it does on the other two: ids that differ in case
are different resources.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        # oslo.db reads the columns of a duplicate out of this form, on every database.
        "uq": "uniq_%(table_name)s0%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MYSQL: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
"""Options of a table on MariaDB and MySQL, whose defaults compare without regard to case."""

Identifier = String(36)
"""A uuid of our own, in its usual text form."""

ResourceId = String(255)
"""An id that a site gave. Most are uuids; nothing says that they must be."""

ProjectId = String(64)
"""A Keystone project id, as long as Keystone allows it."""

# MariaDB and MySQL round to seconds unless told; Cinder's created_at has microseconds, and lists sort by it.
Timestamp = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")

# SQLite counts up by itself only in a column whose type is exactly INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")

sites = Table(
    "sites",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("region_name", String(255), nullable=False, unique=True),
    Column("description", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("physical_networks", Text),  # JSON: the top's names, and the site's; null says nothing
    **MYSQL,
)

availability_zones = Table(
    "availability_zones",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("description", String(255), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    **MYSQL,
)

availability_zone_sites = Table(
    "availability_zone_sites",
    metadata,
    Column("availability_zone_id", ForeignKey(availability_zones.c.id, ondelete="CASCADE"), primary_key=True),
    # No cascade: a site that tenants can still choose must not vanish from their zone unseen. Indexed,
    # because the database looks here each time a site is deleted.
    Column("site_id", ForeignKey(sites.c.id), primary_key=True, index=True),
    Column("site_az", String(255), primary_key=True),
    Column("volume_site_az", String(255)),
    **MYSQL,
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("site_id", ForeignKey(sites.c.id, ondelete="CASCADE"), nullable=False, unique=True),
    Column("name", String(255), nullable=False),
    Column("vcpus", BigInteger, nullable=False),
    Column("vcpus_used", BigInteger, nullable=False),
    Column("memory_mb", BigInteger, nullable=False),
    Column("memory_mb_used", BigInteger, nullable=False),
    Column("local_gb", BigInteger, nullable=False),
    Column("local_gb_used", BigInteger, nullable=False),
    Column("running_vms", BigInteger, nullable=False),
    Column("services_up", Integer, nullable=False),
    Column("refreshed_at", Timestamp),
    # Whether the site answers at all, since when it does or does not, and what it said last if not.
    Column("state", String(16)),
    Column("state_since", Timestamp),
    Column("cause", Text),
    **MYSQL,
)

routes = Table(
    "routes",
    metadata,
    # The primary key is also the look-up by id: its first two columns find the site of a resource.
    Column("top_id", ResourceId, primary_key=True),
    Column("resource_type", String(32), primary_key=True),
    Column("site_id", ForeignKey(sites.c.id, ondelete="CASCADE"), primary_key=True),
    Column("site_resource_id", ResourceId, nullable=False),
    Column("project_id", ProjectId),
    Column("created_at", Timestamp),
    Column("recorded_at", Timestamp, nullable=False),
    # One project's resources of one type in one site, newest first: what is listed of a site that cannot be
    # reached. Rows of the same instant are few, and sorted after they are found.
    Index("ix_routes_project", "project_id", "site_id", "resource_type", "created_at"),
    # The same over all projects, for an administrator; and every row of a site that is deleted.
    Index("ix_routes_site", "site_id", "resource_type", "created_at"),
    # From what a site calls a resource to what the top calls it.
    Index("ix_routes_site_resource", "site_id", "site_resource_id"),
    **MYSQL,
)

project_bindings = Table(
    "project_bindings",
    metadata,
    Column("project_id", ProjectId, primary_key=True),
    # Indexed, because the database looks here each time a zone is deleted.
    Column("availability_zone_id", ForeignKey(availability_zones.c.id), nullable=False, index=True),
    **MYSQL,
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("type", String(64), nullable=False),
    Column("resource_type", String(32), nullable=False),
    Column("resource_id", ResourceId, nullable=False),
    # No foreign key: what was done in a site stays on record when the site is gone.
    Column("site_id", Identifier),
    Column("project_id", ProjectId),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("run_after", Timestamp, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_owner", String(255)),
    Column("lease_expires_at", Timestamp),
    # Counts the leases given. A worker that lost its lease holds an older number, and its writes miss.
    Column("fence", BigInteger, nullable=False),
    Column("cause", Text),
    # Type, resource and site while the job waits, NULL afterwards: any number of NULLs are unique, so this is
    # the partial index that MariaDB lacks.
    Column("waiting_key", String(400), unique=True),
    # The same while it runs: one worker at a time does what is the same work.
    Column("running_key", String(400)),
    # What the job says of itself while it runs, as JSON.
    Column("progress", Text),
    # The client's request that it follows from.
    Column("request_id", String(64)),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Index("uniq_jobs0running_key", "running_key", unique=True),
    # What a worker takes next, and when there will be something to take.
    Index("ix_jobs_next", "state", "priority", "run_after", "id"),
    Index("ix_jobs_due", "state", "run_after"),
    # Jobs are listed by the time of their making.
    Index("ix_jobs_created", "created_at", "id"),
    # Running jobs whose worker has died.
    Index("ix_jobs_lease", "state", "lease_expires_at"),
    # All that was done about one resource.
    Index("ix_jobs_resource", "resource_id", "resource_type"),
    **MYSQL,
)

job_events = Table(
    "job_events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    # Indexed: a job is shown with its events.
    Column("job_id", ForeignKey(jobs.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("event", String(32), nullable=False),
    Column("cause", Text),
    Column("site_request_id", String(255)),
    Column("created_at", Timestamp, nullable=False),
    **MYSQL,
)

job_requirements = Table(
    "job_requirements",
    metadata,
    Column("job_id", ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    # Indexed, because the database looks here each time a job is deleted.
    Column("required_job_id", ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True, index=True),
    **MYSQL,
)

workers = Table(
    "workers",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("started_at", Timestamp, nullable=False),
    Column("seen_at", Timestamp, nullable=False),
    **MYSQL,
)

definitions = Table(
    "definitions",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("resource_type", String(32), nullable=False),
    # What the top calls it: a flavor's or network's id, a keypair's user and name.
    Column("resource_key", String(400), nullable=False),
    Column("name", String(255), nullable=False),
    Column("project_id", ProjectId),
    # The resource as it must be in every site, as JSON.
    Column("body", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    # Counts the changes of the body and of the state.
    Column("version", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    # The site that it is read from after a user has changed it there. No foreign key: a site may go.
    Column("reference_site_id", Identifier),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    UniqueConstraint("resource_type", "resource_key"),
    # A project's resource by its name: a server names its security groups so.
    Index("ix_definitions_name", "resource_type", "project_id", "name"),
    **MYSQL,
)

realisations = Table(
    "realisations",
    metadata,
    Column("definition_id", ForeignKey(definitions.c.id, ondelete="CASCADE"), primary_key=True),
    Column("site_id", ForeignKey(sites.c.id, ondelete="CASCADE"), primary_key=True),
    Column("site_resource_id", ResourceId),
    # The version of the definition that the site was last made to agree with; 0 for none yet.
    Column("version", BigInteger, nullable=False),
    # What was found to differ in the site since then.
    Column("drift", Text),
    Column("updated_at", Timestamp, nullable=False),
    # From what a site calls it to what the top calls it; and all of a site.
    Index("ix_realisations_site", "site_id", "site_resource_id"),
    **MYSQL,
)
