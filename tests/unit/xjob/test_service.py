"""A worker as a whole: how it ends."""

import threading
from typing import Any

import pytest

from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Succeeded
from tricircle.jobs.store import JobStore
from tricircle.xjob.engine import Engine
from tricircle.xjob.service import Service

BOUND = 30.0


def test_what_is_taken_while_the_worker_is_told_to_stop_is_done(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = engine.requester.request(Request("after_delete", "server", "one", "a"))
    service = Service(engine, {"after_delete": lambda _: Succeeded()})
    claim, wait = service._queue.claim, service._hand.wait_until_empty
    asked, go_on = threading.Event(), threading.Event()
    taken_before: list[bool] = []

    def slow(*args: Any, **named: Any) -> Any:
        asked.set()
        assert go_on.wait(BOUND)
        return claim(*args, **named)

    def look(seconds: float) -> bool:
        taken_before.append(go_on.is_set())
        return wait(seconds)

    monkeypatch.setattr(service._queue, "claim", slow)
    monkeypatch.setattr(service._hand, "wait_until_empty", look)
    service.start()
    assert asked.wait(BOUND)
    threading.Timer(0.3, go_on.set).start()
    service.stop()
    assert taken_before == [True], "the hand was thought empty while one was being taken"
    assert JobStore(engine.database).show(job.id).job.state is JobState.SUCCEEDED
