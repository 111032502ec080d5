"""The ``sandbox`` command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sandbox.up import Wishes, up
from sandbox.control import Control

def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("--dir", type=Path, default=Path("/work/main/.sandbox"))
    p.add_argument("verb"); p.add_argument("--sites", type=int); p.add_argument("--without-top", action="store_true")
    a = p.parse_args()
    if a.verb == "up":
        up(Wishes(a.dir, a.sites, with_top=not a.without_top))
    else:
        c = Control.connect(a.dir)
        if c: getattr(c, a.verb)()
