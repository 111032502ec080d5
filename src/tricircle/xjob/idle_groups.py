"""Security groups go from a site in which no port is in them any more, as networks do; so do address groups.

What a rule of another group there names stays as long as that one; a project's default group stays for good,
as each Neutron has one by itself.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial

from tricircle.jobs.boots import came_of_it, was_booted_on
from tricircle.realise.definition import Known
from tricircle.realise.kinds import ADDRESS_GROUP, KINDS, PORT, SECURITY_GROUP
from tricircle.realise.kinds.security_group import DEFAULT
from tricircle.realise.leaving import Note
from tricircle.realise.store import DefinitionStore
from tricircle.xjob.idle_networks import idle_since, leaves_if_idle, leaves_if_new
from tricircle.xjob.leaving import take_out
from tricircle.xjob.task import Task

_GROUPS = (SECURITY_GROUP.name, ADDRESS_GROUP.name)

_NAMING = (SECURITY_GROUP.name, PORT.name)
"""What names groups."""

Key = tuple[str, str]


def take_out_idle_groups(task: Task, in_use: Collection[str]) -> int:
    """Take the groups out of the task's site that nothing there needs; return how many.

    :param in_use: ids, in the site, of those in which ports are.
    """
    since, site_id = idle_since(task), task.site.id
    if since is None:
        return 0
    idle = [
        known
        for known in task.engine.replicas.store.held_by(site_id, _GROUPS)
        if known.in_step(site_id) and known.id_in(site_id) not in in_use
    ]
    return _take_all_out(task, idle, was_booted_on, leaves_if_idle(task, since), since)


def take_out_new_groups(task: Task, known: Collection[Known], since: datetime) -> int:
    """Take groups out that came to the task's site lately, for servers that came to nothing.

    :param since: when they must not have been there yet.
    :return: how many are gone.
    """
    return _take_all_out(task, known, came_of_it, leaves_if_new(task, since), since)


def _take_all_out(
    task: Task, groups: Iterable[Known], asks: Callable[..., bool], note: Note, since: datetime
) -> int:
    """Take out those of some groups that nothing else of the top's in the site names; return how many.

    :param asks: tells by names, site and time whether boots ask for a group.
    """
    left = {_key(each): each for each in groups if each.definition.name != DEFAULT}
    gone = 0
    while batch := _next(task, left):
        for known in batch:
            del left[_key(known)]
        names = {name for known in batch for name in (known.definition.key, known.definition.name)}
        asked = partial(asks, used=names, site_id=task.site.id, since=since)
        if take_out(task, *(known.definition for known in batch), is_asked_for=asked, note=note):
            gone += len(batch)
            _forget_members(task, batch)
    return gone


def _next(task: Task, left: Mapping[Key, Known]) -> list[Known]:
    """Return one that nothing in the site names; where there is none, those that name only one another.

    Such go together, as a rule goes with the group that it names.
    """
    names = {
        _key(each): _named_by(each) for each in task.engine.replicas.store.held_by(task.site.id, _NAMING)
    }
    named = {key for its in names.values() for key in its}
    alone = [known for key, known in left.items() if key not in named]
    if alone:
        return alone[:1]
    needed: set[Key] = set()
    remaining = [key for key in names if key not in left]
    while remaining:
        more = names.get(remaining.pop(), set()) - needed
        needed |= more
        remaining += more
    return [known for key, known in left.items() if key not in needed]


def _key(known: Known) -> Key:
    return known.definition.kind, known.definition.key


def _named_by(known: Known) -> set[Key]:
    kind, body = KINDS[known.definition.kind], known.definition.body
    return {*kind.parts(body), *kind.needs(body)}


def _forget_members(task: Task, groups: Iterable[Known]) -> None:
    """Have the addresses go that the site has of members of those groups that others named."""
    bodies = [each.definition.body for each in groups if each.definition.kind == SECURITY_GROUP.name]
    requests = task.engine.replicas.remote_groups.of_rules(bodies, [task.site.id])
    task.engine.requester.request(*requests)


def with_named(store: DefinitionStore, known: Collection[Known]) -> list[Known]:
    """Return groups with those that their rules name, and those that theirs name."""
    found = {(each.definition.kind, each.definition.key): each for each in known}
    remaining = list(known)
    while remaining:
        named = KINDS[SECURITY_GROUP.name].parts(remaining.pop().definition.body)
        more = store.several(sorted({key for key in named if key[0] in _GROUPS} - found.keys()))
        found |= {(each.definition.kind, each.definition.key): each for each in more}
        remaining += [each for each in more if each.definition.kind == SECURITY_GROUP.name]
    return list(found.values())
