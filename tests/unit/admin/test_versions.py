"""Version documents, as clients discover them."""

from typing import Any

from falcon import testing
from keystoneauth1 import discover

ROOT = "https://top.example/admin"


class Answer:
    """What keystoneauth looks at of an answer."""

    def __init__(self, result: testing.Result) -> None:
        self.status_code = result.status_code
        self.url = f"{ROOT}/"
        self._result = result

    def json(self) -> Any:
        return self._result.json


class Session:
    """A keystoneauth session that calls the application."""

    def __init__(self, client: testing.TestClient) -> None:
        self._client = client

    def get(self, url: str, **_: object) -> Answer:
        return Answer(self._client.simulate_get(url.removeprefix(ROOT) or "/"))


def test_the_root_lists_the_version_without_a_token(anyone: testing.TestClient) -> None:
    result = anyone.simulate_get("/")
    assert result.status_code == 300
    (version,) = result.json["versions"]["values"]
    assert version["links"] == [{"rel": "self", "href": f"{ROOT}/v1/"}]


def test_the_version_shows_itself(anyone: testing.TestClient) -> None:
    for path in ("/v1", "/v1/"):
        result = anyone.simulate_get(path)
        assert result.status_code == 200
        assert result.json["version"]["id"] == "v1.0"


def test_keystoneauth_understands_both(anyone: testing.TestClient) -> None:
    for url in (f"{ROOT}/", f"{ROOT}/v1/"):
        found = discover.Discover(Session(anyone), url)  # type: ignore[arg-type]
        assert found.url_for("1") == f"{ROOT}/v1/"
