"""The errors of every part; they become HTTP answers in one place (`tricircle.web.faults`).

TricircleError
+-- BadRequest              400  the request makes no sense here
+-- Unauthorized            401  no token, or not one that Keystone knows
+-- Forbidden               403
+-- NotFound                404
+-- MethodNotAllowed        405
+-- NotAcceptable           406  no common microversion
+-- Conflict                409
|   +-- LeaseLost                a job is not this worker's any more
+-- Gone                    410  an operation that its service has given up
+-- LengthRequired          411  a body without a Content-Length
+-- PayloadTooLarge         413
+-- UnsupportedMediaType    415
+-- NotDecided              501  an operation that the tables do not decide yet
+-- BadAnswer               502  a site answered what is no answer
+-- Unavailable             503  something that is needed cannot be reached now
|   +-- DatabaseUnavailable      our own database
|   |   +-- CommitLost      504  it may or may not have been written
|   +-- IdentityUnavailable      Keystone
|   +-- SiteUnavailable          a site: nothing was sent to it
+-- AnswerLost              504  sent, and nothing is known of what became of it
"""

from typing import ClassVar


class TricircleError(Exception):
    """An error that a client may see.

    :param message: for the client: says what is wrong, holds no secret and no site's address.
    :param site: name of the site concerned.
    :param request_id: the site's own request id, by which its operator finds the cause.
    """

    status: ClassVar[int] = 500

    def __init__(self, message: str, *, site: str | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.site = site
        self.request_id = request_id


class BadRequest(TricircleError):
    """The request makes no sense here."""

    status = 400


class Unauthorized(TricircleError):
    """There is no token, or Keystone does not know it."""

    status = 401


class Forbidden(TricircleError):
    """The policy says no."""

    status = 403


class NotFound(TricircleError):
    """There is no such thing, or none that this project may know of."""

    status = 404


class MethodNotAllowed(TricircleError):
    """The path exists, with other methods."""

    status = 405


class NotAcceptable(TricircleError):
    """The microversion asked for is not one that the sites have in common."""

    status = 406


class Conflict(TricircleError):
    """The request contradicts what is there."""

    status = 409


class LeaseLost(Conflict):
    """A job is not this worker's any more: another one took it over, or it was cancelled."""


class Gone(TricircleError):
    """The service itself has given the operation up."""

    status = 410


class LengthRequired(TricircleError):
    """The request has a body of unknown length."""

    status = 411


class PayloadTooLarge(TricircleError):
    """The body is larger than this service takes."""

    status = 413


class UnsupportedMediaType(TricircleError):
    """The body is not JSON."""

    status = 415


class NotDecided(TricircleError):
    """The operation exists in the API, and what it means over several sites is not decided yet."""

    status = 501


class BadAnswer(TricircleError):
    """A site answered something that is no answer: half a body, HTML, too much."""

    status = 502


class Unavailable(TricircleError):
    """Something that is needed cannot be reached now; the request had no effect.

    :param retry_after: seconds after which trying again makes sense.
    """

    status = 503

    def __init__(
        self,
        message: str,
        *,
        site: str | None = None,
        request_id: str | None = None,
        retry_after: int = 5,
    ) -> None:
        super().__init__(message, site=site, request_id=request_id)
        self.retry_after = retry_after


class DatabaseUnavailable(Unavailable):
    """The top's own database cannot be reached."""


class CommitLost(DatabaseUnavailable):
    """The database did not answer a commit: what it was to write is there in whole, or not at all."""

    status = 504


class IdentityUnavailable(Unavailable):
    """Keystone cannot be reached."""


class SiteUnavailable(Unavailable):
    """A site cannot be reached; nothing was sent to it, so another may be tried."""


class AnswerLost(TricircleError):
    """The request was sent and no answer came: it may have had its effect. Never repeated blindly."""

    status = 504
