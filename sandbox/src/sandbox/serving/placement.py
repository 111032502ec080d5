"""Placement."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

from sandbox.serving import wsgi

if TYPE_CHECKING:
    from sandbox.process import Process


def preload() -> None:
    """Import Placement."""
    wsgi.preload("placement.wsgi", "placement.deploy")


def run(process: Process) -> None:
    """Serve the Placement API."""
    os.environ["OS_PLACEMENT_CONFIG_DIR"] = process.conf
    sys.argv = ["placement-api"]
    wsgi.serve(importlib.import_module("placement.wsgi.api").application, process)
