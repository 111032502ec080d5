"""Which sites must hear that members of a security group have come or gone, or that a rule names a group.

What they are asked is a `members` job for each group and site. Most projects are in one site, or have no rule
that names a group: of these nobody is asked anything.
"""

from collections.abc import Collection, Iterable, Iterator

from tricircle.jobs.job import Request
from tricircle.jobs.types import MEMBERS
from tricircle.realise.definition import FORMER, Body, Definition, DefinitionState, Known
from tricircle.realise.kinds import PORT, REMOTE_MEMBERS, SECURITY_GROUP
from tricircle.realise.kinds.remote_members import remote_groups
from tricircle.realise.store import DefinitionStore

_OF_MEMBERS = ("security_groups", "fixed_ips", "allowed_address_pairs")
"""What of a port makes it a member of groups, with which addresses."""


def members_job(group_id: str, site_id: str, project_id: str | None, *, delay: float = 0.0) -> Request:
    """Ask for the job that has a site's rules let in the members of a group in other sites.

    :param delay: seconds before which nobody does it.
    """
    kind = SECURITY_GROUP.name
    return Request(MEMBERS.name, kind, group_id, site_id, project_id=project_id, delay=delay)


def sites_with(known: Known) -> set[str]:
    """Return the ids of the sites that have something, or are about to."""
    return {site_id for site_id, realised in known.realisations.items() if realised.version != FORMER}


class RemoteGroups:
    """Tells which jobs to ask for."""

    def __init__(self, store: DefinitionStore) -> None:
        self._store = store

    def naming(self, group: Definition, site_id: str) -> list[Known]:
        """Return the groups of a site with rules that name a group."""
        return [known for known in self._of_project(group.project_id) if _names(known, group.key, site_id)]

    def of_members(
        self, group_ids: Collection[str], home_id: str | None, *, delay: float = 0.0
    ) -> list[Request]:
        """Return the jobs that follow where members of some groups come to a site, change, or leave it.

        :param home_id: the site; None where it is not known.
        """
        groups = self._store.several([(SECURITY_GROUP.name, each) for each in group_ids])
        jobs: list[Request] = []
        for project_id in sorted({known.definition.project_id or "" for known in groups} - {""}):
            every = self._of_project(project_id)
            there = {known.definition.key: sites_with(known) for known in every}
            new = [known.definition.body for known in every if known.definition.key in group_ids]
            jobs += [
                members_job(group_id, site_id, project_id, delay=delay)
                for known in every
                for group_id in sorted(remote_groups([known.definition.body]) & set(group_ids))
                for site_id in sorted(there[known.definition.key] - {home_id})
                if there.get(group_id, set()) - {site_id}
            ]
            if home_id is not None:
                # What is new there may be the first whom members elsewhere have to reach.
                jobs += self.of_rules(new, [home_id], is_new=True, delay=delay)
        return list({job.key: job for job in jobs}.values())

    def of_change(
        self, kind: str, before: Body | None, after: Body | None, site_ids: Collection[str]
    ) -> list[Request]:
        """Return the jobs that follow where a definition has changed.

        :param before: its body; None where it is new.
        :param after: its body; None where it is gone.
        :param site_ids: of the sites that have it, or are to have it.
        """
        bodies = [body for body in (before, after) if body]
        if kind == SECURITY_GROUP.name:
            return self.of_rules(bodies, sorted(site_ids))
        if kind == PORT.name and _membership(before) != _membership(after):
            groups = {group for body in bodies for group in body["security_groups"]}
            return self.of_members(groups, next(iter(site_ids)) if len(site_ids) == 1 else None)
        return []

    def of_rules(
        self,
        bodies: Iterable[Body],
        site_ids: Iterable[str],
        *,
        is_new: bool = False,
        delay: float = 0.0,
    ) -> list[Request]:
        """Return the jobs that follow where groups, or other rules of them, come to sites or leave them.

        :param bodies: of the groups, as they were and as they are.
        :param is_new: only where the site does not let in members elsewhere yet.
        """
        named = remote_groups(bodies)
        keys = [(kind.name, each) for each in sorted(named) for kind in (SECURITY_GROUP, REMOTE_MEMBERS)]
        known = {(each.definition.kind, each.definition.key): each for each in self._store.several(keys)}
        return [
            members_job(group_id, site_id, project_id, delay=delay)
            for site_id in site_ids
            for group_id, project_id in _concerning(known, site_id, is_new=is_new)
        ]

    def _of_project(self, project_id: str | None) -> list[Known]:
        if project_id is None:
            return []
        found = self._store.of_project(SECURITY_GROUP.name, project_id)
        return [known for known in found if known.definition.state is DefinitionState.ACTIVE]


def _membership(port: Body | None) -> list[object]:
    return [port[name] for name in _OF_MEMBERS] if port else []


def _names(known: Known, group_id: str, site_id: str) -> bool:
    return site_id in sites_with(known) and group_id in remote_groups([known.definition.body])


def _concerning(
    known: dict[tuple[str, str], Known], site_id: str, *, is_new: bool
) -> Iterator[tuple[str, str | None]]:
    """Return the groups, with their projects, that have members elsewhere, or had them before."""
    for (kind, group_id), group in known.items():
        if kind != SECURITY_GROUP.name:
            continue
        members = known.get((REMOTE_MEMBERS.name, group_id))
        if is_new and members is not None and members.in_step(site_id):
            continue
        if sites_with(group) - {site_id} or (members is not None and site_id in members.realisations):
            yield group_id, group.definition.project_id
