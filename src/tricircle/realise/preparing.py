"""What a new server names of the top's networks and security groups, brought into a site before it is made.

What the site has already costs nothing. What is not defined yet is read at the top with the user's own token.
What the site lacks is noted as needed there together with jobs that see to it should this process die, and
made: networks and groups side by side, while the top delegates addresses; after each network its subnets, and
with whom it is shared. What Nova does not look at, as the rules of groups, is left to the jobs.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from functools import partial

from oslo_log import log

from tricircle.errors import BadRequest, Unavailable
from tricircle.realise.address_runs import size_of
from tricircle.realise.asked import NETWORK, SECURITY_GROUP, Asked, Defined, is_uuid
from tricircle.realise.asked_at_top import AskedAtTop
from tricircle.realise.blocks import NoAddressLeft, needed_first
from tricircle.realise.definition import Body, Definition, DefinitionState, Known
from tricircle.realise.fixed_addresses import FixedAddresses
from tricircle.realise.following import Following
from tricircle.realise.kinds import KINDS, NEUTRON_KINDS, PARTS_OF_NETWORKS, RBAC_POLICY
from tricircle.realise.kinds.security_group import DEFAULT
from tricircle.realise.reach import Reach
from tricircle.realise.realiser import Realiser
from tricircle.realise.returns import Returns
from tricircle.realise.room import Room
from tricircle.realise.shown import Shown
from tricircle.realise.side_by_side import SideBySide
from tricircle.realise.told import told
from tricircle.realise.top_definitions import Needed, TopDefinitions, in_use
from tricircle.realise.top_network import Item, TopNetwork
from tricircle.realise.turns import LongTurns
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_PATIENCE = 2.0
"""Seconds that whoever has noted first that a site needs a subnet has to ask for its addresses."""

_TURN = 5.0
"""Seconds that a server waits for what another one of this process brings into the site."""

SUBNET, QOS_POLICY = "subnet", "qos_policy"

Early = Callable[[Sequence[Known]], None]
"""Is told what a site has when a server can be asked for, though not all may be there yet that it needs."""


class Preparing:
    """Brings networks and groups into sites.

    :param most_early: servers of this process that sites are asked for early, at a time.
    """

    def __init__(
        self,
        realiser: Realiser,
        top: TopNetwork,
        definitions: TopDefinitions,
        returns: Returns,
        room: Room,
        *,
        reach: Reach,
        following: Following,
        most_early: int,
    ) -> None:
        self._realiser = realiser
        self._store = realiser.store
        self._definitions = definitions
        self._returns = returns
        self._room = room
        self._reach = reach
        self._following = following
        self._fixed = FixedAddresses(realiser.store, top, definitions)
        self._side_by_side = SideBySide()
        self._shown = AskedAtTop(top, definitions, self._side_by_side)
        self._turns = LongTurns()
        self._early = threading.BoundedSemaphore(most_early)

    def prepare(
        self, asked: Asked, site: Site, known: Iterable[Known], early: Early | None = None
    ) -> list[Known]:
        """See that a site has what is asked for; see `Networks.prepare`.

        :param known: what is defined of it.
        :param early: see there.
        :return: what the site has of it now, as far as the top knows it.
        """
        ports = self._shown.ports(asked, site)
        named = asked.with_those_of(ports) if ports else asked
        self._follow_subnets(ports, asked.request_id)
        is_simple = not ports and not asked.addresses and len(asked.networks) == asked.count == 1
        was_early = False

        def tell(there: Sequence[Known]) -> None:
            nonlocal was_early
            if early is not None:
                was_early = True
                early(there)

        there = self._there(
            named,
            site,
            self._defined(named) if ports else list(known),
            tell if is_simple and early is not None else None,
        )
        for each in there:
            if each.definition.kind == NETWORK and each.definition.key in asked.networks:
                if was_early:
                    self._room.note(each, site, 1)
                else:
                    self._have_addresses(each, asked, site)
        if not ports:
            return there
        moved = self._move(ports, site, asked.request_id)
        # What the site is to have a port on stays there; until that was noted it may have gone.
        there = self._there(named, site, self._defined(named))
        return [*there, *self._made(moved, site, asked.request_id)]

    def _follow_subnets(self, ports: Iterable[Item], request_id: str | None) -> None:
        """See that the subnets of ports are defined: one may have been made a moment ago."""
        networks = {fixed["subnet_id"]: port["network_id"] for port in ports for fixed in port["fixed_ips"]}
        found = self._store.several([(SUBNET, each) for each in networks]) if networks else []
        missing = networks.keys() - {each.definition.key for each in found}
        behind = sorted({networks[each] for each in missing})
        self._side_by_side.do([partial(self._following.follow, NETWORK, each, request_id) for each in behind])

    def _defined(self, asked: Asked) -> list[Known]:
        keys, owned = asked.keys()
        return self._store.several(keys, owned=owned)

    def _there(
        self, asked: Asked, site: Site, known: Sequence[Known], early: Early | None = None
    ) -> list[Known]:
        """See that a site has the networks and groups that are asked for; return what it has of them.

        Of a project's first servers in a site that come at once one brings what all need.
        """
        if Defined.among(known, asked).are_in_step(site.id):
            return self._bring_missing(asked, site, known)
        with self._turns.waiting((site.id, asked.project_id, *asked.networks), _TURN) as has_waited:
            return self._bring_missing(asked, site, self._defined(asked) if has_waited else known, early)

    def _bring_missing(
        self, asked: Asked, site: Site, known: Iterable[Known], early: Early | None = None
    ) -> list[Known]:
        found = Defined.among(self._up_to_date(known, asked, site), asked)
        shown = self._shown.read(asked, found)
        for known_one in found.known:
            if known_one.definition.kind == NETWORK:
                body, is_there = known_one.definition.body, known_one.in_step(site.id)
                self._require_reach(body, site, is_there=is_there, holders=known_one.holders)
        for kind, item in shown:
            if kind == NETWORK:
                self._require_reach(NEUTRON_KINDS[NETWORK].define(item), site)
        lacking = [each for each in found.known if not each.in_step(site.id)]
        there = [each for each in found.known if each.in_step(site.id)]
        if shown or lacking:
            tell = None if early is None else lambda brought: early([*there, *brought])
            there += self._bring(asked, shown, lacking, site, tell)
        return there

    def _up_to_date(self, known: Iterable[Known], asked: Asked, site: Site) -> Iterable[Known]:
        """Return what is defined as it is at the top now, as far as the site is about to get it.

        A user who has just been told that a subnet is made finds it in every site.

        :raises Conflict: several groups have a name, of which one is not defined yet.
        """
        lacking = [
            (each.definition.kind, each.definition.key)
            for each in Defined.among(known, asked).known
            if not each.in_step(site.id)
        ]
        names = [each for each in asked.groups if not is_uuid(each) and each != DEFAULT]
        if not (lacking or names) or not self._following.is_behind:
            return known
        works: list[Callable[[], object]] = [partial(self._shown.require_one, each, asked) for each in names]
        works += [partial(self._following.follow, *each, asked.request_id) for each in lacking]
        try:
            self._side_by_side.do(works)
        except Unavailable:
            return known  # the top is away, and what it says meanwhile cannot be told from what it said
        return self._defined(asked)

    def _have_addresses(self, network: Known, asked: Asked, site: Site) -> None:
        """See that a site has addresses for new ports on a network: those that are named, or some."""
        key = network.definition.key
        named = [address for network_id, address in asked.addresses if network_id == key]
        if asked.networks.count(key) > len(named):
            with told(site):
                self._room.take(network, site, asked.count, asked.at_least, request_id=asked.request_id)
        if named:
            with told(site):
                for address in named:
                    self._fixed.reserve(network, address, site, request_id=asked.request_id)
            self._room.note(network, site, len(named))

    def _move(self, ports: Sequence[Item], site: Site, request_id: str | None) -> list[Definition]:
        """Note that a site is to have ports, and no other one any more."""
        shown = self._definitions.with_remotes([("port", each) for each in ports], request_id)
        policies = [each for each in shown if each[0] == QOS_POLICY]
        if policies:
            self._definitions.need(policies, [], site, request_id)
        return self._definitions.move(ports, site, request_id)

    def _made(self, moved: Sequence[Definition], site: Site, request_id: str | None) -> list[Known]:
        """Have a site make ports; return them.

        :raises Conflict: another site is to have one.
        """
        works: list[Callable[[], object]] = [
            partial(self._realiser.realise, each.id, site, request_id=request_id) for each in moved
        ]
        with told(site):
            self._side_by_side.do(works)
        there = self._store.several([("port", each.key) for each in moved])
        for each in there:
            if each.id_in(site.id) is None:
                # It went to another site meanwhile, whose server was quicker.
                raise in_use(each.definition.key)
        return there

    def _require_reach(
        self, body: Body, site: Site, *, is_there: bool = False, holders: Collection[str] = ()
    ) -> None:
        self._reach.require_within(body, site, holders)
        if not is_there:
            self._reach.segment(body, site)

    # -- what the site gets ----------------------------------------------------------------------------------

    def _bring(
        self,
        asked: Asked,
        shown: Sequence[Shown],
        lacking: Sequence[Known],
        site: Site,
        early: Early | None = None,
    ) -> list[Known]:
        """Have a site have what it lacks; return what it has now."""
        known = [*lacking, *self._parts_of(lacking)]
        needed = self._definitions.need(shown, known, site, asked.request_id)

        def brought() -> list[Known]:
            found = [(each.definition.kind, each.definition.key) for each in needed]
            return self._store.several([each for each in found if each[0] not in PARTS_OF_NETWORKS])

        with told(site):
            self._make(needed, asked, site, None if early is None else lambda: early(brought()))
        return brought()

    def _parts_of(self, known: Iterable[Known]) -> list[Known]:
        """Return subnets, and with whom networks and groups are shared."""
        parts = (part for each in known for part in KINDS[each.definition.kind].parts(each.definition.body))
        found = self._store.several([part for part in parts if part[0] in PARTS_OF_NETWORKS])
        return [each for each in found if each.definition.state is DefinitionState.ACTIVE]

    def _make(
        self, needed: Sequence[Needed], asked: Asked, site: Site, early: Callable[[], None] | None
    ) -> None:
        by_kind: dict[str, list[Needed]] = {}
        for each in needed:
            by_kind.setdefault(each.definition.kind, []).append(each)
        networks, subnets = by_kind.get(NETWORK, []), by_kind.get(SUBNET, [])
        policies = by_kind.get(RBAC_POLICY.name, [])
        # What only rules name may follow; networks bring their policies before themselves.
        groups = [each for each in by_kind.get(SECURITY_GROUP, ()) if asked.names(each.definition)]
        pools = {
            each.definition.id: self._side_by_side.begin(partial(self._pools, each, site)) for each in subnets
        }

        def may_be_early() -> bool:
            return early is not None and not policies and _is_as_good_as_there(networks, subnets, pools)

        def make_subnet(subnet: Needed) -> None:
            own = pools[subnet.definition.id].result()
            if own is not None:
                self._make_one(subnet, site, asked.request_id, own=own)
                if may_be_early():
                    # Others need not wait for what Nova says.
                    self._realiser.complete(networks[0].definition.id, site)

        def meanwhile() -> None:
            # The site is to have places left for what is being made.
            if early is not None and may_be_early() and self._early.acquire(blocking=False):
                try:
                    early()
                finally:
                    self._early.release()

        try:
            make = partial(self._make_one, site=site, request_id=asked.request_id)
            parts = [(each, partial(make_subnet, each)) for each in subnets]
            parts += [(each, partial(make, each)) for each in policies]
            self._side_by_side.do_in_turn(
                [
                    (partial(make, each), [work for part, work in parts if _is_part(part, each)])
                    for each in [*networks, *groups]
                ],
                meanwhile,
            )
        finally:
            wait(pools.values())
        found = [(each, pools[each.definition.id].result()) for each in subnets]
        _require_addresses(found, site)
        self._note_scarce(networks, found)
        for network in networks:
            if not self._realiser.complete(network.definition.id, site):
                self._realiser.realise(network.definition.id, site, request_id=asked.request_id)

    def _pools(self, subnet: Needed, site: Site) -> Body | None:
        """Return which addresses a subnet hands out in a site, the first of them asked for; None for none."""
        patience = 0.0 if subnet.is_new else _PATIENCE
        try:
            return self._returns.pools(subnet.definition, site, patience=patience)
        except NoAddressLeft:
            return None
        except SiteRefused as error:
            if error.site_status != 404:
                raise
            words = f"Network {subnet.definition.body['network_id']} could not be found."  # as of just now
            raise BadRequest(words, site=site.name) from error

    def _note_scarce(self, networks: Iterable[Needed], subnets: Iterable[tuple[Needed, Body | None]]) -> None:
        """Note which networks have so few addresses that a site cannot have the usual ones to spare."""
        few = {
            subnet.definition.body["network_id"]
            for subnet, own in subnets
            if own is None or _has_few(subnet.definition, own)
        }
        for network in (each.definition for each in networks if each.definition.key in few):
            self._returns.note_scarce(network)

    def _make_one(self, needed: Needed, site: Site, request_id: str | None, own: Body | None = None) -> None:
        definition = needed.definition
        self._realiser.realise(
            definition.id,
            site,
            # A project's default group is there before anybody needs it.
            is_new=needed.is_new and definition.name != DEFAULT,
            own=own,
            with_parts=definition.kind != NETWORK,
            in_haste=True,
            request_id=request_id,
        )


def _is_as_good_as_there(
    networks: Sequence[Needed], subnets: Sequence[Needed], pools: Mapping[str, Future[Body | None]]
) -> bool:
    """Say whether a site may be asked for a server on a network whose subnet is still being made there.

    Nova takes no server on a network without a subnet. Of one that gets a single one, with addresses for all
    who may want some soon, it takes a server only when that subnet is there.

    :param pools: by the ids of the subnets' definitions, what the site is to hand out.
    """
    if len(networks) != 1 or len(subnets) != 1:
        return False
    network, subnet = networks[0].definition, subnets[0].definition
    if not (networks[0].is_new and subnets[0].is_new and network.body["subnets"] == [subnet.key]):
        return False
    own = pools[subnet.id].result()
    return own is not None and not _has_few(subnet, own)


def _has_few(subnet: Definition, own: Body) -> bool:
    """Say whether a site cannot have the usual number of addresses to spare."""
    return bool(own) and size_of(own["allocation_pools"]) < needed_first(subnet.body)


def _require_addresses(found: Iterable[tuple[Needed, Body | None]], site: Site) -> None:
    """Go on where a site has addresses of each IP version; whether they are enough is seen when room is made.

    :param found: the subnets of networks, and what a site hands out of each; None where one is full.
    :raises NoAddressLeft: all subnets of a network and a version are full.
    """
    has_some: dict[tuple[str, int], bool] = {}
    for subnet, own in found:
        body = subnet.definition.body
        place = body["network_id"], body["ip_version"]
        has_some[place] = has_some.get(place, False) or own is not None
    for (network_id, _), has_one in has_some.items():
        if not has_one:
            raise NoAddressLeft(network_id, site)


def _is_part(part: Needed, whole: Needed) -> bool:
    body = part.definition.body
    return whole.definition.key in {body.get("network_id"), body.get("object_id")}
