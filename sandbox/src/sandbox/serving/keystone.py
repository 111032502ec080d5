"""Keystone."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

from sandbox.serving import wsgi

if TYPE_CHECKING:
    from sandbox.process import Process


def preload() -> None:
    """Import Keystone."""
    wsgi.preload("keystone.server.wsgi", "keystone.server.flask.application")


def run(process: Process) -> None:
    """Serve the Identity API."""
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = f"{process.conf}/keystone.conf"
    sys.argv = ["keystone-api"]
    wsgi.serve(importlib.import_module("keystone.wsgi.api").application, process)
