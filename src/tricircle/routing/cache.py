"""The routes that one process has seen lately, and what it has lately searched for in vain."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from tricircle.routing.route import Route

ABSENCE_TIME = 5.0
"""Seconds for which a vain search counts. Its only use is that a client which asks again and again for
something that is not there does not have all sites searched each time."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Recent(Generic[Key, Value]):
    """Keeps the entries used last, each until its time is over. Not safe for threads by itself."""

    def __init__(self, size: int, time_to_live: float, clock: Callable[[], float]) -> None:
        self._size = size
        self._time_to_live = time_to_live
        self._clock = clock
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() >= entry[0]:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, key: Key, value: Value) -> None:
        self._entries[key] = (self._clock() + self._time_to_live, value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def drop(self, key: Key) -> None:
        self._entries.pop(key, None)


class RouteCache:
    """Routes by type and id, for all threads of a process. Never asks the database.

    :param size: most routes kept, and most vain searches; those used longest ago go first.
    :param time_to_live: seconds after which a route is read from the database again; 0 keeps none.
    """

    def __init__(
        self, size: int, time_to_live: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._routes: _Recent[tuple[str, str], Route] = _Recent(size, time_to_live, clock)
        self._absent: _Recent[tuple[str, str, str | None], bool] = _Recent(
            size, min(ABSENCE_TIME, time_to_live), clock
        )

    def get(self, resource_type: str, top_id: str) -> Route | None:
        """Return the route of a resource; None where it is not kept."""
        with self._lock:
            return self._routes.get((resource_type, top_id))

    def put(self, route: Route) -> None:
        """Keep a route."""
        with self._lock:
            self._routes.put((route.resource_type, route.top_id), route)

    def drop(self, resource_type: str, top_id: str) -> None:
        """Keep the route of a resource no longer."""
        with self._lock:
            self._routes.drop((resource_type, top_id))

    def is_absent(self, resource_type: str, top_id: str, project_id: str | None) -> bool:
        """Say whether a search for a project has just found no such resource."""
        with self._lock:
            return self._absent.get((resource_type, top_id, project_id)) is not None

    def put_absent(self, resource_type: str, top_id: str, project_id: str | None) -> None:
        """Keep that a search for a project found no such resource in any site."""
        with self._lock:
            self._absent.put((resource_type, top_id, project_id), True)
