"""Alarm on events that a function dropped."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from vectora_constructs.python_function import PythonFunction

PERIOD_SECONDS = 300


class LostEventsAlarm(Construct):
    """Alarm `{id}`, which notifies a topic.

    Lambda drops an event after its last retry, or when it is too old (metric AsyncEventsDropped, Lambda guide). No
    failure destination is used: it would receive the event, and events of CodePipeline and CloudFormation carry
    credentials.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, alarm_name: str, function: PythonFunction, topic_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.resource = cloudwatch.CfnAlarm(
            self,
            "Default",
            alarm_name=alarm_name,
            alarm_description="A function dropped an event after its last retry: its log says why.",
            namespace="AWS/Lambda",
            metric_name="AsyncEventsDropped",
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="FunctionName", value=function.resource.ref)],
            statistic="Sum",
            period=PERIOD_SECONDS,
            evaluation_periods=1,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
        )
        self.resource.override_logical_id(construct_id)
