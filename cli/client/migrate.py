"""`./vectora client migrate`: old client files become one of the current form, and its data gets the stable id."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.client.places import CONFIG
from cli.output import err, in_one_sentence, out, print_json
from cli.place import ROOT, Json, Place, place
from terminal.console import new_table, styled
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_canonical
from vectora_shared.config.section import read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError, VectoraError
from vectora_shared.keys import client_key

if TYPE_CHECKING:
    from client_files.migration.fates import Fate
    from client_files.migration.migrate import Migration
    from client_files.migration.move_data import MovedFrom
    from client_files.migration.old_file import OldFile

HAPPENED = {"changed": "yellow", "comment": "cyan", "dropped": "red"}


@in_one_sentence
def migrate(
    files: Annotated[list[Path], typer.Argument(help="Old files of one client, in any order.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", help="File or folder to write to; config/clients otherwise.", show_default=False),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite the file if there is one.")] = False,
    client_id: Annotated[
        str | None,
        typer.Option(
            "--client-id", help="The stable id; the old id without its version otherwise.", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written and copied.")] = False,
    env: Annotated[
        str | None,
        typer.Option("--env", help=f"Where the data is: {', '.join(ENVIRONMENT_NAMES)}.", show_default=False),
    ] = None,
    move_data: Annotated[
        bool, typer.Option("--move-data", help="Copy the old ids' items and newsletters below the new id.")
    ] = False,
    json: Json = False,
) -> None:
    """Turn old client files (v3 to v17) into one of the current form, telling every field's fate."""
    from client_files.migration.migrate import new_client_id, read_old_files

    if move_data != (env is not None):
        raise VectoraError("Data is moved in one environment: say both --env and --move-data, or neither.")
    old = read_old_files(files, client_id)
    new_id = new_client_id(old, client_id)
    here = place(env) if env else None
    target = _target(output, new_id)
    document: dict[str, Any] = {"client_id": new_id, "output": _shown(target)}
    if move_data and target.exists() and not replace:
        document |= {"written": False, "kept": True}
        if not json:
            out.say(f"{_shown(target)} is there already and stays as it is; only data is moved.")
    else:
        document |= _migrate(old, new_id, target, replace=replace, dry_run=dry_run, as_json=json)
    if here:
        document["data"] = _move(here, old, new_id, dry_run=dry_run, as_json=json)
    if json:
        print_json(document)


def _target(output: Path | None, client_id: str) -> Path:
    if output is None:
        return CONFIG / client_key(client_id)
    return output / f"{client_id}.yaml" if output.is_dir() else output


def _migrate(
    old: tuple[OldFile, ...], client_id: str, target: Path, *, replace: bool, dry_run: bool, as_json: bool
) -> dict[str, Any]:
    from client_files.write import edited

    with edited(target) as edit:
        _refuse_overwriting(old, client_id, target, replace=replace or dry_run)
        existing = _existing(target, edit.before, client_id) if edit.before is not None else None
        result = _migrated(old, client_id, existing)
        document = _document(result)
        if result.problems:
            if as_json:
                print_json({"output": _shown(target), "written": False, **document})
            raise ConfigurationError("\n".join((*result.problems, "Nothing was written.")))
        if not dry_run:
            edit.write(result.body)
    if not as_json:
        _show(result, target, dry_run=dry_run)
        if dry_run and target.exists() and not replace:
            out.say(f"{_shown(target)} is there already: say --replace to overwrite it.")
    return {"written": not dry_run, **document}


def _migrated(old: tuple[OldFile, ...], client_id: str, existing: ClientConfig | None) -> Migration:
    from client_files.migration.migrate import migrate as migrated

    content = FolderContent(CONFIG)
    return migrated(
        old,
        client_id,
        content=content,
        canonical=load_canonical(content),
        today=datetime.now(UTC).date(),
        existing=existing,
    )


def _refuse_overwriting(old: tuple[OldFile, ...], client_id: str, target: Path, *, replace: bool) -> None:
    if any(target.resolve() == file.path.resolve() for file in old):
        raise VectoraError(f"{_shown(target)} is one of the old files: say another --output, it stays as it is.")
    if target.exists() and not replace:
        raise VectoraError(
            f"{_shown(target)} is there already: say --replace to overwrite it (its changelog is kept), or --output "
            f"for another file. Nothing was written for {client_id}."
        )


def _existing(target: Path, body: bytes, client_id: str) -> ClientConfig | None:
    """The file that is replaced; None when it is not valid, so that nothing of it can be kept."""
    try:
        client = read_section(ClientConfig, parse_yaml(str(target), body))
    except ConfigurationError as error:
        err.say(f"{_shown(target)} is not valid, so that its changelog cannot be kept. {error}")
        return None
    if client.client_profile.client_id != client_id:
        raise ConfigurationError(
            f"{_shown(target)} is the file of {client.client_profile.client_id}, and not of {client_id}: "
            "say another --output."
        )
    return client


def _document(result: Migration) -> dict[str, Any]:
    return {
        "client_id": result.client_id,
        "version": result.version,
        "files": list(result.files),
        "carried": [_fate(fate) for fate in result.that("carried")],
        "changed": [_fate(fate) for fate in result.that("changed")],
        "added": [asdict(addition) for addition in result.added],
        "kept_as_comments": [_fate(fate) for fate in result.that("comment")],
        "dropped": [_fate(fate) for fate in result.that("dropped")],
        "superseded": result.superseded,
        "problems": list(result.problems),
    }


def _fate(fate: Fate) -> dict[str, Any]:
    return {name: value for name, value in asdict(fate).items() if name != "happened" and value not in (None, "")}


def _show(result: Migration, target: Path, *, dry_run: bool) -> None:
    table = new_table("what", "line", "what happened", "why", fold=True)
    several = len(result.files) > 1
    for fate in result.fates:
        if _is_as_it_was(fate):
            continue
        where = f"{Path(fate.file).stem}:{fate.line}" if several else str(fate.line)
        happened, color = _happened(fate), HAPPENED.get(fate.happened, "green")
        table.add_row(fate.path, where, styled(happened, color), fate.reason)
    for addition in result.added:
        value = str(addition.value)
        shown = value if len(value) <= 40 else value[:37] + "..."
        table.add_row(addition.path, "", styled(f"added: {shown}", "green"), addition.reason)
    out.print(table)
    for name, count in result.superseded.items():
        out.say(f"{name}: {count} fields that {Path(result.files[0]).stem} has too are superseded by it.")
    as_they_were = sum(map(_is_as_it_was, result.fates))
    done = "would be written to" if dry_run else "is written to"
    out.say(
        f"{result.client_id} {result.version} {done} {_shown(target)}: {as_they_were} fields as they were, "
        f"{len(result.fates) - as_they_were - len(result.that('dropped'))} in another form, {len(result.added)} added, "
        f"{len(result.that('dropped'))} dropped.",
    )


def _is_as_it_was(fate: Fate) -> bool:
    """Also an entry of a list that only moved up when others went."""
    return fate.happened == "carried" and _without_index(fate.to or "") == _without_index(fate.path)


def _without_index(path: str) -> str:
    return re.sub(r"\[\d+\]$", "", path)


def _happened(fate: Fate) -> str:
    if fate.happened == "changed":
        at = "" if fate.to == fate.path else f" in {fate.to}"
        value = str(fate.after)
        return f"now {value if len(value) <= 30 else value[:27] + '...'}{at}"
    return {"carried": f"now {fate.to}", "comment": "kept as a comment", "dropped": "dropped"}[fate.happened]


def _move(
    here: Place, old: tuple[OldFile, ...], client_id: str, *, dry_run: bool, as_json: bool
) -> list[dict[str, Any]]:
    from client_files.migration.move_data import move_data

    def progress(done: int, total: int) -> None:
        if done % 50 == 0 or done == total:
            err.say(f"  {done} of {total} objects ...")

    try:
        moved = move_data(
            here.account.client("s3"),
            here.names,
            [file.client_id for file in old],
            client_id,
            dry_run=dry_run,
            progress=progress,
        )
    except KeyboardInterrupt:
        err.print("Interrupted half-way; nothing is lost: run the same command again, it copies what is missing.")
        raise typer.Exit(130) from None
    if not as_json:
        _show_moved(moved, here.names.env, client_id, dry_run=dry_run)
    return [asdict(each) for each in moved]


def _show_moved(moved: tuple[MovedFrom, ...], env: str, client_id: str, *, dry_run: bool) -> None:
    copied = "would be copied" if dry_run else "copied"
    for each in moved:
        out.say(
            f"{each.old_id} in {env}: {each.copied} objects {copied} to {client_id}, {each.already} there already, "
            f"{len(each.left)} left.",
        )
        for left in each.left:
            out.say(f"  s3://{left.bucket}/{left.source}: {left.reason}.")
    if not any(each.copied for each in moved):
        out.say(f"Nothing to copy: all that can be is below {client_id} already.")
    elif not dry_run:
        out.print("Every copy was read back and compared; nothing was deleted.")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
