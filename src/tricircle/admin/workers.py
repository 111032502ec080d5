"""`/v1/workers`: the processes that do jobs. One that was told to stop is not among them any more."""

import falcon

from tricircle.admin.answers import answer
from tricircle.admin.engine import Engine
from tricircle.db.timestamps import render

PATH = "/v1/workers"


def index(engine: Engine, _req: falcon.Request, resp: falcon.Response) -> None:
    """List workers, by name."""
    documents = [
        {
            "name": worker.name,
            "host": worker.host,
            "started_at": render(worker.started_at),
            "seen_at": render(worker.seen_at),
            "alive": worker.alive,
        }
        for worker in engine.workers.all()
    ]
    answer(resp, {"workers": documents})
