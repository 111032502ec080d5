"""Fixtures: a top that nobody else uses, what is in a site for all to look at, and the rounds."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually
from tests.integration.kill.image import delete_marked, look
from tests.integration.kill.nursery import Nursery
from tests.integration.kill.order import MARK, Loan, Start, Things
from tests.integration.kill.round import Model, Round, Ward, find_models
from tests.integration.sandbox import IS_KEPT, Sandbox

from tricircle import config
from tricircle.db import schema
from tricircle.db.engine import Database
from tricircle.identity.service_user import ServiceUser
from tricircle.sites.store import SiteStore

TIMES = int(os.environ.get("TRICIRCLE_KILL_TIMES", "1"))
"""How many rounds there are."""


@pytest.fixture(scope="module")
def folder(sandbox: Sandbox) -> Path:
    """Where all files of the rounds are; those of a round that went wrong stay."""
    folder = sandbox.directory / "kill"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def template(sandbox: Sandbox, folder: Path) -> Path:
    """A top's database with the sandbox's sites in it, and nothing to do."""
    path = folder / "template.sqlite"
    conf = config.load(files=[])
    conf.set_override("connection", f"sqlite:///{path}", group="database")
    database = Database(conf)
    schema.upgrade(database)
    for site in sandbox.sites:
        SiteStore(database).create(site.name, site.name)
    database.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM job_events")
        connection.execute("DELETE FROM jobs")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="module")
def loan(sandbox: Sandbox) -> Loan:
    """The service user's token, which outlives all rounds."""
    service_user = ServiceUser(config.load(files=[sandbox.facts["top"]["configuration"]]))
    token = service_user.token()
    assert token is not None
    return Loan(token, service_user.catalog().catalog, service_user.project_id())


@pytest.fixture(scope="module")
def things(tenant: Client, stranger: Client, sites: list[SiteAdmin]) -> Iterator[Things]:
    """Two servers that one request made, and volumes, in the first site; and the ids of what was deleted."""
    user_id = tenant.connection.session.get_user_id()
    assert user_id is not None
    belongings, short_lived = Belongings(tenant), Belongings(tenant)
    first = sites[0]
    name = f"several-{uuid4().hex[:8]}"
    belongings.booting(name, first.site.zone, max_count=2, min_count=2)
    made = [belongings.volume(f"single-{number}", first.site.zone) for number in range(4)]
    gone = {
        "server": short_lived.server("gone", first.site.zone).id,
        "volume": short_lived.volume("gone", first.site.zone).id,
    }
    servers = eventually(lambda: _booted(first, f"{name}-"), "two servers")
    for server in servers:
        belongings.keep("servers", server["id"])
    short_lived.put_away()
    yield Things(
        user_id=user_id,
        project_id=tenant.project_id,
        other_project_id=stranger.project_id,
        servers=servers,
        volumes=[first.volumes()[volume.id] for volume in made],
        gone=gone,
    )
    belongings.put_away()


def _booted(admin: SiteAdmin, prefix: str) -> list[dict[str, Any]]:
    found = [server for server in admin.servers().values() if str(server["name"]).startswith(prefix)]
    return found if [server["status"] for server in found] == ["ACTIVE", "ACTIVE"] else []


@pytest.fixture(scope="module")
def swept(sites: list[SiteAdmin], things: Things, admin: Client) -> Iterator[None]:
    """What a case makes in sites and at the top does not outlive these tests, also if one goes wrong.

    Everybody who comes after them would find it. In a sandbox that is kept it stays, to be looked at.
    """
    delete_marked(look(sites, things.user_id, admin.connection), MARK)
    yield
    if not IS_KEPT:
        delete_marked(look(sites, things.user_id, admin.connection), MARK)


@pytest.fixture(scope="module")
def nursery(
    sandbox: Sandbox, folder: Path, template: Path, *, loan: Loan, things: Things, swept: None
) -> Iterator[Nursery]:
    """Where workers come from."""
    start = Start(sandbox.facts["top"]["configuration"], str(template), loan, things)
    with Nursery(folder / "nursery", start) as nursery:
        yield nursery


@pytest.fixture(scope="module")
def ward(sites: list[SiteAdmin], folder: Path, things: Things, nursery: Nursery, admin: Client) -> Ward:
    """Where cases are seen to; what a round that went wrong has left in the sites is gone."""
    ward = Ward(nursery, sites, folder, things.user_id, top=admin.connection)
    (folder / "before").mkdir()
    ward.put_away(ward.look(), "before")
    return ward


@pytest.fixture(scope="module")
def models(ward: Ward) -> dict[str, Model]:
    """What each job does and leaves when nobody is killed, by scenario."""
    return find_models(ward)


@pytest.fixture(scope="module", params=range(TIMES), ids=lambda number: f"round-{number + 1}")
def a_round(request: pytest.FixtureRequest, ward: Ward, models: dict[str, Model]) -> Round:
    """A round that is over."""
    return Round(ward, models, f"round-{request.param + 1}")
