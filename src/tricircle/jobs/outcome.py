"""How an attempt at a job ends."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Work = Callable[[sa.Connection], Any]
"""Writes that stand or fall with the end of an attempt."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """What the job says is true now.

    :param cause: a word on how, where that is worth keeping.
    :param work: written in the transaction that ends the job; not at all where the lease is lost by then.
    """

    cause: str | None = None
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing is wrong, and it is too early; does not count as an attempt.

    :param delay: seconds.
    :param cause: what it waits for.
    """

    delay: float
    cause: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be done.

    :param cause: for the operator: what, and what to do; holds no secret.
    :param site_request_id: of the site's answer that said no.
    :param is_final: trying again cannot help.
    """

    cause: str
    site_request_id: str | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The worker was told to stop; another one goes on at once. Does not count as an attempt."""


Outcome = Succeeded | Postponed | Failed | HandedBack
