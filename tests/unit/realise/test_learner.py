"""Learning a definition from the site that a user has changed it in."""

import pytest
import sqlalchemy as sa
from tests.unit.realise.things import A, B, C, House, nothing

from tricircle.db.engine import Database
from tricircle.errors import Conflict, DatabaseUnavailable
from tricircle.jobs.types import LEARN, REPLICATE
from tricircle.realise.definition import DefinitionState, Found
from tricircle.realise.learner import Learnt
from tricircle.realise.work import Differs
from tricircle.realise.writing import Intent, definition_of
from tricircle.sites.site import Site


def sites_of_jobs(house: House) -> list[str | None]:
    """The sites for which replication waits."""
    return sorted(job.site_id or "" for job in house.waiting(REPLICATE.name))


def test_the_other_sites_are_to_follow_and_this_one_agrees(house: House) -> None:
    known = house.define("x", label="new")
    assert known.definition.body == house.thing("x", "red", "new")
    assert (known.definition.version, known.definition.state) == (1, DefinitionState.ACTIVE)
    assert known.in_step(A.id)
    assert sites_of_jobs(house) == [B.id, C.id]


def test_what_has_not_changed_asks_for_nothing(house: House) -> None:
    known = house.define("x")
    again = house.learner.learn(known.definition.id, A, may_be_gone=True)
    assert again == Learnt(known.definition, changed=False)
    assert house.known("x").definition.version == 1


def test_one_that_is_gone_is_deleted_only_where_that_was_asked_for(house: House) -> None:
    known = house.define("x")
    house.things.there["a"].clear()
    assert not house.learner.learn(known.definition.id, A, may_be_gone=False).changed
    assert house.learner.learn(known.definition.id, A, may_be_gone=True).changed
    assert house.known("x").definition.state is DefinitionState.DELETED
    assert house.known("x").in_step(A.id)


def test_whoever_changes_it_meanwhile_is_noticed(house: House) -> None:
    known = house.define("x", label="1")

    def other(site: Site) -> None:
        house.things.when_found = nothing
        house.put(A, "x", label="3")
        house.learner.learn(known.definition.id, A, may_be_gone=False)

    house.put(A, "x", label="2")
    house.things.when_found = other
    house.learner.learn(known.definition.id, A, may_be_gone=False)
    assert house.known("x").definition.body["label"] == "3"
    assert house.known("x").definition.version == 2


class TestBehind:
    """The site has not heard of what others have done through another one."""

    @pytest.fixture
    def moved_on(self, house: House) -> str:
        """A thing that b has a newer state of than a: its definition's id."""
        definition_id = house.define("x", label="1").definition.id
        house.realiser.realise(definition_id, B)
        house.put(B, "x", label="2")
        house.learner.learn(definition_id, B, may_be_gone=False)
        return definition_id

    def test_what_nobody_was_told_of_yields(self, house: House, moved_on: str) -> None:
        house.put(A, "x", label="lost")
        assert not house.learner.learn(moved_on, A, may_be_gone=False, yields=True).changed
        assert house.known("x").definition.body["label"] == "2"

    def test_a_delete_that_nobody_was_told_of_yields(self, house: House, moved_on: str) -> None:
        house.things.there["a"].clear()
        assert not house.learner.learn(moved_on, A, may_be_gone=True, yields=True).changed
        assert house.known("x").definition.state is DefinitionState.ACTIVE

    def test_what_the_user_was_told_of_holds(self, house: House, moved_on: str) -> None:
        house.put(A, "x", label="told")
        assert house.learner.learn(moved_on, A, may_be_gone=False).changed
        assert house.known("x").definition.body["label"] == "told"

    @pytest.mark.parametrize("yields", [False, True])
    def test_nothing_comes_back_from_the_dead(self, house: House, moved_on: str, yields: bool) -> None:
        house.things.there["b"].clear()
        house.learner.learn(moved_on, B, may_be_gone=True)
        assert not house.learner.learn(moved_on, A, may_be_gone=False, yields=yields).changed
        assert house.known("x").definition.state is DefinitionState.DELETED


def test_it_does_not_go_on_for_ever(house: House) -> None:
    known = house.define("x")

    def disturb(_: Site) -> None:
        seen = house.known("x").definition
        house.realiser.write(
            lambda connection: house.store.define(
                connection, seen, key="x", name="x", body={"label": "theirs"}, state=seen.state
            )
        )

    house.put(A, "x", label="mine")
    house.things.when_found = disturb
    with pytest.raises(Conflict, match="Others keep changing"):
        house.learner.learn(known.definition.id, A, may_be_gone=False)


def test_what_is_written_besides_stands_or_falls_with_it(house: House) -> None:
    known = house.define("x")
    house.put(A, "x", label="2")

    def fail(_: sa.Connection) -> None:
        raise DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        house.learner.learn(known.definition.id, A, may_be_gone=False, also=fail)
    assert house.known("x").definition.version == 1


def test_what_only_sites_know_is_found_in_the_first_that_has_it_and_not_defined(house: House) -> None:
    house.put(B, "x", label="b")
    house.put(C, "x", label="c")
    there = house.learner.look(house.things, "x", [A, B, C], None)
    assert there is not None
    assert (there[0], there[1].body["label"]) == (B, "b")
    assert house.store.find("flavor", "x") is None
    assert sites_of_jobs(house) == []
    assert house.learner.look(house.things, "y", [A, B, C], None) is None


def test_one_that_was_made_again_before_it_was_seen_gone_replaces_the_one_that_the_top_made(
    house: House,
) -> None:
    known = house.define("x", colour="red")
    for site in (B, C):
        house.realiser.realise(known.definition.id, site)
    house.put(C, "x", colour="green")
    house.put(A, "x", colour="blue")
    house.learner.learn(known.definition.id, A, may_be_gone=True)
    house.realiser.realise(known.definition.id, B)
    assert house.things.there["b"] == {"x": house.thing("x", "blue")}
    with pytest.raises(Differs):
        house.realiser.realise(known.definition.id, C)
    assert house.things.there["c"] == {"x": house.thing("x", "green")}


class TestWriting:
    def begin(self, house: House, key: str = "x", *sites: Site) -> Intent:
        """Write down that something is to be changed."""
        places = {site.id: site for site in sites or (A, B, C)}
        return house.writing.begin(house.things, key, key, places)

    def test_a_new_one_is_pending_and_looked_after_when_the_grace_is_over(self, house: House) -> None:
        intent = self.begin(house)
        assert house.known("x").definition.state is DefinitionState.PENDING
        assert house.known("x").definition.reference_site_id == A.id
        (job,) = house.waiting(LEARN.name)
        assert (job.id, job.site_id) == (intent.job_id, A.id)
        assert definition_of(job.resource_id) == intent.definition.id
        assert (job.run_after - job.created_at).total_seconds() == pytest.approx(90, abs=1)

    def test_what_is_refused_leaves_nothing(self, house: House) -> None:
        house.writing.withdraw(self.begin(house), "no")
        assert house.store.find("flavor", "x") is None
        assert house.waiting(LEARN.name) == []

    def test_what_is_defined_stays_where_a_change_is_refused(self, house: House) -> None:
        house.define("x")
        house.writing.withdraw(self.begin(house), "no")
        assert house.known("x").definition.version == 1
        assert house.waiting(LEARN.name) == []

    def test_what_is_done_is_learnt_and_needs_nobody_to_look_after_it(self, house: House) -> None:
        intent = self.begin(house)
        house.put(A, "x")
        learnt = house.writing.learn(intent)
        assert learnt is not None
        assert learnt.changed
        assert house.waiting(LEARN.name) == []

    def test_others_who_change_the_same_meanwhile_are_sent_to_the_same_site(self, house: House) -> None:
        house.define("x")
        first = self.begin(house, "x", B, A)
        second = self.begin(house, "x", A, B)
        assert (first.site, second.site) == (B, B)
        assert first.job_id != second.job_id
        house.writing.learn(first)
        assert [job.id for job in house.waiting(LEARN.name)] == [second.job_id]

    def test_a_new_one_stays_pending_while_somebody_else_makes_it_too(self, house: House) -> None:
        first, second = self.begin(house), self.begin(house)
        assert first.definition.id == second.definition.id
        house.writing.withdraw(first, "no")
        assert house.known("x").definition.state is DefinitionState.PENDING
        house.writing.withdraw(second, "no")
        assert house.store.find("flavor", "x") is None

    def test_a_tombstone_stays_while_somebody_makes_it_again(self, house: House) -> None:
        definition_id = house.define("x").definition.id
        house.things.there["a"].clear()
        house.learner.learn(definition_id, A, may_be_gone=True)
        intent = self.begin(house)
        for site in (B, C):
            house.realiser.realise(definition_id, site)
        assert house.known("x").definition.state is DefinitionState.DELETED
        house.put(A, "x", colour="blue")
        house.writing.learn(intent)
        assert house.known("x").definition.state is DefinitionState.ACTIVE
        assert house.known("x").definition.body["colour"] == "blue"

    def test_a_tombstone_goes_when_the_one_who_made_it_again_is_refused(self, house: House) -> None:
        definition_id = house.define("x").definition.id
        house.things.there["a"].clear()
        house.learner.learn(definition_id, A, may_be_gone=True)
        intent = self.begin(house)
        for site in (B, C):
            house.realiser.realise(definition_id, site)
        house.writing.withdraw(intent, "no")
        assert house.store.find("flavor", "x") is None

    def take_over(self, house: House) -> Intent:
        """Write down that something is to be deleted which a site has without a definition."""
        house.put(A, "x")
        body, places = house.thing("x", "red"), {A.id: A}
        return house.writing.begin(
            house.things, "x", "x", places, may_be_gone=True, taken_over=True, body=body
        )

    def test_what_a_site_had_before_is_defined_when_the_site_has_agreed(self, house: House) -> None:
        intent = self.take_over(house)
        assert house.known("x").definition.state is DefinitionState.PENDING
        house.writing.learn(intent)
        assert house.known("x").definition.state is DefinitionState.ACTIVE

    def test_what_was_deleted_before_it_had_a_definition_goes_everywhere(self, house: House) -> None:
        intent = self.take_over(house)
        house.things.there["a"].clear()
        house.writing.learn(intent)
        definition = house.known("x").definition
        assert (definition.state, definition.body) == (DefinitionState.DELETED, house.thing("x", "red"))
        assert sites_of_jobs(house) == [B.id, C.id]

    def test_what_cannot_be_taken_over_now_is_taken_over_by_the_job_as_the_site_has_agreed(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        intent = self.take_over(house)

        def away(*_: object) -> Found | None:
            raise DatabaseUnavailable("away")

        monkeypatch.setattr(house.things, "find", away)
        assert LEARN.read(house.waiting(LEARN.name)[0].parameters).taken_over
        house.writing.learn(intent)
        (job,) = house.waiting(LEARN.name)
        assert job.id == intent.job_id
        assert not LEARN.read(job.parameters).taken_over
        assert job.run_after <= job.updated_at

    def test_what_cannot_be_learnt_now_is_left_to_the_job_at_once(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        intent = self.begin(house)

        def away(*_: object) -> Found | None:
            raise DatabaseUnavailable("away")

        monkeypatch.setattr(house.things, "find", away)
        assert house.writing.learn(intent) is None
        (job,) = house.waiting(LEARN.name)
        assert job.run_after <= job.updated_at

    def test_while_the_database_is_away_nothing_is_begun(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> None:
            raise DatabaseUnavailable("away")

        monkeypatch.setattr(Database, "transact", away)
        with pytest.raises(DatabaseUnavailable):
            self.begin(house)
