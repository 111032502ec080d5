"""Two sandboxes on one machine never have the same addresses."""

import pytest

from sandbox.claim import claim
from sandbox.errors import SandboxError

TAKEN = "127.78.1"  # beside those that sandboxes use, which may run here


def test_a_subnet_belongs_to_one_until_it_lets_go() -> None:
    _, holder = claim(TAKEN, None)
    with holder, pytest.raises(SandboxError, match=r"127\.78\.1"):
        claim(TAKEN, None)
    subnet, holder = claim(TAKEN, None)
    holder.close()
    assert subnet == TAKEN


def test_the_remembered_subnet_is_taken_if_it_is_free_and_another_if_not() -> None:
    subnet, first = claim(None, TAKEN)
    other, second = claim(None, TAKEN)
    with first, second:
        assert subnet == TAKEN
        assert other.startswith("127.77.")
