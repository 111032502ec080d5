"""Who may do what."""

import re
from pathlib import Path

import pytest
from falcon import testing
from oslo_config import cfg

from tricircle.admin.application import OPERATIONS, Operation
from tricircle.admin.policies import list_rules, make_enforcer, require
from tricircle.errors import Forbidden
from tricircle.identity.identity import Identity

GUARDED = [operation for operation in OPERATIONS if operation.rule is not None]


def call(client: testing.TestClient, operation: Operation) -> testing.Result:
    return client.simulate_request(operation.method, re.sub(r"\{\w+\}", "x", operation.path))


def identity(*roles: str) -> Identity:
    return Identity("user", "project", frozenset(roles), 0.0)


def test_every_operation_but_the_versions_is_guarded_as_documented() -> None:
    documented = {
        (operation["method"], operation["path"]): rule.name
        for rule in list_rules()
        for operation in rule.operations
    }
    assert documented == {(operation.method, operation.path): operation.rule for operation in GUARDED}
    assert {operation.path for operation in OPERATIONS if operation.rule is None} == {"/", "/v1"}


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.rule)
def test_others_than_administrators_are_refused_before_anything_is_looked_at(
    member: testing.TestClient, operation: Operation
) -> None:
    result = call(member, operation)
    assert result.status_code == 403
    assert result.json == {
        "error": {
            "code": 403,
            "title": "Forbidden",
            "message": f"Policy doesn't allow {operation.rule} to be performed.",
        }
    }


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.rule)
def test_nobody_is_refused_with_a_challenge(anyone: testing.TestClient, operation: Operation) -> None:
    result = call(anyone, operation)
    assert result.status_code == 401
    assert result.headers["WWW-Authenticate"] == 'Keystone uri="https://keystone.example"'
    assert result.json["error"]["title"] == "Unauthorized"


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.rule)
def test_administrators_are_let_through(admin: testing.TestClient, operation: Operation) -> None:
    assert call(admin, operation).status_code in {200, 400, 404}


def test_a_policy_file_changes_the_rules(conf: cfg.ConfigOpts, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text('"tricircle:sites:list": "role:reader"\n')
    enforcer = make_enforcer(conf)
    conf.set_override("policy_file", str(file), group="oslo_policy")
    enforcer = make_enforcer(conf)
    require(enforcer, "tricircle:sites:list", identity("reader"))
    with pytest.raises(Forbidden):
        require(enforcer, "tricircle:sites:list", identity("admin"))
    require(enforcer, "tricircle:sites:show", identity("admin"))


def test_the_case_of_a_role_does_not_matter(conf: cfg.ConfigOpts) -> None:
    require(make_enforcer(conf), "tricircle:sites:list", identity("Admin"))
