"""`/v1/project-bindings`: the zone that what a project makes goes to, where its request names none.

A binding is set as a whole with PUT, which may be repeated. Nobody asks Keystone whether the project exists.
"""

import falcon

from tricircle.admin import schemas
from tricircle.admin.answers import Document, answer, answer_page, self_links
from tricircle.admin.engine import Engine
from tricircle.errors import NotFound
from tricircle.sites.binding_store import Binding

PATH = "/v1/project-bindings"


def index(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """List bindings, by project."""
    query = schemas.read_query(req, schemas.BindingQuery)
    limit = engine.page_size(query.limit)
    found = engine.bindings.page(zone=query.availability_zone, limit=limit + 1, marker=query.marker)
    url = engine.public_root(req) + PATH
    items = [_document(url, binding) for binding in found]
    answer_page(
        req, resp, collection="project_bindings", url=url, items=items, limit=limit, marker="project_id"
    )


def show(engine: Engine, req: falcon.Request, resp: falcon.Response, *, project_id: str) -> None:
    """Show what a project is bound to."""
    zone = engine.bindings.zone_of(project_id)
    if zone is None:
        raise _not_bound(project_id)
    document = _document(engine.public_root(req) + PATH, Binding(project_id, zone))
    answer(resp, {"project_binding": document})


def put(engine: Engine, req: falcon.Request, resp: falcon.Response, *, project_id: str) -> None:
    """Bind a project to a zone, whatever it was bound to before."""
    schemas.check_name(project_id, "project_id", schemas.ProjectId)
    new = schemas.read_body(req, schemas.NewBindingBody, engine.max_body_size).project_binding
    zone = new.availability_zone
    try:
        created = engine.bindings.bind(project_id, zone)
    except NotFound as error:
        raise schemas.invalid("project_binding.availability_zone", error.message) from None
    document = _document(engine.public_root(req) + PATH, Binding(project_id, zone))
    answer(resp, {"project_binding": document}, 201 if created else 200)


def delete(engine: Engine, _req: falcon.Request, resp: falcon.Response, *, project_id: str) -> None:
    """Let a project go."""
    if not engine.bindings.unbind(project_id):
        raise _not_bound(project_id)
    resp.status = 204


def _not_bound(project_id: str) -> NotFound:
    return NotFound(f"Project {project_id} is not bound to an availability zone.")


def _document(url: str, binding: Binding) -> Document:
    return {
        "project_id": binding.project_id,
        "availability_zone": binding.availability_zone,
        "links": self_links(url, binding.project_id),
    }
