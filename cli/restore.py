"""Command `./vectora restore`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.filesize import decimal as size

from cli.confirmation import require_confirmation
from cli.exit_codes import ExitCode
from cli.options import LATEST, DryRun, Env, Json, WithoutAnchor, Yes, option
from cli.output import err, out, print_json, report_errors
from cli.progress import progress_display
from cli.snapshot.tables import counted_in_files
from cli.target import open_target
from cli.vault_copy import copy_of
from recovery.from_copy import (
    RESTORED,
    CopyPlan,
    RestoreRequest,
    RestoreResult,
    plan_restore,
    restore_from_copy,
)
from vectora_ops.smoke import SmokeResult, environment_has_canary, smoke_test
from vectora_ops.times import minute

# What a copy of the vault does not hold (docs/runbooks/loss-of-an-account.md).
BY_HAND = "Not in the copy: secrets, the SES identity, Bedrock access, the pipeline and its connection."


@report_errors
def restore(
    env: Env,
    copy_bucket: Annotated[
        str, typer.Option("--copy-bucket", help="Bucket with the copy of the lost vault.", show_default=False)
    ],
    copy_region: Annotated[
        str | None, typer.Option("--copy-region", help="Region of the copy. Default: that of `backup`.")
    ] = None,
    copy_profile: Annotated[
        str | None, typer.Option("--copy-profile", help="AWS profile that may read the copy. Default: the caller's.")
    ] = None,
    snapshot: Annotated[str, option("--snapshot", "Latest is the newest that is complete in the copy.")] = LATEST,
    any_code: Annotated[
        bool, typer.Option("--any-code", help="Restore although other code is deployed than the snapshot has.")
    ] = False,
    without_anchor: WithoutAnchor = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Restore an environment into a new account, from the copy of the vault that was lost with the old account.

    The environment must be deployed there. Its content, data, newsletters and records come from the copy.
    """
    target = open_target(env)
    source = copy_of(target, bucket=copy_bucket, region=copy_region, profile=copy_profile)
    request = RestoreRequest(
        snapshot=None if snapshot == LATEST else snapshot, any_code=any_code, without_anchor=without_anchor
    )
    if dry_run:
        _show_plan(env, plan_restore(target.account, target.names, source, request), as_json=json)
        return
    if not yes:
        action = f"restore {', '.join(RESTORED)} of {env} from {copy_bucket}"
        require_confirmation(action, env, advice="To see the snapshot first, run this with --dry-run.")

    try:
        with progress_display() as display:

            def smoke() -> SmokeResult | None:
                if not environment_has_canary(target.account, target.names):
                    return None
                return smoke_test(target.account, target.names, on_step=display.step)

            result = restore_from_copy(
                target.account, target.names, source, request, smoke_test=smoke, observer=display
            )
    except KeyboardInterrupt:
        err.say(f"Interrupted; {env} is restored in part. Run the same command again to continue.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    _show_result(env, result, as_json=json)


def _show_plan(env: str, plan: CopyPlan, *, as_json: bool) -> None:
    if as_json:
        print_json({**counted_in_files(asdict(plan)), "age": plan.age.total_seconds()})
        return
    out.say(
        f"{plan.snapshot}: taken {minute(plan.taken_at)}, {plan.entries:,} files, {size(plan.bytes)}, "
        f"release {plan.release_version or 'unknown'}, commit {plan.commit or 'unknown'}."
    )
    earlier = plan.earlier_runs or "the snapshot itself, or from none: it may hold the last run of each client only"
    out.say(f"Data of earlier runs comes from {earlier}.")
    if not plan.deployed:
        out.say(f"{env} is not deployed in this account: deploy that commit first.")
    for path in plan.other_code:
        out.say(f"  other code than in the snapshot: {path}", style="yellow")
    out.say("Nothing was changed, and no byte was verified.")


def _show_result(env: str, result: RestoreResult, *, as_json: bool) -> None:
    plan, rollback = result.plan, result.rollback
    if as_json:
        print_json({**asdict(result), "plan": {**counted_in_files(asdict(plan)), "age": plan.age.total_seconds()}})
        return
    out.say(f"Copied into the new vault: {result.copied_objects:,} objects; records: {result.records:,}.")
    out.say(f"Objects: {result.objects_written:,} written, {rollback.objects_deleted:,} deleted.")
    smoke = rollback.smoke_test
    out.say(f"Smoke test: {smoke.reason if smoke else 'none'}.")
    out.say(f"Content of {env} matches {plan.snapshot}, verified in {result.seconds:.1f} s.")
    out.say(BY_HAND)
