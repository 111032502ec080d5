"""Jobs about what Neutron has: networks and what belongs to them, ports, and members of security groups."""

from uuid import uuid4

from tests.integration.kill.arrangement import Arrangement
from tests.integration.kill.group_ground import GroupGround
from tests.integration.kill.network_ground import NetworkGround
from tests.integration.kill.order import Arranged
from tests.integration.kill.scenarios.scenario import Scenarios
from tests.integration.kill.spanning_ground import SpanningGround

from tricircle.jobs import types
from tricircle.jobs.types import AdoptParameters

SCENARIOS = Scenarios()


@SCENARIOS.of(types.REPLICATE)
def network_made(case: Arrangement) -> Arranged:
    """With its subnets; the QoS policy, which has a job of its own, is there already."""
    ground = SpanningGround(case)
    ground.realise("qos_policy")
    return ground.replicate()


@SCENARIOS.of(types.REPLICATE)
def network_changed(case: Arrangement) -> Arranged:
    """It has another name, and one more subnet."""
    ground = SpanningGround(case)
    ground.realise()
    ground.rename()
    ground.add_subnet("10.9.1.0/28", 4)
    ground.define()
    return ground.replicate()


@SCENARIOS.of(types.REPLICATE)
def network_left(case: Arrangement) -> Arranged:
    """Nothing in the site needs it any more."""
    ground = SpanningGround(case)
    ground.realise()
    ground.leave()
    return ground.replicate()


@SCENARIOS.of(types.REPLICATE)
def qos_policy_made(case: Arrangement) -> Arranged:
    return SpanningGround(case).replicate("qos_policy")


@SCENARIOS.of(types.AFTER_DELETE)
def server_gone_with_its_ports(case: Arrangement) -> Arranged:
    ground = NetworkGround(case)
    case.route("server", ground.server_id, case.first)
    ground.row("one")
    ground.row("two")
    return ground.ask(types.AFTER_DELETE)


@SCENARIOS.of(types.ADOPT)
def ports_adopted(case: Arrangement) -> Arranged:
    """Of two that are new, one that is otherwise at the top, and one that the site has no longer."""
    ground = NetworkGround(case)
    ground.port("new")
    ground.port("also-new")
    ground.row("as-it-was", ground.port("changed"))
    ground.row("gone")
    return ground.ask(types.ADOPT)


@SCENARIOS.of(types.PORTS)
def ports_compared(case: Arrangement) -> Arranged:
    """The same, found by the comparison of all; and one that is known, and has no route."""
    ground = NetworkGround(case)
    ground.port("new")
    ground.row("as-it-was", ground.port("changed"))
    ground.row("gone")
    case.engine.routes.forget(ground.row("known", ground.port("known")), "port", case.first.id)
    return case.ask_about(types.PORTS, case.first)


@SCENARIOS.of(types.CLEAN_UP)
def brought_for_nothing(case: Arrangement) -> Arranged:
    """The network came to the site for a server that was never made."""
    ground = SpanningGround(case)
    ground.realise()
    server_id = str(uuid4())
    case.names[server_id] = "the server"
    asked = AdoptParameters((ground.network_id,))
    return case.ask(types.CLEAN_UP, "server", server_id, case.second, asked)


@SCENARIOS.of(types.FOLLOW)
def port_changed_at_the_top(case: Arrangement) -> Arranged:
    ground = NetworkGround(case)
    port_id = ground.row("as-it-should-be", ground.port("as-it-was"))
    return case.ask(types.FOLLOW, "port", port_id, None)


@SCENARIOS.of(types.FOLLOW)
def port_deleted_at_the_top(case: Arrangement) -> Arranged:
    ground = NetworkGround(case)
    port_id: str = ground.port("there")["id"]
    ground.route(port_id)
    case.names[port_id] = "the port"
    return case.ask(types.FOLLOW, "port", port_id, None)


@SCENARIOS.of(types.FOLLOW)
def network_changed_at_the_top(case: Arrangement) -> Arranged:
    ground = SpanningGround(case)
    ground.realise()
    ground.rename()
    ground.add_subnet("10.9.1.0/28", 4)
    return ground.follow()


@SCENARIOS.of(types.FOLLOW)
def network_deleted_at_the_top(case: Arrangement) -> Arranged:
    ground = SpanningGround(case)
    ground.realise()
    ground.delete()
    return ground.follow()


@SCENARIOS.of(types.MEMBERS)
def members_let_in(case: Arrangement) -> Arranged:
    """The site has not heard of any before."""
    return GroupGround(case).ask()


@SCENARIOS.of(types.MEMBERS)
def members_changed(case: Arrangement) -> Arranged:
    """One has another address than it had."""
    ground = GroupGround(case)
    ground.know_of_members()
    return ground.ask()


@SCENARIOS.of(types.MEMBERS)
def members_let_in_no_more(case: Arrangement) -> Arranged:
    """The rule is gone at the top, and still in the site."""
    ground = GroupGround(case)
    ground.know_of_members()
    ground.name_no_group()
    return ground.ask()
