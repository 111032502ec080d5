"""The jobs that workers are killed at: each with what there is before it begins.

A job type without a scenario fails a test; the steps of a job are found by running it, not written here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tests.integration.kill.scenarios import compute, network, sites, volume
from tests.integration.kill.scenarios.scenario import Scenario

_OF_EACH = (sites.SCENARIOS, volume.SCENARIOS, compute.SCENARIOS, network.SCENARIOS)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {name: scenario for some in _OF_EACH for name, scenario in some.items()}
)
"""All of them, by name."""

assert len(SCENARIOS) == sum(len(some) for some in _OF_EACH), "two have the same name"
