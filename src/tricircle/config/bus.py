"""The message bus: only where it is. All else is oslo.messaging's own, in its own groups."""

from oslo_config import cfg


class _TransportUrl(cfg.StrOpt):
    """oslo.messaging's option of this name, without its default: unset means that there is no bus.

    It is declared here so that a process without a bus need not load oslo.messaging to know; that one finds
    it declared already, and is not told that the two differ.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, cfg.Opt) and bool(self.dest == other.dest)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = cfg.StrOpt.__hash__


TRANSPORT_URL = _TransportUrl("transport_url", secret=True)
