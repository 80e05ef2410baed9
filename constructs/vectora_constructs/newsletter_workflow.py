"""State machine of a run: ingest, normalize and score, write the newsletter of one client, and deliver it."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

# A function may run for 900 s; with the margin, its own timeout is reported.
STEP_TIMEOUT_SECONDS = 930
# Error of a run that published its newsletter, and could not deliver it.
DELIVERY_FAILED = "DeliveryFailed"


class NewsletterWorkflow(Construct):
    """State machine `{id}` and its log group `{id}LogGroup`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state_machine_name: str,
        log_group_name: str,
        role_arn: str,
        ingest_function_name: str,
        normalize_score_function_name: str,
        newsletter_function_name: str,
        deliver_function_name: str | None,
        timeout_seconds: int,
        log_retention_days: int,
        removal_policy: cdk.RemovalPolicy,
    ) -> None:
        """Add the state machine; without `deliver_function_name` it delivers nothing."""
        super().__init__(scope, construct_id)
        deliver = {"DeliverFunction": deliver_function_name} if deliver_function_name else {}
        log_group = logs.CfnLogGroup(
            self, "LogGroup", log_group_name=log_group_name, retention_in_days=log_retention_days
        )
        log_group.override_logical_id(f"{construct_id}LogGroup")
        log_group.apply_removal_policy(removal_policy)
        self.resource = sfn.CfnStateMachine(
            self,
            "Default",
            state_machine_name=state_machine_name,
            state_machine_type="STANDARD",
            role_arn=role_arn,
            definition=_definition(timeout_seconds, delivers=bool(deliver)),
            definition_substitutions={
                "IngestFunction": ingest_function_name,
                "NormalizeScoreFunction": normalize_score_function_name,
                "NewsletterFunction": newsletter_function_name,
                **deliver,
            },
            logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                include_execution_data=False,
                destinations=[
                    sfn.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=log_group.attr_arn
                        )
                    )
                ],
            ),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )


def _definition(timeout_seconds: int, *, delivers: bool) -> dict[str, Any]:
    return {
        "Comment": (
            "One newsletter of one client. Input: client_id; optional period_days, dry_run, target_date, draft."
        ),
        "StartAt": "Ingest",
        "TimeoutSeconds": timeout_seconds,
        "States": {
            "Ingest": _invoke("IngestFunction", {"Payload.$": "$"}, "$.ingest", "IngestSucceeded"),
            "IngestSucceeded": {
                "Type": "Choice",
                "Choices": [
                    {**_not_ok("$.ingest"), "Next": "IngestFailed"},
                    {
                        "And": [
                            {"Variable": "$.ingest.body.dry_run", "IsPresent": True},
                            {"Variable": "$.ingest.body.dry_run", "BooleanEquals": True},
                        ],
                        "Next": "DryRunEnds",
                    },
                ],
                "Default": "NormalizeScore",
            },
            "IngestFailed": _fail("$.ingest"),
            "DryRunEnds": {"Type": "Succeed"},
            "NormalizeScore": _invoke("NormalizeScoreFunction", _DAY_OF_RUN, "$.normalize_score", "ScoreSucceeded"),
            "ScoreSucceeded": {
                "Type": "Choice",
                "Choices": [{**_not_ok("$.normalize_score"), "Next": "NormalizeScoreFailed"}],
                "Default": "WriteNewsletter",
            },
            "NormalizeScoreFailed": _fail("$.normalize_score"),
            "WriteNewsletter": _invoke("NewsletterFunction", _DAY_OF_RUN, "$.newsletter", "NewsletterSucceeded"),
            "NewsletterSucceeded": {
                "Type": "Choice",
                "Choices": [{**_not_ok("$.newsletter"), "Next": "NewsletterFailed"}, *(_IF_READY if delivers else ())],
                "Default": "NewsletterWritten",
            },
            "NewsletterFailed": _fail("$.newsletter"),
            "NewsletterWritten": {"Type": "Succeed"},
            **(_delivery() if delivers else {}),
        },
    }


# Every step receives the day that ingestion chose, so that a run past midnight keeps one date, and its whole result,
# which says whether the run makes a draft. A path to that field alone would fail with a function of an earlier release.
_DAY_OF_RUN = {
    "Payload": {
        "client_id.$": "$.client_id",
        "target_date.$": "$.ingest.body.target_date",
        "ingestion.$": "$.ingest.body",
    }
}


# Drafts, empty issues and clients without readers are not ready. Releases before delivery do not say.
_IF_READY = (
    {
        "And": [
            {"Variable": "$.newsletter.body.delivery", "IsPresent": True},
            {"Variable": "$.newsletter.body.delivery", "StringEquals": "ready"},
        ],
        "Next": "Deliver",
    },
)


def _delivery() -> dict[str, Any]:
    """Return the states that deliver; every failure there has its own error, because the issue is published."""
    payload = {"Payload": {"client_id.$": "$.client_id", "target_date.$": "$.newsletter.body.target_date"}}
    deliver = _invoke("DeliverFunction", payload, "$.delivery", "DeliverySucceeded")
    crashed = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.delivery_error", "Next": "DeliveryEndedEarly"}
    return {
        "Deliver": {**deliver, "Catch": [crashed]},
        "DeliverySucceeded": {
            "Type": "Choice",
            "Choices": [{**_not_ok("$.delivery"), "Next": "DeliveryFailed"}],
            "Default": "NewsletterDelivered",
        },
        "DeliveryFailed": {"Type": "Fail", "Error": DELIVERY_FAILED, "CausePath": "$.delivery.body.error"},
        "DeliveryEndedEarly": {"Type": "Fail", "Error": DELIVERY_FAILED, "CausePath": "$.delivery_error.Cause"},
        "NewsletterDelivered": {"Type": "Succeed"},
    }


def _invoke(function: str, payload: dict[str, Any], result_path: str, then: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": f"${{{function}}}", **payload},
        "ResultSelector": {"statusCode.$": "$.Payload.statusCode", "body.$": "$.Payload.body"},
        "ResultPath": result_path,
        "TimeoutSeconds": STEP_TIMEOUT_SECONDS,
        "Retry": [
            {
                # AWS's list of transient Lambda errors (Step Functions developer guide, best practices).
                "ErrorEquals": [
                    "Lambda.ClientExecutionTimeoutException",
                    "Lambda.ServiceException",
                    "Lambda.AWSLambdaException",
                    "Lambda.SdkClientException",
                    "Lambda.TooManyRequestsException",
                ],
                "IntervalSeconds": 2,
                "MaxAttempts": 6,
                "BackoffRate": 2,
                "JitterStrategy": "FULL",
            },
            {
                # Retry a crashed or timed-out function once: every step is idempotent.
                "ErrorEquals": ["States.TaskFailed", "States.Timeout"],
                "IntervalSeconds": 5,
                "MaxAttempts": 1,
                "BackoffRate": 2,
            },
        ],
        "Next": then,
    }


def _not_ok(result: str) -> dict[str, Any]:
    return {"Not": {"Variable": f"{result}.statusCode", "NumericEquals": 200}}


def _fail(result: str) -> dict[str, Any]:
    return {"Type": "Fail", "Error": "StepFailed", "CausePath": f"{result}.body.error"}
