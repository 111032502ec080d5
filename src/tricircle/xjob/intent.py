"""Finds what became of a create whose answer was lost, or whose gateway died.

What the site lists is compared with what was asked for, and the route of what was made is recorded. The job
never makes anything, and never deletes a server or volume: the client may have found it in a list in the
meantime and use it, and one that came out broken is shown with its status, as Nova and Cinder do it. Where
none was made, what was brought into the site for it is taken out again (`tricircle.xjob.clean_up`).

A request that was sent is not looked for for ever: a site that has not made anything by the horizon, which is
some time after the deadline that it had for an answer, is taken to be at it no more; one that has answered,
if only with an error, a few seconds later.

A row too many does no harm: a route says where a resource is, and it is there. So a match by name, time and
looks is good enough.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from tricircle.db.timestamps import now
from tricircle.errors import BadRequest
from tricircle.jobs.job import Request
from tricircle.jobs.outcome import Outcome, Postponed, Succeeded
from tricircle.jobs.types import ADOPT, AdoptParameters, IntentParameters
from tricircle.routing.homed import HOMED, SERVER_TYPE
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.xjob import homed
from tricircle.xjob.clean_up import after
from tricircle.xjob.homed import Item
from tricircle.xjob.task import Task

_SKEW = timedelta(seconds=60)
"""By how much the clock of a site may be behind the top's."""

_SHORTEST_WAIT, _LONGEST_WAIT = 2.0, 60.0
"""Seconds between two looks."""

_TO_SHOW = 4.0
"""Seconds in which what a site has made shows in its lists: its database may be read from a copy."""


def find_made(task: Task) -> Outcome:
    """Record the routes of what a request has made; look again later where it has made nothing yet."""
    asked: IntentParameters = task.parameters
    kind = HOMED[task.job.resource_type]
    sent_at = _time_of(asked.sent_at)
    # Before the list is read: what is not in it then was not made by then.
    left = _seconds_left(task, asked, sent_at)
    alike = _alike(task, kind, asked, sent_at - _SKEW)
    known = task.engine.routes.known(kind.name, task.site.id, [item["id"] for item in alike])
    # What has a route already is another request's, or was named by the answer to this one.
    new = [item for item in alike if item["id"] not in known][: asked.most]
    routes = [_route(task, kind, item) for item in new]
    keep = partial(_keep, task=task, routes=routes, servers=_to_adopt(task, kind, alike))
    if len(new) == asked.most or (asked.most > 1 and len(alike) >= asked.most):
        found = ", ".join(route.top_id for route in routes) or "nothing new"
        return Succeeded(f"Found {found}.", work=keep)
    task.engine.database.transact(keep)
    task.step("kept", adopted=[item["id"] for item in alike])
    if left <= 0:
        work = None if alike else after(task, asked.uses, asked.groups)
        return Succeeded(_last_word(len(alike) if asked.most > 1 else 0), work=work)
    age = (now() - sent_at).total_seconds()
    wait = min(max(age / 2, _SHORTEST_WAIT), _LONGEST_WAIT, left)
    return Postponed(wait, f"{len(new)} of {asked.most} found.")


def _seconds_left(task: Task, asked: IntentParameters, sent_at: datetime) -> float:
    """Return for how long the site may still make what was asked for."""
    ends = [sent_at + timedelta(seconds=task.engine.conf.xjob.intent_horizon)]
    if asked.over_at is not None:
        ends.append(_time_of(asked.over_at) + timedelta(seconds=_TO_SHOW))
    return (min(ends) - now()).total_seconds()


def _to_adopt(task: Task, kind: ResourceType, alike: Iterable[Item]) -> list[Item]:
    """Return the servers whose ports are to be adopted, each once.

    Also those that have a route: the client may have listed them, from which it was learnt, and that adopts
    nothing.
    """
    if kind is not SERVER_TYPE or not task.engine.networks.is_there:
        return []
    done = set(task.progress.get("adopted", ()))
    return [item for item in alike if item["id"] not in done]


def _keep(connection: sa.Connection, *, task: Task, routes: Sequence[Route], servers: Sequence[Item]) -> None:
    """Record routes, and have the ports of servers adopted."""
    task.engine.routes.recording(routes)(connection)
    for server in sorted(servers, key=lambda server: str(server["id"])):
        adoption = Request(
            ADOPT.name,
            SERVER_TYPE.name,
            server["id"],
            task.site.id,
            project_id=SERVER_TYPE.project_of(server) or task.job.project_id,
            parameters=AdoptParameters(task.parameters.uses, task.parameters.groups),
            request_id=task.job.request_id,
        )
        task.engine.requester.enqueue(connection, adoption)


def _time_of(written: str) -> datetime:
    """Return a time of an intent's parameters, naive, UTC.

    :raises BadRequest: that is no time: another attempt would not make it one.
    """
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        raise BadRequest("The parameters of the intent job make no sense: that is no time.") from None
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def _last_word(found: int) -> str:
    return f"No more than {found} were made." if found else "It was never made."


def _alike(task: Task, kind: ResourceType, asked: IntentParameters, since: datetime) -> list[Item]:
    """Return what a site lists that could have been made by a request, the oldest first."""
    order = homed.LISTINGS[kind.name].newest
    if task.job.project_id is not None:
        order += f"&project_id={quote(task.job.project_id, '')}"
    found: list[Item] = []
    for items, _ in homed.pages(task.engine.sites, task.site, kind, order):
        task.step("list", alike=len(found))
        found += [item for item in items if _could_be(task, kind, asked, since, item)]
        times = [time for item in items if (time := kind.created_at(item)) is not None]
        if times and min(times) < since:
            break
    return found[::-1]


def _could_be(task: Task, kind: ResourceType, asked: IntentParameters, since: datetime, item: Item) -> bool:
    created_at = kind.created_at(item)
    return (
        created_at is not None
        and created_at >= since
        and task.job.project_id in {None, kind.project_of(item)}
        and _is_named(item.get("name"), asked)
        and shows(item, asked.facts)
    )


def _is_named(name: object, asked: IntentParameters) -> bool:
    """Say whether a name is the one that was asked for; Nova numbers several at once: `x-1`, `x-2`."""
    is_there = str(name or "").strip()
    wanted = (asked.name or "").strip()
    number = is_there.removeprefix(f"{wanted}-")
    return is_there == wanted or (asked.most > 1 and number != is_there and number.isdecimal())


def shows(item: Any, facts: Any) -> bool:
    """Say whether a resource's JSON shows some facts, whatever else it shows."""
    if isinstance(facts, Mapping):
        return isinstance(item, Mapping) and all(shows(item.get(name), facts[name]) for name in facts)
    return bool(item == facts)


def _route(task: Task, kind: ResourceType, item: Item) -> Route:
    project_id = kind.project_of(item) or task.job.project_id
    return Route(item["id"], kind.name, task.site.id, item["id"], project_id, kind.created_at(item))
