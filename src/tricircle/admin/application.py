"""The WSGI application of the Admin API: its table, turned into routes."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import falcon
from oslo_config import cfg

from tricircle.admin import (
    bindings,
    definitions,
    jobs,
    nodes,
    policies,
    routes,
    sites,
    versions,
    workers,
    zones,
)
from tricircle.admin.engine import SERVICE_TYPE, Engine, make_engine
from tricircle.identity.service_user import ServiceUser
from tricircle.identity.tokens import TokenChecker, make_token_checker
from tricircle.sites.endpoints import Endpoints
from tricircle.web.application import Application, make_app, with_health
from tricircle.web.faults import identity_fault
from tricircle.web.links import PublicRoot

Handler = Callable[..., None]
"""Serves an operation: takes the engine, request, response, and the path's parameters by name.

It raises a TricircleError for whatever is not an answer.
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table.

    :param rule: the policy rule that guards it; None for a public one, which needs no token either.
    """

    method: str
    path: str
    rule: str | None
    handler: Handler


OPERATIONS = (
    Operation("GET", "/", None, versions.index),
    Operation("GET", versions.PATH, None, versions.show),
    Operation("GET", sites.PATH, policies.SITES_LIST, sites.index),
    Operation("POST", sites.PATH, policies.SITES_CREATE, sites.create),
    Operation("GET", f"{sites.PATH}/{{site}}", policies.SITES_SHOW, sites.show),
    Operation("PATCH", f"{sites.PATH}/{{site}}", policies.SITES_UPDATE, sites.update),
    Operation("DELETE", f"{sites.PATH}/{{site}}", policies.SITES_DELETE, sites.delete),
    Operation("GET", zones.PATH, policies.ZONES_LIST, zones.index),
    Operation("GET", f"{zones.PATH}/{{name}}", policies.ZONES_SHOW, zones.show),
    Operation("PUT", f"{zones.PATH}/{{name}}", policies.ZONES_SET, zones.put),
    Operation("DELETE", f"{zones.PATH}/{{name}}", policies.ZONES_DELETE, zones.delete),
    Operation("GET", f"{routes.PATH}/{{resource_id}}", policies.ROUTES_SHOW, routes.show),
    Operation("GET", nodes.PATH, policies.NODES_LIST, nodes.index),
    Operation("GET", f"{nodes.PATH}/{{site}}", policies.NODES_SHOW, nodes.show),
    Operation("GET", bindings.PATH, policies.BINDINGS_LIST, bindings.index),
    Operation("GET", f"{bindings.PATH}/{{project_id}}", policies.BINDINGS_SHOW, bindings.show),
    Operation("PUT", f"{bindings.PATH}/{{project_id}}", policies.BINDINGS_SET, bindings.put),
    Operation("DELETE", f"{bindings.PATH}/{{project_id}}", policies.BINDINGS_DELETE, bindings.delete),
    Operation("GET", jobs.PATH, policies.JOBS_LIST, jobs.index),
    Operation("POST", jobs.PATH, policies.JOBS_CREATE, jobs.create),
    Operation("GET", f"{jobs.PATH}/{{job_id}}", policies.JOBS_SHOW, jobs.show),
    Operation("POST", f"{jobs.PATH}/{{job_id}}/redo", policies.JOBS_REDO, jobs.redo),
    Operation("POST", f"{jobs.PATH}/{{job_id}}/cancel", policies.JOBS_CANCEL, jobs.cancel),
    Operation("GET", jobs.COUNTS_PATH, policies.JOBS_COUNT, jobs.counts),
    Operation("GET", workers.PATH, policies.WORKERS_LIST, workers.index),
    Operation("GET", definitions.PATH, policies.DEFINITIONS_LIST, definitions.index),
    Operation("GET", f"{definitions.PATH}/{{definition_id}}", policies.DEFINITIONS_SHOW, definitions.show),
    Operation(
        "POST", f"{definitions.PATH}/{{definition_id}}/mend", policies.DEFINITIONS_MEND, definitions.mend
    ),
)


def make_application(conf: cfg.ConfigOpts) -> Application:
    """Make the Admin API.

    :param conf: see `tricircle.config`.
    :raises ValueError: `[database] connection` is missing or cannot work, or `transport_url` cannot.
    """
    checker, challenge = make_token_checker(conf)
    endpoints = Endpoints(ServiceUser(conf), conf)
    engine = make_engine(conf, PublicRoot(endpoints, SERVICE_TYPE, conf))
    return with_health(assemble(engine, checker, challenge), conf)


def assemble(engine: Engine, checker: TokenChecker, challenge: str) -> Application:
    """Turn the table into an application.

    :param challenge: what a 401 says in WWW-Authenticate.
    """
    public = frozenset(operation.path for operation in OPERATIONS if operation.rule is None)
    app = make_app(identity_fault, checker, challenge, public=public)
    by_path: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in OPERATIONS:
        by_path[operation.path].append(operation)
    for path, operations in by_path.items():
        app.add_route(path, _Route(engine, operations))
    return app


class _Route:
    """The operations of one path, as Falcon wants them: a method `on_...` for each."""

    def __init__(self, engine: Engine, operations: list[Operation]) -> None:
        self._engine = engine
        for operation in operations:
            setattr(self, f"on_{operation.method.lower()}", partial(self._serve, operation))

    def _serve(self, operation: Operation, req: falcon.Request, resp: falcon.Response, **params: str) -> None:
        if operation.rule is not None:
            policies.require(self._engine.enforcer, operation.rule, req.context.identity)
        operation.handler(self._engine, req, resp, **params)
