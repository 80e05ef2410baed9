"""An approval bound to one commit and one release: what is approved is what this execution carries, nothing else."""

from __future__ import annotations

import aws_cdk as cdk
import jsii
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import pipelines


@jsii.implements(pipelines.ICodePipelineActionFactory)
class ApprovalStep(pipelines.Step):
    """Waits for somebody; `information` and `link` may hold variables of earlier steps."""

    def __init__(
        self, step_id: str, *, information: str, link: str, topic: sns.ITopic, expires_after_days: int
    ) -> None:
        super().__init__(step_id)
        self._information = information
        self._link = link
        self._topic = topic
        self._expires_after = cdk.Duration.days(expires_after_days)
        self._discover_referenced_outputs({"information": information, "link": link})

    @jsii.member(jsii_name="produceAction")
    def produce_action(
        self, stage: codepipeline.IStage, options: pipelines.ProduceActionOptions
    ) -> pipelines.CodePipelineActionFactoryResult:
        stage.add_action(
            actions.ManualApprovalAction(
                action_name=options.action_name,
                run_order=options.run_order,
                additional_information=self._information,
                external_entity_link=self._link,
                notification_topic=self._topic,
                timeout=self._expires_after,
            )
        )
        return pipelines.CodePipelineActionFactoryResult(run_orders_consumed=1)
