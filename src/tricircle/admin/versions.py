"""`/` and `/v1`: version documents, in the form of Keystone's (Identity API, "API versions")."""

import falcon

from tricircle.admin.answers import Document, answer
from tricircle.admin.engine import Engine

PATH = "/v1"


def index(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """List the versions."""
    answer(resp, {"versions": {"values": [_document(engine, req)]}}, 300)


def show(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """Show the one there is."""
    answer(resp, {"version": _document(engine, req)})


def _document(engine: Engine, req: falcon.Request) -> Document:
    return {
        "id": "v1.0",
        "status": "stable",
        "updated": "2026-11-22T00:00:00Z",
        "links": [{"rel": "self", "href": f"{engine.public_root(req)}{PATH}/"}],
        "media-types": [{"base": falcon.MEDIA_JSON, "type": falcon.MEDIA_JSON}],
    }
