"""Alarm on one metric, which notifies a topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

Statistic = Literal["Sum", "Maximum"]
Comparison = Literal["GreaterThanOrEqualToThreshold", "LessThanThreshold"]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Rule by which CloudWatch compares a metric with the threshold, and by which it treats missing data.

    An alarm is raised when `breaching` of the last `periods` values are beyond the threshold.
    """

    seconds: int
    periods: int
    breaching: int
    missing: Literal["notBreaching", "breaching", "ignore"]


class MetricAlarm(Construct):
    """Alarm `{id}`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alarm_name: str,
        description: str,
        namespace: str,
        metric_name: str,
        dimensions: Mapping[str, str],
        statistic: Statistic,
        comparison: Comparison,
        threshold: float,
        evaluation: Evaluation,
        topic_arn: str,
    ) -> None:
        """Notify the topic `topic_arn` whenever the alarm is raised."""
        super().__init__(scope, construct_id)
        self.resource = cloudwatch.CfnAlarm(
            self,
            "Default",
            alarm_name=alarm_name,
            alarm_description=description,
            namespace=namespace,
            metric_name=metric_name,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value) for name, value in dimensions.items()
            ],
            statistic=statistic,
            comparison_operator=comparison,
            threshold=threshold,
            period=evaluation.seconds,
            evaluation_periods=evaluation.periods,
            datapoints_to_alarm=evaluation.breaching,
            treat_missing_data=evaluation.missing,
            alarm_actions=[topic_arn],
        )
        self.resource.override_logical_id(construct_id)
