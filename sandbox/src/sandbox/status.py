"""``sandbox status``: every process, whether it runs, and what it costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from sandbox import processes
from sandbox.control import Control
from sandbox.memory import pss_by_session

if TYPE_CHECKING:
    from sandbox.layout import Layout
    from sandbox.process import Process

COLOURS = {"running": "green", "stopped": "yellow", "failed": "red"}


def collect(layout: Layout) -> dict[str, Any]:
    """Return the state of a sandbox, as ``status --json`` prints it; memory in bytes, times in seconds."""
    control = Control.connect(layout.directory)
    if control is None:
        known: dict[str, Any] = {"supervisor": None, "zygotes": {}, "children": []}
    else:
        with control:
            known = control.call("list")
    memory = pss_by_session()
    children = {child["process"]["name"]: child for child in known["children"]}
    rows = [
        describe(planned, children.get(planned.name), memory)
        for planned in processes.all_processes(layout, with_top=True)
    ]
    overhead = [known["supervisor"], *known["zygotes"].values()]
    overhead_pss = sum(memory.get(pid, 0) for pid in overhead)
    return {
        "directory": str(layout.directory),
        "subnet": layout.subnet,
        "profile": layout.profile,
        "running": control is not None,
        "supervisor_pid": known["supervisor"],
        "zygote_pids": known["zygotes"],
        "overhead_pss": overhead_pss,
        "pss": overhead_pss + sum(row["pss"] for row in rows),
        "processes": rows,
    }


def describe(planned: Process, child: dict[str, Any] | None, memory: dict[int, int]) -> dict[str, Any]:
    """Return one process's row."""
    running = child is not None and child["running"]
    return {
        "name": planned.name,
        "owner": planned.owner,
        "type": planned.type,
        "address": planned.address,
        "port": planned.port,
        "state": state(child),
        "pid": child["pid"] if child and running else None,
        "status": child["status"] if child else None,
        "seconds": time.time() - child["since"] if child and running else None,
        "pss": memory.get(child["pid"], 0) if child and running else 0,
        "log": planned.log,
    }


def state(child: dict[str, Any] | None) -> str:
    """Return one word for what became of a process.

    A process that was told to end exits with 0, or is killed; one that exits with anything else has failed.
    """
    if child is None:
        return "stopped"
    if child["running"]:
        return "running"
    return "failed" if child["status"] > 0 else "stopped"


def show(facts: dict[str, Any]) -> None:
    """Print the state of a sandbox as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, justify in {
        "PROCESS": "left",
        "LISTENS ON": "left",
        "STATE": "left",
        "PID": "right",
        "UP FOR": "right",
        "PSS": "right",
    }.items():
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for row in facts["processes"]:
        table.add_row(
            row["name"],
            f"{row['address']}:{row['port']}" if row["port"] else "",
            f"[{COLOURS[row['state']]}]{row['state']}[/]",
            str(row["pid"] or ""),
            duration(row["seconds"]),
            megabytes(row["pss"]) if row["pss"] else "",
        )
    table.add_row("supervisor, zygotes", "", "", "", "", megabytes(facts["overhead_pss"]))
    console = Console(highlight=False)
    console.print(table)
    running = sum(row["state"] == "running" for row in facts["processes"])
    console.print(
        f"\n{running} of {len(facts['processes'])} processes run, {megabytes(facts['pss'])} in all, "
        f"in {facts['directory']}"
    )


def megabytes(size: int) -> str:
    """Return a size as people read it."""
    return f"{size / 2**20:.0f} MiB"


def duration(seconds: float | None) -> str:
    """Return a time span as people read it."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}h{minutes % 60:02}m" if minutes >= 60 else f"{minutes}m{rest:02}s"
