"""The job that compares the ports of a site with those that the top has of it, network by network.

It finds what no other job was asked to look at: ports made, changed and deleted in the site behind the
top's back, those of Neutron itself (DHCP, metadata), and those of servers whose job gave up. It also finds
which networks and addresses the site does not need any more. The top is
read before the site, so that a port adopted in between does not look as if it were gone; and what differs
is read once more, on both sides, just before it is put right.
"""

from tricircle.jobs.outcome import Failed, Outcome, Succeeded
from tricircle.routing.route import Route
from tricircle.xjob.idle_addresses import IdleAddresses
from tricircle.xjob.idle_groups import take_out_idle_groups
from tricircle.xjob.idle_networks import forget_rows, take_out_if_idle
from tricircle.xjob.made_ports import MadePorts
from tricircle.xjob.port_rows import PortRows
from tricircle.xjob.ports import PORT, Item, ports_in
from tricircle.xjob.room import make_room
from tricircle.xjob.settled import Settled
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
    names = [each for each in engine.replicas.store.realised.names(["network", PORT]) if each[2] == site.id]
    networks = sorted((key, known_as) for kind, key, _, known_as in names if kind != PORT)
    made_first = {known_as: key for kind, key, _, known_as in names if kind == PORT}
    rows, done, gone = PortRows(engine, site, task.step), Settled(), 0
    addresses = IdleAddresses(task)
    groups: set[str] = set()
    for compared, (network_id, known_as) in enumerate(networks):
        task.step("comparing", compared=compared, of=len(networks))
        there = rows.find(network_id=network_id)
        shown = ports_in(engine.sites, site, network_id=known_as)
        differing = rows.differing(shown, there)
        done += rows.look_and_settle(differing)
        at_top = [(made_first[item["id"]], item) for item in shown if item["id"] in made_first]
        done += MadePorts(engine, site, task.step).compare(at_top)
        make_room(engine, site, {network_id} if network_id in done.networks else ())
        _note(task, [row for key, row in there.items() if key not in differing])
        groups |= {group for item in shown for group in item.get("security_groups") or ()}
        if take_out_if_idle(task, network_id, shown):
            gone += 1
        else:
            addresses.look(network_id, shown)
    forget_rows(task, rows)
    gone_groups = take_out_idle_groups(task, groups)
    addresses.release([key for key, _ in networks])
    if done.complaints:
        more = len(done.complaints) - _COMPLAINTS
        words = [*done.complaints[:_COMPLAINTS], *([f"So with {more} more."] if more > 0 else [])]
        return Failed(" ".join(words), is_final=True)
    left = f" {gone} networks were idle, and are gone from the site." if gone else ""
    left += f" So are {gone_groups} groups." if gone_groups else ""
    if addresses.given_back:
        left += f" {addresses.given_back} addresses came back."
    return Succeeded(f"{len(networks)} networks: {done}.{left}")


def _note(task: Task, rows: list[Item]) -> None:
    """See that each adopted port has a route: whoever adopted it may have been killed before that."""
    site = task.site
    known = task.engine.routes.known(PORT, site.id, [row["id"] for row in rows])
    task.engine.routes.record(
        Route(row["id"], PORT, site.id, row["id"], row["project_id"], None)
        for row in rows
        if row["id"] not in known
    )
