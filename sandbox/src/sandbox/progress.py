"""Shows what a long command is doing: a clock for each step, or plain lines where no one watches."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Self

from keystoneauth1.exceptions import ClientException
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Report = Callable[[str], None]


class Steps:
    """The steps of one command; several may go on at once, in threads."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.progress = Progress(
            SpinnerColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}[dim]{task.fields[detail]}"),
            console=self.console,
            transient=True,
            refresh_per_second=5,
        )
        self.began = time.monotonic()

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    @contextlib.contextmanager
    def step(self, title: str, log: Path | str) -> Iterator[Report]:
        """Show a step while the block runs; the block may report what it is waiting for.

        :param log: which log to read when a service refuses what the step asks of it
        :raises SandboxError: a service did
        """
        began = time.monotonic()
        task = self.progress.add_task(title, total=None, detail="")
        waiting_for = ""

        def report(detail: str) -> None:
            nonlocal waiting_for
            waiting_for = f": {escape(detail)}" if detail else ""
            self.progress.update(task, detail=waiting_for)

        try:
            yield report
        except ClientException as error:
            self.say("[red]✗[/]", began, f"{title}{waiting_for}")
            raise SandboxError(f"{title}: {error}", log) from error
        except BaseException:
            self.say("[red]✗[/]", began, f"{title}{waiting_for}")
            raise
        finally:
            self.progress.remove_task(task)
        self.say("[green]✓[/]", began, title)

    def say(self, mark: str, began: float, title: str) -> None:
        """Write a finished step's line."""
        self.console.print(f"{mark} [dim]{time.monotonic() - began:5.1f} s[/]  {title}")
