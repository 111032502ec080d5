"""The job that makes a replicated resource the same in a site.

It reads the definition and the site, and does the difference; a deleted one goes from the site. What a site
refuses is not tried again: its cause is there to be read until an operator has it redone, or `catch_up` asks
for it anew.
"""

from tricircle.jobs.outcome import Failed, Outcome, Succeeded
from tricircle.realise.kinds import NETWORK, SECURITY_GROUP
from tricircle.realise.realiser import Differs
from tricircle.sites.service_calls import SiteRefused
from tricircle.xjob.task import Task

_PASSING = frozenset({404, 409})
"""What a site refuses with while something else is under way there, which another attempt will find done."""


def replicate(task: Task) -> Outcome:
    """Do it."""
    site, mend = task.site, task.parameters.mend
    task.step("begun")
    try:
        done = task.engine.replicas.realiser.realise(
            task.job.resource_id, site, mend=mend, request_id=task.job.request_id, step=task.step
        )
        if task.job.resource_type == NETWORK.name:
            # It has room for new servers there, too.
            task.engine.networks.make_room(task.job.resource_id, site, request_id=task.job.request_id)
        if task.job.resource_type == SECURITY_GROUP.name:
            _let_in_members_elsewhere(task)
    except Differs as error:
        return Failed(f"{error.message} Delete it there, or have it mended.", is_final=True)
    except SiteRefused as error:
        return Failed(error.message, error.request_id, is_final=error.site_status not in _PASSING)
    return Succeeded(done)


def _let_in_members_elsewhere(task: Task) -> None:
    """See that members in other sites of groups that a group's rules name are let in, too."""
    replicas = task.engine.replicas
    known = replicas.store.get(task.job.resource_id)
    if known is not None and known.in_step(task.site.id):
        requests = replicas.remote_groups.of_rules([known.definition.body], [task.site.id], is_new=True)
        if requests:
            task.engine.requester.request(*requests)
