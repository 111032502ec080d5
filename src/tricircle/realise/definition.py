"""A replicated resource as it must be in every site, and as far as each site agrees."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Body = dict[str, Any]
"""The fields that must be the same in every site. Other replicated resources stand in it by their keys."""

FORMER = -1
"""The version of a realisation that is of a resource which was deleted and made again under the same key; or,
of a kind that sites get only where they need it, of one that its site does not need any more."""


class DefinitionState(StrEnum):
    """What is to be true of a replicated resource."""

    PENDING = "pending"
    """It is being made in its first site, and not known to exist."""
    ACTIVE = "active"
    DELETED = "deleted"
    """A tombstone: it is to go from every site, and then its row goes."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A replicated resource.

    :param id: uuid of the row; jobs are about it.
    :param kind: see `tricircle.realise.kinds`.
    :param key: what the top calls it: see the kinds.
    :param version: grows with each change of body or state; 0 for one that never was.
    :param reference_site_id: the site that it was changed in last with a user's own token.
    """

    id: str
    kind: str
    key: str
    name: str
    project_id: str | None
    body: Body
    version: int
    state: DefinitionState
    reference_site_id: str | None


class Changed(Exception):  # it is no error: it says to look again
    """A row is not as it was seen any more."""


@dataclass(frozen=True, slots=True)
class Realisation:
    """A replicated resource in one site.

    :param site_resource_id: what the site calls it; None where it is not there, or was not looked for.
    :param version: the definition's, when the site was last made to agree with it; 0 where it is only wanted.
    :param drift: what was found to be otherwise in the site, in words.
    """

    site_id: str
    site_resource_id: str | None
    version: int
    drift: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """All that the top knows of a replicated resource.

    :param realisations: by site id.
    """

    definition: Definition
    realisations: Mapping[str, Realisation]

    @property
    def holders(self) -> set[str]:
        """The ids of the sites that have it, or are to have it."""
        return {each.site_id for each in self.realisations.values() if each.version != FORMER}

    def drift_in(self, site_id: str) -> str | None:
        """Return what was found to be otherwise in a site."""
        realisation = self.realisations.get(site_id)
        return None if realisation is None else realisation.drift

    def version_in(self, site_id: str) -> int:
        """Return the version that a site was last made to agree with; 0 for none."""
        found = self.realisations.get(site_id)
        return 0 if found is None else found.version

    def in_step(self, site_id: str) -> bool:
        """Say whether a site has it as it is defined now."""
        return self.definition.version > 0 and self.version_in(site_id) == self.definition.version

    def id_in(self, site_id: str) -> str | None:
        """Return what a site calls it."""
        found = self.realisations.get(site_id)
        return None if found is None else found.site_resource_id

    def sought_in(self, site_id: str) -> "Sought":
        """Return what it is looked for by in a site."""
        definition = self.definition
        return Sought(definition.key, definition.name, self.id_in(site_id), definition.project_id)


@dataclass(frozen=True, slots=True)
class Sought:
    """What a replicated resource is looked for by in a site.

    :param name: as the definition has it; empty where there is none yet.
    :param site_resource_id: what the site calls it, as far as that is known.
    :param project_id: whose it is, where it is a project's.
    """

    key: str
    name: str
    site_resource_id: str | None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A replicated resource as a site shows it.

    :param body: other replicated resources stand in it by the site's ids.
    """

    site_resource_id: str
    name: str
    body: Body


def differences(shown: Body, wanted: Body) -> dict[str, str]:
    """Say which fields differ, and how; for people. To have none is as good as to have an empty one."""
    words = {}
    for field, value in wanted.items():
        there = shown.get(field)
        if there == value or (there is None and value in ("", [])):
            continue
        if isinstance(value, dict) and isinstance(there, dict):
            names = sorted(name for name in value.keys() | there.keys() if value.get(name) != there.get(name))
            words[field] = f"{field} ({', '.join(names)})"
        else:
            words[field] = f"{field} is {_short(there)} and should be {_short(value)}"
    return words


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
