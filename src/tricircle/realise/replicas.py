"""The replicated resources of a top: all that a process needs to read, change and realise them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from oslo_config import cfg
from oslo_log import log

from tricircle.db.engine import Database
from tricircle.errors import AnswerLost, Conflict, SiteUnavailable
from tricircle.jobs.bus import Bus, NoBus
from tricircle.jobs.requester import JobRequester
from tricircle.realise.blocks import Blocks
from tricircle.realise.definition import DefinitionState, Known
from tricircle.realise.following import Following
from tricircle.realise.identifiers import Identifiers
from tricircle.realise.kinds import KINDS, NETWORK, REMOTE_MEMBERS, SUBNET
from tricircle.realise.learner import Learner
from tricircle.realise.member_addresses import MemberAddresses
from tricircle.realise.networks import Networks
from tricircle.realise.preparing import Preparing
from tricircle.realise.reach import Reach
from tricircle.realise.realiser import Realiser
from tricircle.realise.remote_groups import RemoteGroups
from tricircle.realise.returns import Returns
from tricircle.realise.room import Room
from tricircle.realise.sides import Own
from tricircle.realise.store import DefinitionStore
from tricircle.realise.subnet_pools import SubnetPools
from tricircle.realise.top_definitions import TopDefinitions
from tricircle.realise.top_network import TopNetwork
from tricircle.realise.writing import Writing
from tricircle.sites.client import SiteClient
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.service_calls import ServiceCalls, SiteRefused
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

NO_BUS = NoBus()


@dataclass(frozen=True, slots=True)
class Replicas:
    """The parts, put together."""

    store: DefinitionStore
    identifiers: Identifiers
    realiser: Realiser
    learner: Learner
    writing: Writing
    networks: Networks
    members: MemberAddresses
    remote_groups: RemoteGroups

    @classmethod
    def of(
        cls,
        conf: cfg.ConfigOpts,
        database: Database,
        registry: SiteRegistry,
        calls: ServiceCalls,
        requester: JobRequester,
        *,
        client: SiteClient,
        bus: Bus = NO_BUS,
    ) -> Self:
        """Put them together.

        :param client: by which sites are called, and the top's own network service.
        :param bus: by which workers are told of the jobs that follow.
        """
        top = TopNetwork(client, calls, conf.region_name)
        blocks = Blocks(top)
        reach = Reach(registry)
        members = MemberAddresses(top, registry)
        own: dict[str, Own] = {
            SUBNET.name: SubnetPools(DefinitionStore(database), blocks).own,
            NETWORK.name: reach.own,
            REMOTE_MEMBERS.name: members.own,
        }
        realiser = Realiser(database, calls, own)
        learner = Learner(database, registry, requester, realiser, bus)
        definitions = TopDefinitions(database, realiser.store, top, requester, registry)
        following = Following(database, definitions, top, requester, registry)
        returns = Returns(database, realiser, calls, blocks, registry)
        room = Room(realiser.store, realiser, calls, blocks, returns=returns, registry=registry)
        return cls(
            store=realiser.store,
            identifiers=Identifiers(realiser.store.realised, conf.sites.refresh_interval),
            realiser=realiser,
            learner=learner,
            writing=Writing(database, realiser.store, requester, learner, conf.xjob.intent_grace),
            networks=Networks(
                realiser.store,
                top,
                definitions=definitions,
                following=following,
                preparing=Preparing(
                    realiser,
                    top,
                    definitions,
                    returns,
                    room,
                    reach=reach,
                    following=following,
                    most_early=conf.sites.max_concurrency // 4,
                ),
                room=room,
                returns=returns,
                bus=bus,
            ),
            members=members,
            remote_groups=RemoteGroups(realiser.store),
        )

    def realise_for(
        self,
        site: Site,
        keys: Iterable[tuple[str, str]],
        names: Collection[tuple[str, str]] = (),
        *,
        request_id: str | None = None,
        known: Collection[Known] | None = None,
    ) -> None:
        """See that a site has what a new resource names, before the request for that goes there.

        What has no definition is the site's own. What the site refuses to have is left out: it says itself,
        when the request comes, what is missing.

        :param keys: kinds and keys.
        :param names: kinds and names, of kinds that have names of their own.
        :param known: what these find, where the caller has read it just now.
        :raises SiteUnavailable: the site cannot be reached; nothing was done that matters to anybody.
        :raises DatabaseUnavailable: it cannot be told what the site lacks.
        """
        for each in self.store.several(list(keys), names) if known is None else known:
            definition = each.definition
            if definition.state is DefinitionState.PENDING or each.in_step(site.id):
                continue
            try:
                self.realiser.realise(definition.id, site, request_id=request_id)
            except (SiteRefused, Conflict) as error:
                LOG.warning(
                    "Site %s cannot have %s %s: %s",
                    site.name,
                    definition.kind,
                    definition.name,
                    error.message,
                )
            except AnswerLost as error:
                raise SiteUnavailable(f"Site {site.name} does not answer.", site=site.name) from error
            finally:
                self.identifiers.expire()

    def deleted(self, kind: str, prefix: str = "") -> frozenset[str]:
        """Return the keys, or the names where sites give ids, of what is deleted and may still be in one."""
        tombstones = self.store.tombstones(kind, prefix)
        if not KINDS[kind].is_named:
            return frozenset(each.key for each in tombstones)
        names = {each.name for each in tombstones}
        again = self.store.several(names=[(kind, name) for name in names])
        return frozenset(
            names
            - {each.definition.name for each in again if each.definition.state is DefinitionState.ACTIVE}
        )
