"""Whether a site is worth calling just now: a circuit breaker and a bound on concurrent calls.

Both belong to one process: what another one has found out about a site is not shared, as each finds out
within a few requests.
"""

import threading
import time
from collections.abc import Callable

from oslo_config import cfg
from oslo_log import log

from tricircle.errors import SiteUnavailable

LOG = log.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that a call waits for a place; a healthy site frees one sooner."""

_LONGEST_COOLDOWN = 60.0


class SiteHealth:
    """The gate that every call of a site goes through.

    :param name: the site's.
    :param threshold: failures one after the other that open the breaker.
    :param cooldown: seconds it stays open; then one call tries the site, and each time that this one fails
        the next waits twice as long from then on, up to a minute.
    :param concurrency: most calls under way at a time.
    :param patience: seconds that a call waits for a place.
    """

    def __init__(
        self,
        name: str,
        *,
        threshold: int,
        cooldown: float,
        concurrency: int,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._threshold = threshold
        self._cooldown = cooldown
        self._patience = patience
        self._clock = clock
        self._places = threading.BoundedSemaphore(concurrency)
        self._lock = threading.Lock()
        self._failures = 0
        self._trials = 0
        self._trier: int | None = None
        self._open_until = 0.0

    @property
    def is_up(self) -> bool:
        """Say whether the last calls reached the site, or it is time to try again."""
        return self._failures < self._threshold or self._clock() >= self._open_until

    def enter(self, *, wait: bool = True) -> None:
        """Take a place for a call.

        :param wait: for a place to get free; a call of many sites waits for none.
        :raises SiteUnavailable: the breaker is open, or no place gets free. Nothing was sent.
        """
        if self._failures >= self._threshold:
            self._try_again()
        if not self._places.acquire(timeout=self._patience if wait else 0.0):
            raise SiteUnavailable(f"Site {self.name} has too many requests under way.", site=self.name)

    def leave(self, *, reached: bool | None) -> None:
        """Give the place back.

        :param reached: the site answered, whatever it said. None: nothing was found out about it.
        """
        self._places.release()
        if reached is None or (reached and not self._failures):
            return
        with self._lock:
            if reached:
                if self._failures >= self._threshold:
                    LOG.info("Site %s answers again", self.name)
                self._failures = self._trials = 0
                return
            self._failures += 1
            if self._failures == self._threshold:
                LOG.warning("Site %s cannot be reached", self.name)
                self._open_until = self._clock() + self._cooldown
            elif self._trier == threading.get_ident():
                # A trial may last longer than the cool-down: the next one must not follow on its heels.
                self._open_until = self._clock() + self._wait()
                self._trier = None

    def _try_again(self) -> None:
        """Let one call through once the cool-down is over; the others wait for what it finds."""
        with self._lock:
            now = self._clock()
            if self._failures < self._threshold:
                return
            if now < self._open_until:
                wait = max(1, round(self._open_until - now))
                raise SiteUnavailable(
                    f"Site {self.name} cannot be reached.", site=self.name, retry_after=wait
                )
            self._trials += 1
            self._trier = threading.get_ident()  # a call enters and leaves in one thread
            self._open_until = now + self._wait()

    def _wait(self) -> float:
        """Return the seconds to wait for the next trial."""
        longest = max(self._cooldown, _LONGEST_COOLDOWN)
        return min(self._cooldown * 2.0 ** min(self._trials, 10), longest)


class HealthBoard:
    """The health of every site, by its id."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf.sites
        self._lock = threading.Lock()
        self._sites: dict[str, SiteHealth] = {}

    def of(self, site_id: str, name: str) -> SiteHealth:
        """Return a site's health; a site not called yet is taken for healthy."""
        health = self._sites.get(site_id)
        if health is None:
            with self._lock:
                health = self._sites.setdefault(
                    site_id,
                    SiteHealth(
                        name,
                        threshold=self._conf.breaker_threshold,
                        cooldown=self._conf.breaker_cooldown,
                        concurrency=self._conf.max_concurrency,
                        patience=PATIENCE,
                    ),
                )
        health.name = name  # it may have been renamed
        return health

    def failing(self) -> set[str]:
        """Return the ids of the sites whose breaker is open."""
        return {site_id for site_id, health in tuple(self._sites.items()) if not health.is_up}
