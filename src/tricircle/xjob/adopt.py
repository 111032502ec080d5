"""The job that gives the ports of a server their rows at the top, and takes those away that it has no longer.

It looks at the site again and again, soon at first, until the server is what it will be and its ports are
ACTIVE: no site tells when that is. The top is called only where the site shows something else than at the
last look. What comes later than the job's patience lasts is found by the comparison of all ports of the
site.
"""

import hashlib
from collections.abc import Iterable, Sequence
from time import time
from typing import Any

import orjson

from tricircle.db.timestamps import now
from tricircle.jobs.boots import FAILED
from tricircle.jobs.outcome import Failed, Outcome, Postponed, Succeeded
from tricircle.routing.homed import SERVER_TYPE
from tricircle.xjob import homed
from tricircle.xjob.clean_up import after
from tricircle.xjob.made_ports import MadePorts
from tricircle.xjob.port_rows import PortRows
from tricircle.xjob.ports import Item, is_adoptable, ports_in
from tricircle.xjob.room import make_room
from tricircle.xjob.settled import Settled
from tricircle.xjob.task import Task
from tricircle.xjob.top_away import TopAway, top_needed

_SHORTEST_WAIT, _LONGEST_WAIT = 0.4, 5.0
"""Seconds between two looks."""

_USUAL = 60.0
"""Seconds within which most servers run. So long the looks are as close as is needed for a port to be seen at
the top within a second of its server's being ACTIVE."""

_GROWTH = 0.125
"""Of the job's age after that, by which the wait grows."""

_PATIENCE = 600.0
"""Seconds after which a server that is still being built, or keeps what it was to lose, is left to the
comparison. In a crowd, which a site builds one after another, the last ones wait long for theirs."""

_NOTICE = 5.0
"""Seconds in which what else was asked of a server that is there already usually shows, and in which its
ports follow what has become of it: its host tells the network service after Nova."""

_LEISURE = 2.0
"""Seconds between two looks after that, until it has begun to show in any case, and while Nova is at it."""


_GOING = "deleting"
"""What Nova is doing to a server that is to go."""


def adopt(task: Task) -> Outcome:
    """Bring the top's rows of a server's ports to what its site shows."""
    engine, site, server_id = task.engine, task.site, task.job.resource_id
    if not engine.networks.is_there:
        return Succeeded("The top has no network service.")
    # The server first: what is true of it holds of the ports that are listed after it.
    server = _server(task)
    shown = ports_in(engine.sites, site, device_id=server_id)
    status, _ = _state_of(server)
    is_building = status == "BUILD"
    # A port is adopted as soon as there is one; what changes of it before the server runs is told once.
    seen = _digest([item["id"] for item in shown] if is_building else shown)
    if server is not None and not is_building:
        task.step("looked", **{FAILED: status == "ERROR"})
    done = Settled()
    if seen != task.progress.get("seen"):
        try:
            done = adopt_now(task)
        except TopAway as away:
            return away.outcome
    task.step("compared", seen=None if done.complaints or done.later else seen)
    wait = _wait(task, server, shown, done)
    if wait is not None:
        return Postponed(wait, f"The server may still change. {done}.")
    if done.complaints:
        return Failed(" ".join(done.complaints), is_final=True)
    has_failed = server is None and bool(task.progress.get(FAILED))
    work = after(task, task.parameters.uses, task.parameters.groups) if has_failed else None
    return Succeeded(f"{len(shown)} ports. {done}.", work=work)


def _wait(task: Task, server: Item | None, shown: Sequence[Item], done: Settled) -> float | None:
    """Return after how many seconds to look again; None if nothing more is to be expected, or too late."""
    age = (now() - task.job.created_at).total_seconds()
    state, changed_at = _state_of(server), float(task.progress.get("changed_at", 0.0))
    if state != task.progress.get("state", state):
        changed_at = age
    status, doing = state
    is_building = status == "BUILD"
    built = bool(task.progress.get("built")) or is_building
    task.step("waited for", built=built, state=state, changed_at=changed_at)
    is_fresh = server is not None and not built and age - changed_at < _NOTICE
    is_asked = server is not None and time() < task.parameters.until
    is_leaving = not _there_of(shown).isdisjoint(task.parameters.leaving)
    is_under_way = is_fresh or is_leaving or done.later or not is_settled(server, shown)
    if age >= _PATIENCE or not (is_under_way or is_asked):
        return None
    wait = min(_SHORTEST_WAIT + max(age - _USUAL, 0.0) * _GROWTH, _LONGEST_WAIT)
    is_slow = not is_under_way or (doing is not None and not is_building)
    return max(wait, _LEISURE) if is_slow else wait


def _server(task: Task) -> Item | None:
    """Return a server as its site shows it, of one that is being built its status; None where it is gone."""
    calls, server_id = task.engine.sites, task.job.resource_id
    is_new = bool(task.parameters.uses)
    if is_new and homed.is_being_built(calls, task.site, server_id):
        return {"status": "BUILD"}
    return homed.show(calls, task.site, SERVER_TYPE, server_id)


def adopt_now(task: Task) -> Settled:
    """Compare a server's ports with the top's rows, and do the difference.

    :raises TopAway: the top's Neutron cannot be reached.
    """
    engine, site, server_id = task.engine, task.site, task.job.resource_id
    rows = PortRows(engine, site, task.step)
    shown: list[Item] = []

    def look() -> list[Item]:  # when it is known what is on its way to the site, and not before
        shown.extend(ports_in(engine.sites, site, device_id=server_id))
        return shown

    with top_needed(task):
        done = rows.settle(look, rows.find(device_id=server_id))
        done += MadePorts(engine, site, task.step).follow_server(server_id, shown)
        if done.networks:
            task.step("make room")
            make_room(engine, site, done.networks)
        return done


def is_settled(server: Item | None, shown: Iterable[Item]) -> bool:
    """Say whether nothing more is to be expected of a server's ports.

    :param server: as its site shows it; None where it is gone.
    """
    if server is None:
        return True
    status, doing = _state_of(server)
    if doing == _GOING:
        return True  # what becomes of its ports then the job sees that follows the delete
    if status == "BUILD" or doing is not None:
        return False
    ports = [item for item in shown if is_adoptable(item) and item.get("admin_state_up")]
    return status != "ACTIVE" or all(item.get("status") == "ACTIVE" for item in ports)


def _state_of(server: Item | None) -> list[Any]:
    """Return what a server is, and what Nova is doing to it, if anything; neither of one that is gone.

    A list, as it is compared with the one that the job's progress has kept.
    """
    return [None, None] if server is None else [server.get("status"), server.get("OS-EXT-STS:task_state")]


def _there_of(shown: Iterable[Item]) -> set[str]:
    """Return the ids of ports, and their addresses."""
    return {item["id"] for item in shown} | {
        fixed["ip_address"] for item in shown for fixed in item.get("fixed_ips", ())
    }


def _digest(shown: Sequence[Item | str]) -> str:
    return hashlib.sha256(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)).hexdigest()
