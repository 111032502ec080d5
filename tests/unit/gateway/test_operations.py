"""The tables of the Compute and the Block Storage API."""

from collections import Counter
from functools import cache

import falcon
import pytest
from falcon import testing

from tricircle.gateway.call import OPEN_ENDED
from tricircle.gateway.compute.operations import OPERATIONS as COMPUTE
from tricircle.gateway.operation import Kind, Operation, rows
from tricircle.gateway.volume.operations import OPERATIONS as VOLUME

ROWS = {"compute": COMPUTE, "volume": VOLUME}
TABLES = pytest.mark.parametrize("table", ROWS.values(), ids=ROWS)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "*"}


class Route:
    """Tells which path of a table a request came by."""

    def __init__(self, path: str) -> None:
        self._path = path

    def on_get(self, _: falcon.Request, resp: falcon.Response, **params: str) -> None:
        resp.media = [self._path, params]


@cache
def routed(service: str) -> testing.TestClient:
    """Give a client of an application with a table's paths; its answers name the path's row."""
    app = falcon.App()
    for path in {row.path for row in ROWS[service]}:
        for prefix in ("/v", "/v/{project_id_in_path}"):
            app.add_route(prefix + path.replace(OPEN_ENDED, "{rest:path}"), Route(path))
    return testing.TestClient(app)


@TABLES
def test_no_operation_is_there_twice(table: tuple[Operation, ...]) -> None:
    assert [row for row, count in Counter((row.method, row.path) for row in table).items() if count > 1] == []


@TABLES
def test_every_method_is_one_of_http(table: tuple[Operation, ...]) -> None:
    assert {row.method for row in table} <= METHODS


@pytest.mark.parametrize("service", ROWS)
def test_every_path_is_a_route_with_and_without_a_project(service: str) -> None:
    client = routed(service)
    for row in ROWS[service]:
        path = row.path.replace("{", "").replace("}", "-1")
        assert client.simulate_get(f"/v{path}").json[0] == row.path
        assert client.simulate_get(f"/v/0123456789abcdef{path}").json[0] == row.path


@TABLES
def test_every_decided_operation_says_how_it_is_served(table: tuple[Operation, ...]) -> None:
    assert [row for row in table if row.decided and not row.summary.strip()] == []
    assert {row.summary for row in table if not row.decided} == {"not decided yet"}


@TABLES
def test_every_row_names_what_it_is_about(table: tuple[Operation, ...]) -> None:
    assert [row for row in table if not row.resource] == []
    assert {row.kind for row in table} == set(Kind)


@pytest.mark.parametrize(
    ("service", "path", "row"),
    [
        ("compute", "/servers/detail", "/servers/detail"),
        ("compute", "/servers/s/new-thing", "/servers/{server_id}/{rest}"),
        ("compute", "/servers/s/new-thing/1/2", "/servers/{server_id}/{rest}"),
        ("compute", "/servers/s/metadata/key/new", "/servers/{server_id}/{rest}"),
        ("compute", "/servers/s/ips/private", "/servers/{server_id}/ips/{network_label}"),
        ("volume", "/volumes/summary", "/volumes/summary"),
        ("volume", "/volumes/v/new-thing", "/volumes/{volume_id}/{rest}"),
        ("volume", "/snapshots/s/metadata/key/new", "/snapshots/{snapshot_id}/{rest}"),
    ],
)
def test_what_is_below_a_resource_needs_no_row_of_its_own(service: str, path: str, row: str) -> None:
    assert routed(service).simulate_get(f"/v{path}").json[0] == row


def test_a_line_may_name_several_methods() -> None:
    assert list(rows(Kind.HOMED, "x", None, "GET PUT /x/{id}", "POST /x")) == [
        Operation("GET", "/x/{id}", Kind.HOMED, "x", None),
        Operation("PUT", "/x/{id}", Kind.HOMED, "x", None),
        Operation("POST", "/x", Kind.HOMED, "x", None),
    ]
