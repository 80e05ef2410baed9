"""Approval of a change of the pipeline, access or a promotion policy, which belongs to exactly that change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from vectora_ops.account import PIPELINE, Account
from vectora_ops.names import APPROVED_CHANGE, Names
from vectora_ops.promotion.retry import BUSY, GONE
from vectora_shared.aws_errors import error_code
from vectora_shared.aws_texts import LONGEST_PARAMETER, cut, plain, without_references
from vectora_shared.errors import VectoraError

ANSWER_SECONDS = 300
# Stage and action in which the pipeline updates itself, and the review stops it (aws-cdk-lib, pipelines).
UPDATE_STAGE = "UpdatePipeline"
LONGEST_APPROVAL_REASON = 500


@dataclass(frozen=True)
class ReviewedChange:
    """Changes that an execution's commit makes, as the review sees them now; `digest` identifies exactly these."""

    execution: str
    digest: str
    text: str
    needs_approval: bool


def reviewed_change(account: Account, names: Names, execution: str) -> ReviewedChange:
    """Return the change of an execution; raises VectoraError when the review does not know it."""
    function, event = names.review_function, {"operation": "explain", "execution": execution}
    try:
        response: dict[str, Any] = (
            account.of(PIPELINE)
            .invoker(ANSWER_SECONDS)
            .invoke(FunctionName=function, Payload=json.dumps(event).encode("utf-8"))
        )
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        raise VectoraError(f"Function {function} is missing: deploy the pipeline (cdk deploy).") from error
    answer = json.loads(response["Payload"].read())
    if "digest" not in answer:
        raise VectoraError(f"{function} has no answer: {plain(answer.get('text') or answer.get('errorMessage'))}")
    lines = [plain(line) for line in str(answer["text"]).splitlines()]
    return ReviewedChange(execution, str(answer["digest"]), "\n".join(lines), answer["outcome"] != "accepted")


def approve(account: Account, names: Names, change: ReviewedChange, reason: str, at: datetime) -> str:
    """Record the approval of a change, and try its execution again; return a sentence on what happens next.

    Systems Manager records who wrote the parameter, which the review believes.
    """
    there = account.of(PIPELINE)
    value = {"digest": change.digest, "execution": change.execution, "at": at.isoformat(), "reason": reason}
    there.client("ssm").put_parameter(
        Name=names.pipeline_parameter(APPROVED_CHANGE),
        Description="The last approved change of the pipeline, access or a promotion policy; its history is kept",
        Type="String",
        Value=cut(without_references(json.dumps(value)), LONGEST_PARAMETER),
        Overwrite=True,
    )
    try:
        there.client("codepipeline").retry_stage_execution(
            pipelineName=names.pipeline,
            stageName=UPDATE_STAGE,
            pipelineExecutionId=change.execution,
            retryMode="FAILED_ACTIONS",
        )
    except ClientError as error:
        if error_code(error) not in (*BUSY, *GONE):
            raise
        return "Its execution cannot be tried again: push the commit again, which needs no other approval."
    return f"Execution {change.execution} goes on."
