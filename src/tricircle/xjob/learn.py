"""The job that finds out what became of a user's change of a replicated resource.

It looks at the site that got the request, and again when the site has surely ended what it was doing. A new
one that the site does not have by then was never made, and is dropped. Where others have changed the same
through another site since, theirs holds: nobody was told that this change was done.

What the site had before, without a definition, gets none by this: it may be that the site has refused the
request. Only that it is gone counts, where it was to be deleted; the next change takes the rest over.
"""

from datetime import timedelta
from functools import partial

from tricircle.db.timestamps import now
from tricircle.jobs.outcome import Outcome, Postponed, Succeeded
from tricircle.realise.definition import DefinitionState
from tricircle.realise.writing import definition_of
from tricircle.xjob.task import SiteGone, Task

_PATIENCE = 5.0
"""Seconds between looks for something that nobody has seen yet."""


def learn(task: Task) -> Outcome:
    """Look, and take over what is there."""
    replicas, definition_id = task.engine.replicas, definition_of(task.job.resource_id)
    grace = timedelta(seconds=task.engine.conf.xjob.intent_grace)
    left = (task.job.created_at + grace - now()).total_seconds()
    try:
        site = task.site
    except SiteGone:
        replicas.writing.drop(definition_id, task.job.id)
        raise
    task.step("begun")
    learnt = replicas.learner.learn(
        definition_id,
        site,
        may_be_gone=task.parameters.may_be_gone,
        yields=True,
        only_gone={DefinitionState.PENDING} if task.parameters.taken_over else (),
        request_id=task.job.request_id,
    )
    task.step("looked")
    if learnt.definition is None:
        return Succeeded("It is not there any more.")
    bury = partial(replicas.store.bury, definition_id=definition_id)
    pending = learnt.definition.state is DefinitionState.PENDING
    if left > 0:
        return Postponed(min(_PATIENCE, left) if pending else left, f"Site {site.name} may still be at it.")
    if pending:
        replicas.writing.drop(definition_id, task.job.id)
        return Succeeded("It was never made.")
    return Succeeded("Learnt." if learnt.changed else "There was nothing new.", bury)
