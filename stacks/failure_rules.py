"""Rules that invoke an environment's rollback function when a deployment or a run fails, or an issue is published."""

from __future__ import annotations

import aws_cdk as cdk

from stacks.component import ComponentStack
from vectora_constructs.function_rule import FunctionRule
from vectora_constructs.python_function import PythonFunction
from vectora_ops.names import FAILED_RUN_STATUSES, RUN_CHANGED, STAGE_CHANGED, UNFINISHED_STAGE_STATES


def react_to_failures(
    stack: ComponentStack, rollback: PythonFunction, *, machine_arn: str, pipeline_account: str | None
) -> None:
    """Invoke the rollback function when a deployment or a run ends; `pipeline_account` is that of one elsewhere.

    Events do not depend on a metric or on an alarm's state: each run has its own, and an alarm that is raised already
    would hide the next fault.
    """
    FunctionRule(
        stack,
        "DeploymentFailed",
        rule_name=stack.names.rule("deployment-failed"),
        description="Rolls back what the pipeline failed to deploy",
        pattern={
            # Events that another bus sends keep their account (EventBridge user guide, cross-account events).
            **({"account": [pipeline_account]} if pipeline_account else {}),
            "source": ["aws.codepipeline"],
            "detail-type": [STAGE_CHANGED],
            "detail": {
                "pipeline": [stack.names.pipeline],
                "stage": [stack.names.env],
                "state": list(UNFINISHED_STAGE_STATES),
            },
        },
        function=rollback,
    )
    FunctionRule(
        stack,
        "RunFailed",
        rule_name=stack.names.rule("run-failed"),
        description="Notes failed runs, and rolls back a release with which runs fail soon after its deployment",
        pattern={
            "source": ["aws.states"],
            "detail-type": [RUN_CHANGED],
            "detail": {
                "stateMachineArn": [cdk.Fn.sub(machine_arn)],
                "status": list(FAILED_RUN_STATUSES),
            },
        },
        function=rollback,
    )
    FunctionRule(
        stack,
        "IssuePublished",
        rule_name=stack.names.rule("issue-published"),
        description="Rolls back a release whose issues are empty or noisy soon after its deployment",
        pattern={
            "source": ["aws.states"],
            "detail-type": [RUN_CHANGED],
            "detail": {"stateMachineArn": [cdk.Fn.sub(machine_arn)], "status": ["SUCCEEDED"]},
        },
        function=rollback,
    )
