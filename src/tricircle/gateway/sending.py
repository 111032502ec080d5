"""A request that makes something, on its way to a site: sent when all is there, or a moment before.

What a server needs last of all, its network's subnet, the site makes while its Nova looks at the rest of
the request. Should Nova be quicker, it refuses the request with 400, by which nothing is made: then it is
sent once more when all is there.
"""

import orjson

from tricircle.errors import TricircleError, Unavailable
from tricircle.gateway.call import Call
from tricircle.gateway.intents import Intent
from tricircle.gateway.resource import Item
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

_TOO_EARLY = 400


class Sending:
    """One request to one site.

    :param document: the body, as it is when it is sent.
    """

    def __init__(self, call: Call, site: Site, document: Item, intent: Intent) -> None:
        self._call = call
        self._site = site
        self._document = document
        self._intent = intent
        self._answer: Answer | None = None
        self._error: TricircleError | None = None

    def early(self) -> None:
        """Send it before all is there, if that can be done; what comes of that `answer` tells."""
        try:
            self._intent.sending()
            answer = self._send()
        except Unavailable:
            pass  # nothing was sent
        except TricircleError as error:
            self._error = error
        else:
            if answer.status != _TOO_EARLY:
                self._answer = answer

    @property
    def may_have_made(self) -> bool:
        """Whether something may have been made early."""
        if self._error is not None:
            return self._error.status >= 500
        return self._answer is not None and not 400 <= self._answer.status < 500

    def begin(self) -> None:
        """Note that it goes to the site now, if it does.

        :raises DatabaseUnavailable: see `Intent.sending`.
        """
        if self._error is None and self._answer is None:
            self._intent.sending()

    def answer(self) -> Answer:
        """Return what the site answers; send it, if that is still to be done.

        :raises TricircleError: what `Call.send` raises, or has raised.
        """
        if self._error is not None:
            raise self._error
        return self._send() if self._answer is None else self._answer

    def _send(self) -> Answer:
        return self._call.send(self._site, body=orjson.dumps(self._document))
