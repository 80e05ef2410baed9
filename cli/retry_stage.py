"""Command `./vectora promote retry`: another attempt of the stage of an environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import typer
from botocore.exceptions import ClientError

from cli.exit_codes import ExitCode
from cli.options import Json
from cli.output import fail, out, print_json, report_errors
from cli.paths import ROOT
from cli.pipeline_stage import Stage, StageOfPipeline
from cli.promotion_options import To, preceding_environment
from cli.target import open_target
from vectora_ops.promotion.retry import BUSY, GONE
from vectora_ops.records import Records, held_since
from vectora_ops.settings import load_settings
from vectora_shared.aws_errors import error_code

RetryMode = Literal["FAILED_ACTIONS", "ALL_ACTIONS"]


@dataclass(frozen=True)
class Retried:
    """Result of a request to retry a stage; `code` is that of the command."""

    code: ExitCode
    sentence: str
    execution: str | None = None
    mode: RetryMode | None = None


@report_errors
def retry(
    to: To,
    all_actions: Annotated[
        bool,
        typer.Option(
            "--all-actions",
            help="Begin the stage again, such as for another approval. Default: only the failed actions, where nothing "
            "was deployed yet.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Retry the stage of an environment that failed or was refused, now instead of by schedule.

    A stage that was rolled back begins again with its gate: its change sets no longer fit.
    """
    preceding_environment(to)
    retried = retry_stage(to, all_actions=all_actions)
    if json:
        done = retried.code == ExitCode.YES
        shown = {"retried": done, "reason": retried.sentence, "execution": retried.execution, "mode": retried.mode}
        print_json({"env": to, **shown})
        raise typer.Exit(retried.code)
    if retried.code != ExitCode.YES:
        fail(retried.sentence, retried.code)
    out.say(retried.sentence)


def retry_stage(to: str, *, all_actions: bool = False) -> Retried:
    """Retry the last execution of a stage, if it failed and the environment is not held."""
    target = open_target(to)
    hold = Records(target.account, target.names).hold()
    if hold and hold.holds:
        return Retried(
            ExitCode.NO,
            f"{to} is held: {held_since(hold)}. Find the cause, then ./vectora promote release-hold --env {to}.",
        )
    stage = StageOfPipeline.of(load_settings(ROOT), to)
    state = stage.state()
    if state.execution is None or state.status not in ("Failed", "Stopped"):
        return Retried(*_not_failed(to, state))
    mode: RetryMode = "FAILED_ACTIONS" if state.stopped_before_a_change and not all_actions else "ALL_ACTIONS"
    with stage.explained(f"retry stages of {stage.names.pipeline}"):
        try:
            stage.client.retry_stage_execution(
                pipelineName=stage.names.pipeline,
                stageName=to,
                pipelineExecutionId=state.execution,
                retryMode=mode,
            )
        except ClientError as error:
            code = error_code(error)
            if code in BUSY:
                return Retried(ExitCode.WAITING, f"The pipeline is busy with {to}: try again in a minute.")
            if code not in GONE:
                raise
            return Retried(
                ExitCode.NO,
                f"CodePipeline cannot retry execution {state.execution}: the pipeline has changed since, or a later "
                "execution came. Push the commit again, or release a change in the pipeline.",
            )
    what = ", ".join(state.failed) if mode == "FAILED_ACTIONS" else f"all actions of {to}"
    return Retried(
        ExitCode.YES,
        f"Execution {state.execution} is tried again: {what}. Follow it: ./vectora status --env {to}.",
        state.execution,
        mode,
    )


def _not_failed(to: str, state: Stage) -> tuple[ExitCode, str]:
    """Return the answer for a stage without a failed execution."""
    if state.approval is not None:
        return ExitCode.WAITING, f"{to} waits for an approval: ./vectora promote approve --to {to}."
    if state.status == "InProgress":
        running = f" at {', '.join(state.running)}" if state.running else ""
        return ExitCode.WAITING, f"Execution {state.execution} is in {to} now{running}: there is nothing to retry."
    if state.execution is None:
        return ExitCode.NO, f"No execution has reached {to} yet: there is nothing to retry."
    return ExitCode.NO, f"The last execution in {to}, {state.execution}, did not fail: there is nothing to retry."
