"""The summary of a rehearsal: commits with their timelines, newsletters, and differences from AWS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.filesize import decimal as size

from rehearsal.account_loss import AccountLossResult
from rehearsal.acts import CommitResult
from rehearsal.codepipeline import ExecutionReport
from rehearsal.disaster import DisasterResult
from rehearsal.gaps.table import BEHAVIOUR_GAPS, GAPS
from rehearsal.profile import Profile
from rehearsal.view import timeline
from rehearsal.waiting import display_path
from terminal.console import Terminal, new_table, styled

if TYPE_CHECKING:
    from rehearsal.result import RehearsalResult

SHOWN_KINDS = 8
Show = Callable[[str], None]


def show_summary(
    result: RehearsalResult, reports: Sequence[ExecutionReport], root: Path, out: Terminal, *, verbose: bool = False
) -> None:
    """Print the summary; `reports` are those of the commits, in the same order.

    It ends with what to do next and, with `verbose`, with each difference of the emulator from AWS.
    """
    show = out.say
    for commit, report in zip(result.commits, reports, strict=True):
        _show_commit(commit, report, out, show)
    _show_newsletters(result, root, out, show)
    for environment in result.environments:
        if environment.disaster:
            _show_disaster(environment.disaster, show)
    _show_monitoring(result, root, show)
    if result.account_loss:
        _show_account_loss(result.account_loss, show)
    counts = result.resources
    show(
        f"Resources: {counts['deployed_unmodified']} deployed as in the template, {counts['completed_by_api']} "
        f"completed by API, {counts['left_out']} with properties that the emulator does not support."
    )
    show(f"Model: {result.model.calls} calls, at most {result.model.highest_concurrency} concurrently.")
    show(f"Calls: {result.calls}.")
    show("Signatures and IAM permissions were enforced at AWS's own host names.")
    _show_profile(result.profile, out, show)
    show(f"The rehearsal took {result.seconds:.0f} s.")
    _show_next(result, root, out, show)
    _show_gaps(result, out, show, verbose)


def _show_commit(commit: CommitResult, report: ExecutionReport, out: Terminal, show: Show) -> None:
    out.print()
    ended = f", commit {commit.commit[:12]}: {commit.ended}"
    out.print(styled(commit.message, "bold") + styled(ended, ""), soft_wrap=True)
    for line in timeline(report):
        out.print(line, soft_wrap=True)
    show(f"  {commit.reason}")
    for proof in commit.proofs:
        show(f"  {proof}")
    show(f"  {commit.seconds:.0f} s, of which {commit.overhead_percent:.1f} % is overhead of the local pipeline.")


def _show_newsletters(result: RehearsalResult, root: Path, out: Terminal, show: Show) -> None:
    table = new_table("env", "client", "ingested", "normalized", "matched", "selected", "analyzed by", ruled=True)
    for environment in result.environments:
        for run in environment.runs:
            by = ", ".join(f"{name} {count}" for name, count in run.analyzers.items() if count)
            stages = [str(run.items[stage]) for stage in ("ingested", "normalized", "matched", "selected")]
            table.add_row(environment.env, run.client_id, *stages, by)
    out.print(table, soft_wrap=True)
    for environment in result.environments:
        for run in environment.runs:
            pages = [Path(name) for name in run.files if name.endswith(".html")]
            show(f"{environment.env}, {run.client_id}: {', '.join(display_path(page, root) for page in pages)}")
    if result.messages:
        folder = display_path(result.messages[0].parent, root)
        show(f"E-mail: {len(result.messages)} messages were sent and kept in {folder}.")
    troubled = {key: why for e in result.environments for run in e.runs for key, why in run.troubled_sources.items()}
    for source, why in troubled.items():
        show(f"Source failed: {source}: {why}")


def _show_monitoring(result: RehearsalResult, root: Path, show: Show) -> None:
    for each in result.monitored:
        happened = sum(proof.happened for proof in each.proofs)
        drawings = ", ".join(display_path(file, root) for file in each.dashboards.values())
        show(
            f"{each.env}: {len(each.proofs)} alarms went from OK to ALARM and back at the event that each is for "
            f"({happened} by what really happened), and operators were notified of each. {each.metrics} data points "
            f"were extracted. Dashboard: {drawings}"
        )


def _show_profile(profile: Profile, out: Terminal, show: Show) -> None:
    table = new_table("slowest actions", "number", "seconds", "longest", ruled=True)
    for each in profile.kinds[:SHOWN_KINDS]:
        table.add_row(each.kind, str(each.count), f"{each.seconds:.1f}", f"{each.longest:.1f}")
    out.print(table, soft_wrap=True)
    for line in profile.slower:
        show(f"Slower than before: {line}.")


def _show_next(result: RehearsalResult, root: Path, out: Terminal, show: Show) -> None:
    pages = [name for environment in result.environments for run in environment.runs for name in run.files]
    newest = next((name for name in reversed(pages) if name.endswith(".html")), None)
    out.print("\nWhat to do next:", style="bold")
    show(f"  Open the status of all environments in a browser: {display_path(result.status_page, root)}")
    if newest:
        show(f"  Read a newsletter that was made: {display_path(Path(newest), root)}")
    show("  Use this local AWS with ./vectora and the AWS CLI: ./vectora rehearse --keep")
    show("  Change a newsletter, and see the effect: docs/runbooks/change-the-newsletter.md")
    show("  Deploy into an AWS account: docs/runbooks/first-deployment.md")


def _show_gaps(result: RehearsalResult, out: Terminal, show: Show, verbose: bool) -> None:
    met = {name for environment in result.environments for stack in environment.stacks for name in stack.gaps}
    gaps = [gap for gap in GAPS if gap.name in met]
    out.print()
    if not verbose:
        number = len(gaps) + len(BEHAVIOUR_GAPS)
        show(f"{number} behaviours of AWS that the emulator lacks were checked otherwise: --verbose lists them.")
        return
    show("The emulator differs from AWS in these ways; after each colon, what the project does about it:")
    for gap in gaps:
        show(f"  {gap.name}: {gap.treatment}. {gap.reason}.")
    for behaviour in BEHAVIOUR_GAPS:
        show(f"  {behaviour.difference}: {behaviour.treatment}.")


def _show_disaster(disaster: DisasterResult, show: Show) -> None:
    show(
        f"{disaster.env}: snapshot {disaster.snapshot} ({disaster.entries} objects, {size(disaster.bytes)}), then "
        f"broken in {len(disaster.broken)} ways; diff --live showed {disaster.differences} differences:"
    )
    for damage in disaster.broken:
        show(f"  {damage}")
    show(
        f"  Rolled back in {disaster.rollback_seconds:.1f} s: {disaster.objects_written} objects written, "
        f"{len(disaster.stacks_changed)} stacks updated, {len(disaster.resources_recreated)} resources that were "
        f"changed by hand recreated. The state before the rollback is in snapshot {disaster.safety_snapshot}."
    )
    show(f"  Proof: {disaster.smoke_test}; every component's digest equals the snapshot's, diff --live is empty.")


def _show_account_loss(loss: AccountLossResult, show: Show) -> None:
    show(
        f"{loss.env}: account {loss.lost_account} was lost. Snapshot {loss.snapshot} was restored from its copy into "
        f"account {loss.fresh_account} in {loss.recovery_seconds:.0f} s (deployment {loss.deploy_seconds:.0f} s, "
        f"restore {loss.restore_seconds:.0f} s): {loss.objects_written} objects and {loss.records} records written."
    )
    show(f"  Proof: {loss.smoke_test}; the content equals the copy's; a newsletter {loss.newsletter.lower()}.")
