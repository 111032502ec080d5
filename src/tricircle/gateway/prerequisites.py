"""What a new server or volume names of the replicated resources: made in its site first, if need be.

So a keypair, flavor or volume type that was made a moment ago in another site works at once everywhere, and
so does a network that no site has heard of yet. One look at the database tells what a site lacks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from oslo_log import log

from tricircle.errors import Unavailable
from tricircle.gateway.call import Call
from tricircle.gateway.named_networks import NamedNetworks, networks_of
from tricircle.gateway.resource import Item
from tricircle.jobs.job import Request
from tricircle.realise.kinds import FLAVOR, KEYPAIR, VOLUME_TYPE, WHERE_NEEDED
from tricircle.realise.kinds.keypair import Keypair
from tricircle.realise.side_by_side import SideBySide
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_SIDE_BY_SIDE = SideBySide()


@dataclass(slots=True)
class Prerequisites:
    """Replicated resources that a request names.

    :param keys: kinds and keys.
    :param type_fields: where in the body a volume type is named, by name or id: object, field and value.
    :param networks: what of the top's networks and security groups; None where the top has none.
    """

    keys: list[tuple[str, str]] = field(default_factory=list)
    type_fields: list[tuple[Item, str, str]] = field(default_factory=list)
    networks: NamedNetworks | None = None

    def add_volume_type(self, item: Item, name: str) -> None:
        """Add the volume type that a field names, if it does."""
        value = item.get(name)
        if isinstance(value, str) and value:
            self.type_fields.append((item, name, value))

    def prepare(self, call: Call, site: Site, early: Callable[[], None] | None = None) -> None:
        """See that a site has them, and name them in the body as the site does.

        :param early: is called where the site can be asked before it has all, which it refuses with 400.
        :raises SiteUnavailable: the site cannot be reached.
        :raises DatabaseUnavailable: it cannot be told what the site lacks.
        :raises TricircleError: what else `Networks.prepare` raises.
        """
        replicas = call.engine.replicas
        if self.networks is not None:
            # What a type is called there is known when it is there.
            self._prepare_all(call, site, self.networks, None if self.type_fields else early)
        elif keys := [*self.keys, *self._types]:
            replicas.realise_for(site, keys, self._types, request_id=call.request_id)
        for item, name, value in self.type_fields:
            item[name] = replicas.identifiers.in_site(VOLUME_TYPE.name, value, site.id) or value

    def _prepare_all(
        self,
        call: Call,
        site: Site,
        networks: NamedNetworks,
        early: Callable[[], None] | None,
    ) -> None:
        replicas = call.engine.replicas
        network_keys, owned = networks.keys(call)
        known = replicas.store.several([*self.keys, *self._types, *network_keys], self._types, owned)
        everywhere = [each for each in known if each.definition.kind not in WHERE_NEEDED]
        needed = [each for each in known if each.definition.kind in WHERE_NEEDED]
        if all(each.in_step(site.id) for each in everywhere):
            networks.prepare(call, site, needed, early)
        else:
            _SIDE_BY_SIDE.do(
                [
                    lambda: networks.prepare(call, site, needed),
                    lambda: replicas.realise_for(site, (), request_id=call.request_id, known=everywhere),
                ]
            )

    @property
    def _types(self) -> list[tuple[str, str]]:
        return [(VOLUME_TYPE.name, value) for _, _, value in self.type_fields]

    @property
    def uses(self) -> tuple[str, ...]:
        """The ids of the top's networks and ports that the resource is to be on."""
        return () if self.networks is None else self.networks.uses

    @property
    def groups(self) -> tuple[str, ...]:
        """The ids or names of the security groups that the resource is to be in."""
        return () if self.networks is None else self.networks.named_groups

    def follow_up(self, call: Call, site: Site, resource_id: str) -> list[Request]:
        """Return the jobs that are needed once the resource is made."""
        return [] if self.networks is None else self.networks.follow_up(call, site, resource_id)

    def leave_nothing(self, call: Call, site: Site, delay: float = 0.0) -> list[Request]:
        """Return the jobs that are needed where the resource is not made; see `NamedNetworks`."""
        return [] if self.networks is None else self.networks.leave_nothing(call, site, delay)

    def prepare_if_possible(self, call: Call, site: Site) -> None:
        """Do so as far as that is possible now, for what is done in a site that has the resource already."""
        try:
            self.prepare(call, site)
        except Unavailable as error:
            LOG.warning(
                "Site %s may lack what request %s names: %s", site.name, call.request_id, error.message
            )


Needs = Callable[[Call, Item], Prerequisites]
"""Finds what a new resource names, in the body's member."""


def server_needs(call: Call, server: Item) -> Prerequisites:
    """Find what a new server is to have.

    :raises TricircleError: what `tricircle.gateway.named_networks.networks_of` raises.
    """
    needs = _named_by_server(call, server)
    needs.networks = networks_of(call, server)
    return needs


def _named_by_server(call: Call, server: Item) -> Prerequisites:
    """Find keypair and flavor of a server, and the types of volumes that are made for it."""
    needs = Prerequisites()
    key_name, flavor = server.get("key_name"), server.get("flavorRef")
    if isinstance(key_name, str):
        needs.keys.append((KEYPAIR.name, Keypair.key_of(call.identity.user_id, key_name)))
    if isinstance(flavor, str | int):
        # Nova takes a link for an id.
        needs.keys.append((FLAVOR.name, str(flavor).rstrip("/").rpartition("/")[2]))
    for device in _objects(server.get("block_device_mapping_v2")):
        needs.add_volume_type(device, "volume_type")
    return needs


def volume_needs(_: Call, volume: Item) -> Prerequisites:
    """Find the type of a new volume."""
    needs = Prerequisites()
    needs.add_volume_type(volume, "volume_type")
    return needs


def server_action_needs(call: Call, action: Item) -> Prerequisites:
    """Find the flavor of a resize, and the keypair of a rebuild."""
    arguments = action.get("resize") or action.get("rebuild")
    return _named_by_server(call, arguments) if isinstance(arguments, dict) else Prerequisites()


def volume_action_needs(_: Call, action: Item) -> Prerequisites:
    """Find the type that a volume is to have."""
    needs, arguments = Prerequisites(), action.get("os-retype")
    if isinstance(arguments, dict):
        needs.add_volume_type(arguments, "new_type")
    return needs


def _objects(value: object) -> Iterable[Item]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
