"""Permissions of CodePipeline, CodeBuild and CodeConnections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import Operation
from rehearsal.permissions.rules.common import (
    Rule,
    action_of,
    arn_of,
    check_and_pass_role,
    check_on,
    nested_value,
    parameter,
    text_parameter,
)


def _pipeline(operation: Operation) -> str:
    name = nested_value(operation.parameters, "pipeline.name") or text_parameter(operation, "pipelineName", "name")
    return arn_of(operation, "codepipeline", str(name))


def _stage(operation: Operation) -> str:
    return f"{_pipeline(operation)}/{text_parameter(operation, 'stageName')}"


def _action(operation: Operation) -> str:
    return f"{_stage(operation)}/{text_parameter(operation, 'actionName')}"


def _project(operation: Operation) -> str:
    return arn_of(operation, "codebuild", f"project/{text_parameter(operation, 'projectName', 'name')}")


def _builds(operation: Operation, facts: Facts) -> Iterator[Check]:
    ids = operation.parameters.get("ids") or [text_parameter(operation, "ids", "id")]
    for project in sorted({str(each).rpartition("/")[2].partition(":")[0] for each in ids}):
        yield Check(action_of(operation), arn_of(operation, "codebuild", f"project/{project}"))


def _projects(operation: Operation, facts: Facts) -> Iterator[Check]:
    for name in operation.parameters.get("names") or [text_parameter(operation, "names")]:
        yield Check(action_of(operation), arn_of(operation, "codebuild", f"project/{name}"))


CODEBUILD: Mapping[str, Rule] = {
    "BatchGetBuilds": _builds,
    "BatchGetProjects": _projects,
    "CreateProject": check_and_pass_role(_project, "serviceRole", "codebuild.amazonaws.com"),
    "ListBuildsForProject": check_on(_project),
    "StartBuild": check_on(_project),
    "StopBuild": _builds,
    "UpdateProject": check_and_pass_role(_project, "serviceRole", "codebuild.amazonaws.com"),
}
CODEPIPELINE: Mapping[str, Rule] = {
    **{
        name: check_on(_pipeline)
        for name in (
            "DeletePipeline",
            "GetPipeline",
            "GetPipelineExecution",
            "GetPipelineState",
            "ListActionExecutions",
            "ListPipelineExecutions",
            "StartPipelineExecution",
            "StopPipelineExecution",
        )
    },
    **{
        name: check_on(_stage)
        for name in ("DisableStageTransition", "EnableStageTransition", "RetryStageExecution", "RollbackStage")
    },
    "CreatePipeline": check_and_pass_role(_pipeline, "pipeline.roleArn", "codepipeline.amazonaws.com"),
    "PutApprovalResult": check_on(_action),
    "UpdatePipeline": check_and_pass_role(_pipeline, "pipeline.roleArn", "codepipeline.amazonaws.com"),
}
CONNECTIONS: Mapping[str, Rule] = {"GetConnection": check_on(parameter("ConnectionArn"))}
