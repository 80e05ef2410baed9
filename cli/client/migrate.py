"""Command `./vectora client migrate`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exit_codes import ExitCode
from cli.options import DryRun, Json, option
from cli.output import err, out, print_json, report_errors
from cli.paths import CONFIG, display_path
from cli.target import Target, open_target
from terminal.console import new_table, styled
from vectora_shared.config.content import FolderContent
from vectora_shared.errors import ConfigurationError, VectoraError
from vectora_shared.keys import client_key

if TYPE_CHECKING:
    from client_files.migration.migrate import Migration
    from client_files.migration.move_data import MovedFrom
    from client_files.migration.old_file import OldFile
    from client_files.migration.outcomes import FieldOutcome
    from client_files.migration.output_file import MigrationResult, OutputFile

COLORS = {"changed": "yellow", "comment": "cyan", "dropped": "red"}
OBJECTS_BETWEEN_REPORTS = 50


@report_errors
def migrate(
    files: Annotated[list[Path], typer.Argument(help="Old files of one client, in any order.", show_default=False)],
    output: Annotated[
        Path | None,
        option("--output", "A file or a folder. Default: config/clients.", show_default=False),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an existing file.")] = False,
    client_id: Annotated[
        str | None,
        typer.Option(
            "--client-id", help="Stable id of the client. Default: the old id without its version.", show_default=False
        ),
    ] = None,
    dry_run: DryRun = False,
    env: Annotated[str | None, option("--env", "Its data is copied, see --move-data.", show_default=False)] = None,
    move_data: Annotated[
        bool, typer.Option("--move-data", help="Copy the items and newsletters of the old ids to the new id.")
    ] = False,
    json: Json = False,
) -> None:
    """Convert client files of an old or mixed form into one file of the current form; show the outcome of every field.

    With --env and --move-data, also copies the client's data. If the new file already exists, it is kept, and only
    the data is copied.
    """
    # Imported here because no other command needs it.
    from client_files.migration.migrate import new_client_id, read_old_files
    from client_files.migration.output_file import OutputFile

    if move_data != (env is not None):
        raise VectoraError("Data is copied within one environment: give both --env and --move-data, or neither.")
    old = read_old_files(files, client_id)
    new_id = new_client_id(old, client_id)
    target = open_target(env) if env else None
    path = _output_path(output, new_id)
    new_file = OutputFile(path, display_path(path))
    document: dict[str, Any] = {"client_id": new_id, "output": new_file.name}
    if move_data and path.exists() and not replace:
        document |= {"written": False, "kept": True}
        if not json:
            out.say(f"{new_file.name} already exists and is kept; only data is copied.")
    else:
        document |= _migrate(old, new_id, new_file, replace=replace, dry_run=dry_run, as_json=json)
    if target:
        document["data"] = _move_data(target, old, new_id, dry_run=dry_run, as_json=json)
    if json:
        print_json(document)


def _output_path(output: Path | None, client_id: str) -> Path:
    if output is None:
        return CONFIG / client_key(client_id)
    return output / f"{client_id}.yaml" if output.is_dir() else output


def _migrate(
    old: tuple[OldFile, ...], client_id: str, output: OutputFile, *, replace: bool, dry_run: bool, as_json: bool
) -> dict[str, Any]:
    from client_files.migration.output_file import migrate_to_file

    content = FolderContent(CONFIG)
    today = datetime.now(UTC).date()
    result = migrate_to_file(old, client_id, output, content=content, today=today, replace=replace, dry_run=dry_run)
    for warning in result.warnings:
        err.say(warning)
    document = {"written": result.written, **_document(result.migration)}
    if result.migration.problems:
        if as_json:
            print_json({"output": output.name, **document})
        raise ConfigurationError("\n".join((*result.migration.problems, "Nothing was written.")))
    if not as_json:
        _show(result, output.name)
        if dry_run and output.path.exists() and not replace:
            out.say(f"{output.name} already exists: give --replace to overwrite it.")
    return document


def _document(result: Migration) -> dict[str, Any]:
    return {
        "client_id": result.client_id,
        "version": result.version,
        "files": list(result.files),
        "carried": [_outcome(each) for each in result.outcomes_of("carried")],
        "changed": [_outcome(each) for each in result.outcomes_of("changed")],
        "added": [asdict(addition) for addition in result.added],
        "kept_as_comments": [_outcome(each) for each in result.outcomes_of("comment")],
        "dropped": [_outcome(each) for each in result.outcomes_of("dropped")],
        "superseded": result.superseded,
        "problems": list(result.problems),
    }


def _outcome(outcome: FieldOutcome) -> dict[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if name != "action" and value not in (None, "")}


def _show(result: MigrationResult, output: str) -> None:
    migration = result.migration
    table = new_table("field", "line", "outcome", "reason", fold=True)
    several = len(migration.files) > 1
    changed = [outcome for outcome in migration.outcomes if not outcome.is_unchanged]
    for outcome in changed:
        where = f"{Path(outcome.file).stem}:{outcome.line}" if several else str(outcome.line)
        color = COLORS.get(outcome.action, "green")
        table.add_row(outcome.path, where, styled(_what_happened(outcome), color), outcome.reason)
    for addition in migration.added:
        table.add_row(addition.path, "", styled(f"added: {_short(addition.value, 40)}", "green"), addition.reason)
    out.print(table)
    for name, count in migration.superseded.items():
        out.say(f"{name}: {count} fields are superseded by those of {Path(migration.files[0]).stem}.")
    dropped = len(migration.outcomes_of("dropped"))
    verb = "is written" if result.written else "would be written"
    out.say(
        f"{migration.client_id} {migration.version} {verb} to {output}: "
        f"{len(migration.outcomes) - len(changed)} fields unchanged, {len(changed) - dropped} in another form, "
        f"{len(migration.added)} added, {dropped} dropped.",
    )


def _what_happened(outcome: FieldOutcome) -> str:
    if outcome.action == "changed":
        at = "" if outcome.to == outcome.path else f" in {outcome.to}"
        return f"now {_short(outcome.after, 30)}{at}"
    return {"carried": f"now {outcome.to}", "comment": "kept as a comment", "dropped": "dropped"}[outcome.action]


def _short(value: Any, limit: int) -> str:
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _move_data(
    target: Target, old: tuple[OldFile, ...], client_id: str, *, dry_run: bool, as_json: bool
) -> list[dict[str, Any]]:
    from client_files.migration.move_data import move_data

    def progress(done: int, total: int) -> None:
        if done % OBJECTS_BETWEEN_REPORTS == 0 or done == total:
            err.say(f"  {done} of {total} objects ...")

    try:
        moved = move_data(
            target.account.client("s3"),
            target.names,
            [file.client_id for file in old],
            client_id,
            dry_run=dry_run,
            progress=progress,
        )
    except KeyboardInterrupt:
        err.print("Interrupted; nothing is lost. Run the same command again to copy what is missing.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    if not as_json:
        _show_moved(moved, target.names.env, client_id, dry_run=dry_run)
    return [asdict(each) for each in moved]


def _show_moved(moved: tuple[MovedFrom, ...], env: str, client_id: str, *, dry_run: bool) -> None:
    copied = "would be copied" if dry_run else "copied"
    for each in moved:
        out.say(
            f"{each.old_id} in {env}: {each.copied} objects {copied} to {client_id}, {each.already} already there, "
            f"{len(each.left)} not copied.",
        )
        for left in each.left:
            out.say(f"  s3://{left.bucket}/{left.source}: {left.reason}.")
    if not any(each.copied for each in moved):
        out.say(f"Nothing to copy: {client_id} already has every object.")
    elif not dry_run:
        out.print("Every copy was compared with its source; nothing was deleted.")
