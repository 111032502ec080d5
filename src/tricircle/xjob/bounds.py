"""How many jobs a worker does at a time, and for whom: so that nobody's trouble becomes everybody's.

A site that cannot be reached, or is slow, holds each of its jobs for as long as deadlines are. So a site
has a bound; one that does not answer has a bound of one, for the try that finds out; and the last quarter
of the threads is for sites that are well and have nothing under way here. The top's own services count as one
more site: jobs that are for none are about these.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from oslo_config import cfg


@dataclass(frozen=True, slots=True)
class Bounds:
    """A worker's bounds.

    :param threads: most jobs at a time.
    :param per_site: of these for one site; so per project.
    """

    threads: int
    per_site: int
    per_project: int

    @property
    def spread_from(self) -> int:
        """Return from how many jobs on only sites that have nothing under way get another one."""
        return self.threads - self.threads // 4

    def busy_sites(self, running: Mapping[str, int], failing: Collection[str]) -> set[str]:
        """Say for which sites no job is to be taken now.

        :param running: how many jobs are under way, by site.
        :param failing: the sites that do not answer.
        """
        is_spread = sum(running.values()) >= self.spread_from
        bound = 1 if is_spread else self.per_site
        busy = {site for site, count in running.items() if count >= (1 if site in failing else bound)}
        return busy | set(failing) if is_spread else busy

    def busy_projects(self, running: Mapping[str, int]) -> set[str]:
        """Say for which projects no job is to be taken now.

        :param running: how many jobs are under way, by project.
        """
        return {project for project, count in running.items() if count >= self.per_project}


def bounds_of(conf: cfg.ConfigOpts) -> Bounds:
    """Read the bounds from a configuration."""
    return Bounds(conf.xjob.threads, conf.xjob.max_per_site, conf.xjob.max_per_project)
