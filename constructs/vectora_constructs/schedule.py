"""Schedules of EventBridge Scheduler."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct


class Schedule(Construct):
    """Schedule whose logical id is the construct's own id."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        schedule_name: str,
        description: str,
        expression: str,
        time_zone: str,
        enabled: bool,
        target_arn: str,
        role_arn: str,
        target_input: Mapping[str, str],
    ) -> None:
        """Invoke `target_arn` with `target_input` at `expression` (cron or rate) in `time_zone` (IANA name)."""
        super().__init__(scope, construct_id)
        self.resource = scheduler.CfnSchedule(
            self,
            "Default",
            name=schedule_name,
            description=description,
            schedule_expression=expression,
            schedule_expression_timezone=time_zone,
            state="ENABLED" if enabled else "DISABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=target_arn, role_arn=role_arn, input=json.dumps(dict(target_input))
            ),
        )
