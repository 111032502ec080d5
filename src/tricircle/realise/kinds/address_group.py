"""Address groups: addresses that security group rules name together.

Source: Networking API v2.0 reference, "Address groups".
"""

from tricircle.realise.definition import Body, Found
from tricircle.realise.kinds.neutron import Item, NeutronKind
from tricircle.realise.site_view import SiteView


class AddressGroup(NeutronKind):
    """An address group."""

    name = "address_group"
    collection = "address-groups"
    not_found = "Address group {name} could not be found."

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        return {"name": item["name"], "addresses": sorted(item["addresses"])}

    def first(self, body: Body) -> Item:
        """Return what a new one is made with."""
        return {"addresses": body["addresses"]}

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change what differs."""
        super().change(view, shown, body)
        there, wanted = set(shown.body["addresses"]), set(body["addresses"])
        for action, addresses in (("add_addresses", wanted - there), ("remove_addresses", there - wanted)):
            if addresses:
                target = f"{self.path(shown.site_resource_id)}/{action}"
                view.change(action, "PUT", target, {"address_group": {"addresses": sorted(addresses)}})
