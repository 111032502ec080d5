"""The job that takes out of a site what was brought there for a server of which nothing came.

That is known when the site has refused the server, when the intent job has found none, or when one is gone
that was in ERROR. What has come there lately, and on which nothing else has come about, goes: ports that were
made at the top first, networks with their subnets, security groups. What was there before, or is needed by
another boot, stays, and goes when it is idle.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from tricircle.jobs.boots import FAILED, came_of_it
from tricircle.jobs.outcome import Outcome, Succeeded, Work
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import ADOPT
from tricircle.realise.asked import Asked
from tricircle.realise.definition import DefinitionState, Known
from tricircle.realise.kinds import NETWORK, SECURITY_GROUP
from tricircle.realise.leaving import clean_up_job
from tricircle.xjob.idle_groups import take_out_new_groups, with_named
from tricircle.xjob.idle_networks import forget_rows, idle_since, leaves_if_new, take_out_if_new
from tricircle.xjob.leaving import take_out
from tricircle.xjob.port_rows import PortRows
from tricircle.xjob.ports import PORT, show
from tricircle.xjob.task import Task


def after(task: Task, uses: Iterable[str], groups: Iterable[str]) -> Work | None:
    """Ask for the job where nothing came of a boot, with the end of the job by which that is known.

    :param uses: as `AdoptParameters` has them; so `groups`.
    :return: None where there is nothing to take out.
    """
    job = task.job
    request = clean_up_job(job.site_id, job.project_id, uses, groups, request_id=job.request_id)
    return None if request is None else partial(task.engine.requester.enqueue, request=request)


def after_server(task: Task) -> Work | None:
    """Ask for it where the server of a job is gone, and its ports' jobs say that it has failed."""
    filters = JobFilters(type=ADOPT.name, resource_id=task.job.resource_id, site_id=task.site.id)
    adoptions = JobStore(task.engine.database).page(filters)
    if not all(job.progress.get(FAILED) for job in adoptions):
        return None
    asked = [ADOPT.read(job.parameters) for job in adoptions]
    uses = {use for each in asked for use in each.uses}
    return after(task, uses, {group for each in asked for group in each.groups})


def clean_up(task: Task) -> Outcome:
    """Do it."""
    engine, asked, since = task.engine, task.parameters, idle_since(task)
    if since is None or not engine.networks.is_there:
        return Succeeded("Nothing goes.")
    store = engine.replicas.store
    ports = _of_site(task, store.several([(PORT, each) for each in asked.uses]), since)
    keys = {*asked.uses, *(each.definition.body["network_id"] for each in ports)}
    networks = _of_site(task, store.several([(NETWORK.name, each) for each in sorted(keys)]), since)
    wanted, owned = Asked((), asked.groups, task.job.project_id).keys()
    of_ports = {group for port in ports for group in port.definition.body["security_groups"]}
    wanted += [(SECURITY_GROUP.name, each) for each in sorted(of_ports)]
    groups = _of_site(task, with_named(store, store.several(wanted, owned=owned)), since)
    gone = sum(_take_port_out(task, each, since) for each in ports)
    gone += sum(take_out_if_new(task, each, since) for each in networks)
    gone += take_out_new_groups(task, groups, since)
    left = sorted({*(each.definition.key for each in networks), *task.progress.get("networks", ())})
    task.step("taken out", networks=left)
    if left:
        forget_rows(task, PortRows(engine, task.site, task.step), network_id=left)
    return Succeeded(f"{gone} things are gone from the site.")


def _of_site(task: Task, known: Iterable[Known], since: datetime) -> list[Known]:
    """Return what has come to the site lately, or is about to, or to go."""
    realised = task.engine.replicas.store.realised
    return [
        each
        for each in known
        if each.definition.state is DefinitionState.ACTIVE
        and realised.was_noted(each.definition.id, task.site.id, since)
    ]


def _take_port_out(task: Task, known: Known, since: datetime) -> bool:
    """Take a port out of the site that was made at the top first, unless a server has it."""
    engine, site, definition = task.engine, task.site, known.definition
    there = known.id_in(site.id)
    shown = None if there is None else show(engine.sites, site, there)
    if shown is not None and shown.get("device_id"):
        return False
    return take_out(
        task,
        definition,
        is_asked_for=partial(came_of_it, used=definition.key, site_id=site.id, since=since),
        note=leaves_if_new(task, since),
    )
