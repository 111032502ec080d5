"""The mark of a request that adopts a site's port.

It is on the request's context because that is the one object which reaches the IPAM driver on create *and* on
update: on update the driver is handed a row of the database, which bears no marks. No body can set it.
"""

from dataclasses import dataclass
from typing import Any

_MARK = "tricircle_adoption"


@dataclass(frozen=True, slots=True)
class Adoption:
    """What a site says of its port.

    :param status: of the port in its site; None where it is as it was. Neutron takes a port that is bound to
        another host for down, whatever the request says, so the driver that binds must know.
    :param revision: that the port must still have at the top when it is changed; None for any.
    """

    site_id: str
    status: str | None = None
    revision: int | None = None


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
