"""`tricircle-xjob`: does what follows from requests in the sites, once the user has an answer."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn

from oslo_config import cfg
from oslo_log import log

from tricircle import config
from tricircle.xjob.engine import make_engine
from tricircle.xjob.service import Service

LOG = log.getLogger(__name__)

DESCRIPTION = """\
Does the top's asynchronous work: one worker, which takes jobs from the database and does them in the
sites, and its share of the periodic work. Any number of them may run, on any hosts; each may be killed
at any moment, and others go on with what it did. With `[DEFAULT] transport_url` it is told over the
message bus that jobs wait; without, it looks by itself every `[xjob] sweep_interval` seconds."""

EPILOG = """\
Options are read from /etc/tricircle/tricircle.conf and the other places usual for OpenStack, unless
--config-file or --config-dir names others. It needs `[database] connection` and `[service_user]`; the
database, the bus, Keystone and the sites need not be there when it begins. On SIGTERM it takes no more
jobs, goes on with those it has for at most `[xjob] shutdown_timeout` seconds, hands back the rest, and
exits with 0; on a second SIGTERM, and on SIGINT, it exits at once, and its jobs are taken over when
their leases have expired. On SIGHUP it reads the options again that may change while it runs, those of
the log. Exits with 2 when the command line or the configuration is wrong."""

_AT_ONCE = 130


def main(
    arguments: Sequence[str] | None = None, make: Callable[[cfg.ConfigOpts], Service] | None = None
) -> int:
    """Run a worker until it is told to stop.

    :param arguments: the command line without the program's name; None takes that of the process.
    :param make: makes the service of a configuration.
    :return: exit status.
    """
    conf = config.declare()
    try:
        conf(
            sys.argv[1:] if arguments is None else list(arguments),
            project="tricircle",
            prog="tricircle-xjob",
            description=DESCRIPTION,
            epilog=EPILOG,
        )
        log.set_defaults()
        log.setup(conf, "tricircle")
        service = (make or _make)(conf)
    except (cfg.Error, ValueError) as error:
        print(f"tricircle-xjob: {error}", file=sys.stderr)
        return 2
    signals = _Signals(conf)
    service.start()
    signals.wait_for_the_end()
    service.stop()
    logging.shutdown()
    # Not by returning: that would wait for threads which are in the middle of something that never ends.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


class _Signals:
    """What signals have the program do."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._something = threading.Event()
        self._is_ending = False
        self._is_to_read = False
        for number, handler in (
            (signal.SIGTERM, self._end),
            (signal.SIGINT, self._exit),
            (signal.SIGHUP, self._read),
        ):
            signal.signal(number, handler)

    def wait_for_the_end(self) -> None:
        """Return when the program is to end in order; read the options again meanwhile, when asked."""
        while True:
            self._something.wait()
            self._something.clear()
            if self._is_ending:
                return
            if self._is_to_read:
                self._is_to_read = False
                self._mutate()

    def _end(self, *_: object) -> None:
        if self._is_ending:
            self._exit()
        self._is_ending = True
        self._something.set()

    def _exit(self, *_: object) -> NoReturn:
        os._exit(_AT_ONCE)

    def _read(self, *_: object) -> None:
        self._is_to_read = True
        self._something.set()

    def _mutate(self) -> None:
        try:
            self._conf.mutate_config_files()
        except cfg.Error as error:
            LOG.error("The configuration is not read again: %s", error)


def _make(conf: cfg.ConfigOpts) -> Service:
    return Service(make_engine(conf))


if __name__ == "__main__":
    sys.exit(main())
