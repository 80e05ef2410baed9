"""Command `./vectora client diff`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.client.client_file import IN_CONFIG, ClientFile, read_client_file
from cli.options import ENVIRONMENTS, Client, Json
from cli.output import out, print_json, report_errors
from terminal.console import new_table
from vectora_shared.config.changes import Change, bumped, changes_between, needed_bump
from vectora_shared.config.client import ClientConfig

LOCATIONS = f"{IN_CONFIG} (in config/), {ENVIRONMENTS}, a version such as 7.0.0, or a path"
LONGEST_VALUE = 60
SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@report_errors
def diff(
    client: Client,
    before: Annotated[str, typer.Option("--from", help=f"Compare from: {LOCATIONS}.", show_default=False)],
    after: Annotated[str, typer.Option("--to", help=f"Compare to: {LOCATIONS}.")] = IN_CONFIG,
    json: Json = False,
) -> None:
    """Compare two versions of a client's file, and show which version number the change requires."""
    old, new = read_client_file(client, before), read_client_file(client, after)
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
    out.say(summary(old, new, earlier, later))


def show_changes(changes: tuple[Change, ...]) -> None:
    """Show the changes in a table, if there are any."""
    if not changes:
        return
    table = new_table("", "key", "before", "after", "bump")
    for change in changes:
        table.add_row(
            SIGNS[change.kind], change.path, _display_value(change.before), _display_value(change.after), change.bump
        )
    out.print(table)


def summary(old: ClientFile, new: ClientFile, earlier: ClientConfig, later: ClientConfig) -> str:
    """Return a sentence with the result of the comparison."""
    base = earlier.client_profile.version
    versions = f"{old.name} has {base}, {new.name} has {later.client_profile.version}"
    if old.body == new.body:
        return f"{versions}: the files are the same."
    bump = needed_bump(earlier, later)
    if not changes_between(earlier, later):
        return f"{versions}: only comments, layout or the changelog differ (patch)."
    return f"{versions}: this change requires version {bumped(base, bump)} or later ({bump})."


def _display_value(value: Any) -> str:
    if value is None:
        return ""
    text = ", ".join(f"{key}: {entry}" for key, entry in value.items()) if isinstance(value, dict) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
