"""Command `./vectora client bump`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client.client_file import known_client
from cli.options import Json, option
from cli.output import out, print_json, report_errors
from cli.paths import CONFIG, ROOT, display_path
from vectora_shared.config.content import FolderContent
from vectora_shared.errors import VectoraError
from vectora_shared.keys import client_key

if TYPE_CHECKING:
    from vectora_shared.config.changes import Bump


@report_errors
def bump(
    client: Annotated[str, typer.Argument(help="The client's id, or the path of its file.", show_default=False)],
    major: Annotated[
        bool, typer.Option("--major", help="Something was removed, or items appear or disappear.")
    ] = False,
    minor: Annotated[bool, typer.Option("--minor", help="Something was added, or a setting changed.")] = False,
    patch: Annotated[bool, typer.Option("--patch", help="Only texts, comments or layout changed.")] = False,
    message: Annotated[
        str, typer.Option("-m", "--message", help="What changed and why, in one line.", show_default=False)
    ] = "",
    base: Annotated[str, option("--base", "The changes since it decide how far the version must move.")] = "main",
    json: Json = False,
) -> None:
    """Raise the version of a client's file and add a line to its changelog.

    Without --major, --minor and --patch, the version moves as far as the changes require (client diff).
    """
    from client_files.bump import bump_file
    from client_files.history import History

    wish, text, path = _wished_bump(major, minor, patch), _one_line_message(message), _file(client)
    bumped = bump_file(path, wish, text, datetime.now(UTC).date(), History(ROOT).earlier_files(path, base))
    file = display_path(Path(bumped.file))
    if json:
        versions = {"from": bumped.before, "to": bumped.after, "bump": bumped.bump}
        print_json({"client_id": bumped.client_id, **versions, "file": file})
        return
    out.say(f"{file}: {bumped.client_id} is now {bumped.after}, before {bumped.before} ({bumped.bump}).")


def _wished_bump(major: bool, minor: bool, patch: bool) -> Bump | None:
    options: dict[Bump, bool] = {"major": major, "minor": minor, "patch": patch}
    chosen = [name for name, is_given in options.items() if is_given]
    if len(chosen) > 1:
        raise VectoraError("Choose the next version with exactly one of --major, --minor and --patch, or with none.")
    return chosen[0] if chosen else None


def _one_line_message(message: str) -> str:
    if not message.strip():
        raise VectoraError("Say what changed and why (-m REASON): the changelog records it.")
    if len(message.strip().splitlines()) > 1:
        raise VectoraError("The message (-m) must be one line.")
    return message.strip()


def _file(client: str) -> Path:
    """Return the path of a client's file, given its id or a path."""
    path = Path(client)
    if path.suffix in (".yaml", ".yml") or path.is_file() or len(path.parts) > 1:
        return path
    return CONFIG / client_key(known_client(FolderContent(CONFIG), client, "config/"))
