"""`./vectora client bump`: the next version of a client's file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client.places import CONFIG, known_client
from cli.output import in_one_sentence, out, print_json
from cli.place import ROOT, Json
from vectora_shared.config.content import FolderContent
from vectora_shared.errors import VectoraError
from vectora_shared.keys import client_key

if TYPE_CHECKING:
    from vectora_shared.config.changes import Bump


@in_one_sentence
def bump(
    client: Annotated[str, typer.Argument(help="A client's id, or the path of its file.", show_default=False)],
    major: Annotated[
        bool, typer.Option("--major", help="Items appear or disappear; something was taken away.")
    ] = False,
    minor: Annotated[bool, typer.Option("--minor", help="Something was added, or a setting changed.")] = False,
    patch: Annotated[bool, typer.Option("--patch", help="Only texts, comments or layout.")] = False,
    message: Annotated[
        str, typer.Option("-m", "--message", help="What changed and why, in one line.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """Raise the version of a client's file and add a line to its changelog."""
    from client_files.bump import bump_file

    done = bump_file(_file(client), _chosen(major, minor, patch), _said(message), datetime.now(UTC).date())
    file = _shown(done.file)
    if json:
        print_json({"client_id": done.client_id, "from": done.before, "to": done.after, "file": file})
        return
    out.say(f"{file}: {done.client_id} is {done.after} now, {done.before} before.")


def _chosen(major: bool, minor: bool, patch: bool) -> Bump:
    asked: dict[Bump, bool] = {"major": major, "minor": minor, "patch": patch}
    chosen = [name for name, is_asked in asked.items() if is_asked]
    if len(chosen) != 1:
        raise VectoraError("Say how far the version moves, with exactly one of --major, --minor and --patch.")
    return chosen[0]


def _said(message: str) -> str:
    if not message.strip():
        raise VectoraError('Say what changed and why (-m "..."): it stands in the changelog.')
    if len(message.strip().splitlines()) > 1:
        raise VectoraError("The message (-m) must be one line: the changelog has one for each version.")
    return message.strip()


def _file(client: str) -> Path:
    """Of a client by its id, or what is a path already."""
    path = Path(client)
    if path.suffix in (".yaml", ".yml") or path.is_file() or len(path.parts) > 1:
        return path
    return CONFIG / client_key(known_client(FolderContent(CONFIG), client, "config/"))


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else file
