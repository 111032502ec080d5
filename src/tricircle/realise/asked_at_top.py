"""What a new server names, as the top shows it: with the user's own token where the user must see it.

What only the service user is shown of that is read as such: segments of networks, and all that makes up what
another project shares.
"""

from collections.abc import Callable
from functools import partial

from tricircle.errors import BadRequest
from tricircle.realise.asked import NETWORK, SECURITY_GROUP, Asked, Defined, is_uuid, several
from tricircle.realise.kinds.port import lacks_address
from tricircle.realise.reach import OutOfReach
from tricircle.realise.shown import Shown, with_parts
from tricircle.realise.side_by_side import SideBySide
from tricircle.realise.top_definitions import TopDefinitions, in_use
from tricircle.realise.top_network import Item, TopNetwork
from tricircle.sites.site import Site


class AskedAtTop:
    """Reads it."""

    def __init__(self, top: TopNetwork, definitions: TopDefinitions, side_by_side: SideBySide) -> None:
        self._top = top
        self._definitions = definitions
        self._side_by_side = side_by_side

    def ports(self, asked: Asked, site: Site) -> list[Item]:
        """Read those of the ports that were made at the top; those of sites have the same id there.

        :raises Conflict: a server has one.
        :raises BadRequest: one has no address, and should have one.
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
                if lacks_address(shown[0]):  # Nova's own words
                    raise BadRequest(f"Port {key} requires a FixedIP in order to be used.", site=site.name)
                found += shown
        return found

    def read(self, asked: Asked, found: Defined) -> list[Shown]:
        """Read what is not defined yet, or is another project's, as far as the user sees it."""
        if asked.project_id is None:
            return []
        works: list[Callable[[], list[Item]]] = []
        for key in found.networks_missing:
            works += [
                partial(self._network, key, asked, token=asked.token),
                partial(self._network, key, asked),
                partial(self._subnets, key, asked),
                partial(self._definitions.policies, NETWORK, key, asked.request_id),
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
            for item in matching:
                is_own = item["project_id"] == asked.project_id
                groups += [(SECURITY_GROUP, item)] if is_own else self._shared(item, asked)
        return self._definitions.with_remotes(shown + groups, asked.request_id)

    def require_one(self, name: str, asked: Asked) -> None:
        """See that no two security groups have a name.

        :raises Conflict: they do.
        """
        if len(self._groups(name, asked)) > 1:
            raise several(name)

    def _port(self, key: str, asked: Asked) -> list[Item]:
        item = self._top.show("port", key, token=asked.token, request_id=asked.request_id)
        return [item] if item is not None and item["project_id"] == asked.project_id else []

    def _adopted(self, key: str, asked: Asked) -> list[Item]:
        return self._top.list("adopted_port", id=key, request_id=asked.request_id)

    def _network(self, key: str, asked: Asked, token: str | None = None) -> list[Item]:
        """Read a network as its user, or as the service user: others are not shown its segments."""
        item = self._top.show(NETWORK, key, token=token, request_id=asked.request_id)
        return [] if item is None else [item]

    def _subnets(self, key: str, asked: Asked) -> list[Item]:
        """Read its subnets, likewise: those that an administrator has made belong to another project."""
        return self._top.list("subnet", request_id=asked.request_id, network_id=key)

    def _groups(self, name: str, asked: Asked) -> list[Item]:
        """Read the project's own groups by name or id; where there is none, those that are shared with it."""

        def read(**filters: str) -> list[Item]:
            return self._top.list(SECURITY_GROUP, token=asked.token, request_id=asked.request_id, **filters)

        keys = ("id", "name") if is_uuid(name) else ("name",)
        for whose in ({"project_id": asked.project_id or ""}, {"shared": "True"}):
            for key in keys:
                if found := read(**whose, **{key: name}):
                    return found
        return []

    def _shared(self, group: Item, asked: Asked) -> list[Shown]:
        """Read another project's group as the service user: others are shown neither its policies nor all of
        its rules."""
        return self._definitions.read(SECURITY_GROUP, group["id"], asked.request_id)
