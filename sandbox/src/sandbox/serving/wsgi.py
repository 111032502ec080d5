"""Serves a WSGI application with a pool of threads, behind the faults that a test may inject."""

from __future__ import annotations

import importlib
import os
import signal
import warnings
from typing import TYPE_CHECKING

import waitress

from sandbox.serving import sqlite
from sandbox.serving.faults import FaultInjection

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from sandbox.process import Process

# Each waits for another service, for the one thread that may write a database, or in an injected fault.
THREADS = 32


def preload(*modules: str) -> None:
    """Import what a program will need, so that its forks find it in memory."""
    sqlite.begin_immediately()
    sqlite.keep_connections()
    for module in (*modules, "waitress"):
        importlib.import_module(module)


def serve(application: WSGIApplication, process: Process) -> None:
    """Serve until SIGTERM."""
    if process.faults:
        application = FaultInjection(application, process)
    warnings.simplefilter(
        "ignore"
    )  # Cinder asks for them again, and would have one in its log for each request
    end_on_request()
    waitress.serve(
        application,
        host=process.address,
        port=process.port,
        threads=THREADS,
        ident=None,
        max_request_body_size=1 << 40,
        # Waitress stops accepting at 100 connections, and idle ones count: clients' pools keep many.
        connection_limit=2000,
        asyncore_use_poll=True,
        channel_timeout=60,
        cleanup_interval=10,
        clear_untrusted_proxy_headers=True,
    )


def wait_for_end() -> None:
    """Let a service without an API work in its threads until SIGTERM."""
    end_on_request()
    while True:
        signal.pause()


def end_on_request() -> None:
    """End at once on SIGTERM: what is not committed is not worth waiting for."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
