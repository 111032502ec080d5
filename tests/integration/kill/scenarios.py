"""The jobs that workers are killed at: each with what there is before it begins.

A job type without a scenario fails a test; the steps of a job are found by running it, not written here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import uuid4

from tests.integration.kill.arrangement import Arrangement, key_of
from tests.integration.kill.group_ground import GroupGround
from tests.integration.kill.network_ground import NetworkGround
from tests.integration.kill.order import Arranged
from tests.integration.kill.spanning_ground import SpanningGround

from tricircle.jobs import types
from tricircle.jobs.types import AdoptParameters, DriftParameters, IntentParameters, ReplicateParameters
from tricircle.realise.definition import Definition
from tricircle.realise.kinds import KINDS
from tricircle.xjob import after_delete

Arrange = Callable[[Arrangement], Arranged]


@dataclass(frozen=True)
class Scenario:
    """A job, and what there is before it."""

    type: str
    arrange: Arrange


_TABLE: dict[str, Scenario] = {}


def _scenario(kind: types.JobType) -> Callable[[Arrange], Arrange]:
    def enter(arrange: Arrange) -> Arrange:
        _TABLE[arrange.__name__.replace("_", "-")] = Scenario(kind.name, arrange)
        return arrange

    return enter


# -- replicate: the second site is to get what the first one has -----------------------------------


def _replicate(case: Arrangement, definition: Definition, *, mend: bool = False) -> Arranged:
    return case.ask(types.REPLICATE, definition.kind, definition.id, case.second, ReplicateParameters(mend))


@_scenario(types.REPLICATE)
def flavor_made(case: Arrangement) -> Arranged:
    return _replicate(case, case.define("flavor", case.flavor(**case.private)))


@_scenario(types.REPLICATE)
def flavor_changed(case: Arrangement) -> Arranged:
    before = case.flavor(
        description="as it was",
        extra_specs={"hw:cpu_policy": "dedicated", "quota:vif_peak": "1"},
        is_public=False,
        access=[case.things.other_project_id],
    )
    known_as = case.make("flavor", before, case.second)
    definition = case.define("flavor", before, known_as)
    return _replicate(case, case.redefine(definition, case.flavor(**case.private)))


@_scenario(types.REPLICATE)
def flavor_mended(case: Arrangement) -> Arranged:
    known_as = case.make("flavor", case.flavor(ram=128, extra_specs={}), case.second)
    definition = case.define("flavor", case.flavor(), known_as)
    return _replicate(case, definition, mend=True)


@_scenario(types.REPLICATE)
def flavor_made_again(case: Arrangement) -> Arranged:
    """It was deleted, and the site had not heard of that when it was made again, otherwise."""
    known_as = case.make("flavor", case.flavor(ram=128), case.second)
    definition = case.define("flavor", case.flavor(ram=128), known_as)
    definition = case.redefine(case.redefine(definition, None), case.flavor())
    return _replicate(case, definition)


@_scenario(types.REPLICATE)
def flavor_deleted(case: Arrangement) -> Arranged:
    known_as = case.make("flavor", case.flavor(), case.second)
    definition = case.define("flavor", case.flavor(), known_as)
    return _replicate(case, case.redefine(definition, None))


@_scenario(types.REPLICATE)
def keypair_made(case: Arrangement) -> Arranged:
    return _replicate(case, case.define("keypair", case.keypair()))


@_scenario(types.REPLICATE)
def keypair_deleted(case: Arrangement) -> Arranged:
    known_as = case.make("keypair", case.keypair(), case.second)
    definition = case.define("keypair", case.keypair(), known_as)
    return _replicate(case, case.redefine(definition, None))


@_scenario(types.REPLICATE)
def qos_spec_made(case: Arrangement) -> Arranged:
    return _replicate(case, case.define("qos_spec", case.qos_spec()))


@_scenario(types.REPLICATE)
def qos_spec_changed(case: Arrangement) -> Arranged:
    before = case.qos_spec(consumer="back-end", specs={"read_iops_sec": "1", "total_iops_sec": "2"})
    known_as = case.make("qos_spec", before, case.second)
    definition = case.define("qos_spec", before, known_as)
    return _replicate(case, case.redefine(definition, case.qos_spec()))


@_scenario(types.REPLICATE)
def qos_spec_deleted(case: Arrangement) -> Arranged:
    known_as = case.make("qos_spec", case.qos_spec(), case.second)
    definition = case.define("qos_spec", case.qos_spec(), known_as)
    case.make("volume_type", case.volume_type(qos_spec=known_as[case.second.id]), case.second)
    return _replicate(case, case.redefine(definition, None))


@_scenario(types.REPLICATE)
def volume_type_made(case: Arrangement) -> Arranged:
    """Its QoS spec has to be made before it."""
    spec = case.define("qos_spec", case.qos_spec())
    body = case.volume_type(qos_spec=spec.key, **case.private)
    return _replicate(case, case.define("volume_type", body))


@_scenario(types.REPLICATE)
def volume_type_changed(case: Arrangement) -> Arranged:
    """Nearly all of it, also the QoS spec."""
    specs = {}
    for suffix in ("-old", "-new"):
        body = case.qos_spec(suffix)
        known_as = case.make("qos_spec", body, case.second)
        specs[suffix] = (case.define("qos_spec", body, known_as), known_as[case.second.id])
    before = case.volume_type(
        description="as it was",
        extra_specs={"multiattach": "<is> True", "old": "yes"},
        is_public=False,
        access=[case.things.other_project_id],
        qos_spec=specs["-old"][1],
    )
    known_as = case.make("volume_type", before, case.second)
    definition = case.define("volume_type", before | {"qos_spec": specs["-old"][0].key}, known_as)
    after = case.volume_type(qos_spec=specs["-new"][0].key, **case.private)
    return _replicate(case, case.redefine(definition, after))


@_scenario(types.REPLICATE)
def volume_type_made_again(case: Arrangement) -> Arranged:
    """Another one had its name before, and the site had not heard that this is deleted."""
    known_as = case.make("volume_type", case.volume_type(extra_specs={"old": "yes"}), case.second)
    former = case.define("volume_type", case.volume_type(extra_specs={"old": "yes"}), known_as)
    case.redefine(former, None)
    return _replicate(case, case.define("volume_type", case.volume_type()))


@_scenario(types.REPLICATE)
def volume_type_deleted(case: Arrangement) -> Arranged:
    known_as = case.make("volume_type", case.volume_type(), case.second)
    definition = case.define("volume_type", case.volume_type(), known_as)
    return _replicate(case, case.redefine(definition, None))


# -- replicate: what is at the top's Neutron, where a site needs it ---------------------------------


@_scenario(types.REPLICATE)
def network_made(case: Arrangement) -> Arranged:
    """With its subnets; the QoS policy, which has a job of its own, is there already."""
    ground = SpanningGround(case)
    ground.realise("qos_policy")
    return ground.replicate()


@_scenario(types.REPLICATE)
def network_changed(case: Arrangement) -> Arranged:
    """It has another name, and one more subnet."""
    ground = SpanningGround(case)
    ground.realise()
    ground.rename()
    ground.add_subnet("10.9.1.0/28", 4)
    ground.define()
    return ground.replicate()


@_scenario(types.REPLICATE)
def network_left(case: Arrangement) -> Arranged:
    """Nothing in the site needs it any more."""
    ground = SpanningGround(case)
    ground.realise()
    ground.leave()
    return ground.replicate()


@_scenario(types.REPLICATE)
def qos_policy_made(case: Arrangement) -> Arranged:
    return SpanningGround(case).replicate("qos_policy")


# -- learn: a user has changed something in the first site -----------------------------------------


def _learn(case: Arrangement, kind: str, key: str, *, may_be_gone: bool = False) -> Arranged:
    """Write down what a gateway does before it sends the user's request; then it is never heard of again."""
    sites = {case.first.id: case.first}
    writing = case.engine.replicas.writing
    intent = writing.begin(KINDS[kind], key, case.mark, sites, may_be_gone=may_be_gone)
    job = next(job for job in case.jobs() if job.id == intent.job_id)
    request = {job.resource_id.partition("/")[2]: "request", intent.definition.id: "new"}
    return Arranged(intent.job_id, case.names | request)


@_scenario(types.LEARN)
def new_flavor_learnt(case: Arrangement) -> Arranged:
    case.make("flavor", case.flavor(), case.first)
    return _learn(case, "flavor", case.mark)


@_scenario(types.LEARN)
def new_flavor_never_made(case: Arrangement) -> Arranged:
    return _learn(case, "flavor", case.mark)


@_scenario(types.LEARN)
def new_volume_type_learnt(case: Arrangement) -> Arranged:
    """With a QoS spec that the top has not known either."""
    (spec_id,) = case.make("qos_spec", case.qos_spec(), case.first).values()
    case.make("volume_type", case.volume_type(qos_spec=spec_id), case.first)
    return _learn(case, "volume_type", f"?{case.mark}")


@_scenario(types.LEARN)
def change_of_a_flavor_learnt(case: Arrangement) -> Arranged:
    known_as = case.make("flavor", case.flavor(), case.first, case.second)
    case.define("flavor", case.flavor(description="as it was"), known_as)
    return _learn(case, "flavor", case.mark)


@_scenario(types.LEARN)
def delete_of_a_keypair_learnt(case: Arrangement) -> Arranged:
    known_as = case.make("keypair", case.keypair(), case.second)
    case.define("keypair", case.keypair(), known_as)
    return _learn(case, "keypair", key_of("keypair", case.keypair()), may_be_gone=True)


# -- catch_up and drift: jobs that ask for others --------------------------------------------------


@_scenario(types.CATCH_UP)
def site_that_joins(case: Arrangement) -> Arranged:
    case.define("flavor", case.flavor())
    case.define("keypair", case.keypair())
    spec = case.define("qos_spec", case.qos_spec())
    case.define("volume_type", case.volume_type(qos_spec=spec.key))
    return case.ask_about(types.CATCH_UP, case.second)


@_scenario(types.DRIFT)
def drift_mended(case: Arrangement) -> Arranged:
    """Of one that is as it should be, one changed, one gone, and one that is still to go."""
    known_as = case.make("flavor", case.flavor(extra_specs={"changed": "there"}), case.second)
    case.define("flavor", case.flavor(), known_as)
    case.define("keypair", case.keypair(), {case.second.id: case.mark})
    known_as = case.make("qos_spec", case.qos_spec(), case.second)
    case.define("qos_spec", case.qos_spec(), known_as)
    known_as = case.make("volume_type", case.volume_type(), case.second)
    case.redefine(case.define("volume_type", case.volume_type(), known_as), None)
    return case.ask_about(types.DRIFT, case.second, DriftParameters(mend=True))


# -- homed resources, and nodes --------------------------------------------------------------------


@_scenario(types.REBUILD)
def routes_rebuilt(case: Arrangement) -> Arranged:
    """With rows of what is there, and of what is there no more."""
    case.route("server", case.things.servers[0]["id"], case.first)
    for kind, resource_id in case.things.gone.items():
        case.route(kind, resource_id, case.first)
    return case.ask_about(types.REBUILD, case.first)


@_scenario(types.NODE)
def capacity_learnt(case: Arrangement) -> Arranged:
    return case.ask_about(types.NODE, case.first)


def _intent(case: Arrangement, kind: str, parameters: IntentParameters) -> Arranged:
    return case.ask(types.INTENT, kind, f"request {case.mark}", case.first, parameters)


@_scenario(types.INTENT)
def server_found(case: Arrangement) -> Arranged:
    server = case.things.servers[0]
    facts = {"flavor": {"id": server["flavor"]["id"]}, "image": {"id": server["image"]["id"]}}
    parameters = IntentParameters(server["name"], 1, server["created"].removesuffix("Z"), facts)
    return _intent(case, "server", parameters)


@_scenario(types.INTENT)
def several_servers_found(case: Arrangement) -> Arranged:
    server = case.things.servers[0]
    facts = {"flavor": {"id": server["flavor"]["id"]}}
    name = server["name"].rpartition("-")[0]
    parameters = IntentParameters(name, len(case.things.servers), server["created"].removesuffix("Z"), facts)
    return _intent(case, "server", parameters)


@_scenario(types.INTENT)
def volume_found(case: Arrangement) -> Arranged:
    volume = case.things.volumes[0]
    parameters = IntentParameters(volume["name"], 1, volume["created_at"], {"size": volume["size"]})
    return _intent(case, "volume", parameters)


def _after_delete(case: Arrangement, kind: str, resource_id: str) -> Arranged:
    case.route(kind, resource_id, case.first)
    return case.ask(types.AFTER_DELETE, kind, resource_id, case.first)


@_scenario(types.AFTER_DELETE)
def server_gone(case: Arrangement) -> Arranged:
    return _after_delete(case, "server", case.things.gone["server"])


@_scenario(types.AFTER_DELETE)
def volume_gone(case: Arrangement) -> Arranged:
    return _after_delete(case, "volume", case.things.gone["volume"])


@_scenario(types.AFTER_DELETE)
def server_kept(case: Arrangement) -> Arranged:
    """The site has refused the delete, and it has been looked for often enough, but for one time."""
    arranged = _after_delete(case, "server", case.things.servers[0]["id"])
    return case.note_progress(arranged, {"looks": after_delete.LOOKS - 1})


# -- ports: at the top as their site has them, and the other way round ------------------------------


@_scenario(types.AFTER_DELETE)
def server_gone_with_its_ports(case: Arrangement) -> Arranged:
    ground = NetworkGround(case)
    case.route("server", ground.server_id, case.first)
    ground.row("one")
    ground.row("two")
    return ground.ask(types.AFTER_DELETE)


@_scenario(types.ADOPT)
def ports_adopted(case: Arrangement) -> Arranged:
    """Of two that are new, one that is otherwise at the top, and one that the site has no longer."""
    ground = NetworkGround(case)
    ground.port("new")
    ground.port("also-new")
    ground.row("as-it-was", ground.port("changed"))
    ground.row("gone")
    return ground.ask(types.ADOPT)


@_scenario(types.PORTS)
def ports_compared(case: Arrangement) -> Arranged:
    """The same, found by the comparison of all; and one that is known, and has no route."""
    ground = NetworkGround(case)
    ground.port("new")
    ground.row("as-it-was", ground.port("changed"))
    ground.row("gone")
    case.engine.routes.forget(ground.row("known", ground.port("known")), "port", case.first.id)
    return case.ask_about(types.PORTS, case.first)


@_scenario(types.CLEAN_UP)
def brought_for_nothing(case: Arrangement) -> Arranged:
    """The network came to the site for a server that was never made."""
    ground = SpanningGround(case)
    ground.realise()
    server_id = str(uuid4())
    case.names[server_id] = "the server"
    asked = AdoptParameters((ground.network_id,))
    return case.ask(types.CLEAN_UP, "server", server_id, case.second, asked)


@_scenario(types.FOLLOW)
def port_changed_at_the_top(case: Arrangement) -> Arranged:
    ground = NetworkGround(case)
    port_id = ground.row("as-it-should-be", ground.port("as-it-was"))
    return case.ask(types.FOLLOW, "port", port_id, None)


@_scenario(types.FOLLOW)
def port_deleted_at_the_top(case: Arrangement) -> Arranged:
    ground = NetworkGround(case)
    port_id: str = ground.port("there")["id"]
    ground.route(port_id)
    case.names[port_id] = "the port"
    return case.ask(types.FOLLOW, "port", port_id, None)


@_scenario(types.FOLLOW)
def network_changed_at_the_top(case: Arrangement) -> Arranged:
    ground = SpanningGround(case)
    ground.realise()
    ground.rename()
    ground.add_subnet("10.9.1.0/28", 4)
    return ground.follow()


@_scenario(types.FOLLOW)
def network_deleted_at_the_top(case: Arrangement) -> Arranged:
    ground = SpanningGround(case)
    ground.realise()
    ground.delete()
    return ground.follow()


# -- members of a security group in other sites ------------------------------------------------------


@_scenario(types.MEMBERS)
def members_let_in(case: Arrangement) -> Arranged:
    """The site has not heard of any before."""
    return GroupGround(case).ask()


@_scenario(types.MEMBERS)
def members_changed(case: Arrangement) -> Arranged:
    """One has another address than it had."""
    ground = GroupGround(case)
    ground.know_of_members()
    return ground.ask()


@_scenario(types.MEMBERS)
def members_let_in_no_more(case: Arrangement) -> Arranged:
    """The rule is gone at the top, and still in the site."""
    ground = GroupGround(case)
    ground.know_of_members()
    ground.name_no_group()
    return ground.ask()


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(_TABLE)
"""All of them, by name."""
