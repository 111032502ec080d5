"""RabbitMQ."""

import signal
from collections.abc import Sequence

from tests.servers.port import free_port
from tests.servers.process import Process
from tests.servers.server import HOST, STOP_LIMIT, Server, which

_PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Not the one in the search path: that one becomes user rabbitmq by itself, and logs to /var/log."""


class RabbitMQ(Server):
    """A RabbitMQ node with an Erlang port mapper of its own, user and password `guest`, virtual host `/`."""

    PACKAGE = "rabbitmq-server"
    ACCOUNT = "rabbitmq"
    READY = b"Server startup complete"

    def __init__(self) -> None:
        super().__init__()
        self._mapper_port = free_port()
        self._distribution_port = free_port()
        self._mapper: Process | None = None

    @classmethod
    def find_program(cls) -> str | None:
        """Say where the server's program is; None where the package is not installed."""
        return which("epmd") and which(_PROGRAM)

    @property
    def url(self) -> str:
        """oslo.messaging's transport URL."""
        return f"rabbit://guest:guest@{HOST}:{self.port}/"

    def start(self) -> None:
        """Start it; see `Server`."""
        if self._mapper is None:
            command = ("epmd", "-port", str(self._mapper_port))
            self._mapper = self._launch(command, "epmd.log", signal.SIGKILL)
        super().start()

    def remove(self) -> None:
        """End it, and remove its data."""
        if self._mapper is not None:
            self._mapper.end(signal.SIGKILL, STOP_LIMIT)
            self._mapper = None
        super().remove()

    def _prepare(self) -> None:
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {HOST}:{self.port}\ndisk_free_limit.absolute = 1MB\n"
        )
        (self.directory / "enabled_plugins").write_text("[].\n")

    def _command(self) -> Sequence[str]:
        return (_PROGRAM,)

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_CONFIG_FILE": f"{self.directory}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.directory}/enabled_plugins",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": f"{self.directory}",
            "RABBITMQ_MNESIA_BASE": f"{self.directory}/data",
            "RABBITMQ_NODENAME": f"tricircle-{self.port}@localhost",
            # Loopback only, and no core kept busy by waiting.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"
            " +sbwt none +sbwtdcpu none +sbwtdio none",
            # The process that is started becomes the server, instead of starting it.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
