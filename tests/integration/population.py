"""What lives in both sites for as long as the tests run: enough to see lists of two sites as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.integration.belongings import Belongings
from tests.integration.clients import Client
from tests.integration.conditions import side_by_side
from tests.integration.sandbox import Site

LETTERS = "abcdef"


@dataclass(frozen=True)
class Population:
    """Six servers and six volumes, by turns in one site and the other, and a snapshot of each second volume.

    Their names end in letters, in the order in which they were made: those of `a`, `c` and `e` are in the
    first site, the others in the second.

    :param homes: a letter's site.
    """

    homes: dict[str, Site]
    servers: dict[str, Any]
    volumes: dict[str, Any]
    snapshots: dict[str, Any]
    belongings: Belongings

    @classmethod
    def make(cls, owner: Client, sites: Sequence[Site]) -> "Population":
        """Make it."""
        belongings = Belongings(owner)
        homes = {letter: sites[index % len(sites)] for index, letter in enumerate(LETTERS)}
        booting = {
            letter: belongings.booting(f"server-{letter}", site.zone, metadata={"letter": letter})
            for letter, site in homes.items()
        }
        volumes = {
            letter: belongings.volume(f"volume-{letter}", site.zone, size=1 + index // 2)
            for index, (letter, site) in enumerate(homes.items())
        }
        snapshots = {
            letter: belongings.snapshot(f"snapshot-{letter}", volumes[letter]) for letter in LETTERS[:4]
        }
        servers = dict(zip(LETTERS, side_by_side(belongings.active, booting.values()), strict=True))
        return cls(homes, servers, volumes, snapshots, belongings)

    def put_away(self) -> None:
        """Delete all of it."""
        self.belongings.put_away()

    def in_site(self, name: str) -> list[str]:
        """Return the letters of what is in a site."""
        return [letter for letter, site in self.homes.items() if site.name == name]

    def inventory(self, site: str) -> dict[str, set[str]]:
        """Return the ids of what a site holds of it, as SiteAdmin counts."""
        letters = self.in_site(site)
        return {
            "servers": {self.servers[letter].id for letter in letters},
            "volumes": {self.volumes[letter].id for letter in letters},
            "snapshots": {self.snapshots[letter].id for letter in letters if letter in self.snapshots},
            "ports": set(),
        }
