"""What tests of ids in bodies of Nova work with."""

from collections.abc import Callable

import pytest
from tests.unit.gateway.compute.desk import Desk, Networks
from tests.unit.gateway.office import Opening


@pytest.fixture
def networks() -> Networks:
    return Networks()


@pytest.fixture
def desk(compute: Opening, networks: Networks) -> Callable[..., Desk]:
    return lambda answer: Desk(compute(a=answer), networks)
