"""The WSGI application of a gateway: its table, turned into routes."""

from collections import defaultdict
from functools import partial
from typing import Any

import falcon
from oslo_config import cfg

from tricircle.errors import NotDecided
from tricircle.gateway.answers import pass_back
from tricircle.gateway.call import OPEN_ENDED, Call, Reply
from tricircle.gateway.engine import Engine, make_engine
from tricircle.gateway.fan_out import Refused
from tricircle.gateway.microversion import parse
from tricircle.gateway.operation import Operation
from tricircle.gateway.service import Service
from tricircle.identity.tokens import TokenChecker, make_token_checker
from tricircle.web.application import Application, make_app, with_health
from tricircle.web.faults import compute_fault

_ANY = "*"


def make_application(conf: cfg.ConfigOpts, service: Service) -> Application:
    """Make a gateway.

    :param conf: see `tricircle.config`.
    :param service: whose API it speaks.
    """
    checker, challenge = make_token_checker(conf)
    return with_health(assemble(make_engine(conf, service), checker, challenge), conf)


def assemble(engine: Engine, checker: TokenChecker, challenge: str) -> Application:
    """Turn a gateway's table into an application.

    :param challenge: what a 401 says in WWW-Authenticate.
    """
    service = engine.service
    app = make_app(
        compute_fault,
        checker,
        challenge,
        public=frozenset({"/", service.version_path}),
        request_id_header=service.request_id_header,
    )
    app.add_middleware(_Microversion(service))
    app.add_route("/", _Document(engine, "index"))
    app.add_route(service.version_path, _Document(engine, "show"))
    by_path: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in service.operations:
        by_path[operation.path].append(operation)
    for path, operations in by_path.items():
        route = _Route(engine, operations)
        template = path.replace(OPEN_ENDED, "{rest:path}")
        app.add_route(service.version_path + template, route)
        app.add_route(f"{service.version_path}/{{project_id_in_path}}{template}", route)
    return app


class _Route:
    """The operations of one path, as Falcon wants them: a method `on_...` for each."""

    def __init__(self, engine: Engine, operations: list[Operation]) -> None:
        self._engine = engine
        methods = {operation.method: operation for operation in operations}
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            operation = methods.get(method) or methods.get(_ANY)
            if operation is not None:
                setattr(self, f"on_{method.lower()}", partial(self._serve, operation))

    def _serve(self, operation: Operation, req: falcon.Request, resp: falcon.Response, **params: str) -> None:
        if operation.handler is None:
            raise NotDecided(
                f"{operation.method} {operation.path} is not served over several sites yet. "
                "`tricircle-manage operations` lists what is."
            )
        call = Call(self._engine, operation, req, params)
        try:
            reply = operation.handler(call)
        except Refused as refused:
            reply = pass_back(call, refused.refusing_site, refused.answer)
        _write(resp, reply)


class _Document:
    """A version document."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show it."""
        make = getattr(self._engine.versions, self._name)
        _write(resp, make(self._engine.public_root(req)))


class _Microversion:
    """Names the microversion in errors of our own, as the sites do in theirs."""

    def __init__(self, service: Service) -> None:
        self._microversions = service.microversions

    def process_response(self, req: falcon.Request, resp: falcon.Response, *_: Any) -> None:
        """Say what was asked for, where no site has said what was served."""
        asked = self._microversions.asked(req.env) or ""
        if parse(asked) and resp.get_header("openstack-api-version") is None:
            for name, value in self._microversions.fields(asked):
                resp.append_header(name, value)


def _write(resp: falcon.Response, reply: Reply) -> None:
    resp.status = reply.status
    resp.data = reply.body
    for name, value in reply.headers:
        resp.append_header(name, value)
