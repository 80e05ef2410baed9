"""Commands `./vectora promote approve` and `reject`: the answer to an approval that the pipeline waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from cli.confirmation import require_confirmation
from cli.decision import show_decision
from cli.exit_codes import ExitCode
from cli.options import Json, Yes, option
from cli.output import err, fail, out, print_json, report_errors
from cli.paths import ROOT
from cli.pipeline_stage import Approval, Stage, StageOfPipeline, WaitingRelease
from cli.promotion_options import To, caller_arn, preceding_environment
from cli.target import open_target
from vectora_ops.people import is_same, name_of, principal_of
from vectora_ops.promotion.steps.parameters import NONE
from vectora_ops.remote import run_remotely
from vectora_ops.settings import Settings, load_settings
from vectora_ops.times import minute
from vectora_shared.aws_errors import error_code
from vectora_shared.errors import VectoraError

Answer = Literal["Approved", "Rejected"]
# ApprovalResult, API reference of CodePipeline.
LONGEST_SUMMARY = 512
POLICY = "approver-policy.json"
# PutApprovalResult, API reference: the request was answered or has ended since it was read.
ANSWERED = ("InvalidApprovalTokenException", "ApprovalAlreadyCompletedException")


@report_errors
def approve(
    to: To,
    reason: Annotated[
        str, option("--reason", "CodePipeline keeps it.", show_default=False)
    ] = "Approved with ./vectora promote approve",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Show the release that waits for an approval, and approve it after a confirmation.

    It shows the release, its changes, bypassed gates and all verdicts. The gates judge it again afterwards. Who wrote
    the commit cannot approve it.
    """
    _answer(to, "Approved", reason, yes=yes, json=json)


@report_errors
def reject(
    to: To,
    reason: Annotated[str, option("--reason", "The notification has it.", show_default=False)],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Show the release that waits for an approval, and reject it after a confirmation. Nothing is deployed."""
    _answer(to, "Rejected", reason, yes=yes, json=json)


def _answer(to: str, answer: Answer, reason: str, *, yes: bool, json: bool) -> None:
    if not reason.strip() or len(reason) > LONGEST_SUMMARY:
        fail(f"Say why (--reason) in 1 to {LONGEST_SUMMARY} characters: CodePipeline records it.", ExitCode.USAGE)
    before, settings = preceding_environment(to), load_settings(ROOT)
    stage = StageOfPipeline.of(settings, to)
    state = stage.state()
    approval = state.approval
    if approval is None:
        fail(nothing_waits(to, state), ExitCode.NO)
    release = stage.release(approval.execution)
    decision = _decision(before, release)
    if not json:
        _show(to, approval, release, decision)
    if answer == "Approved":
        _require_another_author(settings, stage, release)
    verb = "approve" if answer == "Approved" else "reject"
    if not yes:
        require_confirmation(f"{verb} release {_name(release)} for {to}", to)
    _put(stage, approval, answer, reason.strip())
    if json:
        print_json({"env": to, "answer": answer, "reason": reason.strip(), **asdict(release), "decision": decision})
        return
    out.say(_afterwards(to, answer, approval))


def nothing_waits(env: str, state: Stage) -> str:
    """Return a sentence on a stage in which nothing waits for an approval: what it does instead, and what to do."""
    if state.running:
        doing = f"Execution {state.execution} is at {', '.join(state.running)}: see ./vectora status --env {env}."
    elif state.status == "Failed":
        doing = (
            f"Execution {state.execution} failed at {', '.join(state.failed) or env}: see ./vectora promote explain "
            f"--to {env}, and ./vectora promote retry --to {env}."
        )
    elif state.status:
        doing = f"The last execution there is {state.execution}: {state.status}."
    else:
        doing = f"No execution has reached {env} yet."
    return f"Nothing waits for an approval for {env}. {doing}"


def _show(to: str, approval: Approval, release: WaitingRelease, decision: dict[str, Any] | str) -> None:
    for line in _lines(to, approval, release):
        out.say(line)
    if isinstance(decision, str):
        err.say(f"The verdicts of the gates are not shown: {decision}")
        return
    show_decision(decision)


def _lines(to: str, approval: Approval, release: WaitingRelease) -> Iterator[str]:
    since = f" since {minute(approval.since)}" if approval.since else ""
    yield f"Release {_name(release)} waits for the approval of {to}{since}, execution {approval.execution}."
    if release.commit:
        title = (release.message or "").strip().partition("\n")[0]
        author = f" by {release.author}" if release.author else ""
        yield f"Commit {release.commit[:12]}{author}{f': {title}' if title else ''}"
    if release.changes:
        yield f"Changes: {release.changes}"
    elif release.information:
        yield release.information
    if release.verdict:
        yield f"Review: {release.verdict}"
    if release.link:
        yield f"Report: {release.link} (as a page: ./vectora promote report --to {to} --html report.html)"
    if release.bypassed and release.bypassed != NONE:
        yield f"Gates bypassed: {release.bypassed} ({release.bypass_reason})."
    else:
        yield "Gates bypassed: none."


def _name(release: WaitingRelease) -> str:
    digest = f"digest {release.digest[:12]}" if release.digest else f"of execution {release.execution}"
    return f"{release.version}, {digest}" if release.version else digest


def _decision(before: str, release: WaitingRelease) -> dict[str, Any] | str:
    """Return the verdicts on the release as they are now, or the reason why they cannot be read.

    The gate passed before the approval and judges again after it, so an approver without access may still answer.
    """
    if release.content_digest is None:
        return "CodePipeline does not list the gate of this execution."
    try:
        source = open_target(before)
        event = {"operation": "explain", "digest": release.content_digest}
        answer = run_remotely(source.account, source.names, "promotion", event, lambda count: None)
    except (VectoraError, BotoCoreError, ClientError) as error:
        return str(error)
    decision: dict[str, Any] = answer["decision"]
    return decision


def _require_another_author(settings: Settings, stage: StageOfPipeline, release: WaitingRelease) -> None:
    """Exit when the caller wrote the commit: the gate after the approval would refuse it."""
    author, caller = principal_of(release.author, settings.pipeline.people), caller_arn(stage.account)
    if is_same(author, caller):
        fail(
            f"{name_of(caller)} wrote commit {str(release.commit)[:12]}: someone else has to approve it "
            "(`pipeline.people` in config/environments.yaml).",
            ExitCode.NO,
        )


def _put(stage: StageOfPipeline, approval: Approval, answer: Answer, reason: str) -> None:
    verb = "approve" if answer == "Approved" else "reject"
    with stage.explained(f"{verb} promotions into {stage.names.env}", policy=POLICY):
        try:
            stage.client.put_approval_result(
                pipelineName=stage.names.pipeline,
                stageName=stage.names.env,
                actionName=approval.action,
                token=approval.token,
                result={"summary": reason, "status": answer},
            )
        except ClientError as error:
            if error_code(error) not in ANSWERED:
                raise
            fail(
                f"Nothing was answered: this request was answered or has ended meanwhile. See what waits now: "
                f"./vectora promote {verb} --to {stage.names.env}.",
                ExitCode.NO,
            )


def _afterwards(to: str, answer: Answer, approval: Approval) -> str:
    if answer == "Approved":
        return f"Approved: execution {approval.execution} goes on. Follow it: ./vectora status --env {to}."
    return (
        f"Rejected: nothing of {to} was changed. To have the approval requested again: ./vectora promote retry "
        f"--to {to}."
    )
