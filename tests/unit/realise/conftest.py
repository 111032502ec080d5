"""Fixtures: a house of things."""

import pytest
from oslo_config import cfg
from tests.unit.realise.things import House, Things

from tricircle.db.engine import Database
from tricircle.realise import kinds, learner, realiser


@pytest.fixture
def house(conf: cfg.ConfigOpts, database: Database, monkeypatch: pytest.MonkeyPatch) -> House:
    """All of `tricircle.realise`, over sites that are dictionaries and a kind that is made for it."""
    things = Things()
    for module in (kinds, learner, realiser):
        monkeypatch.setattr(module, "KINDS", {things.name: things})
    return House(conf, database, things)
