"""Jobs about what Cinder has: QoS specs, volume types and volumes."""

from tests.integration.kill.arrangement import Arrangement
from tests.integration.kill.order import Arranged
from tests.integration.kill.scenarios.scenario import Scenarios

from tricircle.jobs import types
from tricircle.jobs.types import IntentParameters

SCENARIOS = Scenarios()


@SCENARIOS.of(types.REPLICATE)
def qos_spec_made(case: Arrangement) -> Arranged:
    return case.replicate(case.define("qos_spec", case.qos_spec()))


@SCENARIOS.of(types.REPLICATE)
def qos_spec_changed(case: Arrangement) -> Arranged:
    before = case.qos_spec(consumer="back-end", specs={"read_iops_sec": "1", "total_iops_sec": "2"})
    known_as = case.make("qos_spec", before, case.second)
    definition = case.define("qos_spec", before, known_as)
    return case.replicate(case.redefine(definition, case.qos_spec()))


@SCENARIOS.of(types.REPLICATE)
def qos_spec_deleted(case: Arrangement) -> Arranged:
    known_as = case.make("qos_spec", case.qos_spec(), case.second)
    definition = case.define("qos_spec", case.qos_spec(), known_as)
    case.make("volume_type", case.volume_type(qos_spec=known_as[case.second.id]), case.second)
    return case.replicate(case.redefine(definition, None))


@SCENARIOS.of(types.REPLICATE)
def volume_type_made(case: Arrangement) -> Arranged:
    """Its QoS spec has to be made before it."""
    spec = case.define("qos_spec", case.qos_spec())
    body = case.volume_type(qos_spec=spec.key, **case.private)
    return case.replicate(case.define("volume_type", body))


@SCENARIOS.of(types.REPLICATE)
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
    return case.replicate(case.redefine(definition, after))


@SCENARIOS.of(types.REPLICATE)
def volume_type_made_again(case: Arrangement) -> Arranged:
    """Another one had its name before, and the site had not heard that this is deleted."""
    known_as = case.make("volume_type", case.volume_type(extra_specs={"old": "yes"}), case.second)
    former = case.define("volume_type", case.volume_type(extra_specs={"old": "yes"}), known_as)
    case.redefine(former, None)
    return case.replicate(case.define("volume_type", case.volume_type()))


@SCENARIOS.of(types.REPLICATE)
def volume_type_deleted(case: Arrangement) -> Arranged:
    known_as = case.make("volume_type", case.volume_type(), case.second)
    definition = case.define("volume_type", case.volume_type(), known_as)
    return case.replicate(case.redefine(definition, None))


@SCENARIOS.of(types.LEARN)
def new_volume_type_learnt(case: Arrangement) -> Arranged:
    """With a QoS spec that the top has not known either."""
    (spec_id,) = case.make("qos_spec", case.qos_spec(), case.first).values()
    case.make("volume_type", case.volume_type(qos_spec=spec_id), case.first)
    return case.learn("volume_type", f"?{case.mark}")


@SCENARIOS.of(types.INTENT)
def volume_found(case: Arrangement) -> Arranged:
    volume = case.things.volumes[0]
    parameters = IntentParameters(volume["name"], 1, volume["created_at"], {"size": volume["size"]})
    return case.intend("volume", parameters)


@SCENARIOS.of(types.AFTER_DELETE)
def volume_gone(case: Arrangement) -> Arranged:
    return case.delete("volume", case.things.gone["volume"])
