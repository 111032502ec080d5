"""XJob's RPC API, version 1.0: what arrives over the message bus. The contributors' guide has it.

A message is done with once it has arrived, whatever becomes of it: an unknown method or version is refused
with one line in the log, and does not come again.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from oslo_config import cfg
from oslo_log import log

from tricircle.errors import BadRequest, DatabaseUnavailable
from tricircle.jobs.job import Request
from tricircle.jobs.messaging import TOPIC, VERSION, RPCServer, make_transport, messaging
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import type_of

LOG = log.getLogger(__name__)

_THREADS = 4

_PAUSE = 5.0
"""Seconds between tries to take messages from a bus that refuses."""

_STOP_LIMIT = 3.0
"""Seconds that a bus which may be away gets to say goodbye."""


_LONGEST_DELAY = 30 * 24 * 3600.0

_NO_NUL = r"^[^\x00]+$"
_Id = Annotated[str, msgspec.Meta(pattern=_NO_NUL, max_length=255)]
_ShortId = Annotated[str, msgspec.Meta(pattern=_NO_NUL, max_length=64)]
_SiteId = Annotated[str, msgspec.Meta(pattern=_NO_NUL, max_length=36)]
"""As long as there is room for in the database."""


class _Wish(msgspec.Struct, forbid_unknown_fields=True):
    """A request as it travels; as `tricircle.jobs.job.Request`."""

    type: str
    resource_type: str
    resource_id: _Id
    site_id: _SiteId | None = None
    project_id: _ShortId | None = None
    parameters: dict[str, Any] = {}
    delay: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_DELAY)] = 0.0
    priority: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    requires: list[str] = []
    request_id: _ShortId | None = None


class RpcApi:
    """The methods of the RPC API.

    :param wake_worker: has the worker look for jobs.
    :param describe: what the worker says of itself.
    """

    target = messaging.Target(version=VERSION)

    def __init__(
        self,
        requester: JobRequester,
        wake_worker: Callable[[], None],
        describe: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._requester = requester
        self._wake_worker = wake_worker
        self._describe = describe

    def wake(self, context: Mapping[str, Any], job_ids: Sequence[str]) -> None:  # noqa: ARG002  # oslo.messaging's
        """Look for jobs now.

        :param job_ids: those that wait, for the log; which job is next is what the queue says.
        """
        LOG.debug("Woken for %s", job_ids)
        self._wake_worker()

    def health(self, context: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002  # oslo.messaging's
        """Tell the worker's name, what it does, and its release."""
        return self._describe()

    @messaging.expected_exceptions(BadRequest, DatabaseUnavailable)  # type: ignore[untyped-decorator]
    def request(self, context: Mapping[str, Any], **wish: Any) -> str:  # noqa: ARG002  # oslo.messaging's
        """Ask for a job, for those who cannot reach the database; returns its id.

        :param wish: what a `Request` is made of; `parameters` is an object.
        :raises BadRequest: there is no such type, or it takes something else.
        :raises DatabaseUnavailable: it cannot be reached; nothing was asked for.
        """
        try:
            (job,) = self._requester.request(_request_of(wish))
        except BadRequest as error:
            LOG.warning("A request for a job is refused: %s", error.message)  # whoever casts is not told
            raise
        self._wake_worker()
        return job.id


class _Dispatcher(messaging.RPCDispatcher):  # type: ignore[misc]  # it is not typed
    """Refuses what is unknown in one line; oslo.messaging's own writes a traceback of itself."""

    def dispatch(self, incoming: Any) -> Any:
        """Have a message done.

        :raises ExpectedException: there is no such method or version; the client gets the error in it.
        """
        try:
            return super().dispatch(incoming)
        except (messaging.NoSuchMethod, messaging.UnsupportedVersion) as error:
            LOG.error("A message is refused: %s", " ".join(str(error).split()))
            raise messaging.ExpectedException from error


class RpcServer:
    """Serves the RPC API, from when the bus is there.

    :param host: a message may be for the workers of this host alone. Not for one worker: the bus keeps a
        queue for each such name, for good.
    """

    def __init__(self, conf: cfg.ConfigOpts, api: RpcApi, host: str) -> None:
        self._transport = make_transport(conf)
        self._target = messaging.Target(topic=TOPIC, server=host)
        self._api = api
        self._server: messaging.MessageHandlingServer | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin in the background: the bus may not be there yet."""
        threading.Thread(target=self._start, name="rpc", daemon=True).start()

    def stop(self) -> None:
        """Take no more messages. Does not wait for a bus that is away."""
        self._stopped.set()
        stopping = threading.Thread(target=self._stop, name="rpc-stop", daemon=True)
        stopping.start()
        stopping.join(_STOP_LIMIT)

    def _start(self) -> None:
        """Try until it takes messages; the library itself waits for a bus that cannot be connected to."""
        has_failed = False
        while not self._stopped.is_set():
            dispatcher = _Dispatcher([self._api], None, messaging.DefaultRPCAccessPolicy)
            self._server = RPCServer(self._transport, self._target, dispatcher)
            try:
                self._server.start(override_pool_size=_THREADS)
            except Exception as error:  # noqa: BLE001  # the bus says no, in any driver's words
                if not has_failed:
                    LOG.error("No messages can be taken from the bus: %s", type(error).__name__)
                has_failed = True
                self._stopped.wait(_PAUSE)
            else:
                LOG.info("Messages are taken from the bus")
                return

    def _stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server.wait()


def _request_of(wish: Mapping[str, Any]) -> Request:
    try:
        read = msgspec.convert(wish, _Wish)
        parameters = msgspec.convert(read.parameters, type_of(read.type).parameters)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The request makes no sense: {error}") from None
    fields = msgspec.structs.asdict(read) | {"parameters": parameters}
    return Request(**fields)
