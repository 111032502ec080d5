"""An Admin API over an empty database, and who calls it."""

from typing import Any

import pytest
from falcon import testing
from oslo_config import cfg

from tricircle.admin.application import assemble
from tricircle.admin.engine import Engine
from tricircle.admin.policies import make_enforcer
from tricircle.db.engine import Database
from tricircle.errors import Unauthorized
from tricircle.identity.tokens import TokenChecker
from tricircle.routing.store import RouteStore
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import ZoneStore

ROOT = "https://top.example/admin"
CHALLENGE = 'Keystone uri="https://keystone.example"'
ROLES = {"admin-token": "admin", "member-token": "member"}


def fetch_token(token: str) -> dict[str, Any]:
    """Stand in for Keystone."""
    if token not in ROLES:
        raise Unauthorized("The request you have made requires authentication.")
    return {
        "token": {
            "user": {"id": "user"},
            "project": {"id": "project"},
            "roles": [{"name": ROLES[token]}],
            "expires_at": "2999-01-01T00:00:00Z",
        }
    }


@pytest.fixture
def engine(database: Database, conf: cfg.ConfigOpts) -> Engine:
    return Engine(
        sites=SiteStore(database),
        zones=ZoneStore(database),
        routes=RouteStore(database),
        enforcer=make_enforcer(conf),
        public_root=lambda req: ROOT,
        max_limit=3,
        max_body_size=2048,
    )


@pytest.fixture
def anyone(engine: Engine) -> testing.TestClient:
    """Give a client without a token."""
    checker = TokenChecker(fetch_token, cache_time=60, cache_size=10)
    return testing.TestClient(assemble(engine, checker, CHALLENGE))


@pytest.fixture
def admin(anyone: testing.TestClient) -> testing.TestClient:
    """Give an administrator's client."""
    return testing.TestClient(anyone.app, headers={"X-Auth-Token": "admin-token"})


@pytest.fixture
def member(anyone: testing.TestClient) -> testing.TestClient:
    """Give the client of someone who is not an administrator."""
    return testing.TestClient(anyone.app, headers={"X-Auth-Token": "member-token"})
