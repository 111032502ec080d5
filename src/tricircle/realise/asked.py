"""What a new server names of the top's networks and security groups, and what of it is defined."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from tricircle.errors import Conflict
from tricircle.realise.definition import Definition, DefinitionState, Known
from tricircle.realise.kinds.network import may_use
from tricircle.realise.top_network import Item

NETWORK, SECURITY_GROUP = "network", "security_group"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a new server names.

    :param networks: the top's ids.
    :param groups: the top's ids, or names.
    :param token: the user's.
    :param count: how many ports each network is to get.
    :param ports: the top's ids of those that are there already.
    :param addresses: networks by the top's ids, and an address that is asked for on each.
    :param at_least: of these ports, without room for which nothing is to be made; None for all.
    """

    networks: Sequence[str]
    groups: Sequence[str]
    project_id: str | None
    token: str = ""
    count: int = 1
    request_id: str | None = None
    ports: Sequence[str] = ()
    addresses: Sequence[tuple[str, str]] = ()
    at_least: int | None = None

    def keys(self) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
        """Return by what it is found in the database: kinds and keys; kinds, projects and names."""
        ids = [(SECURITY_GROUP, each) for each in self.groups if is_uuid(each)]
        # A group may well be named like the id of another.
        project_id, groups = self.project_id, self.groups
        owned = [] if project_id is None else [(SECURITY_GROUP, project_id, each) for each in groups]
        return [*((NETWORK, each) for each in dict.fromkeys(self.networks)), *ids], owned

    def names(self, group: Definition) -> bool:
        """Say whether a security group of the project is named."""
        return not {group.key, group.name}.isdisjoint(self.groups)

    def with_those_of(self, ports: Iterable[Item]) -> "Asked":
        """Return the same with the networks and groups of ports."""
        networks, groups = list(self.networks), list(self.groups)
        for port in ports:
            networks.append(port["network_id"])
            groups += port["security_groups"]
        return replace(self, networks=networks, groups=groups)


def is_uuid(value: str) -> bool:
    """Say whether a text is an id of Neutron's."""
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Defined:
    """What is asked for, as far as it is defined.

    :param known: what is, and is the project's own, or shared with it.
    """

    known: list[Known]
    networks_missing: list[str]
    groups_missing: list[str]

    @classmethod
    def among(cls, known: Iterable[Known], asked: Asked) -> "Defined":
        """Sort out what is asked for.

        :raises Conflict: several groups have the same name.
        """
        own = [
            each
            for each in known
            if each.definition.state is DefinitionState.ACTIVE and may_use(each.definition, asked.project_id)
        ]
        networks = {each.definition.key: each for each in own if each.definition.kind == NETWORK}
        groups = [each for each in own if each.definition.kind == SECURITY_GROUP]
        found = [networks[key] for key in dict.fromkeys(asked.networks) if key in networks]
        missing = []
        for name in dict.fromkeys(asked.groups):
            matching = [each for each in groups if name in {each.definition.key, each.definition.name}]
            if len(matching) > 1:
                raise several(name)
            found += matching
            if not matching:
                missing.append(name)
        return cls(found, [key for key in dict.fromkeys(asked.networks) if key not in networks], missing)

    def are_in_step(self, site_id: str) -> bool:
        """Say whether a site has all of it, as it is defined."""
        missing = self.networks_missing or self.groups_missing
        return not missing and all(each.in_step(site_id) for each in self.known)


def several(name: str) -> Conflict:
    """Say in Nova's own words that a name is not enough."""
    return Conflict(
        f"Multiple security_group matches found for name '{name}', use an ID to be more specific."
    )
