"""MariaDB."""

from collections.abc import Sequence

from tests.servers.database_server import DatabaseServer
from tests.servers.port import free_port
from tests.servers.server import HOST, which


class MariaDB(DatabaseServer):
    """A MariaDB server, without a password."""

    PACKAGE = "mariadb-server"
    ACCOUNT = "mysql"
    READY = b"ready for connections"
    DRIVER = "mysql+pymysql"
    USER = "root"
    MAINTENANCE = ""

    @classmethod
    def find_program(cls) -> str | None:
        """Say where the server's program is; None where the package is not installed."""
        return which("mariadb-install-db") and which("mariadbd")

    def _prepare(self) -> None:
        self._run(
            "mariadb-install-db",
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            f"--datadir={self.directory}/data",
            "--innodb-log-file-size=16M",
        )

    def _command(self) -> Sequence[str]:
        return (
            self.find_program() or "mariadbd",
            "--no-defaults",
            f"--datadir={self.directory}/data",
            f"--socket={self.directory}/socket",
            f"--pid-file={self.directory}/pid",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            "--skip-name-resolve",
            # Written at each commit, and left to the kernel to bring to the disk.
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-doublewrite=0",
            "--innodb-log-file-size=16M",
            "--innodb-buffer-pool-size=64M",
            "--performance-schema=off",
            "--max-connections=1000",
            # A test that leaves a lock fails the next one, and does not hang it.
            "--innodb-lock-wait-timeout=20",
            "--lock-wait-timeout=20",
        )

    def _drop(self, name: str) -> str:
        return f"DROP DATABASE IF EXISTS {name}"

    def _create(self, name: str) -> str:
        return f"CREATE DATABASE {name}"


class Galera(MariaDB):
    """A cluster of one node, which is itself the first."""

    def _command(self) -> Sequence[str]:
        return (
            *super()._command(),
            "--wsrep-on=ON",
            "--wsrep-provider=/usr/lib/galera/libgalera_smm.so",
            "--wsrep-cluster-address=gcomm://",
            f"--wsrep-provider-options=gmcast.listen_addr=tcp://{HOST}:{free_port()};gcache.size=1M",
            f"--wsrep-node-address={HOST}",
            "--binlog-format=ROW",
        )
