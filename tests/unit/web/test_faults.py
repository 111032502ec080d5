"""Bodies of errors."""

import json

import pytest

from tricircle.web.faults import compute_fault, identity_fault


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "badRequest"),
        (403, "forbidden"),
        (404, "itemNotFound"),
        (405, "badMethod"),
        (406, "computeFault"),
        (409, "conflictingRequest"),
        (410, "computeFault"),
        (413, "overLimit"),
        (415, "badMediaType"),
        (429, "overLimit"),
        (500, "computeFault"),
        (501, "notImplemented"),
        (502, "computeFault"),
        (503, "serviceUnavailable"),
        (504, "computeFault"),
    ],
)
def test_novas_and_cinders_errors_stand_under_a_name(status: int, name: str) -> None:
    assert json.loads(compute_fault(status, "why")) == {name: {"code": status, "message": "why"}}


def test_keystones_errors_have_a_title() -> None:
    error = {"code": 404, "title": "Not Found", "message": "why"}
    assert json.loads(identity_fault(404, "why")) == {"error": error}


def test_whoever_is_not_known_hears_it_as_from_keystone() -> None:
    assert compute_fault(401, "why") == identity_fault(401, "why")


@pytest.mark.parametrize("message", ['"quoted"', "line\nend", "\xfc\u2028", "</script>"])
def test_any_message_makes_a_body(message: str) -> None:
    for fault in (compute_fault, identity_fault):
        ((error),) = json.loads(fault(400, message)).values()
        assert error["message"] == message
