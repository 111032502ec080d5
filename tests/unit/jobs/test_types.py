"""The table of job types."""

import pytest

from tricircle.errors import BadRequest
from tricircle.jobs.types import REPLICATE, TYPES, ReplicateParameters, type_of


def test_each_type_is_found_by_its_name() -> None:
    assert {name: type_of(name).name for name in TYPES} == {name: name for name in TYPES}


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(BadRequest, match="teleport"):
        type_of("teleport")


def test_parameters_are_read_as_the_type_has_them() -> None:
    assert REPLICATE.read(b'{"mend":true,"is_precaution":false}') == ReplicateParameters(mend=True)


@pytest.mark.parametrize("text", [b"", b"[]", b'{"mend":"perhaps"}'])
def test_parameters_that_make_no_sense_are_refused(text: bytes) -> None:
    with pytest.raises(BadRequest, match="replicate"):
        REPLICATE.read(text)
