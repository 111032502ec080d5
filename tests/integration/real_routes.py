"""Prints the routes of a real Nova or Cinder as JSON: `[["GET", "/servers/{id}"], ...]`.

Runs in the sandbox's environment, where these are installed; the tests start it there. Cinder looks into its
database before it has routes, so it is given the configuration file of a site.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any


def nova() -> Iterator[tuple[str, str]]:
    """Give the Compute API's operations, as Nova's own table has them."""
    from nova.api.openstack.compute import routes  # noqa: PLC0415  # only one service in a process

    for path, methods in routes.ROUTE_LIST:
        if isinstance(methods, dict):  # else it is where an old path leads now
            for method in methods:
                yield method, path


def cinder() -> Iterator[tuple[str, str]]:
    """Give the Block Storage API's operations: those routes whose controllers have something to call."""
    from cinder import objects, rpc  # noqa: PLC0415  # only one service in a process

    objects.register_all()
    from cinder.api.v3 import router  # noqa: PLC0415  # needs the objects
    from cinder.common import config  # noqa: PLC0415  # only one service in a process

    config.CONF([], project="cinder", default_config_files=sys.argv[2:])
    rpc.init(config.CONF)
    for route in router.APIRouter().map.matchlist:
        controller, action = route.defaults.get("controller"), route.defaults.get("action")
        path = template(route.routepath)
        if path is None or not serves(controller, action):
            continue
        for method in (route.conditions or {}).get("method") or ["GET"]:
            yield method, path


def template(path: str) -> str | None:
    """Return a route's path without the project and with braces; None for what is no operation."""
    path = re.sub(r":\(?(\w+)\)?", r"{\1}", path)
    if path.endswith((".{format}", "/new", "/edit")):
        return None
    path = re.sub(r"\{(\w+):[^{}]*\}", r"{\1}", path)
    return path.removeprefix("/{project_id}")


def serves(controller: Any, action: str) -> bool:
    """Say whether a controller, or an extension of it, has a method for an action."""
    if controller is None:
        return False  # a redirection
    if action == "action":
        return bool(controller.wsgi_actions)
    return hasattr(controller.controller, action) or action in controller.wsgi_actions


if __name__ == "__main__":
    found = {"nova": nova, "cinder": cinder}[sys.argv[1]]()
    json.dump(sorted(set(found)), sys.stdout)
