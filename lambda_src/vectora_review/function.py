"""Function review: invoked before the pipeline updates itself, and by gates that need author and approver."""

from __future__ import annotations

import functools
import json
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import boto3

from vectora_review.review import Opinion, Reviewer
from vectora_review.store import Store
from vectora_shared.aws import RETRYING, with_complete_responses
from vectora_shared.errors import InvalidEventError, VectoraError
from vectora_shared.notifications import Notification

logger = logging.getLogger("vectora")
SERVICES = ("s3", "ssm", "cloudformation", "codepipeline", "sns")
Answer = dict[str, Any]
RUNBOOK = "docs/runbooks/pipeline.md"


def lambda_handler(event: dict[str, Any], context: Any) -> Answer:
    """Answer `review`, `explain` or `attest`; an expected failure is an answer with outcome `refused`."""
    logging.getLogger().setLevel(logging.INFO)
    operations: Mapping[str, Callable[[dict[str, Any]], Answer]] = {
        "review": _review,
        "explain": lambda given: _shown(_reviewer().explain(_text(given, "execution"))),
        "attest": _attest,
    }
    operation = str(event.get("operation"))
    try:
        if operation not in operations:
            raise InvalidEventError(f"operation is '{operation}': it must be one of {', '.join(operations)}.")
        answer = operations[operation](event)
    except VectoraError as error:
        answer = {"outcome": "refused", "text": str(error)}
        if operation == "review":
            _notify(_stopped(str(error)))
    logger.info("%s: %s", operation, answer)
    return answer


def _review(given: dict[str, Any]) -> Answer:
    opinion = _reviewer().review(_text(given, "artifact"))
    if not opinion.is_accepted:
        _notify(_needs_approval(opinion))
    return _shown(opinion)


def _stopped(failure: str) -> Notification:
    return Notification(
        what="the pipeline stopped before its update",
        happened=f"The review refused an execution before the pipeline updated itself: {failure}",
        commands=("./vectora doctor --env prod", "./vectora status"),
        runbook=RUNBOOK,
    )


def _needs_approval(opinion: Opinion) -> Notification:
    happened, *details = opinion.reasons.splitlines()
    return Notification(
        what="a change needs an approval of its own",
        happened=happened,
        details=tuple(details),
        commands=(opinion.approve_command,),
        runbook=RUNBOOK,
    )


def _attest(given: dict[str, Any]) -> Answer:
    attested = _reviewer().attest(_text(given, "execution"), _text(given, "stage"))
    return {"outcome": "accepted", **attested}


def _shown(opinion: Opinion) -> Answer:
    return {
        "outcome": "accepted" if opinion.is_accepted else "refused",
        "execution": opinion.execution.id,
        "commit": opinion.execution.commit,
        "digest": opinion.changes.digest,
        "changes": [{"kind": line.kind, "text": line.text} for line in opinion.changes.lines],
        "text": opinion.text,
    }


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidEventError(f"'{name}' is missing in the event: it must be a text.")
    return value


@functools.cache
def _clients() -> dict[str, Any]:
    make: Any = boto3.client
    # A listing that ends early would hide an approval, or a second version of an artifact.
    return {service: with_complete_responses(make(service, config=RETRYING)) for service in SERVICES}


def _reviewer() -> Reviewer:
    clients, bucket = _clients(), os.environ["ARTIFACTS_BUCKET"]
    return Reviewer(
        clients,
        Store(clients["s3"], clients["ssm"], bucket=bucket, approvals=os.environ["APPROVALS_PARAMETER"]),
        pipeline=os.environ["PIPELINE"],
        bucket=bucket,
        environments=os.environ["ENVIRONMENTS"].split(","),
        people=json.loads(os.environ.get("PEOPLE", "{}")),
    )


def _notify(notification: Notification) -> None:
    """Notify the approvers; a failure to notify must not hide the result, so it is only logged."""
    try:
        _clients()["sns"].publish(
            TopicArn=os.environ["NOTIFICATIONS_TOPIC_ARN"],
            Subject=notification.subject(os.environ["PIPELINE"]),
            Message=notification.message,
        )
    except Exception:
        logger.exception("The approvers could not be notified")
