"""The job that has a site's rules let in the members that a security group has in other sites.

Rules that name the group as the remote one let in, in each site, the members that are there. For the others
the site has one address group, which this job keeps, and each such rule once more with that (see
`tricircle.realise.kinds.security_group`). It is made when the top first knows of a member elsewhere; then it
stays, maybe empty, until no rule of the site names the group any more.
"""

from functools import partial

import sqlalchemy as sa

from tricircle.errors import BadAnswer, Conflict
from tricircle.jobs.outcome import Failed, Outcome, Succeeded
from tricircle.realise.definition import FORMER, Definition, DefinitionState, Known
from tricircle.realise.kinds import REMOTE_MEMBERS, SECURITY_GROUP
from tricircle.realise.kinds.remote_members import EXTENSIONS, RemoteMembers
from tricircle.sites.service_calls import SiteRefused
from tricircle.xjob.task import Task

_PASSING = frozenset({404, 409})
"""What a site refuses with while something else is under way there, which another attempt will find done."""


def keep_members(task: Task) -> Outcome:
    """Do it."""
    engine = task.engine
    task.step("begun")
    if not engine.networks.is_there:
        return Succeeded("The top has no network service any more.")
    group = engine.replicas.store.find(SECURITY_GROUP.name, task.job.resource_id)
    naming = [] if group is None else engine.replicas.remote_groups.naming(group.definition, task.site.id)
    if group is None or group.definition.state is not DefinitionState.ACTIVE or not naming:
        return _leave(task)
    try:
        return _keep(task, group.definition, naming)
    except (SiteRefused, BadAnswer) as error:
        if error.site != task.site.name:
            raise
        is_final = isinstance(error, SiteRefused) and error.site_status not in _PASSING
        return Failed(_half_in_force(task, group.definition, error.message), error.request_id, is_final)


def _keep(task: Task, group: Definition, naming: list[Known]) -> Outcome:
    """Have the site let them in."""
    engine, site, realiser = task.engine, task.site, task.engine.replicas.realiser
    addresses = engine.replicas.members.elsewhere(group.key, site)
    known = engine.replicas.store.find(REMOTE_MEMBERS.name, group.key)
    if known is None or known.realisations.get(site.id) is None or known.version_in(site.id) == FORMER:
        if not addresses:
            return Succeeded("No other site has a member.")
        lacking = [name for name in EXTENSIONS if not _has(task, name)]
        if lacking:
            cure = "Its network service lacks {}: have it there, then redo this job."
            return Failed(_half_in_force(task, group, cure.format(", ".join(lacking))), is_final=True)
    known = _want(task, group)
    before = known.id_in(site.id) if known.in_step(site.id) else None
    done = realiser.realise(
        known.definition.id, site, own={"addresses": addresses}, with_parts=False, step=task.step
    )
    if engine.replicas.store.realised.id_in_site(REMOTE_MEMBERS.name, group.key, site.id) != before:
        for each in naming:
            realiser.realise(each.definition.id, site, step=task.step)
        realiser.complete(known.definition.id, site)
    return Succeeded(f"{len(addresses)} addresses in other sites. {done}")


def _want(task: Task, group: Definition) -> Known:
    """Note that the site needs it; return what is known of it then.

    :raises Conflict: the group goes just now.
    """
    store = task.engine.replicas.store

    def work(connection: sa.Connection) -> str:
        definition, _ = store.define_as_shown(
            connection,
            REMOTE_MEMBERS.name,
            group.key,
            name=group.name,
            project_id=str(group.project_id),
            body=RemoteMembers.of(group),
        )
        store.realised.want(connection, definition.id, task.site.id)
        return definition.id

    known = store.get(task.engine.database.transact(work))
    if known is None:
        raise Conflict("The group is being deleted.")
    return known


def _has(task: Task, extension: str) -> bool:
    service = REMOTE_MEMBERS.service_type
    return task.engine.sites.get(task.site, service, f"/v2.0/extensions/{extension}") is not None


def _leave(task: Task) -> Outcome:
    """Have it go from the site, where no rule needs it any more."""
    store, site, realiser = task.engine.replicas.store, task.site, task.engine.replicas.realiser
    known = store.find(REMOTE_MEMBERS.name, task.job.resource_id)
    if known is None or site.id not in known.realisations:
        return Succeeded(f"No rule in site {site.name} names it.")
    definition = known.definition
    # What names it no more may do so in the site still.
    for each in store.of_project(SECURITY_GROUP.name, str(definition.project_id)):
        if site.id in each.realisations and not each.in_step(site.id):
            realiser.realise(each.definition.id, site, step=task.step)
    if definition.state is DefinitionState.ACTIVE:
        task.engine.database.transact(
            partial(store.realised.want_no_more, definition_id=definition.id, site_id=site.id)
        )
    return Succeeded(realiser.realise(definition.id, site, step=task.step))


def _half_in_force(task: Task, group: Definition, words: str) -> str:
    return (
        f"Rules that name security group {group.name} ({group.key}) as the remote one let in, in site "
        f"{task.site.name}, its members of that site only. {words}"
    )
