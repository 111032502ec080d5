"""What a forked worker is told: where its top is, what it is about, and where it is to be killed."""

from pathlib import Path
from typing import Any

import msgspec

MARK = "kill-"
"""Begins the mark of every case."""

DATABASE = "top.sqlite"
"""A case's top, in its folder."""

CLAIMED = "claimed"
"""Killed when it has the job, before the job's first step."""

DONE = "done"
"""Killed when all is done, before it is written down that it is."""

LIMIT = 240.0
"""Seconds in which a worker has done all that there is to do, on a machine that is very busy."""


class Loan(msgspec.Struct, frozen=True):
    """The service user's token and catalogue, so that not each worker asks Keystone for them."""

    token: str
    catalog: list[Any]
    project_id: str | None


class Things(msgspec.Struct, frozen=True):
    """What is in the first site for all cases to look at.

    :param project_id: the user's.
    :param servers: two that were made by one request, as their site shows them.
    :param volumes: more of them than are in one page.
    :param gone: the ids of what has been deleted: `server`, `volume`.
    """

    user_id: str
    project_id: str
    other_project_id: str
    servers: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    gone: dict[str, str]


class Start(msgspec.Struct, frozen=True):
    """Where all cases begin.

    :param configuration: the sandbox's, of its top.
    :param template: a database of a top that knows the sites, and nothing else.
    """

    configuration: str
    template: str
    loan: Loan
    things: Things


class Order(msgspec.Struct, frozen=True):
    """What one process is to do.

    :param folder: of the case.
    :param mark: in the names of all that the case makes in sites.
    :param scenario: what is to be arranged first; None for nothing: it was before.
    :param point: where it is killed: `claimed`, `done`, or the number of a step from 1 on. None: it is not,
        and does all that there is to do.
    """

    folder: str
    mark: str
    scenario: str | None
    point: str | None

    @property
    def files(self) -> "Folder":
        """The case's files."""
        return Folder(Path(self.folder))


class Folder(msgspec.Struct, frozen=True):
    """The files of a case."""

    path: Path

    @property
    def database(self) -> Path:
        """Its top."""
        return self.path / DATABASE

    @property
    def arranged(self) -> Path:
        """What was arranged; JSON."""
        return self.path / "arranged.json"

    @property
    def steps(self) -> Path:
        """The steps of the job, a line each, of a worker that was not killed."""
        return self.path / "steps.txt"

    @property
    def log(self) -> Path:
        """What its workers say."""
        return self.path / "worker.log"


class Arranged(msgspec.Struct, frozen=True):
    """What was arranged.

    :param names: what ids stand for that were drawn by lot.
    """

    job_id: str
    names: dict[str, str] = {}
