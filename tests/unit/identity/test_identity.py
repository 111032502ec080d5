"""What a validated token says."""

from typing import Any

import pytest

from tricircle.identity.identity import Identity

TOKEN: dict[str, Any] = {
    "user": {"id": "alice"},
    "project": {"id": "blue"},
    "roles": [{"id": "1", "name": "member"}, {"id": "2", "name": "reader"}],
    "expires_at": "2026-11-22T10:00:00.500000Z",
}


def test_a_token_of_a_project() -> None:
    expected = Identity("alice", "blue", frozenset({"member", "reader"}), 1795341600.5)
    assert Identity.from_token({"token": TOKEN}) == expected


@pytest.mark.parametrize("scope", [{"domain": {"id": "default"}}, {"system": {"all": True}}, {}])
def test_a_token_without_a_project(scope: dict[str, Any]) -> None:
    token = {key: value for key, value in TOKEN.items() if key != "project"} | scope
    assert Identity.from_token({"token": token}).project_id is None


def test_a_token_without_roles() -> None:
    token = {key: value for key, value in TOKEN.items() if key != "roles"}
    assert Identity.from_token({"token": token}).roles == frozenset()
