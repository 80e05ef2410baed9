"""When a client's newsletter is made: a schedule of its own, at the frequency that its file asks for."""

from __future__ import annotations

import json

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct


class NewsletterSchedule(Construct):
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
        state_machine_arn: str,
        role_arn: str,
        client_id: str,
    ) -> None:
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
                arn=state_machine_arn, role_arn=role_arn, input=json.dumps({"client_id": client_id})
            ),
        )
