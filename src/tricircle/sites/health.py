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

# A call waits this long for a place; a healthy site frees one sooner.
_PATIENCE = 1.0

_LONGEST_COOLDOWN = 60.0


class SiteHealth:
    """The gate that every call of a site goes through.

    :param name: the site's.
    :param threshold: failures one after the other that open the breaker.
    :param cooldown: seconds it stays open; then one call tries the site, and each time that this one fails
        the next waits twice as long, up to a minute.
    :param concurrency: most calls under way at a time.
    """

    def __init__(
        self,
        name: str,
        *,
        threshold: int,
        cooldown: float,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._threshold = threshold
        self._cooldown = cooldown
        self._clock = clock
        self._places = threading.BoundedSemaphore(concurrency)
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_at = 0.0

    @property
    def is_up(self) -> bool:
        """Say whether the last calls reached the site, or it is time to try again."""
        return self._failures < self._threshold or self._clock() >= self._closed_at

    def enter(self) -> None:
        """Take a place for a call.

        :raises SiteUnavailable: the breaker is open, or no place gets free. Nothing was sent.
        """
        if self._failures >= self._threshold:
            self._try_again()
        if not self._places.acquire(timeout=_PATIENCE):
            raise SiteUnavailable(f"Site {self._name} has too many requests under way.", site=self._name)

    def leave(self, *, reached: bool) -> None:
        """Give the place back.

        :param reached: the site answered, whatever it said.
        """
        self._places.release()
        if reached and not self._failures:
            return
        with self._lock:
            if reached:
                if self._failures >= self._threshold:
                    LOG.info("Site %s answers again", self._name)
                self._failures = 0
                return
            self._failures += 1
            if self._failures == self._threshold:
                LOG.warning("Site %s cannot be reached", self._name)
            self._closed_at = self._clock() + self._wait()

    def _try_again(self) -> None:
        """Let one call through once the cool-down is over; the others wait for what it finds."""
        with self._lock:
            now = self._clock()
            if self._failures >= self._threshold:
                if now < self._closed_at:
                    wait = max(1, round(self._closed_at - now))
                    raise SiteUnavailable(
                        f"Site {self._name} cannot be reached.", site=self._name, retry_after=wait
                    )
                self._closed_at = now + self._wait()

    def _wait(self) -> float:
        vain = max(0, self._failures - self._threshold)
        return min(self._cooldown * 2.0 ** min(vain, 10), max(self._cooldown, _LONGEST_COOLDOWN))


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
                    ),
                )
        return health
