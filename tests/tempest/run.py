"""Runs OpenStack's own tests of the Networking API against the top of a sandbox: `make tempest`.

Which tests is in `chosen.txt`; which not, and why, in `excluded.txt`. The sandbox is `.sandbox-tempest`.
With TRICIRCLE_KEEP_SANDBOX it is left running, and what tempest wrote is in `.sandbox-tempest/tempest`.

    tests/tempest/.venv/bin/python tests/tempest/run.py [--concurrency 2] [REGEX ...]
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import configuration

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
DIRECTORY = REPOSITORY / ".sandbox-tempest"
SANDBOX = [str(REPOSITORY / "sandbox" / ".venv" / "bin" / "sandbox"), "--dir", str(DIRECTORY)]
KEEP = "TRICIRCLE_KEEP_SANDBOX"


def main() -> int:
    """Start the sandbox, run the tests, and return what stestr exits with."""
    parser = argparse.ArgumentParser(description="runs tempest against the top's Networking API")
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("filters", nargs="*", metavar="REGEX", help="tests, in place of those in chosen.txt")
    arguments = parser.parse_args()
    subprocess.run([*SANDBOX, "up", "--sites", "1"], check=True)
    try:
        return run(arguments.filters, arguments.concurrency)
    finally:
        if not os.environ.get(KEEP):
            subprocess.run([*SANDBOX, "down", "--delete"], check=True)


def run(filters: list[str], concurrency: int) -> int:
    """Run tests against the sandbox.

    :param filters: regular expressions; none for the tests that are chosen.
    """
    directory = DIRECTORY / "tempest"
    directory.mkdir(exist_ok=True)
    facts = json.loads(subprocess.run([*SANDBOX, "env", "--json"], check=True, capture_output=True).stdout)
    configuration.write(directory / "tempest.conf", facts)
    stestr = [sys.executable, "-m", "stestr", *where()]
    environment = os.environ | {"TEMPEST_CONFIG_DIR": str(directory), "PYTHONWARNINGS": "ignore"}
    if not (directory / ".stestr").exists():
        subprocess.run([*stestr, "init"], check=True, cwd=directory)
    which = filters or ["--include-list", str(HERE / "chosen.txt")]
    command = ["run", "--concurrency", str(concurrency), "--exclude-list", str(HERE / "excluded.txt"), *which]
    return subprocess.run([*stestr, *command], check=False, cwd=directory, env=environment).returncode


def where() -> list[str]:
    """Return stestr's options that say where tempest's tests and those of its plugins are found."""
    found = importlib.util.find_spec("tempest")
    assert found is not None
    assert found.origin is not None
    tempest = Path(found.origin).parent
    discovery = tempest / "test_discover"
    return ["--test-path", str(discovery), "--top-dir", str(tempest.parent), "--parallel-class"]


if __name__ == "__main__":
    sys.exit(main())
