"""Watches what a client of the top asks, and what it is told: nothing may lead to a site."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import requests


class Witness:
    """Sees every answer that a client's HTTP session gets.

    :param allowed: hosts that a tenant's client may talk to.
    :param hidden: addresses that must not be in anything the top says.
    :param top: the host of the top.
    """

    def __init__(self, top: str, allowed: Collection[str], hidden: Collection[str]) -> None:
        self._top = top
        self._allowed = frozenset(allowed)
        self._hidden = tuple(hidden)
        self.urls: list[str] = []
        self.offences: list[str] = []

    def watch(self, session: requests.Session) -> None:
        """Look at each of a session's answers from now on."""
        session.hooks["response"].append(self._see)

    def _see(self, response: requests.Response, **_: Any) -> None:
        asked = f"{response.request.method} {response.url}"
        self.urls.append(response.url)
        host = urlsplit(response.url).hostname
        if host not in self._allowed:
            self.offences.append(f"{asked} is none of the top's business")
        if host == self._top:
            told = [response.text, *(f"{name}: {value}" for name, value in response.headers.items())]
            self.offences += [
                f"{asked} tells {address}: {text[:300]}"
                for text in told
                for address in self._hidden
                if address in text
            ]
