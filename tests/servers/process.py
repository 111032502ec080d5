"""A program in the background that does not outlive the tests, however these end."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LOOK_INTERVAL = 0.02
"""Seconds between two looks at a process."""

_GUARD = """
cat >/dev/null
kill "-$2" "$1"
for _ in $(seq 100); do kill -0 "$1" || break; sleep 0.1; done
rm -rf "$3"
"""
"""Waits until whoever started it is gone, kill -9 included: then its end of the pipe is closed."""


class Process:
    """A running program.

    :param command: program and arguments.
    :param account: user and group to run as, where the tests run as root.
    :param environment: all of it.
    :param directory: where it runs. Goes with it, should the tests end without ending it.
    :param log: file for what it says; begun anew.
    :param parting: the signal that ends it at once, together with its children.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        account: str,
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
        parting: signal.Signals,
    ) -> None:
        self._name = command[0]
        self._log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                as_account(account, command),
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        name = signal.Signals(parting).name.removeprefix("SIG")
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self._process.pid), name, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    def await_words(self, words: bytes, seconds: float) -> None:
        """Wait until the program has said something.

        :raises RuntimeError: it ended, or did not say so in time; tells the end of its log.
        """
        limit = time.monotonic() + seconds
        while words not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(f"{self._name} is not ready:\n{self._log.read_text()[-4000:]}")
            time.sleep(LOOK_INTERVAL)

    def end(self, how: signal.Signals, seconds: float) -> None:
        """Send a signal and wait for the end.

        :raises subprocess.TimeoutExpired: it goes on.
        """
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(seconds)
        self._guard.kill()
        self._guard.wait()
        assert self._guard.stdin is not None
        self._guard.stdin.close()


def as_account(account: str, command: Sequence[str]) -> list[str]:
    """Let root run a command as somebody else: these servers refuse root, or should not have its rights."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", *command]
