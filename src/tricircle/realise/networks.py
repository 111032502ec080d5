"""Networks, subnets and security groups of the top in the sites: what gateways and XJob ask of them."""

from collections.abc import Sequence
from typing import Protocol

from tricircle.errors import Unavailable
from tricircle.identity.identity import Identity
from tricircle.jobs.bus import Bus
from tricircle.realise.asked import Asked
from tricircle.realise.definition import Definition, DefinitionState, Known
from tricircle.realise.following import Following
from tricircle.realise.kinds.network import may_use
from tricircle.realise.preparing import Early, Preparing
from tricircle.realise.returns import Returns
from tricircle.realise.room import Room
from tricircle.realise.side_by_side import SideBySide
from tricircle.realise.site_ids import SiteIds
from tricircle.realise.store import DefinitionStore
from tricircle.realise.top_definitions import TopDefinitions
from tricircle.realise.top_network import TopNetwork
from tricircle.sites.site import Site


class Asker(Protocol):
    """Who asks, as a gateway's call tells."""

    identity: Identity
    token: str

    @property
    def request_id(self) -> str:
        """The global id of the request."""


class Networks:
    """The networks of a top."""

    def __init__(
        self,
        store: DefinitionStore,
        top: TopNetwork,
        *,
        definitions: TopDefinitions,
        following: Following,
        preparing: Preparing,
        room: Room,
        returns: Returns,
        bus: Bus,
    ) -> None:
        self._store = store
        self.definitions = definitions
        self._following = following
        self._preparing = preparing
        self._room = room
        self._bus = bus
        self._ids = SiteIds(store.realised)
        self._side_by_side = SideBySide()
        self.top = top
        self.returns = returns

    @property
    def is_there(self) -> bool:
        """Say whether the top has a network service; where it has none, everything is left to the sites.

        :raises IdentityUnavailable: the catalogue has never been read, and cannot be now.
        """
        return self.top.is_there

    def in_site(self, kind: str, top_id: str, site_id: str) -> str | None:
        """Return what a site calls something of the top; None where it is not there, or has the same id.

        :param kind: `network`, `subnet`, `security_group` or `port`.
        :raises DatabaseUnavailable: it has not been looked up before, and cannot be now.
        """
        return self._ids.in_site(kind, top_id, site_id)

    def at_top(self, kind: str, site_id: str, site_resource_id: str) -> str | None:
        """Return what the top calls something of a site; None where it knows none, or it has the same id.

        :param kind: as for `in_site`.
        :raises DatabaseUnavailable: it has not been looked up before, and cannot be now.
        """
        return self._ids.at_top(kind, site_id, site_resource_id)

    def network(self, top_id: str, asker: Asker) -> Definition | None:
        """Return a network that a user may see; None where the top shows none to them.

        :raises TricircleError: as `ServiceCalls.call` does, of the top.
        """
        known = self._store.find("network", top_id)
        if known is not None and known.definition.state is DefinitionState.DELETED:
            return None
        if known is not None and may_use(known.definition, asker.identity.project_id):
            return known.definition
        item = self.top.show("network", top_id, token=asker.token, request_id=asker.request_id)
        return None if item is None else self.definitions.as_defined(item, asker.request_id)

    def own(self, project_id: str | None, token: str, *, request_id: str | None = None) -> list[str]:
        """Return the ids of the networks that Nova chooses from where none is named: own and shared ones.

        :param token: a user's of the project.
        :raises TricircleError: as `ServiceCalls.call` does, of the top. Where it cannot be reached, and one
            network of the project is known, that one is taken.
        """
        if project_id is None:
            return []
        try:
            return self._read_own(project_id, token, request_id)
        except Unavailable:
            known = [
                each.definition.key
                for each in self._store.of_project("network", project_id)
                if each.definition.state is DefinitionState.ACTIVE
            ]
            if len(known) != 1:
                raise
            return known

    def _read_own(self, project_id: str, token: str, request_id: str | None) -> list[str]:

        def read(**filters: str) -> list[str]:
            found = self.top.list("network", token=token, request_id=request_id, fields="id", **filters)
            return [item["id"] for item in found]

        own, shared = self._side_by_side.do(
            [lambda: read(project_id=project_id, shared="False"), lambda: read(shared="True")]
        )
        return [*own, *(each for each in shared if each not in own)]

    def keys(
        self, networks: Sequence[str], groups: Sequence[str], project_id: str | None
    ) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
        """Return by what `DefinitionStore.several` finds what `prepare` must know: keys, and owned names."""
        return Asked(networks, groups, project_id).keys()

    def prepare(
        self,
        site: Site,
        networks: Sequence[str],
        groups: Sequence[str],
        *,
        project_id: str | None,
        token: str,
        count: int,
        request_id: str | None = None,
        known: Sequence[Known] | None = None,
        ports: Sequence[str] = (),
        addresses: Sequence[tuple[str, str]] = (),
        at_least: int | None = None,
        early: Early | None = None,
    ) -> list[Known]:
        """See that a site has networks and security groups, with room for new ports.

        What the top does not show to the user is left out: the site may know it, and says what it does not
        know. Where the site has all of it already nobody is asked anything.

        :param networks: the top's ids.
        :param groups: the top's ids, or names that the project has given.
        :param token: the user's.
        :param count: how many ports each network is to get.
        :param known: what `keys` find, where the caller has read it just now.
        :param ports: the top's ids of ports that a new server is to take.
        :param addresses: networks by the top's ids, and an address that is asked for on each.
        :param at_least: with room for how many of `count` it goes on; None for all.
        :param early: is told what the site has as soon as a server can be asked for; not where nothing can be
            won by that. The site's Nova refuses it with 400 as long as something is missing.
        :return: what the site has of it now.
        :raises OutOfReach: a network is limited to availability zones in which the site is not; or a port is
            another site's.
        :raises AddressTaken: an address is another port's, or another site's.
        :raises BadRequest: a network has no room; an address is none of its network's; or what the site says
            is bad.
        :raises Conflict: several groups have the same name; a port is in use; or what the site says is in the
            way.
        :raises SiteUnavailable: the site cannot be reached, or the top's network service cannot where it is
            needed; nothing was done that matters to anybody.
        """
        asked = Asked(networks, groups, project_id, token, count, request_id, ports, addresses, at_least)
        if known is None:
            keys, owned = asked.keys()
            known = self._store.several(keys, owned=owned)
        there = self._preparing.prepare(asked, site, known, early)
        for each in there:
            known_as = each.id_in(site.id)
            if known_as is not None:
                self._ids.keep(each.definition.kind, each.definition.key, site.id, known_as)
        return there

    def follow(self, kind: str, key: str, *, request_id: str | None = None) -> str:
        """Take over what has become of a network, subnet or group at the top; return what was done.

        :raises TricircleError: as `ServiceCalls.call` does, of the top; or others keep changing it.
        """
        words, jobs = self._following.follow(kind, key, request_id)
        self._bus.wake(jobs)
        return words

    def make_room(self, definition_id: str, site: Site, *, request_id: str | None = None) -> None:
        """See that a site has some addresses to spare on a network that is complete there.

        :raises TricircleError: as `ServiceCalls.call` does, of the site.
        """
        known = self._store.get(definition_id)
        if known is None or known.definition.kind != "network" or not known.in_step(site.id):
            return
        if known.definition.state is DefinitionState.ACTIVE and known.definition.body["spare"] is not None:
            self._room.make(known.definition.id, site, 0, request_id=request_id)

    def end_scarcity(self, network: Known) -> None:
        """Note that all sites of a network have addresses to spare again, if they have.

        :raises TricircleError: as `ServiceCalls.call` does, of a site.
        """
        self._room.end_scarcity(network)
