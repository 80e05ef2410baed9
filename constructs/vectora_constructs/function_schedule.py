"""A function that is called by the clock, in the time zone of the people it works for."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from vectora_constructs.python_function import PythonFunction
from vectora_constructs.service_role import Grant, ServiceRole


class FunctionSchedule(Construct):
    """Schedule `{id}` and its role `{role_id}Role`, which may invoke this one function."""

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
        function: PythonFunction,
        function_arn: str,
        role_id: str,
        role_name: str,
        event: Mapping[str, str],
    ) -> None:
        """`function_arn` is written out, because a role's policy shows what it grants; `event` is what it is given."""
        super().__init__(scope, construct_id)
        role = ServiceRole(
            self,
            f"{role_id}Role",
            role_name=role_name,
            service="scheduler.amazonaws.com",
            description=f"{description}: invokes the function",
            policy_name=f"{role_id}Policy",
            grants=(Grant(sid="Invoke", actions=("lambda:InvokeFunction",), resources=(function_arn,)),),
        ).resource
        role.override_logical_id(f"{role_id}Role")
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
                arn=function.resource.attr_arn, role_arn=role.attr_arn, input=json.dumps(dict(event))
            ),
        )
        self.resource.override_logical_id(construct_id)
