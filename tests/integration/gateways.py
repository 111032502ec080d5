"""A further pair of the top's gateways: same database, same sites, and options of its own."""

import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from tests.integration.conditions import eventually
from tests.integration.sandbox import Sandbox, environment_without_clouds

GRANIAN = Path(sys.executable).with_name("granian")
VERSIONS = {"compute": "v2.1", "volume": "v3"}
PATIENCE = 15.0


class Gateways:
    """The gateways of a sandbox's top once more, on ports of their own, for the length of a `with` block.

    Their logs are among the top's, and are looked at as those are.

    :param name: what their files are called by.
    :param options: configuration that is read after the top's own.
    """

    def __init__(self, sandbox: Sandbox, name: str, options: str) -> None:
        self._sandbox = sandbox
        self._name = name
        self._options = options
        self._processes: list[subprocess.Popen[bytes]] = []
        self._roots: dict[str, str] = {}

    @property
    def settings(self) -> dict[str, str]:
        """What leads an openstacksdk connection to these gateways instead of those of the catalogue."""
        return {
            "compute_endpoint_override": f"{self._roots['compute']}/{VERSIONS['compute']}",
            "block_storage_endpoint_override": f"{self._roots['volume']}/{VERSIONS['volume']}",
        }

    def __enter__(self) -> Self:
        """Start them, and wait until they answer."""
        try:
            for service in VERSIONS:
                self._start(service)
            for service, root in self._roots.items():
                eventually(lambda root=root: self._is_ready(root), f"a further gateway: {service}")  # type: ignore[misc]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        self._end()

    def _start(self, service: str) -> None:
        top = self._sandbox.facts["top"]
        extra = self._sandbox.directory / "conf" / "top" / f"{self._name}.conf"
        extra.write_text(self._options)
        with socket.create_server((top["address"], 0)) as free:
            port = free.getsockname()[1]
        log = self._sandbox.directory / "log" / f"top-{self._name}-{service}.log"
        with log.open("ab") as output:
            self._processes.append(
                subprocess.Popen(
                    [
                        *(str(GRANIAN), "--interface", "wsgi", "--host", top["address"], "--port", str(port)),
                        *("--workers", "1", "--blocking-threads", "32", "--no-ws"),
                        f"tricircle.wsgi.{service}:application",
                    ],
                    stdout=output,
                    stderr=output,
                    env={
                        **environment_without_clouds(),
                        "OS_TRICIRCLE_CONFIG_FILES": f"{top['configuration']};{extra}",
                    },
                )
            )
        self._roots[service] = f"http://{top['address']}:{port}"

    def _is_ready(self, root: str) -> bool:
        assert all(process.poll() is None for process in self._processes), "a further gateway has ended"
        with suppress(URLError), urlopen(f"{root}/healthcheck", timeout=1) as answer:  # noqa: S310  # our own
            ready: bool = answer.status == 200
            return ready
        return False

    def _end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
