"""How much memory a sandbox takes: PSS, which counts a page that five processes share as a fifth each."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")


def pss_by_session() -> dict[int, int]:
    """Return the bytes of PSS of each session of processes, by the session's id.

    Each of the sandbox's processes is a session's leader, and what it starts stays in that session.
    """
    sessions: dict[int, int] = {}
    for directory in PROC.iterdir():
        if directory.name.isdigit():
            try:
                session = session_of(directory)
                sessions[session] = sessions.get(session, 0) + pss(directory)
            except (OSError, ValueError):
                continue  # it has ended, or is someone else's
    return sessions


def session_of(directory: Path) -> int:
    """Return a process's session: the fourth field after its name, which ends at the last ``)``."""
    return int((directory / "stat").read_text().rpartition(")")[2].split()[3])


def pss(directory: Path) -> int:
    """Return a process's PSS in bytes."""
    for line in (directory / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
