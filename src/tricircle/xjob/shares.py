"""Which part of the periodic work is this worker's: done twice is harmless, not done is not."""

from typing import Protocol

from oslo_config import cfg


class Shares(Protocol):
    """One worker's share."""

    def refresh(self) -> None:
        """Tell the others that this worker lives, and see who they are. Never fails."""

    def is_mine(self, thing: str) -> bool:
        """Say whether something is this worker's to do."""

    def leave(self) -> None:
        """Leave the work to the others."""


class Everything:
    """The share of a worker that does not meet others."""

    def refresh(self) -> None:
        """See nobody."""

    def is_mine(self, thing: str) -> bool:  # noqa: ARG002  # the protocol's
        """Take everything."""
        return True

    def leave(self) -> None:
        """Do nothing."""


def make_shares(conf: cfg.ConfigOpts, name: str) -> Shares:
    """Make a worker's share, as `[coordination]` says.

    :param name: the worker's.
    """
    if not conf.coordination.backend_url:
        return Everything()
    # Only here: it brings much along that a worker by itself can do without.
    from tricircle.xjob.tooz_shares import ToozShares  # noqa: PLC0415

    return ToozShares(conf.coordination.backend_url, name)
