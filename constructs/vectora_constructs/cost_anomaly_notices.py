"""Notices about unusual cost of an account."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import aws_ce as ce
from constructs import Construct


class CostAnomalyNotices(Construct):
    """Subscription `{id}` to a monitor of the account's services, and the monitor `{id}Monitor` if there is none yet.

    An account has at most one monitor of AWS services; AWS has created it for accounts that opened Cost Explorer
    since March 2023 (AWS Cost Management guide, "Getting started with AWS Cost Anomaly Detection").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        minimum_usd: float,
        monitor_arn: str | None,
        topic_arn: str,
        tags: Mapping[str, str],
    ) -> None:
        """Notify `topic_arn` of anomalies with an impact of `minimum_usd`; without `monitor_arn` create a monitor."""
        super().__init__(scope, construct_id)
        if monitor_arn is None:
            monitor = ce.CfnAnomalyMonitor(
                self,
                "Monitor",
                monitor_name=name,
                monitor_type="DIMENSIONAL",
                monitor_dimension="SERVICE",
                resource_tags=[ce.CfnAnomalyMonitor.ResourceTagProperty(key=k, value=v) for k, v in tags.items()],
            )
            monitor.override_logical_id(f"{construct_id}Monitor")
            monitor_arn = monitor.attr_monitor_arn
        self.resource = ce.CfnAnomalySubscription(
            self,
            "Default",
            subscription_name=name,
            # Topics receive individual notices only (CreateAnomalySubscription, API reference: Frequency).
            frequency="IMMEDIATE",
            monitor_arn_list=[monitor_arn],
            subscribers=[ce.CfnAnomalySubscription.SubscriberProperty(type="SNS", address=topic_arn)],
            threshold_expression=json.dumps(
                {
                    "Dimensions": {
                        "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                        "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
                        "Values": [f"{minimum_usd:g}"],
                    }
                }
            ),
            resource_tags=[ce.CfnAnomalySubscription.ResourceTagProperty(key=k, value=v) for k, v in tags.items()],
        )
        self.resource.override_logical_id(construct_id)
