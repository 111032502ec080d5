"""The job that takes over what has become of a network, subnet, port or group at the top's Neutron.

It reads the top, defines what is there, so that a first server need not wait for that, and asks for jobs in
the sites that have the thing, or are to have it from the start. A port is at home in one site, to which its
changes are carried at once.
"""

from oslo_log import log

from tricircle.errors import Conflict, Unavailable
from tricircle.jobs.outcome import Outcome, Succeeded
from tricircle.realise.definition import Known
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site
from tricircle.xjob import ports
from tricircle.xjob.changed_by_nova import take_over
from tricircle.xjob.task import Task

LOG = log.getLogger(__name__)


def follow(task: Task) -> Outcome:
    """Do it."""
    job, networks = task.job, task.engine.networks
    task.step("begun")
    if not networks.is_there:
        return Succeeded("The top has no network service any more.")
    if job.resource_type == ports.PORT:
        return Succeeded(_follow_port(task))
    return Succeeded(networks.follow(job.resource_type, job.resource_id, request_id=job.request_id))


def _follow_port(task: Task) -> str:
    """Carry a port to its site, if it has one."""
    port_id, top = task.job.resource_id, task.engine.networks.top
    known = task.engine.replicas.store.find(ports.PORT, port_id)
    if known is not None:
        # It was made at the top first, and realised in a site.
        _take_over(task, known)
        return task.engine.networks.follow(ports.PORT, port_id, request_id=task.job.request_id)
    port = top.show("port", port_id, request_id=task.job.request_id)
    if port is None:
        return ports.carry_deletion(task.engine, port_id, step=task.step)
    site = _home(task, port_id)
    return "No site has it." if site is None else ports.carry(task.engine, port, site, step=task.step)


def _take_over(task: Task, known: Known) -> None:
    """Have the top know what Nova has changed of a port, before what a user has changed is carried there."""
    for site_id in known.realisations:
        site = task.engine.registry.snapshot.by_id.get(site_id)
        if site is None or not site.is_asked:
            continue
        try:
            take_over(task.engine, site, known.definition.key, step=task.step)
        except (Unavailable, SiteRefused) as error:
            LOG.warning("Nova's changes of port %s are left: %s", known.definition.key, error.message)


def _home(task: Task, port_id: str) -> Site | None:
    """Return the site that has a port; None where none does.

    :raises Conflict: it is disabled.
    """
    routes = [route for route in task.engine.routes.all(port_id) if route.resource_type == ports.PORT]
    if not routes:
        return None
    site = task.engine.registry.snapshot.by_id.get(routes[0].site_id)
    if site is None or not site.is_asked:
        name = None if site is None else site.name
        raise Conflict("The site that the port was adopted from is disabled.", site=name)
    return site
