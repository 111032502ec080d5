"""The worker that hands on what no request has: `neutron-periodic-workers` runs it.

Each of any number of hosts may run one.
"""

import threading

from neutron_lib import worker

from tricircle.network.forwarder import Forwarder


class Sweeper(worker.BaseWorker):
    """Looks at the journal now and then.

    :param interval: seconds.
    """

    def __init__(self, forwarder: Forwarder, interval: float) -> None:
        # 0: a thread beside other such workers, not a process of its own.
        super().__init__(worker_process_count=0, desc="tricircle sweeper")
        self._forwarder = forwarder
        self._interval = interval
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        super().start(name="neutron-periodic-workers", desc="tricircle sweeper")
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="tricircle sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def wait(self) -> None:
        """Wait until the last look has ended."""
        if self._thread is not None:
            self._thread.join()

    def reset(self) -> None:
        """Do nothing: there is no state."""

    def _run(self) -> None:
        while True:
            self._forwarder.sweep()
            if self._stopped.wait(self._interval):
                return
