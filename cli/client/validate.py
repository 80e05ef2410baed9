"""Command `./vectora client validate`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.client.client_file import deployed_content, folder_content
from cli.exit_codes import ExitCode
from cli.options import ConfigFolder, Json, option
from cli.output import err, fail, out, print_json, report_errors
from cli.paths import CONFIG, ROOT
from client_files.history import History
from client_files.validate import (
    Validation,
    VersionCheck,
    check_versions_deployed,
    check_versions_since,
    validate_files,
    validate_folder,
)
from vectora_ops.settings import load_settings
from vectora_shared.config.loading import client_ids


@report_errors
def validate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Client files outside config/. Default: all files in config/.", show_default=False),
    ] = None,
    base: Annotated[str | None, option("--base", "A client file that differs there needs a new version.")] = None,
    env: Annotated[str | None, option("--env", "A client file that differs there needs a new version.")] = None,
    config: ConfigFolder = CONFIG,
    json: Json = False,
) -> None:
    """Validate client and canonical files, and check that changed client files have a new version."""
    content = folder_content(config)
    found = validate_files(files, config) if files else validate_folder(content)
    checks = tuple(_version_checks(found, base, env))
    ids = sorted({*found.clients, *client_ids(content)})
    too_long = load_settings(ROOT).client_id_problems(ids)
    problems = (*found.problems, *too_long, *(problem for check in checks for problem in check.problems))
    notes = [note for check in checks for note in check.notes]
    if json:
        print_json({"valid": not problems, "clients": found.versions, "problems": problems, "notes": notes})
        raise typer.Exit(ExitCode.NO if problems else ExitCode.YES)
    for note in notes:
        err.say(note)
    if problems:
        fail("\n".join(problems), ExitCode.NO)
    named = ", ".join(f"{client_id} {version}" for client_id, version in found.versions.items())
    out.say(f"Valid: {named}, and the canonical files.")


def _version_checks(found: Validation, base: str | None, env: str | None) -> Iterator[VersionCheck]:
    if base is not None:
        yield check_versions_since(base, found, History(ROOT))
    if env is not None:
        yield check_versions_deployed(env, found, deployed_content(env))
