"""`tricircle-manage`: the tables of the database, and what the gateways serve."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from alembic.util import CommandError
from oslo_config import cfg
from oslo_log import log

from tricircle import config
from tricircle.db import schema
from tricircle.db.engine import Database
from tricircle.errors import TricircleError

DESCRIPTION = """\
Prepares and upgrades the top's database, and tells which operations of the Compute and Block Storage APIs
the gateways serve."""

EPILOG = """\
Options are read from /etc/tricircle/tricircle.conf and the other places usual for OpenStack, unless
--config-file or --config-dir names others; they stand before the command. The database commands need
`[database] connection`. Exits with 0 when all went well, with 1 when it did not, and with 2 when the command
line or the configuration is wrong."""

TABLES = {
    "compute": "tricircle.gateway.compute.operations",
    "volume": "tricircle.gateway.volume.operations",
}
"""The modules that hold the gateways' tables, loaded only when somebody asks."""

FIELDS = ("service", "method", "path", "kind", "resource", "decided", "summary")
"""What is told of an operation, in this order."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    :param arguments: the command line without the program's name; None takes that of the process.
    :return: exit status.
    """
    conf = config.declare()
    conf.register_cli_opt(cfg.SubCommandOpt("command", title="commands", handler=_add_commands))
    try:
        conf(
            sys.argv[1:] if arguments is None else list(arguments),
            project="tricircle",
            prog="tricircle-manage",
            description=DESCRIPTION,
            epilog=EPILOG,
        )
    except cfg.Error as error:
        return _fail(error, 2)
    log.setup(conf, "tricircle")
    if not conf.debug:
        # It announces each look at the version.
        logging.getLogger("alembic").setLevel(logging.WARNING)
    run: Callable[[cfg.ConfigOpts], None] = conf.command.run
    try:
        run(conf)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough. Nothing is left for the interpreter to flush when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (TricircleError, CommandError, OSError, ValueError) as error:
        return _fail(error, 1)
    return 0


def upgrade(conf: cfg.ConfigOpts) -> None:
    """Bring the tables to a version."""
    database = Database(conf)
    before = schema.current(database)
    schema.upgrade(database, conf.command.version)
    after = schema.current(database)
    if before == after:
        print(f"The tables are at version {after} already.")
    else:
        print(f"Upgraded the tables from version {before or 'none'} to {after}.")


def version(conf: cfg.ConfigOpts) -> None:
    """Tell the version of the tables, and the newest."""
    print(f"current: {schema.current(Database(conf)) or 'none'}")
    print(f"newest: {schema.head()}")


def operations(conf: cfg.ConfigOpts) -> None:
    """Tell what the gateways' tables say."""
    services = [conf.command.service] if conf.command.service else list(TABLES)
    chosen = [row for row in _rows(services) if not (conf.command.undecided and row["decided"])]
    if conf.command.format == "json":
        print(json.dumps(chosen, indent=2))
    else:
        _print_table(chosen)


def _add_commands(subparsers: Any) -> None:
    database = subparsers.add_parser(
        "db", help="the tables of the database", description="Look after the tables of the database."
    ).add_subparsers(title="commands", required=True, metavar="command")
    add = _Adder(database)
    command = add(
        "upgrade",
        upgrade,
        "bring the tables to the newest version",
        "Bring the tables to a version. Makes them where there are none, and does nothing where they are at "
        "that version already. Where several are started at once, one goes first and the others wait for it. "
        "For use while the services are stopped, or still of the release before.",
    )
    command.add_argument(
        "version", nargs="?", default="head", help="the version to bring them to; the newest by default"
    )
    add(
        "version",
        version,
        "show the version of the tables",
        "Show the version of the tables, `none` where there are none, and the newest one that this release "
        "knows.",
    )
    command = _Adder(subparsers)(
        "operations",
        operations,
        "show what the gateways serve",
        "Show each operation of the Compute and Block Storage APIs: whether its resource is homed, "
        "replicated or aggregated, and how it is served. One that is not decided yet is answered with 501.",
    )
    command.add_argument("--service", choices=list(TABLES), help="only this one's; both by default")
    command.add_argument("--undecided", action="store_true", help="only those that are not decided yet")
    command.add_argument(
        "--format",
        choices=["table", "json"],
        default="table",
        help="for reading, the default, or for programs: a list of objects",
    )


class _Adder:
    """Adds commands to a parser."""

    def __init__(self, subparsers: Any) -> None:
        self._subparsers = subparsers

    def __call__(
        self, name: str, run: Callable[[cfg.ConfigOpts], None], summary: str, description: str
    ) -> argparse.ArgumentParser:
        """Add a command; return its parser, for its arguments."""
        parser: argparse.ArgumentParser = self._subparsers.add_parser(
            name, help=summary, description=description
        )
        parser.set_defaults(run=run)
        return parser


def _rows(services: Sequence[str]) -> Iterator[dict[str, Any]]:
    for service in services:
        for operation in import_module(TABLES[service]).OPERATIONS:
            yield {
                "service": service,
                **{field: getattr(operation, field) for field in FIELDS if field != "service"},
            }


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    lines = [FIELDS, *(tuple(_text(row[field]) for field in FIELDS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    print(f"\n{len(rows)} operations, {sum(row['decided'] for row in rows)} of them decided.")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _fail(error: Exception, status: int) -> int:
    print(f"tricircle-manage: {error}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
