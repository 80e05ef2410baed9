"""Catalog of the supported action types: their configuration keys and numbers of artifacts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rehearsal.codepipeline.definition import Action, ActionType

CODE = "InvalidActionDeclarationException"
STACK_MODES: Mapping[str, tuple[str, ...]] = {
    "CHANGE_SET_REPLACE": ("ChangeSetName", "TemplatePath", "RoleArn"),
    "CHANGE_SET_EXECUTE": ("ChangeSetName",),
    "CREATE_UPDATE": ("TemplatePath", "RoleArn"),
    "DELETE_ONLY": ("RoleArn",),
}


def _no_check(_action: Action) -> str | None:
    return None


@dataclass(frozen=True)
class Provider:
    """Requirements of an action type; `check` returns an action's error, as the end of a sentence after its name."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    check: Callable[[Action], str | None] = field(default=_no_check)


def _check_source(action: Action) -> str | None:
    form = action.configuration.get("OutputArtifactFormat", "CODE_ZIP")
    if form != "CODE_ZIP":
        return f"has the OutputArtifactFormat {form}, which the stand-in for CodePipeline does not execute"
    if "/" not in action.configuration["FullRepositoryId"]:
        return "has a FullRepositoryId that is not of the form owner/name"
    return None


def _check_build(action: Action) -> str | None:
    for feature in ("BatchEnabled", "CombineArtifacts"):
        if action.configuration.get(feature, "false").lower() != "false":
            return f"sets {feature}, which the stand-in for CodePipeline does not execute"
    primary = action.configuration.get("PrimarySource")
    if len(action.inputs) > 1 and primary is None:
        return "has several input artifacts and therefore needs the configuration PrimarySource"
    if primary is not None and primary not in action.inputs:
        return f"has the PrimarySource {primary}, which is none of its input artifacts"
    return _check_variables(action.configuration.get("EnvironmentVariables", "[]"))


def _check_variables(text: str) -> str | None:
    try:
        variables = json.loads(text)
        names = [variable["name"] for variable in variables if isinstance(variable["value"], str)]
        kinds = {variable.get("type", "PLAINTEXT") for variable in variables}
    except (ValueError, TypeError, KeyError):
        return "has EnvironmentVariables that are not a JSON list of objects with name, value and type"
    if len(names) != len(variables):
        return "has EnvironmentVariables with a value that is not text"
    if other := sorted(kinds - {"PLAINTEXT", "PARAMETER_STORE"}):
        return f"has EnvironmentVariables of type {other[0]}, which the stand-in for CodePipeline does not execute"
    return None


def _check_stack(action: Action) -> str | None:
    mode = action.configuration["ActionMode"]
    if mode not in STACK_MODES:
        return f"has the ActionMode {mode}, which the stand-in for CodePipeline does not execute"
    if missing := next((key for key in STACK_MODES[mode] if key not in action.configuration), None):
        return f"is missing the configuration {missing}, which ActionMode {mode} requires"
    for key in ("TemplatePath", "TemplateConfiguration"):
        path = action.configuration.get(key)
        if path is not None and path.partition("::")[0] not in action.inputs:
            return f"has the {key} {path}, whose artifact is none of its input artifacts"
    if action.outputs and "OutputFileName" not in action.configuration:
        return "has an output artifact and therefore needs the configuration OutputFileName"
    return None


PROVIDERS: Mapping[ActionType, Provider] = {
    ActionType("Source", "AWS", "CodeStarSourceConnection", "1"): Provider(
        ("ConnectionArn", "FullRepositoryId", "BranchName"),
        ("OutputArtifactFormat", "DetectChanges"),
        (0, 0),
        (1, 1),
        _check_source,
    ),
    **{
        ActionType(category, "AWS", "CodeBuild", "1"): Provider(
            ("ProjectName",),
            ("PrimarySource", "EnvironmentVariables", "BatchEnabled", "CombineArtifacts"),
            (1, 5),
            (0, 5),
            _check_build,
        )
        for category in ("Build", "Test")
    },
    ActionType("Deploy", "AWS", "CloudFormation", "1"): Provider(
        ("ActionMode", "StackName"),
        (
            *("ChangeSetName", "TemplatePath", "TemplateConfiguration", "ParameterOverrides"),
            *("Capabilities", "RoleArn", "OutputFileName"),
        ),
        (0, 10),
        (0, 1),
        _check_stack,
    ),
    ActionType("Invoke", "AWS", "Lambda", "1"): Provider(("FunctionName",), ("UserParameters",), (0, 5), (0, 5)),
    ActionType("Approval", "AWS", "Manual", "1"): Provider(
        (), ("CustomData", "ExternalEntityLink", "NotificationArn"), (0, 0), (0, 0)
    ),
}
APPROVAL = ActionType("Approval", "AWS", "Manual", "1")
SOURCE = ActionType("Source", "AWS", "CodeStarSourceConnection", "1")
