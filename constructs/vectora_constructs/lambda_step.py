"""Step of CDK Pipelines that invokes a Lambda function, which returns the result of CodePipeline's job."""

from __future__ import annotations

import json
from collections.abc import Mapping

import aws_cdk as cdk
import jsii
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import pipelines


@jsii.implements(pipelines.ICodePipelineActionFactory)
class LambdaStep(pipelines.Step):
    """Step that invokes function `function_name` of a stack that is deployed earlier in the same account and region.

    CodePipeline invokes the function again while it returns a continuation token; the function fails the job after
    `timeout_minutes`. Later steps read its output variables from the namespace `{id}`.
    """

    def __init__(
        self, step_id: str, *, function_name: str, timeout_minutes: int, parameters: Mapping[str, str]
    ) -> None:
        """Add the step; `parameters` may hold variables of earlier steps."""
        super().__init__(step_id)
        self._function_name = function_name
        self._parameters = {**parameters, "timeout_minutes": str(timeout_minutes)}
        self._discover_referenced_outputs(dict(parameters))

    def variable(self, name: str) -> str:
        """Return the reference to output variable `name` of the function."""
        return f"#{{{self.id}.{name}}}"

    @jsii.member(jsii_name="produceAction")
    def produce_action(
        self, stage: codepipeline.IStage, options: pipelines.ProduceActionOptions
    ) -> pipelines.CodePipelineActionFactoryResult:
        function_arn = cdk.Stack.of(options.scope).format_arn(
            service="lambda",
            resource="function",
            resource_name=self._function_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        function = lambda_.Function.from_function_arn(options.scope, f"{self.id}Function", function_arn)
        stage.add_action(
            actions.LambdaInvokeAction(
                action_name=options.action_name,
                run_order=options.run_order,
                lambda_=function,
                user_parameters_string=json.dumps(self._parameters),
                variables_namespace=self.id,
                role=self._role(options, function_arn),
            )
        )
        return pipelines.CodePipelineActionFactoryResult(run_orders_consumed=1)

    def _role(self, options: pipelines.ProduceActionOptions, function_arn: str) -> iam.IRole:
        """Return a role for this action only: CDK's own role may list all functions and invoke old versions."""
        role = iam.Role(
            options.scope,
            f"{self.id}Role",
            description=f"Pipeline action {self.id}: invokes one function",
            assumed_by=iam.ArnPrincipal(options.pipeline.pipeline.role.role_arn),
            inline_policies={
                "Invoke": iam.PolicyDocument(
                    statements=[iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function_arn])]
                )
            },
        )
        return role.without_policy_updates()
