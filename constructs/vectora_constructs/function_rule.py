"""EventBridge rules that invoke a function."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from vectora_constructs.python_function import PythonFunction

RETRIED_FOR_A_DAY = (
    "EventBridge retries for 24 hours; an alarm notifies the operators of events that the function drops."
)


class FunctionRule(Construct):
    """Rule `{id}` on the default event bus, and `{id}Permission` for EventBridge to invoke the function."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rule_name: str,
        description: str,
        pattern: Mapping[str, object],
        function: PythonFunction,
    ) -> None:
        """Invoke `function` for events that match `pattern`, an EventBridge event pattern."""
        super().__init__(scope, construct_id)
        self.resource = events.CfnRule(
            self,
            "Default",
            name=rule_name,
            description=description,
            event_pattern=pattern,
            state="ENABLED",
            targets=[events.CfnRule.TargetProperty(id="Function", arn=function.resource.attr_arn)],
        )
        self.resource.override_logical_id(construct_id)
        cdk.Validations.of(self.resource).acknowledge(
            cdk.Acknowledgment(id="Serverless-EventBusDLQ", reason=RETRIED_FOR_A_DAY)
        )
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=function.resource.ref,
            principal="events.amazonaws.com",
            source_arn=self.resource.attr_arn,
        )
        permission.override_logical_id(f"{construct_id}Permission")
