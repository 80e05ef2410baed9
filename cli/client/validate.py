"""Command `./vectora client validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.client.files import ConfigFolder
from cli.client.places import CONFIG, deployed_content
from cli.output import err, fail, in_one_sentence, out, print_json
from cli.place import ROOT, Json
from client_files.history import History
from client_files.validate import Compared, Validation, unmoved, validated_file, validated_files
from vectora_ops.settings import load_settings
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import client_ids
from vectora_shared.keys import client_key


@in_one_sentence
def validate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Client files elsewhere; those in config/ otherwise.", show_default=False),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", help="Branch that the change is made for: a file that differs needs a new version."),
    ] = None,
    env: Annotated[
        str | None,
        typer.Option("--env", help="Environment that it goes to: a file that differs from there needs a new version."),
    ] = None,
    config: ConfigFolder = CONFIG,
    json: Json = False,
) -> None:
    """Check client and canonical files as a whole, and that a changed client file has a version that says so."""
    found = validated_files(files, config) if files else validated_file(FolderContent(config))
    compared = (_against_base(found, base), _against_deployed(found, env))
    ids = sorted({*found.clients, *client_ids(FolderContent(config))})
    too_long = load_settings(ROOT).client_id_problems(ids)
    problems = (*found.problems, *too_long, *(problem for problems, _ in compared for problem in problems))
    notes = [note for _, notes in compared for note in notes]
    if json:
        print_json({"valid": not problems, "clients": found.versions, "problems": problems, "notes": notes})
        raise typer.Exit(1 if problems else 0)
    for note in notes:
        err.say(note)
    if problems:
        fail("\n".join(problems))
    named = ", ".join(f"{client_id} {version}" for client_id, version in found.versions.items())
    out.say(f"Valid: {named}, and the canonical files.")


def _against_base(found: Validation, branch: str | None) -> Compared:
    if branch is None:
        return [], []
    history = History(ROOT)
    commit = history.base_commit(branch)
    if commit is None:
        return [], [f"There is no earlier commit here: versions were not compared with {branch}."]
    return unmoved(found, dict(history.clients_of_commit(commit)), f"{branch} ({commit[:10]})"), []


def _against_deployed(found: Validation, env: str | None) -> Compared:
    if env is None:
        return [], []
    content = deployed_content(env)
    deployed = {name: content.read(client_key(name)) for name in client_ids(content)}
    new = [f"{name} is new in {env}." for name in found.clients if name not in deployed]
    return unmoved(found, deployed, f"what {env} has"), new
