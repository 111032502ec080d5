"""Offices for the tests of the gateway: three sites, and zones over them."""

from typing import Any

import pytest
from oslo_config import cfg
from tests.unit.gateway.office import ZONES, A, B, C, Office, Opening, Said
from tests.unit.sites.register import Register

from tricircle.gateway.compute.application import SERVICE as COMPUTE
from tricircle.gateway.volume.application import SERVICE as VOLUME


@pytest.fixture
def compute(conf: cfg.ConfigOpts) -> Opening:
    """Open an office of the Compute API; each site says what it is told to."""

    def opened(*, more: Any = (), client: Any = None, **answers: Said) -> Office:
        register = Register((A, B, C), ZONES)
        return Office(conf, COMPUTE, register, answers, client=client, more_endpoints=more)

    return opened


@pytest.fixture
def volume(conf: cfg.ConfigOpts) -> Opening:
    """Open an office of the Block Storage API."""

    def opened(**answers: Said) -> Office:
        return Office(conf, VOLUME, Register((A, B, C), ZONES), answers)

    return opened
