"""A migration leaves processes of the release before alive; what takes things away comes a release later."""

from collections.abc import Callable
from importlib.metadata import version

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.script import Script, ScriptDirectory
from tests.unit.db.expansion import Expansion

from tricircle.db import schema

REVISIONS = list(ScriptDirectory.from_config(schema._config()).walk_revisions())
RELEASE = version("tricircle")


def numbers(release: str) -> list[int]:
    return [int(number) for number in release.split(".")]


@pytest.mark.parametrize("script", REVISIONS, ids=lambda script: str(script.revision))
def test_a_migration_only_adds_unless_it_says_since_when_nothing_uses_what_it_takes(script: Script) -> None:
    unused_since = getattr(script.module, "unused_since", None)
    if unused_since is None:
        assert list(Expansion().offences(script.module.upgrade)) == []
    else:
        assert numbers(unused_since) < numbers(RELEASE)


@pytest.mark.parametrize("script", REVISIONS, ids=lambda script: str(script.revision))
def test_a_migration_cannot_be_taken_back(script: Script) -> None:
    """The release before works with the newer tables, so nobody needs to."""
    assert not hasattr(script.module, "downgrade")


def alter_in_batch() -> None:
    with op.batch_alter_table("sites") as batch:
        batch.drop_column("name")


def unique_with_a_default() -> None:
    op.add_column("sites", sa.Column("shade", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("uniq_sites0shade", "sites", ["shade", "description"], unique=True)


@pytest.mark.parametrize(
    "upgrade",
    [
        lambda: op.drop_table("sites"),
        lambda: op.drop_column("sites", "name"),
        lambda: op.drop_index("ix_sites_name", "sites"),
        lambda: op.drop_constraint("uniq_sites0name", "sites"),
        lambda: op.rename_table("sites", "places"),
        lambda: op.alter_column("sites", "name", new_column_name="title"),
        lambda: op.alter_column("sites", "name", type_=sa.String(8)),
        lambda: op.alter_column("sites", "name", nullable=False),
        lambda: op.add_column("sites", sa.Column("colour", sa.String(8), nullable=False)),
        lambda: op.create_index("uniq_sites0description", "sites", ["description"], unique=True),
        unique_with_a_default,
        lambda: op.create_unique_constraint("uniq_sites0description", "sites", ["description"]),
        lambda: op.create_foreign_key("fk", "sites", "nodes", ["id"], ["site_id"]),
        lambda: op.create_check_constraint("ck", "sites", "name <> ''"),
        lambda: op.execute("DROP TABLE sites"),
        alter_in_batch,
    ],
)
def test_what_an_older_process_would_not_survive_is_found(upgrade: Callable[[], None]) -> None:
    assert len(list(Expansion().offences(upgrade))) == 1


def add() -> None:
    op.create_table("colours", sa.Column("name", sa.String(8), primary_key=True))
    op.create_index("uniq_colours0name", "colours", ["name"], unique=True)
    op.add_column("colours", sa.Column("shade", sa.Integer(), nullable=False))
    op.add_column("sites", sa.Column("colour", sa.String(8)))
    op.add_column("sites", sa.Column("shade", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_sites_colour", "sites", ["colour"])
    op.create_index("uniq_sites0colour_name", "sites", ["colour", "name"], unique=True)


def test_adding_is_no_offence() -> None:
    assert list(Expansion().offences(add)) == []
