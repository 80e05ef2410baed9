"""Command `./vectora rollback`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.confirmation import require_confirmation
from cli.exit_codes import ExitCode
from cli.options import (
    LATEST_SNAPSHOT,
    Components,
    DryRun,
    Env,
    Json,
    Remote,
    WithoutAnchor,
    Yes,
    option,
    split_names,
)
from cli.output import err, fail, out, print_json, report_errors
from cli.progress import progress_display
from cli.remote import run_in_function
from cli.snapshot.latest import full_name
from cli.snapshot.tables import show_changes
from cli.target import Target, open_target
from vectora_ops.rollback.plan import RollbackPlan, plan_rollback
from vectora_ops.rollback.request import RollbackRequest
from vectora_ops.rollback.run import roll_back
from vectora_ops.smoke import SmokeResult, environment_has_canary, smoke_test
from vectora_ops.snapshots.compare import chosen_components
from vectora_ops.snapshots.vault import Vault
from vectora_shared.errors import VectoraError

# What a rollback to the running system does not restore (docs/runbooks/adopt-the-running-system.md).
NOT_AS_BEFORE = (
    "the operations stack with the vault stays, and the layer versions of this app",
    "events in log groups that the deployment removed are lost",
    "the bucket for access logs stays, in no stack, if it has logs",
    "S3 cannot end versioning: in the bucket lambda-code it is suspended if it was never enabled",
)


@report_errors
def rollback(
    env: Env,
    snapshot: Annotated[str, option("--snapshot", LATEST_SNAPSHOT, show_default=False)],
    components: Components = None,
    without_anchor: WithoutAnchor = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    remote: Remote = False,
    json: Json = False,
) -> None:
    """Roll back an environment to a snapshot: stacks through CloudFormation, content as new object versions.

    Takes a safety snapshot first. Afterwards compares the environment with the snapshot and runs the smoke test.
    """
    if dry_run and remote:
        fail("A dry run does not use the environment's function: give either --dry-run or --remote.", ExitCode.USAGE)
    chosen = chosen_components(split_names(components))
    target = open_target(env)
    request = RollbackRequest(
        snapshot=full_name(target, snapshot),
        components=chosen,
        without_anchor=without_anchor,
    )
    _warn_of_earlier_system(target, request.snapshot)
    if dry_run:
        _show_plan(plan_rollback(target.account, target.names, request), as_json=json)
        return
    if not yes:
        action = f"roll back {', '.join(request.components)} of {env} to {request.snapshot}"
        require_confirmation(action, env, advice="To see the changes first, run this with --dry-run.")
    result = _roll_back_remotely(target, request) if remote else _roll_back_here(target, request)
    if json:
        print_json(result)
    else:
        _show_result(result)


def _warn_of_earlier_system(target: Target, snapshot: str) -> None:
    """Say what differs afterwards, when the snapshot is of a system that ran before this app."""
    try:
        is_of_earlier_system = Vault(target.account, target.names).manifest(snapshot).is_of_earlier_system
    except VectoraError:
        return  # The rollback reports it, once it is confirmed.
    if not is_of_earlier_system:
        return
    err.say(f"{snapshot} is of the system that ran before this app. After a rollback of all components:")
    for sentence in NOT_AS_BEFORE:
        err.say(f"- {sentence}.")


def _roll_back_here(target: Target, request: RollbackRequest) -> dict[str, Any]:
    try:
        with progress_display() as display:

            def smoke() -> SmokeResult | None:
                if not environment_has_canary(target.account, target.names):
                    return None
                return smoke_test(target.account, target.names, on_step=display.step)

            return asdict(roll_back(target.account, target.names, request, smoke_test=smoke, observer=display))
    except KeyboardInterrupt:
        err.say(
            "Interrupted; the rollback is incomplete. Run the same command again to continue it: "
            f"./vectora rollback --env {target.names.env} --snapshot {request.snapshot}"
        )
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _roll_back_remotely(target: Target, request: RollbackRequest) -> dict[str, Any]:
    event = {"operation": "rollback", "snapshot": request.snapshot, "components": list(request.components)}
    event["without_anchor"] = request.without_anchor
    result: dict[str, Any] = run_in_function(target, "rollback", event)["result"]
    return result


def _show_plan(plan: RollbackPlan, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(plan), "nothing_to_do": plan.nothing_to_do})
        return
    for stack in plan.stacks:
        if stack.action != "none":
            out.say(f"{stack.action} stack {stack.name}")
        if stack.problem:
            out.say(f"    {stack.problem}")
        for change in stack.changes:
            replaced = " (replaced)" if change.replacement == "True" else ""
            out.say(f"    {change.action} {change.resource_type} {change.logical_id}{replaced}")
        for logical_id in stack.repaired:
            out.say(f"    recreated because it was changed by hand: {logical_id}")
    if plan.changes:
        out.say(f"Added (+), removed (-) or changed (~) since {plan.snapshot}; the rollback undoes this:")
    show_changes(plan.changes, f"Nothing to do: {plan.env} matches {plan.snapshot}.")
    out.print("Nothing was changed.")


def _show_result(result: dict[str, Any]) -> None:
    if result["nothing_to_do"]:
        out.say(f"Nothing to do: {result['env']} matches {result['snapshot']}.")
        return
    stacks = ", ".join(result["stacks_changed"]) or "none"
    out.say(f"Stacks changed: {stacks}.")
    if result["resources_recreated"]:
        out.say(f"Recreated because they were changed by hand: {', '.join(result['resources_recreated'])}.")
    out.say(f"Objects: {result['objects_written']:,} written, {result['objects_deleted']:,} deleted.")
    smoke = result["smoke_test"]
    out.say(f"Smoke test: {smoke['reason'] if smoke else 'none, this release has no canary'}.")
    out.say(f"{result['env']} matches {result['snapshot']} again, verified in {result['seconds']:.1f} s.")
    out.say(f"The state before the rollback is in {result['safety_snapshot']}.")
    for ignored in result["ignored"]:
        out.say(f"Ignored in the vault, see docs/runbooks/a-snapshot-was-refused.md: {ignored}.")
