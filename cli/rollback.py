"""`./vectora rollback`: an environment becomes again what a snapshot says, proven and with a way back."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.output import confirmed, err, fail, in_one_sentence, out, print_json, typed
from cli.place import Env, Json, Place, place
from cli.snapshot.commands import Components, Remote
from cli.snapshot.tables import show_changes
from cli.watch import watching
from vectora_ops.remote import run_remotely
from vectora_ops.rollback.plan import RollbackPlan, plan_rollback
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import roll_back
from vectora_ops.smoke import SmokeResult, environment_has_canary, smoke_test
from vectora_ops.snapshots.catalog import newest_rollback_target
from vectora_ops.snapshots.compare import chosen_components
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

ASKED_BY_NAME = "prod"


@in_one_sentence
def rollback(
    env: Env,
    snapshot: Annotated[
        str,
        typer.Option("--snapshot", help="Full name, or latest: the newest but a rollback's own.", show_default=False),
    ],
    components: Components = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for automation.")] = False,
    remote: Remote = False,
    json: Json = False,
) -> None:
    """Roll back to a snapshot: stacks through CloudFormation, content by new versions, a safety snapshot first."""
    if dry_run and remote:
        fail("A dry run changes nothing and is done here: say either --dry-run or --remote.")
    here = place(env)
    names = [name.strip() for name in components.split(",")] if components else None
    request = RollbackRequest(snapshot=_resolved(here, snapshot), components=chosen_components(names))
    if dry_run:
        _show_plan(plan_rollback(here.account, here.names, request), as_json=json)
        return
    if not yes:
        _ask(env, request)
    result = _remotely(here, request) if remote else _in_process(here, request)
    if json:
        print_json(result)
    else:
        _show_result(result)


def _resolved(here: Place, snapshot: str) -> str:
    if snapshot != "latest":
        return snapshot
    latest = newest_rollback_target(Vault(here.account, here.names))
    if latest is None:
        raise VectoraError(
            f"There is no snapshot of {here.names.env} that latest could mean: an empty one and a rollback's safety "
            f"snapshot must be named (./vectora snapshot list --env {here.names.env})."
        )
    return latest.name


def _ask(env: str, request: RollbackRequest) -> None:
    what = f"{', '.join(request.components)} of {env} to {request.snapshot}"
    if not sys.stdin.isatty():
        fail(f"Nobody is there to confirm the rollback of {what}: say --yes.")
    err.say(f"Roll back {what}. Look first with --dry-run.")
    if env == ASKED_BY_NAME:
        if typed(f"Type the environment's name ({env}) to go on") != env:
            fail("That is not its name; nothing was changed.")
    elif not confirmed("Go on?"):
        fail("Nothing was changed.")


def _in_process(here: Place, request: RollbackRequest) -> dict[str, Any]:
    def smoke() -> SmokeResult | None:
        if not environment_has_canary(here.account, here.names):
            return None
        return smoke_test(here.account, here.names, on_step=lambda step: None)

    try:
        with watching() as watch:
            return asdict(roll_back(here.account, here.names, request, smoke_test=smoke, observer=watch))
    except KeyboardInterrupt:
        err.say(
            f"Interrupted half-way. Run the same command again: it goes on where it stopped "
            f"(./vectora rollback --env {here.names.env} --snapshot {request.snapshot})."
        )
        raise typer.Exit(130) from None


def _remotely(here: Place, request: RollbackRequest) -> dict[str, Any]:
    event = {"operation": "rollback", "snapshot": request.snapshot, "components": list(request.components)}
    said = run_remotely(
        here.account, here.names, "rollback", event, lambda count: err.say(f"  going on, invocation {count + 1} ...")
    )
    result: dict[str, Any] = said["result"]
    return result


def _show_plan(plan: RollbackPlan, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(plan), "nothing_to_do": plan.nothing_to_do})
        return
    for stack in plan.stacks:
        if stack.action != "none":
            out.say(f"{stack.action} stack {stack.name}")
        for change in stack.changes:
            replaced = " (replaced)" if change.replacement == "True" else ""
            out.say(f"    {change.action} {change.resource_type} {change.logical_id}{replaced}")
        for logical_id in stack.repaired:
            out.say(f"    made anew, changed by hand: {logical_id}")
    if plan.changes:
        out.say(f"Since {plan.snapshot} these were added (+), removed (-) or changed (~), which is undone:")
    show_changes(plan.changes, f"Nothing to do: {plan.env} is what {plan.snapshot} says.")
    out.print("Nothing was changed.")


def _show_result(result: dict[str, Any]) -> None:
    if result["nothing_to_do"]:
        out.say(f"Nothing to do: {result['env']} is what {result['snapshot']} says.")
        return
    stacks = ", ".join(result["stacks_changed"]) or "none"
    out.say(f"Stacks changed: {stacks}.")
    if result["resources_recreated"]:
        out.say(f"Made anew, changed by hand before: {', '.join(result['resources_recreated'])}.")
    out.say(f"Objects: {result['objects_written']:,} written, {result['objects_deleted']:,} deleted.")
    smoke = result["smoke_test"]
    out.say(f"Smoke test: {smoke['reason'] if smoke else 'none, this release has no canary'}.")
    out.say(
        f"{result['env']} is again what {result['snapshot']} says: compared and proven in {result['seconds']:.1f} s.",
    )
    out.say(f"What was there before is in {result['safety_snapshot']}.")
