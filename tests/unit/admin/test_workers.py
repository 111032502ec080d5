"""`/v1/workers`."""

from datetime import timedelta

from falcon import testing
from tests.unit.admin.conftest import Times

from tricircle.admin.engine import Engine


def test_workers_are_listed_with_whether_they_live(
    admin: testing.TestClient, engine: Engine, times: Times
) -> None:
    engine.workers.tell("b.1", "b")
    engine.workers.tell("a.2", "a")
    times.time += timedelta(minutes=1)
    engine.workers.tell("a.2", "a")
    listed = admin.simulate_get("/v1/workers")
    assert listed.status_code == 200
    noon = "2026-01-31T12:00:00Z"
    later = "2026-01-31T12:01:00Z"
    assert listed.json == {
        "workers": [
            {"name": "a.2", "host": "a", "started_at": noon, "seen_at": later, "alive": True},
            {"name": "b.1", "host": "b", "started_at": noon, "seen_at": noon, "alive": False},
        ]
    }


def test_there_may_be_none(admin: testing.TestClient) -> None:
    assert admin.simulate_get("/v1/workers").json == {"workers": []}
