"""Tells sites that the members which security groups have elsewhere change: asks for their `members` jobs."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from tricircle.jobs.job import Request
from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine

_LATER = 10.0
"""Seconds within which the change is made, or whoever makes it is dead."""


@contextmanager
def changing(engine: Engine, site: Site, group_ids: Collection[str]) -> Iterator[None]:
    """Have other sites told of members that change at the top, also should the worker die of it.

    :param site: where the members are.
    :param group_ids: the groups whose members change, as the top calls them.
    """
    requests = _concerned(engine, site, group_ids)
    _ask(engine, [replace(each, delay=_LATER) for each in requests])
    yield
    _ask(engine, requests)


def changed(engine: Engine, site: Site, group_ids: Collection[str]) -> None:
    """Have other sites told of members that are otherwise at the top by now.

    :param site: where the members are.
    """
    _ask(engine, _concerned(engine, site, group_ids))


def _concerned(engine: Engine, site: Site, group_ids: Collection[str]) -> list[Request]:
    return engine.replicas.remote_groups.of_members(group_ids, site.id) if group_ids else []


def _ask(engine: Engine, requests: list[Request]) -> None:
    if requests:
        engine.requester.request(*requests)
