"""The tables of operations, against the routes of the real services: nothing is missing, nothing made up."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.integration.sandbox import PYTHON, Sandbox

from tricircle.gateway.compute.operations import OPERATIONS as COMPUTE
from tricircle.gateway.volume.operations import OPERATIONS as VOLUME

TABLES = {"nova": COMPUTE, "cinder": VOLUME}

ROUTES = Path(__file__).with_name("real_routes.py")
"""Runs in the environment of the real services, and prints their routes."""


Operations = set[tuple[str, str]]
"""Methods and paths, without the names of the paths' parameters."""


@pytest.fixture(scope="module", params=["nova", "cinder"])
def service(request: pytest.FixtureRequest) -> str:
    """Either service."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def real(service: str, sandbox: Sandbox) -> Operations:
    """What the real service serves."""
    configuration = sandbox.directory / "conf" / "SiteOne" / f"{service}.conf"
    command = [str(PYTHON), "-W", "ignore", str(ROUTES), service, str(configuration)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = {(method, nameless(path)) for method, path in json.loads(done.stdout)}
    return found - {("GET", "/")}  # the version document, which is no row of a table


@pytest.fixture(scope="module")
def declared(service: str) -> Operations:
    """What its table declares, but for what a later microversion may add."""
    return {(entry.method, nameless(entry.path)) for entry in TABLES[service] if entry.method != "*"}


def nameless(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def covers(row: tuple[str, str], operation: tuple[str, str]) -> bool:
    """Say whether a row of a table serves an operation: a parameter takes any segment."""
    (method, path), (wanted, real_path) = row, operation
    segments, real_segments = path.split("/"), real_path.split("/")
    return (
        method == wanted
        and len(segments) == len(real_segments)
        and all(segment in {"{}", other} for segment, other in zip(segments, real_segments, strict=True))
    )


def test_every_operation_of_the_service_is_declared(real: Operations, declared: Operations) -> None:
    missing = [operation for operation in real if not any(covers(row, operation) for row in declared)]
    assert sorted(missing) == []


def test_nothing_is_declared_that_the_service_does_not_have(real: Operations, declared: Operations) -> None:
    made_up = [row for row in declared if not any(covers(row, operation) for operation in real)]
    assert sorted(made_up) == []


def test_no_operation_is_declared_twice(service: str) -> None:
    seen = [(entry.method, nameless(entry.path)) for entry in TABLES[service]]
    assert sorted({entry for entry in seen if seen.count(entry) > 1}) == []
