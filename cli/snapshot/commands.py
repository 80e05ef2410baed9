"""`./vectora snapshot`: take, list, look at, compare, verify, pin and prune snapshots of an environment."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.filesize import decimal as size

from cli.output import err, fail, in_one_sentence, out, print_json, print_lines
from cli.place import Env, Json, place
from cli.snapshot.drill import RestoreRehearsal, rehearse_restore
from cli.snapshot.tables import listed_row, plain_document, show_changes, show_rehearsal, show_verification, table_of
from cli.watch import minute, watching
from terminal.console import new_table
from vectora_ops.live_environment import Environment
from vectora_ops.plain_text import one_line
from vectora_ops.remote import run_remotely
from vectora_ops.snapshots.catalog import as_markdown, list_snapshots
from vectora_ops.snapshots.catalog import pin as keep
from vectora_ops.snapshots.catalog import unpin as let_go
from vectora_ops.snapshots.compare import between_snapshots, chosen_components, with_live
from vectora_ops.snapshots.manifest import COMPONENTS, Manifest, Occasion
from vectora_ops.snapshots.retention import Policy
from vectora_ops.snapshots.retention import prune as prune_vault
from vectora_ops.snapshots.take import SnapshotRequest, take_snapshot
from vectora_ops.snapshots.vault import Vault
from vectora_ops.snapshots.verify import verify_snapshot, verify_vault

app = typer.Typer(no_args_is_help=True, help=__doc__)
Name = Annotated[str, typer.Argument(help="Full name of the snapshot, such as lai_v7_stable_20260130_120000.")]
Remote = Annotated[bool, typer.Option("--remote", help="Let the environment's own function do it.")]
Components = Annotated[
    str | None, typer.Option("--components", help=f"Comma-separated, from {', '.join(COMPONENTS)}; all otherwise.")
]


@app.command(epilog="Example: ./vectora snapshot create --env dev --name lai_v7_stable")
@in_one_sentence
def create(
    env: Env,
    name: Annotated[str | None, typer.Option("--name", help="What it is called; the time is added.")] = None,
    all_data: Annotated[bool, typer.Option("--all-data", help="All runs of each client, not only the last.")] = False,
    resume: Annotated[str | None, typer.Option("--resume", help="Finish an interrupted one, by its full name.")] = None,
    remote: Remote = False,
    json: Json = False,
) -> None:
    """Take a snapshot: functions, layers, stacks, configuration, data and newsletters, read back and verified."""
    if bool(name) == bool(resume):
        fail("Say either --name, for a new snapshot, or --resume with the full name of an interrupted one.")
    here = place(env)
    scope = "all" if all_data else "last"
    if remote:
        event = {"operation": "create", "label": name or "resumed", "data": scope, "resume": resume}
        said = run_remotely(here.account, here.names, "snapshot", event, _tell_continuation)
        manifest = Manifest.model_validate(said["manifest"])
    else:
        request = SnapshotRequest(
            label=name or "resumed",
            occasion=Occasion(kind="operator"),
            data="all" if all_data else "last",
            resume=resume,
        )
        try:
            with watching() as watch:
                manifest = take_snapshot(here.account, here.names, request, observer=watch)
        except KeyboardInterrupt:
            err.say(
                f"Interrupted; nothing of {env} was changed. Finish it: ./vectora snapshot list --env {env}, "
                f"then ./vectora snapshot create --env {env} --resume NAME"
            )
            raise typer.Exit(130) from None
    if json:
        print_json(manifest.model_dump(mode="json"))
        return
    out.say(f"Snapshot {manifest.name} is complete: every byte was read back.")
    out.say(
        f"{manifest.entries:,} files, {size(manifest.bytes)}; new in the vault: {size(manifest.copied_bytes)}. "
        + (f"Locked until {minute(manifest.locked_until)} UTC." if manifest.locked_until else "NOT LOCKED.")
    )


@app.command("list", epilog="Example: ./vectora snapshot list --env dev --markdown > docs/snapshots/dev.md")
@in_one_sentence
def list_command(
    env: Env,
    markdown: Annotated[bool, typer.Option("--markdown", help="As a page for docs/snapshots/.")] = False,
    json: Json = False,
) -> None:
    """List snapshots, oldest first, with those that are incomplete or damaged."""
    here = place(env)
    listed = list_snapshots(Vault(here.account, here.names))
    if json:
        print_json({"env": env, "snapshots": [asdict(each) for each in listed]})
    elif markdown:
        print_lines(as_markdown(env, listed))
    elif not listed:
        out.say(f"There is no snapshot of {env} yet: ./vectora snapshot create --env {env} --name first")
    else:
        out.print(table_of(listed))


@app.command(epilog="Example: ./vectora snapshot show lai_v7_stable_20260130_120000 --env dev --files")
@in_one_sentence
def show(
    name: Name,
    env: Env,
    files: Annotated[bool, typer.Option("--files", help="Every file with size and digest.")] = False,
    json: Json = False,
) -> None:
    """Show what a snapshot holds."""
    here = place(env)
    vault = Vault(here.account, here.names)
    manifest = vault.manifest(name)
    if json and not files:
        print_json(manifest.model_dump(mode="json"))
        return
    if files:
        entries = (
            {"component": component, "path": entry.path, "size": entry.size, "sha256": entry.sha256}
            for component in COMPONENTS
            for entry, _ in vault.entries(manifest.components[component])
        )
        if json:
            print_json({"snapshot": name, "files": list(entries)})
            return
        for entry in entries:
            path = one_line(str(entry["path"]))
            print_lines(f"{entry['component']:12} {entry['size']:>12,} {str(entry['sha256'])[:16]} {path}")
        return
    release = (
        f"release {manifest.release.version}, {manifest.release.digest[:12]}" if manifest.release else "no release"
    )
    out.say(f"{manifest.name}: {env}, {minute(manifest.started_at)} UTC, {manifest.occasion.kind}, {release}")
    table = new_table("component", "files", "bytes", "digest")
    for component in COMPONENTS:
        record = manifest.components[component]
        table.add_row(component, f"{record.entries:,}", size(record.bytes), record.digest[:16])
    out.print(table)
    if pinned := vault.pin(name):
        out.say(f"Pinned {minute(pinned.pinned_at)}: {pinned.reason}")


@app.command(epilog="Example: ./vectora snapshot diff lai_v7_stable_20260130_120000 --live --env dev")
@in_one_sentence
def diff(
    first: Name,
    env: Env,
    second: Annotated[str | None, typer.Argument(help="Another snapshot; or say --live.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Compare with what there is now.")] = False,
    components: Components = None,
    fail_on_difference: Annotated[bool, typer.Option("--fail", help="Exit with 1 when something differs.")] = False,
    json: Json = False,
) -> None:
    """Show what differs between two snapshots, or what was changed since one, by a deployment or by hand."""
    if live == bool(second):
        fail("Say either a second snapshot or --live.")
    here = place(env)
    vault = Vault(here.account, here.names)
    chosen = chosen_components(listed_row(components))
    before = vault.manifest(first)
    if second:
        changes = between_snapshots(vault, before, vault.manifest(second), chosen)
    else:
        changes = with_live(vault, Environment(here.account, here.names), before, chosen)
    if json:
        found = [asdict(change) for change in changes]
        print_json({"first": first, "second": second or "live", "changes": found})
        differs = bool(found)
    else:
        differs = show_changes(changes, f"{second or env} is what {first} says.")
    if differs and fail_on_difference:
        raise typer.Exit(1)


@app.command(epilog="Example: ./vectora snapshot verify lai_v7_stable_20260130_120000 --env dev --restore")
@in_one_sentence
def verify(
    env: Env,
    name: Annotated[str | None, typer.Argument(help="Full name; the whole vault otherwise.")] = None,
    restore: Annotated[
        bool, typer.Option("--restore", help="Also restore every file to a scratch prefix and compare.")
    ] = False,
    remote: Remote = False,
    json: Json = False,
) -> None:
    """Read every byte again; name what is damaged, missing or extra. Exits with 1 when anything is."""
    if restore and (not name or remote):
        fail("A restore is rehearsed for one snapshot, in this process: say its name, and not --remote.")
    here = place(env)
    rehearsal: RestoreRehearsal | None = None
    if remote:
        event = {"operation": "verify", "snapshot": name}
        said = run_remotely(here.account, here.names, "snapshot", event, _tell_continuation)
        verifications = said["verifications"]
    else:
        with watching() as watch:
            vault = Vault(here.account, here.names)
            found = (verify_snapshot(vault, name, observer=watch),) if name else verify_vault(vault, observer=watch)
            verifications = [plain_document(each) for each in found]
            if restore and name:
                rehearsal = rehearse_restore(here.account, here.names, name, observer=watch)
    problems = [problem for each in verifications for problem in each["problems"]]
    if json:
        print_json({"verifications": verifications, "restore": asdict(rehearsal) if rehearsal else None})
    else:
        for each in verifications:
            show_verification(each)
        if verifications:
            out.say(f"Read again: {size(sum(each['bytes'] for each in verifications))}, what is shared only once.")
        else:
            out.say(f"There is no complete snapshot of {env} to verify.")
        if rehearsal:
            show_rehearsal(rehearsal)
    if problems or (rehearsal and rehearsal.problems):
        raise typer.Exit(1)


@app.command(
    epilog='Example: ./vectora snapshot pin lai_v7_stable_20260130_120000 --env dev --reason "before the fair"'
)
@in_one_sentence
def pin(
    name: Name,
    env: Env,
    reason: Annotated[str, typer.Option("--reason", help="Why it must stay.", show_default=False)],
) -> None:
    """Keep a snapshot whatever the retention policy says."""
    here = place(env)
    keep(Vault(here.account, here.names), name, reason)
    out.say(f"{name} is pinned: no pruning removes it.")


@app.command(epilog="Example: ./vectora snapshot unpin lai_v7_stable_20260130_120000 --env dev")
@in_one_sentence
def unpin(name: Name, env: Env) -> None:
    """Leave a snapshot to the retention policy again."""
    here = place(env)
    let_go(Vault(here.account, here.names), name)
    out.say(f"{name} is not pinned any more.")


@app.command(epilog="Example: ./vectora snapshot prune --env dev --dry-run")
@in_one_sentence
def prune(
    env: Env,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    older_than: Annotated[
        int | None, typer.Option("--older-than", min=1, help="Days; raises the environment's minimum age.")
    ] = None,
    remote: Remote = False,
    json: Json = False,
) -> None:
    """Remove what the environment's policy lets go, and bytes that no snapshot needs any more."""
    if remote and older_than:
        fail("The function knows the environment's own minimum age: say either --remote or --older-than.")
    here = place(env)
    settings = here.settings.snapshots
    policy = Policy(keep_last=settings.keep_last, minimum_age_days=max(settings.minimum_age_days, older_than or 0))
    if remote:
        event = {"operation": "prune", "dry_run": dry_run}
        pruned = run_remotely(here.account, here.names, "snapshot", event, _tell_continuation)["pruned"]
    else:
        with watching() as watch:
            pruned = asdict(prune_vault(here.account, here.names, policy, dry_run=dry_run, observer=watch))
    if json:
        print_json(pruned)
        return
    table = new_table("snapshot", "", "because")
    for decision in pruned["decisions"]:
        table.add_row(decision["name"], "goes" if decision["remove"] else "stays", decision["reason"])
    out.print(table)
    if dry_run:
        out.print("Nothing was removed.")
        return
    locked = f"; {pruned['still_locked']} files are still locked" if pruned["still_locked"] else ""
    out.say(
        f"Removed: {pruned['removed_snapshots']} snapshots, {pruned['removed_objects']} objects, "
        f"{size(pruned['removed_bytes'])}{locked}."
    )


def _tell_continuation(count: int) -> None:
    err.say(f"  going on in invocation {count + 1} ...")
