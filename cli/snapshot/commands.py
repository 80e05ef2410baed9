"""Commands `./vectora snapshot`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.filesize import decimal as size

from cli.confirmation import require_confirmation
from cli.exit_codes import ExitCode
from cli.options import (
    SNAPSHOT,
    Components,
    DryRun,
    Env,
    Json,
    Remote,
    Snapshot,
    Yes,
    option,
    split_names,
)
from cli.output import err, fail, out, print_json, print_lines, report_errors
from cli.progress import progress_display
from cli.remote import run_in_function
from cli.snapshot.drill import RestoreRehearsal, rehearse_restore
from cli.snapshot.latest import full_name, interrupted_name
from cli.snapshot.tables import counted_in_files, show_changes, show_rehearsal, show_verification
from cli.target import Target, open_target
from cli.vault_copy import copy_of
from terminal.console import new_table
from vectora_ops.live_environment import Environment
from vectora_ops.plain_text import one_line
from vectora_ops.snapshots.catalog import pin as pin_snapshot
from vectora_ops.snapshots.catalog import unpin as unpin_snapshot
from vectora_ops.snapshots.compare import between_snapshots, chosen_components, with_live
from vectora_ops.snapshots.manifest import COMPONENTS, Manifest, Occasion
from vectora_ops.snapshots.retention import Policy
from vectora_ops.snapshots.retention import prune as prune_vault
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot, verify_vault
from vectora_ops.times import minute


@report_errors
def create(
    env: Env,
    name: Annotated[
        str | None, typer.Option("--name", help="Label of the new snapshot; the time is appended to it.")
    ] = None,
    all_data: Annotated[
        bool, typer.Option("--all-data", help="Include all runs of each client, not only the last.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option("--resume", help="Full name of an interrupted snapshot to finish, or latest.")
    ] = None,
    remote: Remote = False,
    json: Json = False,
) -> None:
    """Take a snapshot of an environment and verify it: functions, layers, stacks, configuration, data, newsletters."""
    if bool(name) == bool(resume):
        fail(
            "Give either --name, for a new snapshot, or --resume with the full name of an interrupted one.",
            ExitCode.USAGE,
        )
    target = open_target(env)
    request = SnapshotRequest(
        label=name or "resumed",
        occasion=Occasion(kind="operator"),
        data="all" if all_data else "last",
        resume=interrupted_name(target, resume) if resume else None,
    )
    manifest = _create_remotely(target, request) if remote else _create_here(target, request)
    if json:
        print_json(manifest.model_dump(mode="json"))
        return
    out.say(f"Snapshot {manifest.name} is complete and verified.")
    out.say(
        f"{manifest.entries:,} files, {size(manifest.bytes)}; new in the vault: {size(manifest.copied_bytes)}. "
        + (f"Locked until {minute(manifest.locked_until)}." if manifest.locked_until else "NOT LOCKED.")
    )
    _say_what_is_archived(manifest)


def _say_what_is_archived(manifest: Manifest) -> None:
    if manifest.archived:
        out.say(
            f"Not copied: {manifest.archived:,} archived objects, whose bytes S3 does not return. A rollback leaves "
            "them as they are. Restore a copy of them in S3 to have them in the next snapshot."
        )


def _create_remotely(target: Target, request: SnapshotRequest) -> Manifest:
    event = {"operation": "create", "label": request.label, "data": request.data, "resume": request.resume}
    return Manifest.model_validate(run_in_function(target, "snapshot", event)["manifest"])


def _create_here(target: Target, request: SnapshotRequest) -> Manifest:
    env = target.names.env
    try:
        with progress_display() as display:
            return take_snapshot(target.account, target.names, request, observer=display)
    except KeyboardInterrupt:
        err.say(
            f"Interrupted; {env} was not changed. To finish the snapshot, find its name with ./vectora snapshot list "
            f"--env {env}, then run ./vectora snapshot create --env {env} --resume NAME"
        )
        raise typer.Exit(ExitCode.INTERRUPTED) from None


@report_errors
def show(
    name: Snapshot,
    env: Env,
    files: Annotated[bool, typer.Option("--files", help="List every file with its size and digest.")] = False,
    json: Json = False,
) -> None:
    """Show the content of a snapshot."""
    target = open_target(env)
    vault = Vault(target.account, target.names)
    manifest = vault.manifest(full_name(target, name))
    if files:
        _show_files(vault, manifest, as_json=json)
    elif json:
        print_json(manifest.model_dump(mode="json"))
    else:
        _show_content(vault, manifest, env)


def _show_files(vault: Vault, manifest: Manifest, *, as_json: bool) -> None:
    files = (
        {"component": component, "path": entry.path, "size": entry.size, "sha256": entry.sha256}
        for component in COMPONENTS
        for entry, _ in vault.entries(manifest.components[component])
    )
    if as_json:
        print_json({"snapshot": manifest.name, "files": list(files)})
        return
    for file in files:
        path = one_line(str(file["path"]))
        print_lines(f"{file['component']:12} {file['size']:>12,} {str(file['sha256'])[:16]} {path}")


def _show_content(vault: Vault, manifest: Manifest, env: str) -> None:
    release = (
        f"release {manifest.release.version}, {manifest.release.digest[:12]}" if manifest.release else "no release"
    )
    out.say(f"{manifest.name}: {env}, {minute(manifest.started_at)}, {manifest.occasion.kind}, {release}")
    table = new_table("component", "files", "bytes", "digest")
    for component in COMPONENTS:
        record = manifest.components[component]
        table.add_row(component, f"{record.entries:,}", size(record.bytes), record.digest[:16])
    out.print(table)
    _say_what_is_archived(manifest)
    if pinned := vault.pin(manifest.name):
        out.say(f"Pinned on {minute(pinned.pinned_at)}: {pinned.reason}")


@report_errors
def diff(
    first: Annotated[str, typer.Argument(help=SNAPSHOT, show_default=False)],
    env: Env,
    second: Annotated[str | None, typer.Argument(help="Another snapshot, or latest. Omit it with --live.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Compare with the live environment.")] = False,
    components: Components = None,
    fail_on_difference: Annotated[bool, typer.Option("--fail", help="Exit with 3 when there is a difference.")] = False,
    json: Json = False,
) -> None:
    """Compare two snapshots, or a snapshot with the live environment."""
    if live == bool(second):
        fail("Give either a second snapshot or --live.", ExitCode.USAGE)
    target = open_target(env)
    vault = Vault(target.account, target.names)
    chosen = chosen_components(split_names(components))
    first = full_name(target, first)
    before = vault.manifest(first)
    if second:
        second = full_name(target, second)
        changes = between_snapshots(vault, before, vault.manifest(second), chosen)
    else:
        changes = with_live(vault, Environment(target.account, target.names), before, chosen)
    if json:
        found = [asdict(change) for change in changes]
        print_json({"first": first, "second": second or "live", "changes": found})
        differs = bool(found)
    else:
        differs = show_changes(changes, f"{second or env} matches {first}.")
    if differs and fail_on_difference:
        raise typer.Exit(ExitCode.NO)


@report_errors
def verify(
    env: Env,
    name: Annotated[str | None, typer.Argument(help=f"{SNAPSHOT} Default: the whole vault.")] = None,
    restore: Annotated[
        bool, typer.Option("--restore", help="Also restore every file below a scratch prefix and compare it.")
    ] = False,
    remote: Remote = False,
    copy: Annotated[bool, typer.Option("--copy", help="Verify the snapshot in the copy of the vault.")] = False,
    json: Json = False,
) -> None:
    """Verify every byte of a snapshot, or of all snapshots, and report damaged, missing and extra data."""
    if copy and (not name or restore or remote):
        fail("The copy is verified for one snapshot: give a name, and neither --restore nor --remote.", ExitCode.USAGE)
    if restore and (not name or remote):
        fail(
            "A restore is rehearsed for one snapshot, and not in the function: give a name, and omit --remote.",
            ExitCode.USAGE,
        )
    target = open_target(env)
    name = full_name(target, name) if name else None
    rehearsal: RestoreRehearsal | None = None
    if remote:
        verifications = run_in_function(target, "snapshot", {"operation": "verify", "snapshot": name})["verifications"]
    else:
        with progress_display() as display:
            vault = copy_of(target) if copy else Vault(target.account, target.names)
            found = (verify_snapshot(vault, name, observer=display),) if name else verify_vault(vault, observer=display)
            verifications = [asdict(each) for each in found]
            if restore and name:
                rehearsal = rehearse_restore(target.account, target.names, name, observer=display)
    if json:
        restored = counted_in_files(asdict(rehearsal)) if rehearsal else None
        print_json({"verifications": [counted_in_files(each) for each in verifications], "restore": restored})
    else:
        _show_verifications(env, verifications, rehearsal)
    if any(each["problems"] for each in verifications) or (rehearsal and rehearsal.problems):
        raise typer.Exit(ExitCode.NO)


def _show_verifications(env: str, verifications: list[dict[str, Any]], rehearsal: RestoreRehearsal | None) -> None:
    for each in verifications:
        show_verification(each)
    if verifications:
        out.say(f"Verified {size(sum(each['bytes'] for each in verifications))} (shared data counted once).")
    else:
        out.say(f"There is no complete snapshot of {env} to verify.")
    if rehearsal:
        show_rehearsal(rehearsal)


@report_errors
def pin(
    name: Snapshot,
    env: Env,
    reason: Annotated[str, option("--reason", "snapshot show shows it.", show_default=False)],
    json: Json = False,
) -> None:
    """Protect a snapshot from pruning."""
    target = open_target(env)
    name = full_name(target, name)
    record = pin_snapshot(Vault(target.account, target.names), name, reason)
    if json:
        print_json(record.model_dump(mode="json"))
        return
    out.say(f"{name} is pinned: prune does not delete it.")


@report_errors
def unpin(name: Snapshot, env: Env, json: Json = False) -> None:
    """Remove the pin of a snapshot, so that the retention policy applies to it again."""
    target = open_target(env)
    name = full_name(target, name)
    unpin_snapshot(Vault(target.account, target.names), name)
    if json:
        print_json({"snapshot": name, "pinned": False})
        return
    out.say(f"{name} is no longer pinned.")


@report_errors
def prune(
    env: Env,
    dry_run: DryRun = False,
    older_than: Annotated[
        int | None,
        typer.Option("--older-than", min=1, help="Minimum age in days, if higher than the environment's own."),
    ] = None,
    yes: Yes = False,
    remote: Remote = False,
    json: Json = False,
) -> None:
    """Delete expired snapshots, and data that no snapshot references."""
    if remote and older_than:
        fail(
            "The function uses the environment's own minimum age: give either --remote or --older-than.", ExitCode.USAGE
        )
    target = open_target(env)
    if not (dry_run or yes):
        action = f"prune the snapshots of {env}"
        require_confirmation(action, env, advice="To see what would be deleted, run this with --dry-run.")
    settings = target.settings.snapshots
    policy = Policy(keep_last=settings.keep_last, minimum_age_days=max(settings.minimum_age_days, older_than or 0))
    if remote:
        pruned = run_in_function(target, "snapshot", {"operation": "prune", "dry_run": dry_run})["pruned"]
    else:
        with progress_display() as display:
            pruned = asdict(prune_vault(target.account, target.names, policy, dry_run=dry_run, observer=display))
    pruned = {**pruned, "decisions": [*reversed(pruned["decisions"])]}
    if json:
        print_json(pruned)
        return
    table = new_table("snapshot", "", "reason")
    for decision in pruned["decisions"]:
        table.add_row(decision["name"], "delete" if decision["remove"] else "keep", decision["reason"])
    out.print(table)
    if dry_run:
        out.print("Nothing was deleted.")
        return
    locked = f"; {pruned['still_locked']} files are still locked" if pruned["still_locked"] else ""
    out.say(
        f"Deleted: {pruned['removed_snapshots']} snapshots, {pruned['removed_objects']} objects, "
        f"{size(pruned['removed_bytes'])}{locked}."
    )
