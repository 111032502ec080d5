"""How the documentation is built: `sphinx-build -W -b html doc/source doc/build/html`."""

from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from tricircle.gateway.compute import resources as compute
from tricircle.gateway.volume import resources as volume

ROOT = Path(__file__).resolve().parents[2]

project = "Tricircle"
author = "The Tricircle contributors"
project_copyright = "The Tricircle contributors, Apache License 2.0"
release = version = version_of("tricircle")

extensions = [
    "myst_parser",
    # The references of options and policies are made of the code: `show-options` and `show-policy`.
    "oslo_config.sphinxext",
    "oslo_policy.sphinxext",
]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Tricircle {release}"


class WithoutGit(Directive):
    """Stands for reno's `release-notes` where no git history says which note is of which release."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Say where the notes are."""
        text = "This was built without the history in git. The notes are in releasenotes/notes/."
        return [nodes.paragraph(text, text)]


class SortKeys(Directive):
    """Shows by what lists can be sorted, as the tables of the gateways say it."""

    def run(self) -> list[nodes.Node]:
        """List the keys of each list."""
        shown = nodes.definition_list()
        for path, sorting in (
            ("/servers", compute.SERVER_SORTING),
            ("/flavors", compute.FLAVOR_SORTING),
            ("/os-keypairs", compute.KEYPAIR_SORTING),
            ("/volumes", volume.VOLUME_SORTING),
            ("/snapshots", volume.SNAPSHOT_SORTING),
            ("/attachments", volume.ATTACHMENT_SORTING),
            ("/types", volume.VOLUME_TYPE_SORTING),
        ):
            keys = nodes.paragraph()
            for number, key in enumerate(sorted(sorting.fields)):
                keys += [nodes.Text(", " if number else ""), nodes.literal(text=key)]
            term = nodes.term("", "", nodes.literal(text=f"GET {path}"))
            shown += nodes.definition_list_item("", term, nodes.definition("", keys))
        return [shown]


def setup(app: Any) -> None:
    """Add what the pages need beside the extensions."""
    app.add_directive("sort-keys", SortKeys)
    git = ROOT / ".git"
    if git.exists() and not (git / "shallow").exists():
        app.setup_extension("reno.sphinxext")
    else:
        app.add_directive("release-notes", WithoutGit)
