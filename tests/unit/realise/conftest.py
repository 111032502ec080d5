"""Fixtures: a house of things, and a database of definitions."""

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from tests.unit.realise.shelves import A, B, Shelves
from tests.unit.realise.things import House, Things
from tests.unit.sites.register import write

from tricircle.db.engine import Database
from tricircle.realise import kinds, learner, realiser, sides, work
from tricircle.realise.definition import DefinitionState, Known
from tricircle.realise.store import DefinitionStore


@pytest.fixture
def house(conf: cfg.ConfigOpts, database: Database, monkeypatch: pytest.MonkeyPatch) -> House:
    """All of `tricircle.realise`, over sites that are dictionaries and a kind that is made for it."""
    things = Things()
    for module in (kinds, learner, realiser, sides, work):
        monkeypatch.setattr(module, "KINDS", {things.name: things})
    return House(conf, database, things)


@pytest.fixture
def store(database: Database) -> DefinitionStore:
    """A store over a database with two sites."""
    write(database, A, B)
    return DefinitionStore(database)


@pytest.fixture
def put(database: Database, store: DefinitionStore) -> Shelves:
    """Puts a definition there that some sites agree with."""

    def put(
        key: str,
        kind: str = "flavor",
        name: str | None = None,
        *,
        sites: dict[str, str | None] | None = None,
        state: DefinitionState = DefinitionState.ACTIVE,
        **body: object,
    ) -> Known:
        def work(connection: sa.Connection) -> None:
            seen = store.propose(connection, kind, key, name or key)
            version = store.define(connection, seen, key=key, name=name or key, body=dict(body), state=state)
            known = {row.site_id: row for row in (found.realisations.values() if found else ())}
            for site_id, known_as in (sites or {}).items():
                store.realised.record(
                    connection,
                    seen.id,
                    site_id,
                    site_resource_id=known_as,
                    seen=known[site_id].version if site_id in known else 0,
                    version=version,
                )

        found = store.find(kind, key)
        database.transact(work)
        written = store.find(kind, key)
        assert written is not None
        return written

    return put
