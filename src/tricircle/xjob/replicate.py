"""The job that makes a replicated resource the same in a site.

It reads the definition and the site, and does the difference; a deleted one goes from the site. What a site
refuses is not tried again: its cause is there to be read until an operator has it redone, or `catch_up` asks
for it anew. A subnet whose network the site does not have yet is left to the network's job, so that what
keeps both from being there is one parked job.
"""

from functools import partial

from tricircle.jobs.outcome import Failed, Outcome, Succeeded
from tricircle.realise.definition import FORMER, DefinitionState
from tricircle.realise.kinds import KINDS, NETWORK, PARTS_OF_NETWORKS, SECURITY_GROUP
from tricircle.realise.leaving import IN_USE
from tricircle.realise.replication import replication
from tricircle.realise.work import Differs
from tricircle.sites.service_calls import SiteRefused
from tricircle.xjob.task import Task

_PASSING = frozenset({404, IN_USE})
"""What a site refuses with while something else is under way there, which another attempt will find done."""


def replicate(task: Task) -> Outcome:
    """Do it."""
    site, mend = task.site, task.parameters.mend
    task.step("begun")
    if _comes_with_its_network(task):
        return Succeeded("It comes with its network.")
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
        store = task.engine.replicas.store
        if error.site_status == IN_USE and store.realised.is_leaving(task.job.resource_id, site.id):
            # It was to leave the site, and is needed there again: the next attempt has it be as it should.
            want = partial(store.realised.want, definition_id=task.job.resource_id, site_id=site.id)
            task.engine.database.transact(want)
        return Failed(error.message, error.request_id, is_final=error.site_status not in _PASSING)
    return Succeeded(done)


def _comes_with_its_network(task: Task) -> bool:
    """Say whether a part of a network has to wait for it, and have it made if so."""
    if task.job.resource_type not in PARTS_OF_NETWORKS:
        return False
    store, site = task.engine.replicas.store, task.site
    known = store.get(task.job.resource_id)
    if known is None or known.definition.state is not DefinitionState.ACTIVE:
        return False
    keys = [
        key for key in KINDS[known.definition.kind].needs(known.definition.body) if key[0] == NETWORK.name
    ]
    waiting = [
        each
        for each in store.several(keys)
        if each.definition.state is DefinitionState.ACTIVE
        and each.id_in(site.id) is None
        and each.version_in(site.id) != FORMER
        and site.id in each.realisations
    ]
    task.engine.requester.request(
        *(replication(each.definition, site, task.job.request_id) for each in waiting)
    )
    return waiting != []


def _let_in_members_elsewhere(task: Task) -> None:
    """See that members in other sites of groups that a group's rules name are let in, too."""
    replicas = task.engine.replicas
    known = replicas.store.get(task.job.resource_id)
    if known is not None and known.in_step(task.site.id):
        requests = replicas.remote_groups.of_rules([known.definition.body], [task.site.id], is_new=True)
        if requests:
            task.engine.requester.request(*requests)
