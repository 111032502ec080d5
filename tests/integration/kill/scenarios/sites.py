"""Jobs about a whole site: what it is to have, and what there is in it."""

from tests.integration.kill.arrangement import Arrangement
from tests.integration.kill.order import Arranged
from tests.integration.kill.scenarios.scenario import Scenarios

from tricircle.jobs import types
from tricircle.jobs.types import DriftParameters

SCENARIOS = Scenarios()


@SCENARIOS.of(types.CATCH_UP)
def site_that_joins(case: Arrangement) -> Arranged:
    case.define("flavor", case.flavor())
    case.define("keypair", case.keypair())
    spec = case.define("qos_spec", case.qos_spec())
    case.define("volume_type", case.volume_type(qos_spec=spec.key))
    return case.ask_about(types.CATCH_UP, case.second)


@SCENARIOS.of(types.DRIFT)
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


@SCENARIOS.of(types.REBUILD)
def routes_rebuilt(case: Arrangement) -> Arranged:
    """With rows of what is there, and of what is there no more."""
    case.route("server", case.things.servers[0]["id"], case.first)
    for kind, resource_id in case.things.gone.items():
        case.route(kind, resource_id, case.first)
    return case.ask_about(types.REBUILD, case.first)


@SCENARIOS.of(types.NODE)
def capacity_learnt(case: Arrangement) -> Arranged:
    return case.ask_about(types.NODE, case.first)
