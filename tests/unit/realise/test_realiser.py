"""Making a site agree with a definition."""

import pytest
from tests.unit.realise.things import A, B, House, nothing

from tricircle.errors import Conflict
from tricircle.realise.definition import DefinitionState
from tricircle.realise.kinds.kind import NotOffered
from tricircle.realise.work import Differs
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.site import Site


class Killed(Exception):
    """The worker dies."""


class DiesAt:
    """Dies at the n-th step."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, name: str) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed


def test_what_a_site_lacks_is_made_there(house: House) -> None:
    known = house.define("x", label="new")
    assert house.realiser.realise(known.definition.id, B) == "Made."
    assert house.things.there["b"] == house.things.there["a"]
    assert house.known("x").in_step(B.id)
    assert house.known("x").id_in(B.id) == "x in b"


def test_doing_it_again_does_nothing(house: House) -> None:
    known = house.define("x", label="new")
    house.realiser.realise(known.definition.id, B)
    house.things.effects.clear()
    assert house.realiser.realise(known.definition.id, B) == "It was so already."
    assert house.things.effects == []


def test_only_the_difference_is_done(house: House) -> None:
    known = house.define("x", label="new")
    house.put(B, "x", label="old")
    assert house.realiser.realise(known.definition.id, B) == "Changed."
    assert house.things.effects == ["labelled in b"]


def test_something_else_in_its_place_is_left_there_and_told(house: House) -> None:
    known = house.define("x", colour="red")
    house.put(B, "x", colour="blue")
    with pytest.raises(Differs, match="Site b has another flavor x: colour is blue and should be red"):
        house.realiser.realise(known.definition.id, B)
    assert house.things.there["b"]["x"]["colour"] == "blue"
    realisation = house.known("x").realisations[B.id]
    assert (realisation.version, realisation.drift) == (0, "colour is blue and should be red")


def test_it_is_replaced_when_that_is_asked_for(house: House) -> None:
    known = house.define("x", colour="red")
    house.put(B, "x", colour="blue")
    house.realiser.realise(known.definition.id, B, mend=True)
    assert house.things.there["b"] == house.things.there["a"]
    assert house.known("x").realisations[B.id].drift is None


def test_one_that_was_deleted_and_made_again_replaces_the_former(house: House) -> None:
    known = house.define("x", colour="red")
    house.realiser.realise(known.definition.id, B)
    house.things.there["a"].clear()
    house.learner.learn(known.definition.id, A, may_be_gone=True)
    house.define("x", colour="blue")
    assert house.things.there["b"]["x"]["colour"] == "red"
    house.realiser.realise(known.definition.id, B)
    assert house.things.there["b"] == house.things.there["a"]


def test_one_that_is_made_again_while_a_site_gets_the_former_is_replaced_there(house: House) -> None:
    known = house.define("x", colour="red")

    def make_again(site: Site) -> None:
        if site == B and "x" in house.things.there["b"]:
            house.things.when_found = nothing
            house.put(A, "x", colour="blue")
            house.learner.learn(known.definition.id, A, may_be_gone=True)

    house.things.when_found = make_again
    house.realiser.realise(known.definition.id, B)
    house.realiser.realise(known.definition.id, B)
    assert house.things.there["b"] == {"x": house.thing("x", "blue")}


def test_what_is_deleted_goes_and_is_forgotten_when_it_has_gone_everywhere(house: House) -> None:
    known = house.define("x")
    definition_id = known.definition.id
    house.realiser.realise(definition_id, B)
    house.things.there["a"].clear()
    house.learner.learn(definition_id, A, may_be_gone=True)
    assert house.known("x").definition.state is DefinitionState.DELETED
    assert house.realiser.realise(definition_id, B) == "Deleted."
    assert house.store.get(definition_id) is not None  # site c has not been asked
    house.realiser.realise(definition_id, next(s for s in house.registry.sites if s.name == "c"))
    assert house.store.get(definition_id) is None
    assert house.realiser.realise(definition_id, B) == "It is defined no more."


def test_what_a_site_refuses_is_raised_and_nothing_is_noted(house: House) -> None:
    known = house.define("x")
    house.things.refuses = True
    with pytest.raises(SiteRefused):
        house.realiser.realise(known.definition.id, B)
    assert house.known("x").version_in(B.id) == 0


@pytest.mark.parametrize("begins", ["absent", "labelled", "other", "former"])
@pytest.mark.parametrize("deleted", [False, True])
def test_killed_at_any_step_and_done_again_it_has_the_same_end(
    house: House, begins: str, deleted: bool
) -> None:
    known = house.define("x", colour="red", label="new")
    if begins == "labelled":
        house.put(B, "x", label="old")
    elif begins == "other":
        house.put(B, "x", colour="blue")
    elif begins == "former":
        house.realiser.realise(known.definition.id, B)
        house.things.there["a"].clear()
        house.learner.learn(known.definition.id, A, may_be_gone=True)
        house.define("x", colour="green", label="new")
    if deleted:
        house.things.there["a"].clear()
        house.learner.learn(known.definition.id, A, may_be_gone=True)
    number, died = 0, True
    while died:
        try:
            house.realiser.realise(known.definition.id, B, mend=begins == "other", step=DiesAt(number))
            died = False
        except Killed:
            number += 1
    assert house.things.there["b"] == house.things.there["a"]
    assert house.known("x").in_step(B.id)


class TestAtTheSameTime:
    def test_who_ends_last_looks_again(self, house: House) -> None:
        """While one works on the first version, another one makes the site agree with the second."""
        known = house.define("x", label="1")
        definition_id = known.definition.id
        house.realiser.realise(definition_id, B)
        house.put(A, "x", label="2")
        house.learner.learn(definition_id, A, may_be_gone=False)

        def other(site: Site) -> None:
            if site is not B:
                return
            house.things.when_found = nothing
            house.put(A, "x", label="3")
            house.learner.learn(definition_id, A, may_be_gone=False)
            house.realiser.realise(definition_id, B)

        house.things.when_found = other
        house.realiser.realise(definition_id, B)
        assert house.things.there["b"]["x"]["label"] == "3"
        assert house.known("x").in_step(B.id)

    def test_a_definition_that_changes_meanwhile_leaves_the_site_out_of_step(self, house: House) -> None:
        known = house.define("x", label="1")
        definition_id = known.definition.id

        def change(site: Site) -> None:
            if site is B:
                house.things.when_found = nothing
                house.put(A, "x", label="2")
                house.learner.learn(definition_id, A, may_be_gone=False)

        house.things.when_found = change
        house.realiser.realise(definition_id, B)
        assert house.known("x").version_in(B.id) == 1
        assert not house.known("x").in_step(B.id)
        house.realiser.realise(definition_id, B)
        assert house.things.there["b"]["x"]["label"] == "2"

    def test_it_does_not_go_on_for_ever(self, house: House) -> None:
        known = house.define("x")
        definition_id = known.definition.id
        turns = 0

        def disturb(site: Site) -> None:
            nonlocal turns
            seen = house.known("x").version_in(B.id)
            turns += 1
            house.realiser.write(
                lambda connection: house.store.realised.record(
                    connection, definition_id, B.id, site_resource_id=None, seen=seen, version=100 + turns
                )
            )

        house.things.when_found = disturb
        with pytest.raises(Conflict, match="Others keep working"):
            house.realiser.realise(definition_id, B)

    def test_a_site_without_such_things_is_noted_so_by_whoever_looks_again(self, house: House) -> None:
        known = house.define("x")

        def other(site: Site) -> None:
            if site is B:
                house.things.when_found = lack
                house.realiser.realise(known.definition.id, B)
                lack(site)

        def lack(site: Site) -> None:
            raise NotOffered(f"Site {site.name} has no things.", site=site.name)

        house.things.when_found = other
        assert house.realiser.realise(known.definition.id, B) == "Site b has no things."
        assert house.known("x").drift_in(B.id) == "Site b has no things."
