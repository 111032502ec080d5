"""What is asked of a worker in the tests of adoption, and how the top refuses."""

from typing import NoReturn

from tests.unit.xjob.neutrons import SERVER, TOP, A

from tricircle.jobs.job import Request
from tricircle.jobs.types import ADOPT, AFTER_DELETE
from tricircle.sites.service_calls import SiteRefused


def request() -> Request:
    """Ask for the ports of the server."""
    return Request(ADOPT.name, "server", SERVER, A.id, "blue")


def gone() -> Request:
    """Say that the server was deleted."""
    return Request(AFTER_DELETE.name, "server", SERVER, A.id, "blue")


def refuse() -> NoReturn:
    """Refuse as a top does where something is in the way."""
    raise SiteRefused("said 409", site=TOP.name, request_id=None, status=409)
