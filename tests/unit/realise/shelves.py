"""Two sites, and how definitions are put on their shelves."""

from collections.abc import Callable

from tests.unit.sites.wire import site

from tricircle.realise.definition import Definition, Known

A, B = site("a"), site("b")

Shelves = Callable[..., Known]
"""Puts a definition into the database that some sites agree with; see the fixture `put`."""


def names(definitions: list[Definition]) -> list[str]:
    """The names of definitions."""
    return [definition.name for definition in definitions]
