"""The ``sandbox`` command."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

from keystoneauth1.exceptions import ClientException, ConnectFailure

from sandbox import demo, facts, faults, manual, outage, status, up
from sandbox.control import Control
from sandbox.errors import SandboxError
from sandbox.layout import DEFAULT_DIRECTORY, Layout

if TYPE_CHECKING:
    from types import FrameType

    from sandbox.layout import Site

    Arguments = argparse.Namespace


def main() -> None:
    """Run the command, and exit with 0, with 1 where it failed, or with 128 and the signal that ended it."""
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    arguments = manual.parser(HANDLERS, DEFAULT_DIRECTORY).parse_args()
    arguments.dir = arguments.dir.resolve()
    try:
        arguments.handler(arguments)
    except SandboxError as error:
        leave(f"sandbox: {error}", 1)
    except ConnectFailure:
        leave("sandbox: a service does not answer: `sandbox status` shows what runs", 1)
    except ClientException as error:
        leave(f"sandbox: {error}", 1)
    except KeyboardInterrupt:
        leave("sandbox: interrupted, and what was begun is undone", 128 + signal.SIGINT)


def interrupt(number: int, _frame: FrameType | None) -> None:
    """Unwind as after Ctrl-C, so that what was begun is undone."""
    raise SystemExit(128 + number)


def leave(message: str, code: int) -> None:
    """Exit at once: threads that still wait for a service must not hold us back."""
    print(message, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def do_up(arguments: Arguments) -> None:
    """Start what is not running."""
    up.up(
        up.Wishes(
            directory=arguments.dir,
            sites=arguments.sites,
            subnet=arguments.subnet,
            token_lifetime=arguments.token_lifetime,
            profile=arguments.profile,
            with_top=not arguments.without_top,
        )
    )
    print(f'Ready. To use it: eval "$({sys.argv[0]}{option(arguments)} env)"', file=sys.stderr)


def option(arguments: Arguments) -> str:
    """Return the option that names this sandbox, where it is not the default one."""
    return "" if arguments.dir == DEFAULT_DIRECTORY else f" --dir {arguments.dir}"


def do_down(arguments: Arguments) -> None:
    """Stop everything."""
    control = Control.connect(arguments.dir)
    if control is not None:
        control.down()
    if arguments.delete:
        shutil.rmtree(arguments.dir, ignore_errors=True)


def do_status(arguments: Arguments) -> None:
    """Show every process."""
    found = status.collect(layout_of(arguments))
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        status.show(found)


def do_logs(arguments: Arguments) -> None:
    """Show logs."""
    logs = sorted(layout_of(arguments).log("any").parent.glob("*.log"))
    if arguments.service is None:
        for log in logs:
            print(f"{log.stat().st_size:>10}  {log.stem}")
        return
    chosen = [str(log) for log in logs if arguments.service.lower() in log.stem.lower()]
    if not chosen:
        raise SandboxError(f"no log matches {arguments.service}: `sandbox logs` lists them")
    follow = ["-F"] if arguments.follow else []
    os.execvp("tail", ["tail", "-n", str(arguments.lines), *follow, *chosen])


def do_env(arguments: Arguments) -> None:
    """Print how to use the sandbox."""
    layout = layout_of(arguments)
    print(json.dumps(facts.collect(layout), indent=2) if arguments.json else facts.exports(layout))


def do_stop(arguments: Arguments) -> None:
    """Stop one site."""
    outage.stop(*site_of(arguments))


def do_start(arguments: Arguments) -> None:
    """Start one site again."""
    outage.start(*site_of(arguments))


def do_stop_process(arguments: Arguments) -> None:
    """Stop one process."""
    outage.stop_process(layout_of(arguments), arguments.process, kill=arguments.kill)


def do_start_process(arguments: Arguments) -> None:
    """Start one process again."""
    outage.start_process(layout_of(arguments), arguments.process)


def do_fault(arguments: Arguments) -> None:
    """Make a site misbehave, or behave again."""
    layout, site = site_of(arguments)
    file = layout.faults(site)
    if arguments.kind == "off":
        faults.clear(file, arguments.service, arguments.path)
    elif arguments.kind is not None:
        faults.inject(file, arguments.service, arguments.path, arguments.kind, arguments.value)
    for rule in faults.rules(file):
        value = "" if rule["value"] is None else f" {rule['value']:g}"
        print(f"{site.name}: {rule['kind']}{value} for {rule['type'] or 'all services'} at {rule['path']}*")


def do_demo(arguments: Arguments) -> None:
    """Show what the top does."""
    demo.demo(layout_of(arguments))


def layout_of(arguments: Arguments) -> Layout:
    """Return the layout of the sandbox that the command is about."""
    layout = Layout.load(arguments.dir)
    if layout is None:
        raise SandboxError(f"there is no sandbox in {arguments.dir}: `sandbox up` makes one")
    return layout


def site_of(arguments: Arguments) -> tuple[Layout, Site]:
    """Return the layout and the site that the command is about."""
    layout = layout_of(arguments)
    try:
        return layout, layout.site(arguments.site)
    except KeyError:
        names = ", ".join(site.name for site in layout.sites)
        raise SandboxError(f"there is no site {arguments.site}, only {names}") from None


HANDLERS = {
    "up": do_up,
    "down": do_down,
    "status": do_status,
    "logs": do_logs,
    "env": do_env,
    "stop": do_stop,
    "start": do_start,
    "stop-process": do_stop_process,
    "start-process": do_start_process,
    "fault": do_fault,
    "demo": do_demo,
}
