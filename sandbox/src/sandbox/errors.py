"""The one error of the sandbox: what went wrong, and which log tells more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class SandboxError(Exception):
    """A step that failed for a reason that the user can look up.

    :param message: what went wrong, as a sentence without its full stop
    :param log: the log to read, if there is one
    """

    def __init__(self, message: str, log: Path | str | None = None) -> None:
        super().__init__(message)
        self.log = log

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}: see {self.log}" if self.log else message
