"""``sandbox fault``: writes the rules by which a site's services misbehave.

The rules are read by ``sandbox.serving.faults``, in every process of the site.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    Rule = dict[str, Any]

TYPES = ("compute", "volume", "network", "placement")
# The catalogue's name for what everybody calls the volume service.
OFFICIAL = {"volume": "block-storage"}
# A little more than the services take to notice.
NOTICED = 0.15


def inject(file: Path, type_: str | None, path: str, kind: str, value: float | None) -> None:
    """Add a rule, in place of one for the same service and path; return when it is in force.

    :param type_: one of TYPES, or None for all services of the site
    :param path: the rule holds for request paths that begin so
    :param kind: delay, slow, hang, status, html or half
    :param value: the seconds of a delay, how many times as slow, the code of a status
    """
    official = OFFICIAL.get(type_ or "", type_)
    others = [rule for rule in rules(file) if (rule["type"], rule["path"]) != (official, path)]
    # The longest path first, so that the most particular rule decides.
    ordered = sorted(
        [*others, {"type": official, "path": path, "kind": kind, "value": value}],
        key=lambda rule: len(rule["path"]),
        reverse=True,
    )
    write(file, ordered)


def clear(file: Path, type_: str | None, path: str) -> None:
    """Remove the rules of one service, or of all, for paths that begin so; return when they are gone."""
    official = OFFICIAL.get(type_ or "", type_)
    kept = [
        rule
        for rule in rules(file)
        if official not in (None, rule["type"]) or not rule["path"].startswith(path)
    ]
    write(file, kept)


def clear_all(file: Path) -> None:
    """Remove all rules."""
    file.unlink(missing_ok=True)


def rules(file: Path) -> list[Rule]:
    """Return the rules in force."""
    try:
        found: list[Rule] = json.loads(file.read_text())
    except FileNotFoundError:
        return []
    return found


def write(file: Path, wanted: list[Rule]) -> None:
    """Put rules in force, all at once."""
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps(wanted))
    scratch.replace(file)
    time.sleep(NOTICED)
