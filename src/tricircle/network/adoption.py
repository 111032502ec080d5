"""The mark of a request that adopts a site's port.

It is on the request's context because that is the one object which reaches the IPAM driver on create *and* on
update: on update the driver is handed a row of the database, which bears no marks. No body can set it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_MARK = "tricircle_adoption"


@dataclass(frozen=True, slots=True)
class Adoption:
    """What a site says of its port.

    :param status: of the port in its site; None where it is as it was. Neutron takes a port that is bound to
        another host for down, whatever the request says, so the driver that binds must know.
    :param revision: that the port must still have at the top when it is changed; None for any.
    :param tags: that the port is to have; None where they stay. Neutron takes them apart from other fields.
    """

    site_id: str
    status: str | None = None
    revision: int | None = None
    tags: Sequence[str] | None = None


def adopting(context: Any, adoption: Adoption) -> Any:
    """Return a context with an administrator's rights, under which ports of a site are made and changed.

    :param context: neutron_lib's.
    """
    elevated = context.elevated()
    setattr(elevated, _MARK, adoption)
    return elevated


def of(context: Any) -> Adoption | None:
    """Return what is adopted under a context; None for everybody else's requests."""
    adoption: Adoption | None = getattr(context, _MARK, None)
    return adoption


@contextmanager
def telling(session: Any) -> Iterator[None]:
    """Mark a transaction while what a site says of its port is written, for those who see only the rows.

    :param session: SQLAlchemy's.
    """
    session.flush()  # what came before is not marked
    session.info[_MARK] = True
    try:
        yield
        session.flush()
    finally:
        del session.info[_MARK]


def is_told(session: Any) -> bool:
    """Say whether what is written now is what a site says of its port.

    :param session: SQLAlchemy's; None for none.
    """
    return session is not None and _MARK in session.info
