"""When a service is ready: not when its port answers, but when what the first boot needs is there.

A condition returns what it still waits for, or None; a table says which conditions hold for which service.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from keystoneauth1 import exceptions

from sandbox.errors import SandboxError
from sandbox.layout import CINDER, NEUTRON, NOVA
from sandbox.rest import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.control import Control
    from sandbox.layout import Site
    from sandbox.process import Process

    Condition = Callable[[], str | None]

INTERVAL = 0.2
PATIENCE = 180.0


def wait(
    condition: Condition, processes: Sequence[Process], control: Control, report: Callable[[str], None]
) -> None:
    """Wait until a condition holds.

    :param processes: which processes make it hold, the most important first; when one ends, waiting is over
    :param report: told what is waited for
    :raises SandboxError: a process has ended, or patience has
    """
    deadline = time.monotonic() + PATIENCE
    told: str | None = None
    while (missing := condition()) is not None:
        if missing != told:
            report(missing)
            told = missing
        for process in processes:
            check_running(process, control)
        if time.monotonic() > deadline:
            first = processes[0]
            raise SandboxError(f"{first.name} is not ready after {PATIENCE:.0f} s: {missing}", first.log)
        threading.Event().wait(INTERVAL)


def check_running(process: Process, control: Control) -> None:
    """Raise SandboxError if a process has ended, and say which log knows why."""
    child = control.children().get(process.name)
    if child is None or not child["running"]:
        forked = child is not None and child["pid"] is not None
        zygote = Path(process.log).with_name(f"zygote-{process.program}.log")
        raise SandboxError(f"{process.name} has ended", process.log if forked else zygote)


def answers(process: Process) -> Condition:
    """Return the condition that a web service answers anything at all."""
    url = f"http://{process.address}:{process.port}/"

    def condition() -> str | None:
        try:
            requests.get(url, timeout=10, proxies={"http": ""})
        except requests.RequestException:
            return f"{process.name} to answer"
        return None

    return condition


def polled(what: str, look: Callable[[], bool]) -> Condition:
    """Return the condition that a look at an API finds what it looks for; an error means "not yet"."""

    def condition() -> str | None:
        try:
            return None if look() else what
        except (exceptions.ClientException, requests.RequestException):
            return what

    return condition


def compute_is_up(site: Site, session: Any) -> Condition:
    """Return the condition that a site's Nova can boot: services report, and the host is mapped."""
    nova = Api(session, NOVA.url(site.address), service_type=NOVA.type, default_microversion="2.53")

    def look() -> bool:
        services = nova.get("/os-services")["services"]
        up = {service["binary"] for service in services if service["state"] == "up"}
        return up >= {"nova-conductor", "nova-scheduler", "nova-compute"} and bool(
            nova.get("/os-hypervisors")["hypervisors"]
        )

    return polled(f"compute services of {site.name}", look)


def agent_is_alive(site: Site, session: Any) -> Condition:
    """Return the condition that a site's L2 agent reports."""
    neutron = Api(session, NEUTRON.url(site.address))
    return polled(
        f"L2 agent of {site.name}",
        lambda: any(agent["alive"] for agent in neutron.get("/v2.0/agents")["agents"]),
    )


def volume_is_up(site: Site, session: Any) -> Condition:
    """Return the condition that a site's Cinder can create: services report, and there is a pool."""
    cinder = Api(session, CINDER.url(site.address))

    def look() -> bool:
        services = cinder.get("/os-services")["services"]
        up = {service["binary"] for service in services if service["state"] == "up"}
        return up >= {"cinder-scheduler", "cinder-volume"} and bool(
            cinder.get("/scheduler-stats/get_pools")["pools"]
        )

    return polled(f"volume services of {site.name}", look)


SITE_CONDITIONS = {NOVA: compute_is_up, NEUTRON: agent_is_alive, CINDER: volume_is_up}
