"""The executor of manual approvals, which waits for a decision with the request's token until it expires."""

from __future__ import annotations

import json
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.codepipeline.actions.context import Context, Outcome
from rehearsal.codepipeline.aws import error_text
from rehearsal.codepipeline.errors import ActionFailedError
from rehearsal.codepipeline.state import new_id, now

DEFAULT_MINUTES = 7 * 24 * 60


def run(context: Context) -> Outcome:
    """Run the action; raise ActionFailedError when the request is rejected, expires, or cannot be notified."""
    minutes = context.run.action.timeout_minutes or DEFAULT_MINUTES
    with context.changed:
        context.run.token = new_id()
        context.run.message = context.configuration.get("CustomData")
        context.changed.notify_all()
    _notify(context, minutes)
    seconds = minutes * context.hooks.timing.approval_minute
    decided = context.wait_until(lambda: context.run.decision is not None, seconds)
    if not decided or context.run.decision is None:
        raise ActionFailedError(f"The approval request expired after {minutes} minutes.", "ApprovalExpired")
    status, summary, who = context.run.decision
    context.run.updated_by = who
    if status == "Rejected":
        raise ActionFailedError(summary or "The approval request was rejected.", "ApprovalRejected")
    return Outcome({}, (), summary)


def _notify(context: Context, minutes: int) -> None:
    topic = context.configuration.get("NotificationArn")
    if topic is None:
        return
    subject = (
        f"APPROVAL NEEDED: AWS CodePipeline {context.execution.pipeline.name} for action {context.run.action.name}"
    )
    try:
        context.client("sns").publish(
            TopicArn=topic, Subject=subject[:100], Message=json.dumps(_notification(context, minutes))
        )
    except (ClientError, BotoCoreError) as error:
        raise ActionFailedError(
            f"The notification to {topic} failed: {error_text(error)}", "PermissionError"
        ) from error


def _notification(context: Context, minutes: int) -> dict[str, object]:
    pipeline, stage, action = context.execution.pipeline.name, context.run.stage, context.run.action.name
    console = f"https://{context.aws.region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{pipeline}/view"
    approval = {
        "pipelineName": pipeline,
        "stageName": stage,
        "actionName": action,
        "token": context.run.token,
        "expires": (now() + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%MZ"),
        "externalEntityLink": context.configuration.get("ExternalEntityLink"),
        "approvalReviewLink": f"{console}#/{stage}/{action}/approve/{context.run.token}",
        "customData": context.configuration.get("CustomData"),
    }
    return {"region": context.aws.region, "consoleLink": console, "approval": approval}
