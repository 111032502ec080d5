"""What a new server names of the top's networks and security groups, brought into a site before it is made.

What the site has already costs nothing. What it lacks is read at the top with the user's own token, noted as
needed there together with jobs that see to it should this process die, and made: networks and groups side by
side, while the top delegates addresses; then the subnets, and with whom the networks are shared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from oslo_log import log

from tricircle.errors import AnswerLost, BadRequest, Conflict, SiteUnavailable
from tricircle.realise.address_runs import size_of
from tricircle.realise.blocks import Blocks, needed_first
from tricircle.realise.definition import Body, DefinitionState, Known
from tricircle.realise.fixed_addresses import FixedAddresses
from tricircle.realise.kinds import KINDS, NEUTRON_KINDS, PARTS_OF_NETWORKS, RBAC_POLICY
from tricircle.realise.kinds.network import may_use
from tricircle.realise.kinds.security_group import DEFAULT
from tricircle.realise.reach import OutOfReach, Reach
from tricircle.realise.realiser import Realiser
from tricircle.realise.room import Room
from tricircle.realise.segments import SegmentRefused
from tricircle.realise.side_by_side import SideBySide
from tricircle.realise.top_definitions import Needed, Shown, TopDefinitions, in_use, with_parts
from tricircle.realise.top_network import Item, TopNetwork
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds that whoever has noted first that a site needs a subnet has to ask for its addresses."""

NETWORK, SUBNET, SECURITY_GROUP = "network", "subnet", "security_group"
QOS_POLICY = "qos_policy"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a new server names.

    :param networks: the top's ids.
    :param groups: the top's ids, or names.
    :param token: the user's.
    :param count: how many ports each network is to get.
    :param ports: the top's ids of those that are there already.
    :param addresses: networks by the top's ids, and an address that is asked for on each.
    """

    networks: Sequence[str]
    groups: Sequence[str]
    project_id: str | None
    token: str = ""
    count: int = 1
    request_id: str | None = None
    ports: Sequence[str] = ()
    addresses: Sequence[tuple[str, str]] = ()

    def keys(self) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
        """Return by what it is found in the database: kinds and keys; kinds, projects and names."""
        ids = [(SECURITY_GROUP, each) for each in self.groups if is_uuid(each)]
        names = [each for each in self.groups if not is_uuid(each)]
        owned = [] if self.project_id is None else [(SECURITY_GROUP, self.project_id, each) for each in names]
        return [*((NETWORK, each) for each in dict.fromkeys(self.networks)), *ids], owned


def is_uuid(value: str) -> bool:
    """Say whether a text is an id of Neutron's."""
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False


class Preparing:
    """Brings networks and groups into sites."""

    def __init__(
        self,
        realiser: Realiser,
        top: TopNetwork,
        definitions: TopDefinitions,
        blocks: Blocks,
        room: Room,
        *,
        reach: Reach,
    ) -> None:
        self._realiser = realiser
        self._store = realiser.store
        self._top = top
        self._definitions = definitions
        self._blocks = blocks
        self._room = room
        self._reach = reach
        self._fixed = FixedAddresses(realiser.store, top, definitions)
        self._side_by_side = SideBySide()

    def prepare(self, asked: Asked, site: Site, known: Iterable[Known]) -> list[Known]:
        """See that a site has what is asked for; see `Networks.prepare`.

        :param known: what is defined of it.
        :return: what the site has of it now, as far as the top knows it.
        """
        ports = self._ports(asked, site)
        named = asked
        if ports:
            named = _with_those_of(ports, asked)
            keys, owned = named.keys()
            known = self._store.several(keys, owned=owned)
        there = self._there(named, site, known)
        for each in there:
            if each.definition.kind == NETWORK and each.definition.key in asked.networks:
                self._have_addresses(each, asked, site)
        return [*there, *self._move(ports, site, asked.request_id)]

    def _there(self, asked: Asked, site: Site, known: Iterable[Known]) -> list[Known]:
        """See that a site has the networks and groups that are asked for; return what it has of them."""
        found = _Found.among(known, asked)
        shown = self._read(asked, found)
        for known_one in found.known:
            if known_one.definition.kind == NETWORK:
                self._require_reach(known_one.definition.body, site, is_there=known_one.in_step(site.id))
        for kind, item in shown:
            if kind == NETWORK:
                self._require_reach(NEUTRON_KINDS[NETWORK].define(item), site)
        lacking = [each for each in found.known if not each.in_step(site.id)]
        there = [each for each in found.known if each.in_step(site.id)]
        if shown or lacking:
            there += self._bring(asked, shown, lacking, site)
        return there

    def _have_addresses(self, network: Known, asked: Asked, site: Site) -> None:
        """See that a site has addresses for new ports on a network: those that are named, or some."""
        key = network.definition.key
        named = [address for network_id, address in asked.addresses if network_id == key]
        if asked.networks.count(key) > len(named):
            self._room.take(network, site, asked.count, request_id=asked.request_id)
        if named:
            with _told(site):
                for address in named:
                    self._fixed.reserve(network, address, site, request_id=asked.request_id)
            self._room.note(network, site, len(named))

    # -- ports that are made before their server ------------------------------------------------------------

    def _ports(self, asked: Asked, site: Site) -> list[Item]:
        """Read those of the ports that were made at the top; those of sites have the same id there.

        :raises Conflict: a server has one.
        :raises OutOfReach: another site has made one.
        """
        works: list[Callable[[], list[Item]]] = []
        for key in asked.ports:
            works += [partial(self._port, key, asked), partial(self._adopted, key, asked)]
        answers = iter(self._side_by_side.do(works))
        found: list[Item] = []
        for key in asked.ports:
            shown, adopted = next(answers), next(answers)
            if adopted and adopted[0]["site"] != site.name:
                if shown:
                    raise OutOfReach(f"Port {key} is in site {adopted[0]['site']}.", site=site.name)
            elif shown and not adopted:
                if shown[0].get("device_id"):
                    raise in_use(key)
                found += shown
        return found

    def _port(self, key: str, asked: Asked) -> list[Item]:
        item = self._top.show("port", key, token=asked.token, request_id=asked.request_id)
        return [item] if item is not None and item["project_id"] == asked.project_id else []

    def _adopted(self, key: str, asked: Asked) -> list[Item]:
        return self._top.list("adopted_port", id=key, request_id=asked.request_id)

    def _move(self, ports: Sequence[Item], site: Site, request_id: str | None) -> list[Known]:
        """Have a site have ports, and no other one any more; return them."""
        if not ports:
            return []
        shown = self._definitions.with_remotes([("port", each) for each in ports], request_id)
        policies = [each for each in shown if each[0] == QOS_POLICY]
        if policies:
            self._definitions.need(policies, [], site, request_id)
        moved = self._definitions.move(ports, site, request_id)
        works: list[Callable[[], object]] = [
            partial(self._realiser.realise, each.id, site, request_id=request_id) for each in moved
        ]
        with _told(site):
            self._side_by_side.do(works)
        there = self._store.several([("port", each.key) for each in moved])
        for each in there:
            if each.id_in(site.id) is None:
                # It went to another site meanwhile, whose server was quicker.
                raise in_use(each.definition.key)
        return there

    # -- what the top says -----------------------------------------------------------------------------------

    def _read(self, asked: Asked, found: "_Found") -> list[Shown]:
        """Read what is not defined yet, or is another project's, as far as the user sees it."""
        if asked.project_id is None:
            return []
        works: list[Callable[[], list[Item]]] = []
        for key in found.networks_missing:
            works += [
                partial(self._visible, key, asked),
                partial(self._network, key, asked),
                partial(self._subnets, key, asked),
                partial(self._definitions.policies, key, asked.request_id),
            ]
        works += [partial(self._groups, name, asked) for name in found.groups_missing]
        answers = iter(self._side_by_side.do(works))
        shown: list[Shown] = []
        for _ in found.networks_missing:
            visible, network, subnets, policies = (next(answers) for _ in range(4))
            if visible:
                shown += [pair for item in network for pair in with_parts(item, subnets, policies)]
        groups: list[Shown] = []
        for name in found.groups_missing:
            matching = next(answers)
            if len(matching) > 1:
                raise several(name)
            groups += [(SECURITY_GROUP, item) for item in matching]
        return self._definitions.with_remotes(shown + groups, asked.request_id)

    def _visible(self, key: str, asked: Asked) -> list[Item]:
        item = self._top.show(NETWORK, key, token=asked.token, request_id=asked.request_id)
        return [] if item is None else [item]

    def _network(self, key: str, asked: Asked) -> list[Item]:
        """Read a network as the service user: others are not shown its segments."""
        item = self._top.show(NETWORK, key, request_id=asked.request_id)
        return [] if item is None else [item]

    def _subnets(self, key: str, asked: Asked) -> list[Item]:
        """Read its subnets, likewise: those that an administrator has made belong to another project."""
        return self._top.list(SUBNET, request_id=asked.request_id, network_id=key)

    def _groups(self, name: str, asked: Asked) -> list[Item]:
        filters = {"id" if is_uuid(name) else "name": name, "project_id": asked.project_id or ""}
        return self._top.list(SECURITY_GROUP, token=asked.token, request_id=asked.request_id, **filters)

    def _require_reach(self, body: Body, site: Site, *, is_there: bool = False) -> None:
        self._reach.require_within(body, site)
        if not is_there:
            self._reach.segment(body, site)

    # -- what the site gets ----------------------------------------------------------------------------------

    def _bring(
        self, asked: Asked, shown: Sequence[Shown], lacking: Sequence[Known], site: Site
    ) -> list[Known]:
        """Have a site have what it lacks; return what it has now."""
        known = [*lacking, *self._parts_of(lacking)]
        needed = self._definitions.need(shown, known, site, asked.request_id)
        with _told(site):
            self._make(needed, site, asked.request_id)
        keys = [
            (each.definition.kind, each.definition.key)
            for each in needed
            if each.definition.kind not in PARTS_OF_NETWORKS
        ]
        return self._store.several(keys)

    def _parts_of(self, known: Iterable[Known]) -> list[Known]:
        networks = [each.definition.body for each in known if each.definition.kind == NETWORK]
        keys = [part for body in networks for part in KINDS[NETWORK].parts(body)]
        found = self._store.several(keys)
        return [each for each in found if each.definition.state is DefinitionState.ACTIVE]

    def _make(self, needed: Sequence[Needed], site: Site, request_id: str | None) -> None:
        by_kind: dict[str, list[Needed]] = {}
        for each in needed:
            by_kind.setdefault(each.definition.kind, []).append(each)
        # Of them it is looked first which addresses they have; both come after their network.
        subnets, policies = by_kind.pop(SUBNET, []), by_kind.pop(RBAC_POLICY.name, [])
        by_kind.pop(QOS_POLICY, None)  # networks bring theirs before themselves
        pools: dict[str, Body] = {}

        def look_up(subnet: Needed) -> None:
            patience = 0.0 if subnet.is_new else _PATIENCE
            body = subnet.definition.body
            pools[subnet.definition.id] = self._blocks.pools(body, site, patience=patience)

        works: list[Callable[[], object]] = [
            partial(self._make_one, each, site, request_id)
            for several in by_kind.values()
            for each in several
        ]
        works += [partial(look_up, each) for each in subnets]
        self._side_by_side.do(works)
        self._note_scarce(by_kind.get(NETWORK, ()), subnets, pools)
        self._side_by_side.do(
            [
                partial(
                    self._realiser.realise,
                    each.definition.id,
                    site,
                    is_new=each.is_new,
                    own=pools[each.definition.id],
                    request_id=request_id,
                )
                for each in subnets
            ]
            + [partial(self._make_one, each, site, request_id) for each in policies]
        )
        for network in by_kind.get(NETWORK, ()):
            if not self._realiser.complete(network.definition.id, site):
                self._realiser.realise(network.definition.id, site, request_id=request_id)

    def _note_scarce(
        self, networks: Iterable[Needed], subnets: Iterable[Needed], pools: Mapping[str, Body]
    ) -> None:
        """Note which networks have so few addresses that a site cannot have the usual ones to spare."""
        bodies = [(each.definition.body, pools[each.definition.id]) for each in subnets]
        few = {
            body["network_id"]
            for body, own in bodies
            if own and size_of(own["allocation_pools"]) < needed_first(body)
        }
        for network in (each.definition for each in networks if each.definition.key in few):
            self._room.note_scarce(network)

    def _make_one(self, needed: Needed, site: Site, request_id: str | None) -> None:
        definition = needed.definition
        self._realiser.realise(
            definition.id,
            site,
            # A project's default group is there before anybody needs it.
            is_new=needed.is_new and definition.name != DEFAULT,
            with_parts=definition.kind != NETWORK,
            request_id=request_id,
        )


@contextmanager
def _told(site: Site) -> Iterator[None]:
    """Tell what keeps a site from having something as it concerns the user."""
    try:
        yield
    except AnswerLost as error:
        # What it was is found again by its mark.
        raise SiteUnavailable(f"Site {site.name} does not answer.", site=site.name) from error
    except SegmentRefused as error:
        # Users are not shown what their networks are in the fabric.
        LOG.warning("%s", error.message)
        words = (
            f"Network {error.network_id} cannot be in site {site.name} as it is. Choose another availability "
            "zone; an administrator finds the cause in the network's jobs."
        )
        kind = OutOfReach if error.site_status == 400 else Conflict
        raise kind(words, site=site.name, request_id=error.request_id) from error
    except SiteRefused as error:
        refusal = BadRequest if error.site_status == 400 else Conflict
        raise refusal(error.message, site=site.name, request_id=error.request_id) from error


def _with_those_of(ports: Iterable[Item], asked: Asked) -> Asked:
    """Return what is asked for with the networks and groups of ports."""
    networks, groups = list(asked.networks), list(asked.groups)
    for port in ports:
        networks.append(port["network_id"])
        groups += port["security_groups"]
    return replace(asked, networks=networks, groups=groups)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is asked for, as far as it is defined.

    :param known: what is, and is the project's own, or shared with it.
    """

    known: list[Known]
    networks_missing: list[str]
    groups_missing: list[str]

    @classmethod
    def among(cls, known: Iterable[Known], asked: Asked) -> "_Found":
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


def several(name: str) -> Conflict:
    """Say in Nova's own words that a name is not enough."""
    return Conflict(
        f"Multiple security_group matches found for name '{name}', use an ID to be more specific."
    )
