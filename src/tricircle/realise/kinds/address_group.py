"""Address groups: addresses that security group rules name together.

Source: Networking API v2.0 reference, "Address groups".
"""

from tricircle.errors import Conflict
from tricircle.realise.definition import Body, Changed, Found
from tricircle.realise.kinds.neutron import Item, NeutronKind, error_type
from tricircle.realise.site_view import SiteView

_AT_ONCE = 500
"""Addresses in one request, as each takes Neutron a moment and a request may last only so long."""

_IS_THERE = "AddressesAlreadyExist"


class AddressGroup(NeutronKind):
    """An address group."""

    name = "address_group"
    collection = "address-groups"
    not_found = "Address group {name} could not be found."
    where_had = ()

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        return {"name": item["name"], "addresses": sorted(item["addresses"])}

    def first(self, body: Body) -> Item:
        """Return what a new one is made with; the rest of the addresses follows."""
        return {"addresses": body["addresses"][:_AT_ONCE]}

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change what differs.

        :raises Changed: somebody else has just done the same, which Neutron does not take twice.
        """
        super().change(view, shown, body)
        there, wanted = set(shown.body["addresses"]), set(body["addresses"])
        for action, differing in (("add_addresses", wanted - there), ("remove_addresses", there - wanted)):
            target, addresses = f"{self.path(shown.site_resource_id)}/{action}", sorted(differing)
            for start in range(0, len(addresses), _AT_ONCE):
                some = addresses[start : start + _AT_ONCE]
                answer = view.change(action, "PUT", target, {"addresses": some}, fine={400, 404})
                if answer.status >= 400:
                    if answer.status == 404 or error_type(answer) == _IS_THERE:
                        raise Changed
                    words = f"Site {view.site.name} does not change an address group: {answer.words}"
                    raise Conflict(words, site=view.site.name)
