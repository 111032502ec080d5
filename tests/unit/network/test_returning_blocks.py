"""Blocks of addresses that sites are about to give back."""

from typing import Any

from tests.unit.network.base import OTHER, SITE
from tests.unit.network.delegating import DelegatingTestCase, addresses


class ReturningBlocksTestCase(DelegatingTestCase):
    def cut(self, start: str, end: str, *, status: int | None = None, **more: Any) -> dict[str, Any]:
        """Have a site give addresses back, or not."""
        body = {"subnet_id": self.subnet_id, "site": SITE, "start": start, "end": end, **more}
        answer = self.call("POST", "address-blocks", {"address_block": body}, status=status)
        return answer.get("address_block", answer)

    def ends(self) -> list[tuple[str, str, bool]]:
        """Return all blocks: their ends, and whether they return."""
        found = self.call("GET", "address-blocks")["address_blocks"]
        return sorted((block["start"], block["end"], block["returning"]) for block in found)

    def test_addresses_that_return_are_a_block_of_their_own(self) -> None:
        self.delegate(self.subnet_id, 8)
        block = self.cut("10.0.0.9", "10.0.0.11", returning=True)
        assert (block["size"], block["returning"]) == (3, True)
        assert self.ends() == [
            ("10.0.0.12", "10.0.0.14", False),
            ("10.0.0.7", "10.0.0.8", False),
            ("10.0.0.9", "10.0.0.11", True),
        ]
        assert self.ports(5).isdisjoint(addresses(block)), "nobody else's yet"
        self.ask_for("10.0.0.10", status=409)
        self.call("DELETE", f"address-blocks/{block['id']}")
        assert self.ports(3) == addresses(block)

    def test_what_a_site_keeps_after_all_is_not_given_back(self) -> None:
        self.delegate(self.subnet_id, 8)
        block = self.cut("10.0.0.9", "10.0.0.11", returning=True)
        kept = self.cut("10.0.0.10", "10.0.0.10")
        assert kept["returning"] is False
        self.call("DELETE", f"address-blocks/{block['id']}", status=404)
        (left,) = (each for each in self.ends() if each == ("10.0.0.11", "10.0.0.11", True))
        assert left
        again = self.cut("10.0.0.10", "10.0.0.10", returning=True)
        assert again["id"] not in {block["id"], kept["id"]}
        self.call("DELETE", f"address-blocks/{kept['id']}", status=404)

    def test_only_what_a_site_has_returns_and_only_once(self) -> None:
        self.delegate(self.subnet_id, 4)
        self.cut("10.0.0.12", "10.0.0.13", returning=True)
        before = self.ends()
        for ends in (("10.0.0.12", "10.0.0.13"), ("10.0.0.13", "10.0.0.14"), ("10.0.0.9", "10.0.0.9")):
            refused = self.cut(*ends, status=409, returning=True)
            assert refused["NeutronError"]["type"] == "NotDelegated"
        self.cut("10.0.0.14", "10.0.0.14", status=409, returning=True, site=OTHER)
        self.cut("10.0.0.12", "10.0.0.13", status=409, site=OTHER)
        self.cut("10.0.0.11", "10.0.0.12", status=409)
        body = {"subnet_id": self.subnet_id, "site": SITE, "size": 2, "returning": True}
        self.call("POST", "address-blocks", {"address_block": body}, status=400)
        assert self.ends() == before

    def test_an_address_that_returns_can_be_adopted(self) -> None:
        self.delegate(self.subnet_id, 4)
        block = self.cut("10.0.0.12", "10.0.0.13", returning=True)
        port = self.adopt_at("10.0.0.12")
        self.call("DELETE", f"address-blocks/{block['id']}")
        self.ask_for("10.0.0.12", status=409)
        self.ask_for("10.0.0.13")
        self.call("DELETE", f"adopted-ports/{port['id']}")
        self.ask_for("10.0.0.12")
