"""The alarm on a newsletter that did not come: runs of the workflow that failed in a day."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

DAY_SECONDS = 86400


class FailedRunsAlarm(Construct):
    """Alarm whose logical id is the construct's own id."""

    def __init__(
        self, scope: Construct, construct_id: str, *, alarm_name: str, state_machine_arn: str, failed_runs: int
    ) -> None:
        """`failed_runs` in a day raise it."""
        super().__init__(scope, construct_id)
        self.resource = cloudwatch.CfnAlarm(
            self,
            "Default",
            alarm_name=alarm_name,
            alarm_description="Runs of the newsletter workflow failed; what to do: docs/runbooks/a-run-failed.md",
            namespace="AWS/States",
            metric_name="ExecutionsFailed",
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="StateMachineArn", value=state_machine_arn)],
            statistic="Sum",
            period=DAY_SECONDS,
            evaluation_periods=1,
            threshold=failed_runs,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
        )
