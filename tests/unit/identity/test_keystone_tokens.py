"""Keystone's word about tokens, as keystonemiddleware brings it."""

from pathlib import Path
from typing import Any

import pytest
import webob.exc
from keystoneauth1.exceptions import ConnectFailure, EndpointNotFound
from keystonemiddleware import auth_token

from tricircle import config
from tricircle.errors import IdentityUnavailable, TricircleError, Unauthorized
from tricircle.identity.tokens import KeystoneTokens

BODY = {"token": {"user": {"id": "alice"}}}


class Fetch:
    """Stands in for keystonemiddleware's own `fetch_token`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    def __call__(self, token: str) -> dict[str, Any]:
        self.asked.append(token)
        if self.error is not None:
            raise self.error
        return BODY


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch) -> Fetch:
    fetch = Fetch()
    monkeypatch.setattr(auth_token.AuthProtocol, "fetch_token", lambda _, token: fetch(token))
    return fetch


@pytest.fixture
def keystone(tmp_path: Path, fetch: Fetch) -> KeystoneTokens:
    file = tmp_path / "tricircle.conf"
    file.write_text("[keystone_authtoken]\nwww_authenticate_uri = https://keystone.example\n")
    return KeystoneTokens(config.load(files=[str(file)]))


def test_a_valid_token_gives_its_body(keystone: KeystoneTokens) -> None:
    assert keystone("a-token") == BODY


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (auth_token.InvalidToken("no"), Unauthorized),
        (webob.exc.HTTPServiceUnavailable("down"), IdentityUnavailable),
        (ConnectFailure("refused"), IdentityUnavailable),
        (EndpointNotFound("no identity service"), IdentityUnavailable),
    ],
)
def test_what_goes_wrong_is_told_in_our_own_errors(
    keystone: KeystoneTokens, fetch: Fetch, said: Exception, told: type[TricircleError]
) -> None:
    fetch.error = said
    with pytest.raises(told) as caught:
        keystone("a-token")
    assert "a-token" not in caught.value.message


def test_the_challenge_names_keystone(keystone: KeystoneTokens) -> None:
    assert keystone.challenge == 'Keystone uri="https://keystone.example"'
