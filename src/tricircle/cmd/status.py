"""`tricircle-status upgrade check`: whether this release can work with what is there.

Exits with 0 when all is well, 1 when something needs a look, 2 when the services would not work, and 255 when
the check itself failed (oslo.upgradecheck's convention).
"""

import sys
from collections.abc import Sequence

from oslo_config import cfg
from oslo_upgradecheck.upgradecheck import Code, Result, UpgradeCommands
from oslo_upgradecheck.upgradecheck import main as run

from tricircle import config
from tricircle.db import schema
from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import ZoneStore


class Checks(UpgradeCommands):
    """What must be so before the services of this release are started.

    :param conf: looked at only when a check is run, after the command line is read.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf

    def check_schema(self) -> Result:
        """Check that the tables are what this release works with."""
        try:
            version = schema.current(Database(self._conf))
        except (DatabaseUnavailable, OSError, ValueError) as error:
            return Result(Code.FAILURE, str(error))
        if version != schema.head():
            return Result(
                Code.FAILURE,
                f"The tables are at version {version or 'none'}, this release works with {schema.head()}: "
                "run `tricircle-manage db upgrade`.",
            )
        return Result(Code.SUCCESS)

    def check_reads(self) -> Result:
        """Check that what is read is what was written last, also by another process."""
        if self.check_schema().code is not Code.SUCCESS:
            return _NOT_CHECKED
        if Database(self._conf).may_read_the_past():
            return Result(
                Code.WARNING,
                "A node of this Galera cluster may answer from before what another has committed. Unless all "
                "write through one set `[database] mysql_wsrep_sync_wait = 1`, also for the top's Neutron.",
            )
        return Result(Code.SUCCESS)

    def check_sites(self) -> Result:
        """Check that there is a site."""
        if self.check_schema().code is not Code.SUCCESS:
            return _NOT_CHECKED
        if not SiteStore(Database(self._conf)).page(limit=1):
            return Result(Code.WARNING, "No site is registered: nothing can be made anywhere.")
        return Result(Code.SUCCESS)

    def check_zones(self) -> Result:
        """Check that tenants can reach every enabled site by an availability zone."""
        if self.check_schema().code is not Code.SUCCESS:
            return _NOT_CHECKED
        database = Database(self._conf)
        mapped = {member.site_id for zone in ZoneStore(database).page() for member in zone.members}
        missing = [
            site.name for site in SiteStore(database).page() if site.takes_new and site.id not in mapped
        ]
        if missing:
            return Result(Code.WARNING, f"In no availability zone: {', '.join(missing)}.")
        return Result(Code.SUCCESS)

    _upgrade_checks = (
        ("Database schema", check_schema),
        ("Database reads", check_reads),
        ("Sites", check_sites),
        ("Availability zones", check_zones),
    )


_NOT_CHECKED = Result(Code.WARNING, "Not checked, as the tables are not what this release works with.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks.

    :param arguments: the command line without the program's name; None takes that of the process.
    :return: exit status.
    """
    conf = config.declare()
    return run(conf, "tricircle", Checks(conf), sys.argv[1:] if arguments is None else list(arguments))


if __name__ == "__main__":
    sys.exit(main())
