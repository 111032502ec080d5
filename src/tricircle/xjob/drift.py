"""The job that compares the replicated resources of a site with their definitions.

What differs is kept, to be shown; it is changed back only where that is asked for. The members that security
groups have in other sites come and go with the ports there: they are left to a job of their own, which puts
right what it finds.
"""

from tricircle.jobs.outcome import Outcome, Succeeded
from tricircle.realise.definition import Known
from tricircle.realise.kinds import REMOTE_MEMBERS, SECURITY_GROUP
from tricircle.realise.replication import replication
from tricircle.xjob.task import Task


def drift(task: Task) -> Outcome:
    """Compare what the site is said to agree with."""
    store, mend = task.engine.replicas.store, task.parameters.mend
    site = task.site
    compared = differing = 0
    page = store.in_step(site.id)
    while page:
        for known in page:
            task.step("comparing", compared=compared, differing=differing)
            compared += 1
            if _compare(task, known, mend=mend):
                differing += 1
        page = store.in_step(site.id, page[-1].definition.id)
    if mend:
        # What a site refused, or had something else in the place of, is not in step.
        for definition in store.behind(site.id):
            task.engine.requester.request(replication(definition, site, mend=True))
    task.engine.database.transact(store.bury)
    return Succeeded(f"{differing} of {compared} differ.")


def _compare(task: Task, known: Known, *, mend: bool) -> bool:
    """Compare one; say whether it differs."""
    engine, site = task.engine, task.site
    if known.definition.kind == REMOTE_MEMBERS.name:
        engine.requester.request(replication(known.definition, site))
        return False
    if known.definition.kind == SECURITY_GROUP.name:
        rules = engine.replicas.remote_groups.of_rules([known.definition.body], [site.id], is_new=True)
        if rules:
            engine.requester.request(*rules)
    differences = engine.replicas.realiser.compare(known, site)
    words = "; ".join(differences.values()) or None
    engine.replicas.store.realised.note_drift(known.definition, site.id, words)
    if words is not None and mend:
        engine.requester.request(replication(known.definition, site, mend=True))
    return words is not None
