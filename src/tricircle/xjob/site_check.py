"""Looks whether a site answers; when it does so again, asks for what it has missed.

A site answers when its compute service does, whatever it says. That its volume service does not is kept as a
cause: what needs no volume can be done there.
"""

import contextlib
from dataclasses import dataclass
from datetime import datetime

from oslo_log import log

from tricircle.errors import BadAnswer, Conflict, NotFound, SiteUnavailable
from tricircle.jobs import types
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.sites.node import Node, NodeState
from tricircle.sites.node_store import NodeStore
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine

LOG = log.getLogger(__name__)

_TARGETS = {"compute": "/v2.1/flavors?limit=1", "block-storage": "/v3/types?limit=1"}
"""Cheap, and answered from the service's database, not only by what stands before it."""

_DEADLINE = 10.0

_TRIES = 2
"""One lost answer is not an outage."""

_PAGE = 200

_WHEN_BACK = (types.CATCH_UP, types.NODE, types.PORTS)


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What is wrong with a service.

    :param is_silent: it does not answer; else it answers, and says no.
    """

    words: str
    is_silent: bool


def check(engine: Engine, site: Site) -> None:
    """Keep whether a site answers.

    :raises IdentityUnavailable: the service user cannot log in, so that nothing is known.
    :raises DatabaseUnavailable: it cannot be reached.
    """
    compute, storage = (_complaint(engine, site, service_type) for service_type in _TARGETS)
    up = compute is None or not compute.is_silent
    # Both may have the same to say: that the site cannot be reached.
    words = dict.fromkeys(complaint.words for complaint in (compute, storage) if complaint is not None)
    complaints = " ".join(" ".join(words).split())
    store = NodeStore(engine.database)
    before = next((node for node in store.page() if node.site_id == site.id), None)
    if up and (before is None or before.state is not NodeState.UP):
        # Before it is noted that the site is up: who dies in between leaves it to the next look.
        _welcome_back(engine, site, before)
    if store.set_state(site.id, up=up, cause=complaints or None):
        if up:
            LOG.info("Site %s is up", site.name)
        else:
            LOG.warning("Site %s is down: %s", site.name, complaints)


def _welcome_back(engine: Engine, site: Site, before: Node | None) -> None:
    """Have done what a site has missed; twice does no harm."""
    if before is not None and before.state is NodeState.DOWN and before.state_since is not None:
        _redo_parked(engine, site, before.state_since)
    engine.requester.request(*(Request(kind.name, "site", site.id, site_id=site.id) for kind in _WHEN_BACK))


def _complaint(engine: Engine, site: Site, service_type: str) -> _Complaint | None:
    """Ask a service something; None where all is well."""
    complaint = None
    for _ in range(_TRIES):
        try:
            engine.sites.call(site, service_type, "GET", _TARGETS[service_type], deadline=_deadline(engine))
        except SiteRefused as error:
            return _Complaint(error.message, is_silent=False)
        except (SiteUnavailable, BadAnswer) as error:
            complaint = _Complaint(error.message, is_silent=True)
        else:
            return None
    return complaint


def _redo_parked(engine: Engine, site: Site, since: datetime) -> None:
    """Have done what was parked while the site was down: an outage may last longer than a job is tried."""
    store = JobStore(engine.database)
    filters = JobFilters(state=JobState.FAILED, site_id=site.id)
    marker: str | None = None
    while jobs := store.page(filters, limit=_PAGE, marker=marker):
        marker = jobs[-1].id
        for job in reversed(jobs):
            if job.updated_at >= since:
                with contextlib.suppress(Conflict, NotFound):  # somebody else was quicker
                    store.redo(job.id)


def _deadline(engine: Engine) -> float:
    return min(_DEADLINE, float(engine.conf.sites.read_deadline))
