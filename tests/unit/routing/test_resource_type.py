"""What routing knows of a type of resource."""

from datetime import datetime

import pytest

from tricircle.routing.resource_type import ResourceType, parse_time

TYPE = ResourceType(
    name="volume",
    service_type="block-storage",
    path="/v3/volumes/{id}",
    envelope="volume",
    not_found="Volume {id} could not be found.",
    project_field="os-vol-tenant-attr:tenant_id",
    created_field="created_at",
)
NOON = datetime(2026, 1, 31, 12)  # noqa: DTZ001  # as the database keeps it


def test_a_uuid_can_be_an_id() -> None:
    assert TYPE.is_id("9168b536-cd40-4630-b43f-b259807c6e87")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "detail",
        "9168b536cd404630b43fb259807c6e87",
        "9168B536-CD40-4630-B43F-B259807C6E87",
        "9168b536-cd40-4630-b43f-b259807c6e87\n",
        " 9168b536-cd40-4630-b43f-b259807c6e87",
        "9168b536-cd40-4630-b43f-b259807c6e87/action",
        "../8b536-cd40-4630-b43f-b259807c6e87",
        "９168b536-cd40-4630-b43f-b259807c6e87",  # noqa: RUF001  # a digit that is not ASCII
    ],
)
def test_nothing_else_can(text: str) -> None:
    assert not TYPE.is_id(text)


def test_a_resources_body_says_whose_it_is_and_when_it_was_made() -> None:
    item = {"os-vol-tenant-attr:tenant_id": "blue", "created_at": "2026-01-31T12:00:00.000000"}
    assert TYPE.project_of(item) == "blue"
    assert TYPE.created_at(item) == NOON


def test_a_body_may_leave_both_out() -> None:
    assert TYPE.project_of({}) is None
    assert TYPE.created_at({}) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00.000000",
        "2026-01-31T13:00:00+01:00",
    ],
)
def test_times_are_read_as_utc(text: str) -> None:
    assert parse_time(text) == NOON


@pytest.mark.parametrize("value", [None, "", "noon", 1769860800, ["2026-01-31T12:00:00Z"]])
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_time(value) is None
