"""The check of a request's token: Keystone's word, remembered for a while.

keystonemiddleware knows how to ask Keystone; its per-request work (60-400 us) is kept off the hot path:
only its `fetch_token` is called, on a miss. Tokens are remembered under their SHA-256, never as they are.
"""

import hashlib
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import webob.exc
from cachetools import TLRUCache
from keystoneauth1.exceptions import ClientException
from keystonemiddleware import auth_token
from oslo_config import cfg

from tricircle.errors import IdentityUnavailable, Unauthorized
from tricircle.identity.identity import Identity

# Fernet tokens are url-safe base64, JWS tokens have dots; nothing else is worth asking Keystone about.
_TOKEN = re.compile(r"[A-Za-z0-9_.=~+/-]{1,4096}", re.ASCII)

_MESSAGE = "The request you have made requires authentication."

_CACHE_VARIABLE = "tricircle.no_cache"


class TokenSource(Protocol):
    """What answers for tokens: Keystone, or a test's stand-in."""

    def __call__(self, token: str) -> dict[str, Any]:
        """Return the body of Keystone's token.

        :raises Unauthorized: it is not valid.
        :raises IdentityUnavailable: Keystone cannot be asked.
        """


class KeystoneTokens:
    """Asks Keystone through keystonemiddleware, with the options of `[keystone_authtoken]`."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._middleware = auth_token.AuthProtocol(
            None,
            {"oslo_config_config": conf, "cache": _CACHE_VARIABLE, "include_service_catalog": "false"},
        )
        # Its own cache is a second one behind ours that scans all its entries: an empty one takes its
        # place. `initialize` is what its WSGI entry would call, which is not used here.
        self._middleware._token_cache.initialize({_CACHE_VARIABLE: _NoCache()})
        self._uri: str = conf.keystone_authtoken.www_authenticate_uri or ""

    @property
    def challenge(self) -> str:
        """The WWW-Authenticate header of a 401 (Keystone's own scheme)."""
        return f'Keystone uri="{self._uri}"'

    def __call__(self, token: str) -> dict[str, Any]:
        """Validate a token; see TokenSource."""
        try:
            body: dict[str, Any] = self._middleware.fetch_token(token)
        except auth_token.InvalidToken:
            raise Unauthorized(_MESSAGE) from None
        except (webob.exc.HTTPServiceUnavailable, ClientException) as error:
            raise IdentityUnavailable("The identity service cannot be reached.") from error
        return body


class _NoCache:
    """A cache that remembers nothing."""

    def get(self, key: str) -> None:
        """Never know."""

    def set(self, key: str, value: object, time: int = 0) -> None:
        """Never keep."""


class TokenChecker:
    """Tells whose a token is.

    A token is believed for `cache_time` seconds and never past its expiry. However many requests bring
    an unknown one at the same instant, Keystone is asked once.

    :param fetch: asks Keystone.
    :param cache_time: seconds; the longest time that a revoked token goes on working.
    :param clock: seconds since the epoch, as token expiry is wall-clock time.
    """

    def __init__(
        self,
        fetch: TokenSource,
        *,
        cache_time: float,
        cache_size: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._asking: dict[bytes, Future[Identity]] = {}
        self._known: TLRUCache[bytes, Identity] = TLRUCache(
            cache_size, lambda _, identity, now: min(now + cache_time, identity.expires_at), clock
        )

    def identify(self, token: str | None) -> Identity:
        """Return who the token is.

        :raises Unauthorized: there is none, or it is unknown, revoked or expired.
        :raises IdentityUnavailable: Keystone cannot be asked, and the token is not one just seen.
        """
        if token is None or not _TOKEN.fullmatch(token):
            raise Unauthorized(_MESSAGE)
        key = hashlib.sha256(token.encode("ascii")).digest()
        with self._lock:
            identity = self._known.get(key)
            if identity is not None:
                return identity
            answer = self._asking.get(key)
            mine = answer is None
            if answer is None:
                answer = self._asking[key] = Future()
        if mine:
            self._ask(token, key, answer)
        return answer.result()

    def _ask(self, token: str, key: bytes, answer: "Future[Identity]") -> None:
        try:
            identity = Identity.from_token(self._fetch(token))
            if identity.expires_at <= self._clock():
                raise Unauthorized(_MESSAGE)
        except BaseException as error:  # noqa: BLE001  # those who wait must hear of it, whatever it is
            with self._lock:
                del self._asking[key]
            answer.set_exception(error)
        else:
            with self._lock:
                self._known[key] = identity
                del self._asking[key]
            answer.set_result(identity)


def make_token_checker(conf: cfg.ConfigOpts) -> tuple[TokenChecker, str]:
    """Make a process's token check and the challenge that its 401s carry."""
    keystone = KeystoneTokens(conf)
    checker = TokenChecker(
        keystone, cache_time=conf.api.token_cache_time, cache_size=conf.api.token_cache_size
    )
    return checker, keystone.challenge
