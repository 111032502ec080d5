"""Creates the empty databases of one service with that service's own management command.

Run as ``python -m sandbox.schema SERVICE DIRECTORY``: the service's package is imported once and each of its
commands runs in a fork, because the commands configure their process and importing takes longer than working.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import deathwatch
from sandbox.layout import CINDER, GLANCE, KEYSTONE, NEUTRON, NOVA, PASSWORD, PLACEMENT, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    Arguments = list[str]


def commands(service: str, layout: Layout) -> tuple[str, list[Arguments]]:
    """Return a service's management module and what to have it do, in order."""
    site = layout.sites[0].name
    cell0 = layout.database_url(site, "nova_cell0")
    table: dict[str, tuple[str, Path, list[Arguments]]] = {
        NEUTRON.name: (
            "neutron.db.migration.cli",
            layout.conf(site, "neutron.conf"),
            [["--config-file", str(layout.conf(site, "ml2.ini")), "upgrade", "heads"]],
        ),
        KEYSTONE.name: (
            "keystone.cmd.manage",
            layout.conf("shared", "keystone.conf"),
            [["db_sync"], ["bootstrap", "--bootstrap-password", PASSWORD]],
        ),
        GLANCE.name: ("glance.cmd.manage", layout.conf("shared", "glance-api.conf"), [["db_sync"]]),
        PLACEMENT.name: ("placement.cmd.manage", layout.conf(site, "placement.conf"), [["db", "sync"]]),
        CINDER.name: ("cinder.cmd.manage", layout.conf(site, "cinder.conf"), [["db", "sync"]]),
        NOVA.name: (
            "nova.cmd.manage",
            layout.conf(site, "nova.conf"),
            [
                ["api_db", "sync"],
                ["cell_v2", "map_cell0", "--database_connection", cell0],
                ["db", "sync"],
                ["cell_v2", "create_cell", "--name", "cell1"],
            ],
        ),
    }
    module, file, actions = table[service]
    return module, [["--config-file", str(file), *action] for action in actions]


def run_command(main: Callable[[], Any], arguments: Arguments) -> None:
    """Run a management command in a fork; SystemExit if it fails."""
    pid = os.fork()
    if pid == 0:
        deathwatch.die_with_parent()
        sys.argv = [main.__module__, *arguments]
        try:
            status = main()
        except SystemExit as end:
            status = end.code
        sys.stderr.flush()
        os._exit(0 if not status else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        sys.exit(f"{main.__module__} {' '.join(arguments)} ended with {status}")


def create_neutron(layout: Layout) -> None:
    """Create Neutron's tables from its models.

    Its migrations cannot run on SQLite, which has no ALTER of constraints. So, there: all tables as the
    models have them, the rows that one migration seeds (the rules of a default security group), and both
    branches stamped.
    """
    import neutron
    import sqlalchemy
    from neutron.db.migration.models import head

    versions = Path(neutron.__file__).parent / "db/migration/alembic_migrations/versions"
    metadata = head.get_metadata()
    engine = sqlalchemy.create_engine(f"sqlite:///{layout.database(layout.sites[0].name, NEUTRON.name)}")
    metadata.create_all(engine)
    seed = module_of(next(versions.glob("*/expand/*security_group_default_rules.py")))
    attributes, rules = metadata.tables["standardattributes"], metadata.tables[seed.table_name]
    with engine.begin() as connection:
        for template in seed.default_template_rules:
            rule = dict(template)
            attribute = {"description": rule.pop("description"), "resource_type": rules.name}
            number = connection.execute(attributes.insert().values(**attribute)).lastrowid
            connection.execute(rules.insert().values(standard_attr_id=number, **rule))
        connection.execute(
            sqlalchemy.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
        for branch in ("EXPAND_HEAD", "CONTRACT_HEAD"):
            connection.execute(
                sqlalchemy.text("INSERT INTO alembic_version VALUES (:head)"),
                {"head": (versions / branch).read_text().strip()},
            )


def module_of(file: Path) -> Any:
    """Import a file that is not on the module path, such as a migration."""
    specification = importlib.util.spec_from_file_location(file.stem, file)
    if specification is None or specification.loader is None:
        raise ImportError(file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def main() -> None:
    """Create the databases of the service that the command line names."""
    deathwatch.die_with_parent()
    service, directory = sys.argv[1:]
    layout = Layout.load(Path(directory))
    if layout is None:
        sys.exit(f"no sandbox in {directory}")
    if service == NEUTRON.name and not layout.is_full:
        create_neutron(layout)
        return
    module, actions = commands(service, layout)
    manage = importlib.import_module(module)
    for arguments in actions:
        run_command(manage.main, arguments)


if __name__ == "__main__":
    main()
