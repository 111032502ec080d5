"""The sandbox that the tests run on, by its command line: Keystone, two whole OpenStacks, and the top.

The environment variable TRICIRCLE_SANDBOX_PROFILE chooses what is beneath them: `lite`, or `full` with
MariaDB, RabbitMQ and memcached. Anything in TRICIRCLE_KEEP_SANDBOX leaves it running, which makes the next
run quick.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / "sandbox" / ".venv" / "bin" / "sandbox"
PYTHON = PROGRAM.with_name("python")
PROFILE = os.environ.get("TRICIRCLE_SANDBOX_PROFILE", "lite")
# A data plane has a directory and tests of its own: tests/integration/dataplane.
DIRECTORY = REPOSITORY / {"lite": ".sandbox-test", "full": ".sandbox-test-full"}[PROFILE]
IS_KEPT = bool(os.environ.get("TRICIRCLE_KEEP_SANDBOX"))

UP_LIMIT = 480.0
"""Seconds that starting a sandbox may take, on a machine that has nothing prepared and much else to do."""


@dataclass(frozen=True)
class Site:
    """One bottom OpenStack, as `sandbox env --json` describes it.

    :param zone: the top's availability zone that stands for it.
    :param address: that all of its services listen on; no tenant may ever see it.
    :param cloud: its administrator's name for it in clouds.yaml.
    :param tenant_cloud: the tenant's.
    :param network_id: of its shared network.
    """

    name: str
    zone: str
    address: str
    cloud: str
    tenant_cloud: str
    network_id: str

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Site":
        """Read a site's facts."""
        return cls(
            name=facts["name"],
            zone=facts["top_availability_zone"],
            address=facts["address"],
            cloud=facts["clouds"]["admin"],
            tenant_cloud=facts["clouds"]["demo"],
            network_id=facts["shared_network"]["id"],
        )


class Sandbox:
    """A sandbox in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Begin `sandbox up`, and return while it is at work."""
        return subprocess.Popen(
            self._command("up", *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def up(self, *options: str) -> None:
        """Start what is not running; the profile is the tests', unless the options say otherwise."""
        profile = () if "--profile" in options else ("--profile", PROFILE)
        self.run("up", *profile, *options)
        self.__dict__.pop("facts", None)

    def down(self) -> None:
        """Stop everything, and remove the directory."""
        self.run("down", "--delete")

    def stop_site(self, site: str) -> None:
        """Stop one site: connections to it are refused from now on."""
        self.run("stop", site)

    def start_site(self, site: str) -> None:
        """Start a stopped site, and wait until it is ready."""
        self.run("start", site)

    def stop_process(self, name: str, *, kill: bool = False) -> None:
        """Stop one process, such as `mariadb` or `top-xjob-1`; by SIGKILL, if it is to finish nothing."""
        self.run("stop-process", name, *(["--kill"] if kill else []))

    def start_process(self, name: str) -> None:
        """Start a stopped process, and wait until it can do its work."""
        self.run("start-process", name)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Have one process do nothing, for the length of a `with` block; what it is sent waits for it."""
        (pid,) = [process["pid"] for process in self.status()["processes"] if process["name"] == name]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def fault(self, site: str, *options: str) -> None:
        """Make a site misbehave, or behave again (`--off`)."""
        self.run("fault", site, *options)

    @property
    def is_running(self) -> bool:
        """Say whether a supervisor is at work here."""
        return (self.directory / "sandbox.json").exists() and bool(self.status()["running"])

    def status(self) -> dict[str, Any]:
        """Return every process with its state and id."""
        found: dict[str, Any] = json.loads(self.run("status", "--json"))
        return found

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What there is to know: addresses, files, ids."""
        found: dict[str, Any] = json.loads(self.run("env", "--json"))
        return found

    @cached_property
    def sites(self) -> list[Site]:
        """The sites, in order."""
        return [Site.of(facts) for facts in self.facts["sites"]]

    @property
    def clouds(self) -> Path:
        """The file that tells OpenStack's clients where the clouds are."""
        return Path(self.facts["clouds_yaml"])

    def top_logs(self) -> dict[Path, int]:
        """Return the logs of the top's processes, each with its present size."""
        return {path: path.stat().st_size for path in (self.directory / "log").glob("top-*.log")}

    def run(self, *arguments: str) -> str:
        """Run one of its commands, and return what it prints; fail the test if the command fails."""
        done = subprocess.run(
            self._command(*arguments), capture_output=True, text=True, timeout=UP_LIMIT, check=False
        )
        assert done.returncode == 0, f"sandbox {' '.join(arguments)}: {done.stderr[-2000:]}"
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return [str(PROGRAM), "--dir", str(self.directory), *arguments]


def environment_without_clouds() -> dict[str, str]:
    """Return this process's environment without what would lead an OpenStack client elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
