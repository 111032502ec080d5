"""The top's Neutron, for granian, in the product's environment: the API, alone or with its workers.

Granian calls one of these functions in the process that serves, so that nothing is opened before a fork. The
application is Neutron's own; only the command line, which Neutron would take for its own, is granian's.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from sandbox.serving import sqlite

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def api() -> WSGIApplication:
    """Return the Networking API, beside which `neutron-periodic-workers` runs."""
    sys.argv = ["neutron-api"]
    sqlite.begin_immediately()
    sqlite.keep_connections()
    application: WSGIApplication = importlib.import_module("neutron.wsgi.api").application
    return application


def api_and_workers() -> WSGIApplication:
    """Return the Networking API, with the workers of its plugins in threads beside it."""
    application = api()
    from neutron_lib.plugins import directory

    for plugin in directory.get_unique_plugins():
        for worker in plugin.get_workers():
            if not worker.worker_process_count:  # else it is not content to be a thread
                worker.start()
    return application
