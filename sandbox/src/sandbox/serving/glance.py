"""Glance."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

from sandbox.serving import wsgi

if TYPE_CHECKING:
    from sandbox.process import Process


def preload() -> None:
    """Import Glance."""
    wsgi.preload("glance.common.wsgi_app", "glance.api.v2.router")


def run(process: Process) -> None:
    """Serve the Image API."""
    os.environ["OS_GLANCE_CONFIG_DIR"] = process.conf
    sys.argv = ["glance-api"]
    wsgi.serve(importlib.import_module("glance.wsgi.api").application, process)
