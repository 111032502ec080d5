"""What ``sandbox --help`` says, and the command line that it describes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import faults
from sandbox.layout import MAXIMUM_SITES, PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SANDBOX = """\
Starts a real multi-site OpenStack on this machine: one Keystone, one Glance, and any number of whole sites
(nova, neutron, cinder, placement), with Tricircle's top in front of them. Services are the released ones,
unmodified; only what needs hardware is imitated: Nova's hypervisor, Neutron's agent, Cinder's disks.
Everything listens on loopback. In the profile data-plane Neutron's agents are real, and packets flow.

Everyone's password is `secret`. Users: admin, demo (project demo), other (project other).
"""

SANDBOX_MORE = """\
where things are:
  127.77.N.10    Keystone 5000, Glance 9292
  127.77.N.20    the top: compute 8774, volume 8776, network 9696, Admin API 8780
  127.77.N.31    SiteOne: nova 8774, cinder 8776, neutron 9696, placement 8778
  127.77.N.32    SiteTwo, and so on
  127.77.N.11    in the full profile: MariaDB 3306, RabbitMQ 5672, memcached 11211
  DIR/run/*.net  in the profile data-plane: network namespaces, of servers by their ids

  DIR/clouds.yaml    clouds tricircle, tricircle-other, tricircle-admin; siteone, siteone-demo, ...
  DIR/conf, db, data, log, state, run    configuration, databases, one log for each process, the rest

examples:
  sandbox up                                      two sites and the top
  sandbox up --sites 3                            and a third
  sandbox --dir .sandbox-full up --profile full   with MariaDB, RabbitMQ and two of each API
  sandbox --dir .sandbox-data-plane up --profile data-plane    with servers that reach each other; as root
  nsenter --net=.sandbox-data-plane/run/ID.net ping ADDRESS    what a server sees
  eval "$(sandbox env)"; openstack server list    use the top as a tenant
  sandbox --dir .sandbox-two up --without-top     another one beside it, without the top
  sandbox stop SiteTwo                            a site that is down
  sandbox stop-process mariadb --kill             a database that is gone
  sandbox fault SiteOne --delay 5                 a site that is slow
  sandbox logs SiteOne-nova -f                    watch a service
"""

UP = """\
Starts whatever is not running and returns when all of it is ready for its first request; the processes stay
in the background. Doing it again is harmless, with more sites it adds them, and it ends injected faults. If
it fails or is interrupted, it ends whatever it has started, and names the log to read. The first time on a
machine it takes ten seconds longer, for the databases.
"""

DOWN = """\
Stops every process of the sandbox. What is in the databases stays, and is there again after `sandbox up`.
"""

STATUS = """\
Shows every process: where it listens, its state (running, stopped, failed), its memory. Memory is PSS, in
which a page that several processes share is counted once in all.
"""

LOGS = """\
Shows the last lines of the logs whose names contain SERVICE, in any letter case. Without SERVICE, lists all
logs.
"""

ENV = """\
Prints what a shell evaluates to have `openstack` speak to the top as user demo. With --json, prints all that
a test needs to know: addresses, users, files, and the ids of the image and of each site's shared network.
"""

STOP = """\
Stops the processes of one site, so that connections to it are refused.
"""

START = """\
Starts the processes of a site that was stopped, on the same databases, and waits until it is ready.
"""

STOP_PROCESS = """\
Stops one process, and returns when it has ended: mariadb, rabbitmq, top-xjob-1, SiteOne-nova-compute. It is
told to end by SIGTERM, and killed if it does not. `sandbox status` shows the names.
"""

START_PROCESS = """\
Starts a process that was stopped or has ended, and waits until it can do its work.
"""

FAULT = """\
Makes a site misbehave towards everyone who calls it, until --off. A rule holds for one service or for all,
and for all paths or for those that begin with a prefix; the longest prefix decides. Without a kind of fault,
shows the rules.
"""

FAULT_MORE = """\
examples:
  sandbox fault SiteOne --delay 3                                   everything takes 3 seconds longer
  sandbox fault SiteTwo --service compute --hang                    its Nova accepts, and never answers
  sandbox fault SiteOne --service volume --path /v3/ --status 503
  sandbox fault SiteOne --slow 4                                    its machine is a quarter as fast
  sandbox fault SiteOne --off                                       all is well again
"""

DEMO = """\
Shows, with the ordinary `openstack` client and the one region `Central`, servers and volumes in several
sites.
"""


def parser(handlers: Mapping[str, Callable[..., None]], default_directory: Path) -> argparse.ArgumentParser:
    """Return the parser of the command line; it puts the chosen handler in ``handler``."""
    main = argparse.ArgumentParser(
        prog="sandbox",
        description=SANDBOX,
        epilog=SANDBOX_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    main.add_argument(
        *("--dir",),
        type=Path,
        default=default_directory,
        metavar="DIR",
        help="where all of the sandbox is kept; one directory, one sandbox (default: %(default)s)",
    )
    commands = main.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, summary: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(
            name,
            help=summary,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(handler=handlers[name])
        return added

    add_up_options(command("up", "start it", UP))
    down = command("down", "stop it", DOWN)
    down.add_argument("--delete", action="store_true", help="remove DIR too")
    shown = command("status", "show its processes", STATUS)
    shown.add_argument("--json", action="store_true", help="for programs")
    add_log_options(command("logs", "show its logs", LOGS))
    env = command("env", "print how to use it", ENV)
    env.add_argument("--json", action="store_true", help="for programs: all that a test needs to know")
    command("demo", "show what the top does", DEMO)
    command("stop", "stop one site", STOP).add_argument("site", metavar="SITE")
    command("start", "start a stopped site", START).add_argument("site", metavar="SITE")
    stopped = command("stop-process", "stop one process", STOP_PROCESS)
    stopped.add_argument("process", metavar="NAME")
    stopped.add_argument("--kill", action="store_true", help="by SIGKILL: it may finish nothing")
    command("start-process", "start it again", START_PROCESS).add_argument("process", metavar="NAME")
    add_fault_options(command("fault", "make a site misbehave", FAULT, FAULT_MORE))
    return main


def add_up_options(up: argparse.ArgumentParser) -> None:
    """Add the options of ``up``."""
    up.add_argument(
        *("--sites",),
        type=int,
        metavar="N",
        choices=range(1, MAXIMUM_SITES + 1),
        help=f"how many sites, 1 to {MAXIMUM_SITES} (default: as many as there are, or 2)",
    )
    up.add_argument(
        *("--profile",),
        choices=PROFILES,
        help="lite: SQLite, one process for each service of a site; full: MariaDB, RabbitMQ, memcached and "
        "HAProxy, each service's processes, and two of each API of the top; data-plane: lite, with Open "
        "vSwitch and OVN (default: what it is, or lite)",
    )
    up.add_argument("--without-top", action="store_true", help="do not start the top")
    up.add_argument(
        "--subnet",
        metavar="127.77.N",
        help="the loopback /24 to use (default: the one it had, or the first that is free)",
    )
    up.add_argument(
        *("--token-lifetime",),
        type=int,
        metavar="SECONDS",
        help="how long tokens are valid (default: what it was, or a day); read when Keystone starts",
    )


def add_log_options(logs: argparse.ArgumentParser) -> None:
    """Add the options of ``logs``."""
    logs.add_argument(
        "service", nargs="?", metavar="SERVICE", help="such as SiteOne-nova, keystone, top, zygote"
    )
    logs.add_argument("-f", "--follow", action="store_true", help="go on showing what is written")
    logs.add_argument(
        "-n", "--lines", type=int, default=50, metavar="N", help="how many lines (default: %(default)s)"
    )


def factor(text: str) -> float:
    """Return how many times as slow something is to be."""
    value = float(text)
    if value < 1:
        raise argparse.ArgumentTypeError("nothing becomes faster")
    return value


class KindOfFault(argparse.Action):
    """Takes ``--delay 3`` as kind ``delay`` and value 3."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        _option: str | None = None,
    ) -> None:
        """Note the kind and its value."""
        namespace.kind = self.dest
        namespace.value = values if self.nargs is None else None


def add_fault_options(fault: argparse.ArgumentParser) -> None:
    """Add the options of ``fault``."""
    fault.add_argument("site", metavar="SITE")
    fault.add_argument("--service", choices=faults.TYPES, help="only this service (default: all)")
    fault.add_argument(
        "--path", default="/", metavar="PREFIX", help="only paths that begin so (default: %(default)s)"
    )
    fault.set_defaults(kind=None, value=None)
    kinds = fault.add_mutually_exclusive_group()
    with_value: dict[str, Any] = {"action": KindOfFault, "default": argparse.SUPPRESS}
    alone = {**with_value, "nargs": 0}
    kinds.add_argument(
        "--delay", type=float, metavar="SECONDS", help="serve, but so much later", **with_value
    )
    kinds.add_argument(
        "--slow",
        type=factor,
        metavar="FACTOR",
        help="serve, but compute so many times as long, as on a slower machine",
        **with_value,
    )
    kinds.add_argument("--hang", help="accept, and never serve or answer", **alone)
    kinds.add_argument(
        "--status",
        type=int,
        metavar="CODE",
        help="do not serve; answer with this status in the service's own shape",
        **with_value,
    )
    kinds.add_argument(
        "--html", help="do not serve; answer 502 with an HTML page, as a load balancer would", **alone
    )
    kinds.add_argument("--half", help="serve, and lose the connection in the middle of the answer", **alone)
    kinds.add_argument("--off", help="end the faults of that service and of the paths that begin so", **alone)
