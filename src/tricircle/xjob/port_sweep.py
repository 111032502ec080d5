"""The job that compares the ports of a site with those that the top has of it, network by network.

It finds what no other job was asked to look at: ports made, changed and deleted in the site behind the
top's back, those of Neutron itself (DHCP, metadata), and those of servers whose job gave up. The top is
read before the site, so that a port adopted in between does not look as if it were gone; and what differs
is read once more, on both sides, just before it is put right.
"""

from tricircle.jobs.outcome import Failed, Outcome, Succeeded
from tricircle.routing.route import Route
from tricircle.xjob.port_rows import PortRows, Settled, make_room
from tricircle.xjob.ports import PORT, Item, ports_in
from tricircle.xjob.task import Task
from tricircle.xjob.top_away import TopAway, top_needed

_COMPLAINTS = 5
"""Of so many the words are kept."""


def sweep(task: Task) -> Outcome:
    """Compare, and do the difference."""
    try:
        with top_needed(task):
            return _compare_all(task)
    except TopAway as away:
        return away.outcome


def _compare_all(task: Task) -> Outcome:
    engine, site = task.engine, task.site
    if not engine.networks.is_there:
        return Succeeded("The top has no network service.")
    names = engine.replicas.store.names(["network"])
    networks = sorted((key, known_as) for _, key, site_id, known_as in names if site_id == site.id)
    rows, done = PortRows(engine, site, task.step), Settled()
    for compared, (network_id, known_as) in enumerate(networks):
        task.step("comparing", compared=compared, of=len(networks))
        there = rows.find(network_id=network_id)
        shown = ports_in(engine.sites, site, network_id=known_as)
        differing = rows.differing(shown, there)
        done += rows.look_and_settle(differing)
        make_room(engine, site, {network_id} if network_id in done.networks else ())
        _note(task, [row for key, row in there.items() if key not in differing])
    if done.complaints:
        more = len(done.complaints) - _COMPLAINTS
        words = [*done.complaints[:_COMPLAINTS], *([f"So with {more} more."] if more > 0 else [])]
        return Failed(" ".join(words), is_final=True)
    return Succeeded(f"{len(networks)} networks: {done}.")


def _note(task: Task, rows: list[Item]) -> None:
    """See that each adopted port has a route: whoever adopted it may have been killed before that."""
    site = task.site
    known = task.engine.routes.known(PORT, site.id, [row["id"] for row in rows])
    task.engine.routes.record(
        Route(row["id"], PORT, site.id, row["id"], row["project_id"], None)
        for row in rows
        if row["id"] not in known
    )
