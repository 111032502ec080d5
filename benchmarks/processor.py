"""Processor time of a process and all its descendants.

Time on the wall says little on a machine that others use too, and requests per second say as much about the
load generator as about the server. What a request costs is the processor time that it takes, in user and
kernel mode together. `/proc/PID/task/TID/schedstat` counts it in nanoseconds; `/proc/PID/stat` in
hundredths of a second, which is too coarse for rounds of a few seconds.
"""

from pathlib import Path

PROC = Path("/proc")


def process_tree(pid: int) -> list[int]:
    """List a process and its descendants: a server's workers are children of what was started."""
    tree = [pid]
    for task in _tasks(pid):
        try:
            children = (task / "children").read_text().split()
        except OSError:  # the thread has ended meanwhile
            continue
        for child in children:
            tree += process_tree(int(child))
    return tree


def processor_time(pids: list[int]) -> float:
    """Seconds that all threads of the processes have run.

    A thread that has ended is not counted any more: all that is measured here keeps its threads.
    """
    nanoseconds = 0
    for pid in pids:
        for task in _tasks(pid):
            try:
                nanoseconds += int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue
    return nanoseconds / 1e9


def _tasks(pid: int) -> list[Path]:
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []
