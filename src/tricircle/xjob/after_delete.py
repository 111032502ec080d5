"""Drops the route of a deleted resource once its site says that it is gone.

A site deletes servers and volumes after it has answered, and so the gateway that passed the answer on cannot
tell. A delete that the site refused, or that failed there, leaves the route where it is.
"""

from datetime import timedelta

import sqlalchemy as sa

from tricircle.db.timestamps import now
from tricircle.jobs.outcome import Failed, Outcome, Postponed, Succeeded, Work
from tricircle.realise.definition import DefinitionState
from tricircle.realise.kinds import NETWORK, RBAC_POLICY, SECURITY_GROUP
from tricircle.realise.replication import replication
from tricircle.routing.homed import HOMED, SERVER_TYPE
from tricircle.routing.resource_type import ResourceType
from tricircle.xjob import homed
from tricircle.xjob.adopt import adopt_now
from tricircle.xjob.clean_up import after_server
from tricircle.xjob.task import Task
from tricircle.xjob.top_away import TopAway

LOOKS = 6
"""How often a resource must be there, and not on its way out, before the delete counts as refused."""

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 300.0
"""Seconds between two looks; a server's ports are at the top until one finds it gone."""

_IN_ITS_WAY = frozenset({NETWORK.name, RBAC_POLICY.name, SECURITY_GROUP.name})
"""What a site does not let go while a server is there."""

_PORTS_PATIENCE = timedelta(minutes=1)
"""For so long ports of which something else is on its way hold up the end; then the comparison has them."""

_PATIENCE = timedelta(days=1)
"""A resource that is being deleted for longer is stuck."""


def drop_route(task: Task) -> Outcome:
    """Drop the route if the resource is gone."""
    job = task.job
    kind = HOMED.get(job.resource_type)
    if kind is None:
        return Failed(f"No site holds a {job.resource_type} as its own.", is_final=True)
    item = homed.show(task.engine.sites, task.site, kind, job.resource_id)
    if item is None:
        return _gone(task, kind)
    if is_being_deleted(item):
        age = now() - job.created_at
        if age > _PATIENCE:
            cause = (
                f"Site {task.site.name} has been deleting it for {age.days} days: look there what holds it."
            )
            return Failed(cause, is_final=True)
        task.step("look", looks=0)
        wait = min(max(age.total_seconds() / 2, _FIRST_WAIT), _LONGEST_WAIT)
        return Postponed(wait, f"Site {task.site.name} is deleting it.")
    looks = int(task.progress.get("looks", 0)) + 1
    task.step("look", looks=looks)
    if looks >= LOOKS:
        return Succeeded(f"Site {task.site.name} has it still: the delete was refused or failed.")
    return Postponed(_FIRST_WAIT * 2.0**looks, f"Site {task.site.name} has it still.")


def _gone(task: Task, kind: ResourceType) -> Outcome:
    """Drop the route; and at the top the ports of a server, but for those that the site still has."""
    engine, site, resource_id = task.engine, task.site, task.job.resource_id
    clean: Work | None = None
    if kind is SERVER_TYPE and engine.networks.is_there:
        try:
            left = adopt_now(task).later
        except TopAway as away:
            # The route is of no use to anybody, however long that lasts.
            engine.routes.forget(resource_id, kind.name, site.id)
            return away.outcome
        if left and now() - task.job.created_at < _PORTS_PATIENCE:
            return Postponed(_FIRST_WAIT, "A change of a port of it is on its way.")
        _take_out(task)
        clean = after_server(task)
    forget = engine.routes.forgetting(resource_id, kind.name, site.id)

    def work(connection: sa.Connection) -> None:
        forget(connection)
        if clean is not None:
            clean(connection)

    return Succeeded(f"Site {site.name} says that it is gone.", work=work)


def _take_out(task: Task) -> None:
    """Try at once to take from the site what is deleted at the top: the server was perhaps in its way."""
    engine, site = task.engine, task.site
    left = [
        definition
        for definition in engine.replicas.store.behind(site.id)
        if definition.kind in _IN_ITS_WAY and definition.state is DefinitionState.DELETED
    ]
    if left:
        task.step("take out what is deleted")
        engine.requester.request(*(replication(each, site, task.job.request_id) for each in left))


def is_being_deleted(item: homed.Item) -> bool:
    """Say whether a resource is on its way out: a server by its task, the others by their status."""
    status = str(item.get("status") or "").lower()
    return item.get("OS-EXT-STS:task_state") == "deleting" or status == "deleting"
