"""The RPC API's methods. What oslo.messaging does around them is seen in the functional tests."""

from collections.abc import Mapping
from typing import Any

import pytest

from tricircle.errors import BadRequest, DatabaseUnavailable
from tricircle.jobs.job import JobState
from tricircle.jobs.store import JobStore
from tricircle.xjob.engine import Engine
from tricircle.xjob.rpc import RpcApi, messaging

WISH: Mapping[str, Any] = {"type": "node", "resource_type": "site", "resource_id": "a", "site_id": "a"}


class Woken:
    """Counts wakes."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def api(engine: Engine, woken: Woken) -> RpcApi:
    return RpcApi(engine.requester, woken, lambda: {"worker": "w"})


def refused(api: RpcApi, **wish: Any) -> Exception:
    """Ask for something; return the error that the client gets."""
    with pytest.raises(messaging.ExpectedException) as caught:
        api.request({}, **wish)
    error = caught.value.exc_info[1]
    assert isinstance(error, Exception)
    return error


def test_a_wake_wakes(api: RpcApi, woken: Woken) -> None:
    api.wake({}, job_ids=["1", "2"])
    assert woken.count == 1


def test_a_worker_tells_of_itself(api: RpcApi) -> None:
    assert api.health({}) == {"worker": "w"}


def test_a_job_is_asked_for_and_begun(api: RpcApi, woken: Woken, engine: Engine) -> None:
    job_id = api.request({}, **WISH, delay=3600, priority=7, project_id="p", request_id="req-1")
    job = JobStore(engine.database).show(job_id).job
    assert (job.state, job.type, job.resource_id, job.site_id) == (JobState.WAITING, "node", "a", "a")
    assert (job.priority, job.project_id, job.request_id) == (7, "p", "req-1")
    assert (job.run_after - job.created_at).total_seconds() == 3600
    assert woken.count == 1


def test_parameters_are_read_as_the_type_has_them(api: RpcApi, engine: Engine) -> None:
    job_id = api.request({}, **WISH | {"type": "drift"}, parameters={"mend": True})
    assert JobStore(engine.database).show(job_id).job.parameters == b'{"mend":true}'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "pray"}, "There is no job type pray."),
        ({"parameters": {"x": 1}}, "unknown field"),
        ({"type": "drift", "parameters": {"mend": "much"}}, "Expected `bool`"),
        ({"site_id": None}, "needs a site"),
        ({"resource_type": "cloud"}, "not about a cloud"),
        ({"resource_id": 3}, "Expected `str`"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"requires": ["nobody"]}, "not there"),
        ({"delay": float("inf")}, "$.delay"),
        ({"delay": float("nan")}, "$.delay"),
        ({"delay": -1.0}, "$.delay"),
        ({"delay": 1e12}, "$.delay"),
        ({"priority": -5}, "$.priority"),
        ({"priority": 10**12}, "$.priority"),
        ({"resource_id": ""}, "$.resource_id"),
        ({"resource_id": "a" * 256}, "$.resource_id"),
        ({"resource_id": "a\0"}, "$.resource_id"),
        ({"site_id": "a" * 37}, "$.site_id"),
        ({"project_id": "p" * 65}, "$.project_id"),
        ({"request_id": "r" * 65}, "$.request_id"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: RpcApi,
    woken: Woken,
    engine: Engine,
    caplog: pytest.LogCaptureFixture,
    *,
    change: dict[str, Any],
    words: str,
) -> None:
    error = refused(api, **WISH | change)
    assert isinstance(error, BadRequest)
    assert words in error.message
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert (woken.count, JobStore(engine.database).page()) == (0, [])


def test_a_database_that_is_away_is_told(
    api: RpcApi, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(engine.requester, "request", away)
    assert isinstance(refused(api, **WISH), DatabaseUnavailable)
