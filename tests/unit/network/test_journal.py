"""What changes at the top is journalled with the change, and handed on once it is committed."""

from tests.unit.network.base import TricircleTestCase


class JournalTestCase(TricircleTestCase):
    """Each kind of change, through the API."""

    def test_what_is_made_changed_and_deleted_is_followed(self) -> None:
        network = self.call("POST", "networks", {"network": {"name": "blue"}})["network"]
        assert ("network", network["id"]) in self.jobs()
        assert self.journal() == []
