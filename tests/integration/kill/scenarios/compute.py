"""Jobs about what Nova has: flavors, keypairs and servers."""

from tests.integration.kill.arrangement import Arrangement, key_of
from tests.integration.kill.order import Arranged
from tests.integration.kill.scenarios.scenario import Scenarios

from tricircle.jobs import types
from tricircle.jobs.types import IntentParameters
from tricircle.xjob import after_delete

SCENARIOS = Scenarios()


@SCENARIOS.of(types.REPLICATE)
def flavor_made(case: Arrangement) -> Arranged:
    return case.replicate(case.define("flavor", case.flavor(**case.private)))


@SCENARIOS.of(types.REPLICATE)
def flavor_changed(case: Arrangement) -> Arranged:
    before = case.flavor(
        description="as it was",
        extra_specs={"hw:cpu_policy": "dedicated", "quota:vif_peak": "1"},
        is_public=False,
        access=[case.things.other_project_id],
    )
    known_as = case.make("flavor", before, case.second)
    definition = case.define("flavor", before, known_as)
    return case.replicate(case.redefine(definition, case.flavor(**case.private)))


@SCENARIOS.of(types.REPLICATE)
def flavor_mended(case: Arrangement) -> Arranged:
    known_as = case.make("flavor", case.flavor(ram=128, extra_specs={}), case.second)
    definition = case.define("flavor", case.flavor(), known_as)
    return case.replicate(definition, mend=True)


@SCENARIOS.of(types.REPLICATE)
def flavor_made_again(case: Arrangement) -> Arranged:
    """It was deleted, and the site had not heard of that when it was made again, otherwise."""
    known_as = case.make("flavor", case.flavor(ram=128), case.second)
    definition = case.define("flavor", case.flavor(ram=128), known_as)
    definition = case.redefine(case.redefine(definition, None), case.flavor())
    return case.replicate(definition)


@SCENARIOS.of(types.REPLICATE)
def flavor_deleted(case: Arrangement) -> Arranged:
    known_as = case.make("flavor", case.flavor(), case.second)
    definition = case.define("flavor", case.flavor(), known_as)
    return case.replicate(case.redefine(definition, None))


@SCENARIOS.of(types.REPLICATE)
def keypair_made(case: Arrangement) -> Arranged:
    return case.replicate(case.define("keypair", case.keypair()))


@SCENARIOS.of(types.REPLICATE)
def keypair_deleted(case: Arrangement) -> Arranged:
    known_as = case.make("keypair", case.keypair(), case.second)
    definition = case.define("keypair", case.keypair(), known_as)
    return case.replicate(case.redefine(definition, None))


@SCENARIOS.of(types.LEARN)
def new_flavor_learnt(case: Arrangement) -> Arranged:
    case.make("flavor", case.flavor(), case.first)
    return case.learn("flavor", case.mark)


@SCENARIOS.of(types.LEARN)
def new_flavor_never_made(case: Arrangement) -> Arranged:
    return case.learn("flavor", case.mark)


@SCENARIOS.of(types.LEARN)
def change_of_a_flavor_learnt(case: Arrangement) -> Arranged:
    known_as = case.make("flavor", case.flavor(), case.first, case.second)
    case.define("flavor", case.flavor(description="as it was"), known_as)
    return case.learn("flavor", case.mark)


@SCENARIOS.of(types.LEARN)
def delete_of_a_keypair_learnt(case: Arrangement) -> Arranged:
    known_as = case.make("keypair", case.keypair(), case.second)
    case.define("keypair", case.keypair(), known_as)
    return case.learn("keypair", key_of("keypair", case.keypair()), may_be_gone=True)


@SCENARIOS.of(types.INTENT)
def server_found(case: Arrangement) -> Arranged:
    server = case.things.servers[0]
    facts = {"flavor": {"id": server["flavor"]["id"]}, "image": {"id": server["image"]["id"]}}
    parameters = IntentParameters(server["name"], 1, server["created"].removesuffix("Z"), facts)
    return case.intend("server", parameters)


@SCENARIOS.of(types.INTENT)
def several_servers_found(case: Arrangement) -> Arranged:
    server = case.things.servers[0]
    facts = {"flavor": {"id": server["flavor"]["id"]}}
    name = server["name"].rpartition("-")[0]
    parameters = IntentParameters(name, len(case.things.servers), server["created"].removesuffix("Z"), facts)
    return case.intend("server", parameters)


@SCENARIOS.of(types.AFTER_DELETE)
def server_gone(case: Arrangement) -> Arranged:
    return case.delete("server", case.things.gone["server"])


@SCENARIOS.of(types.AFTER_DELETE)
def server_kept(case: Arrangement) -> Arranged:
    """The site has refused the delete, and it has been looked for often enough, but for one time."""
    arranged = case.delete("server", case.things.servers[0]["id"])
    return case.note_progress(arranged, {"looks": after_delete.LOOKS - 1})
