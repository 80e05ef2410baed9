"""What differs between two places or versions of a client's file, and how far its version must move for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.client.places import HERE, ClientText, client_text
from cli.output import in_one_sentence, out, print_json
from cli.place import Json
from terminal.console import new_table
from vectora_shared.config.changes import Change, bumped, changes_between, needed_bump
from vectora_shared.config.client import ClientConfig

PLACES = "file (in config/), dev, stage, prod, a version such as 7.0.0, or a path"
LONGEST_VALUE = 60
SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@in_one_sentence
def diff(
    client: Annotated[str, typer.Argument(help="The client's id, such as lai_weekly.", show_default=False)],
    before: Annotated[str, typer.Option("--from", help=f"Where to compare from: {PLACES}.", show_default=False)],
    after: Annotated[str, typer.Option("--to", help=f"Where to compare to: {PLACES}.")] = HERE,
    json: Json = False,
) -> None:
    """Compare two versions of a client's file: between environments, with what is deployed, with an earlier version."""
    old, new = client_text(client, before), client_text(client, after)
    earlier, later = old.config(client), new.config(client)
    changes = changes_between(earlier, later)
    if json:
        print_json(
            {
                "client_id": client,
                "from": {"place": old.name, "version": earlier.client_profile.version},
                "to": {"place": new.name, "version": later.client_profile.version},
                "identical": old.body == new.body,
                "needed_bump": None if old.body == new.body else needed_bump(earlier, later),
                "changes": [{"kind": change.kind, **asdict(change)} for change in changes],
            }
        )
        return
    show_changes(changes)
    out.say(sentence(old, new, earlier, later))


def show_changes(changes: tuple[Change, ...]) -> None:
    """A table, when there is anything to show."""
    if not changes:
        return
    table = new_table("", "key", "before", "after", "bump")
    for change in changes:
        table.add_row(SIGNS[change.kind], change.path, _shown(change.before), _shown(change.after), change.bump)
    out.print(table)


def sentence(old: ClientText, new: ClientText, earlier: ClientConfig, later: ClientConfig) -> str:
    """What the comparison comes to."""
    there, here = earlier.client_profile.version, later.client_profile.version
    places = f"{old.name} has {there}, {new.name} has {here}"
    if old.body == new.body:
        return f"{places}: the files are the same."
    bump = needed_bump(earlier, later)
    if not changes_between(earlier, later):
        return f"{places}: only comments, layout or the changelog differ (patch)."
    return f"{places}: from {there} on such a change needs {bumped(there, bump)} or later ({bump})."


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = ", ".join(f"{key}: {entry}" for key, entry in value.items()) if isinstance(value, dict) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
