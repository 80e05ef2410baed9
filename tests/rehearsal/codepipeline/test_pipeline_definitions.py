"""Declarations that CodePipeline would refuse, or that the stand-in cannot execute, are refused before they run."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.codepipeline.definition import read
from rehearsal.codepipeline.errors import ApiError
from rehearsal.codepipeline.validation import check

Change = Callable[[dict[str, Any], Any], None]
REGION = "eu-west-3"


def _stages(document: dict[str, Any]) -> list[dict[str, Any]]:
    stages: list[dict[str, Any]] = document["stages"]
    return stages


def _build(document: dict[str, Any]) -> dict[str, Any]:
    action: dict[str, Any] = _stages(document)[1]["actions"][0]
    return action


def _set(**members: Any) -> Change:
    return lambda document, _: document.update(members)


def _set_build(**members: Any) -> Change:
    return lambda document, _: _build(document).update(members)


def _set_stores(*regions: str, region: str | None = None, source_region: str | None = None) -> Change:
    """Replace the one artifact store by one for each region, and set the region of the build or of the source."""

    def change(document: dict[str, Any], _: Any) -> None:
        store = document.pop("artifactStore")
        document["artifactStores"] = dict.fromkeys(regions, store)
        _build(document).update({"region": region} if region else {})
        _stages(document)[0]["actions"][0].update({"region": source_region} if source_region else {})

    return change


def _configure(**members: Any) -> Change:
    return lambda document, _: _build(document)["configuration"].update(members)


def _set_stage(**members: Any) -> Change:
    return lambda document, _: _stages(document)[1].update(members)


def _add_action(make: Callable[[Any], dict[str, Any]]) -> Change:
    return lambda document, parts: _stages(document)[1]["actions"].append(make(parts))


def _add_stage(make: Callable[[Any], dict[str, Any]]) -> Change:
    return lambda document, parts: _stages(document).append(make(parts))


def _many_actions(document: dict[str, Any], parts: Any) -> None:
    _stages(document)[1]["actions"] += [parts.build(f"More{number}", "project") for number in range(50)]


def _many_stages(document: dict[str, Any], parts: Any) -> None:
    document["stages"] += [parts.stage(f"More{number}", parts.build("Again", "project")) for number in range(49)]


def _only_a_source(document: dict[str, Any], _: Any) -> None:
    del document["stages"][1:]


def _stack(parts: Any, **configuration: str) -> dict[str, Any]:
    stack: dict[str, Any] = parts.action(
        "Deploy", "Deploy", "CloudFormation", configuration={"StackName": "stack", **configuration}, runOrder=2
    )
    return stack


REFUSED: dict[str, tuple[Change, str, str]] = {
    "one stage": (_only_a_source, "InvalidStructureException", "at least two stages"),
    "51 stages": (_many_stages, "LimitExceededException", "more than 50 stages"),
    "51 actions": (_many_actions, "LimitExceededException", "more than 50 actions"),
    "an empty stage": (_set_stage(actions=[]), "InvalidStageDeclarationException", "at least one action"),
    "a stage name twice": (
        _add_stage(lambda parts: parts.stage("Build", parts.build("Other", "project"))),
        "InvalidStructureException",
        "more than one stage named 'Build'",
    ),
    "an action name twice": (
        _add_action(lambda parts: parts.build("Make", "project")),
        "InvalidStageDeclarationException",
        "more than one action named 'Make'",
    ),
    "a source in a later stage": (
        _add_stage(lambda parts: parts.source() | {"name": "Late"}),
        "InvalidStructureException",
        "The first stage must have only Source actions",
    ),
    "a build in the first stage": (
        lambda document, parts: _stages(document)[0]["actions"].append(parts.build("Early", "project")),
        "InvalidStructureException",
        "'Early' of stage 'Source' is a Build action",
    ),
    "run order 1000": (_set_build(runOrder=1000), "InvalidActionDeclarationException", "between 1 and 999"),
    "an input without a producer": (
        _set_build(inputArtifacts=[{"name": "Nowhere"}]),
        "InvalidStructureException",
        "'Nowhere', which no action produces before it",
    ),
    "an input that is produced at the same time": (
        _add_action(lambda parts: parts.build("Other", "project", inputs=["Made"])),
        "InvalidStructureException",
        "'Made', which no action produces before it",
    ),
    "an output twice": (
        _add_action(lambda parts: parts.build("Other", "project", outputs=["Made"])),
        "InvalidStructureException",
        "'Made' has more than one producer",
    ),
    "a build without input": (
        _set_build(inputArtifacts=[]),
        "InvalidActionDeclarationException",
        "0 input artifacts; its provider takes 1 to 5",
    ),
    "a namespace twice": (
        _set_build(namespace="Source"),
        "InvalidActionDeclarationException",
        "More than one action has the namespace 'Source'",
    ),
    "CodePipeline's own namespace": (
        _set_build(namespace="codepipeline"),
        "InvalidActionDeclarationException",
        "reserved for CodePipeline",
    ),
    "a reference to a later namespace": (
        _configure(EnvironmentVariables='[{"name": "A", "value": "#{Made.A}"}]'),
        "InvalidActionDeclarationException",
        "the namespace 'Made', which no action before it has",
    ),
    "a reference to no variable": (
        _configure(EnvironmentVariables='[{"name": "A", "value": "#{codepipeline.Nothing}"}]'),
        "InvalidActionDeclarationException",
        "'codepipeline.Nothing', which does not exist",
    ),
    "a malformed reference": (
        _configure(EnvironmentVariables='[{"name": "A", "value": "#{CommitId}"}]'),
        "InvalidActionDeclarationException",
        "not a reference of the form",
    ),
    "a required key missing": (
        _set_build(configuration={}),
        "InvalidActionDeclarationException",
        "missing the required configuration 'ProjectName'",
    ),
    "an unknown key": (
        _configure(Colour="blue"),
        "InvalidActionDeclarationException",
        "unknown configuration 'Colour'",
    ),
    "1001 characters": (
        _add_action(lambda parts: parts.invoke("Long", "a" * 980)),
        "InvalidActionDeclarationException",
        "'UserParameters' of more than 1000 characters",
    ),
    "a stack mode without its key": (
        _add_action(lambda parts: _stack(parts, ActionMode="CHANGE_SET_EXECUTE")),
        "InvalidActionDeclarationException",
        "missing the configuration ChangeSetName",
    ),
    "a template of another artifact": (
        _add_action(lambda parts: _stack(parts, ActionMode="CREATE_UPDATE", TemplatePath="Code::t.json", RoleArn="r")),
        "InvalidActionDeclarationException",
        "whose artifact is none of its input artifacts",
    ),
    "a timeout of a build": (
        _set_build(timeoutInMinutes=9),
        "InvalidActionDeclarationException",
        "does not execute this: timeoutInMinutes of action 'Make'",
    ),
    "pipeline type V1": (_set(pipelineType="V1"), "InvalidStructureException", "pipeline type V1"),
    "parallel executions": (_set(executionMode="PARALLEL"), "InvalidStructureException", "execution mode PARALLEL"),
    "filtered triggers": (
        _set(triggers=[{"providerType": "CodeStarSourceConnection"}]),
        "InvalidStructureException",
        "triggers with filters",
    ),
    "stage conditions": (
        _set_stage(onFailure={"result": "ROLLBACK"}),
        "InvalidStageDeclarationException",
        "condition onFailure of stage 'Build'",
    ),
    "another region without its store": (
        _set_build(region="us-east-1"),
        "InvalidStructureException",
        "actions in region us-east-1 needs artifactStores",
    ),
    "a region that has no store": (
        _set_stores("eu-west-3", "eu-north-1", region="us-east-1"),
        "InvalidStructureException",
        "no artifact store for region us-east-1",
    ),
    "no store for its own region": (
        _set_stores("eu-north-1"),
        "InvalidStructureException",
        "no artifact store for region eu-west-3",
    ),
    "two kinds of stores": (
        _set(artifactStores={"eu-west-3": {"type": "S3", "location": "artifacts"}}),
        "InvalidStructureException",
        "either one artifactStore or artifactStores",
    ),
    "a source in another region": (
        _set_stores("eu-west-3", "eu-north-1", source_region="eu-north-1"),
        "InvalidActionDeclarationException",
        "can only be in the pipeline's region",
    ),
    "another provider": (
        _add_action(lambda parts: parts.action("Copy", "Deploy", "S3")),
        "InvalidActionDeclarationException",
        "action type Deploy/AWS/S3/1 of action 'Copy'",
    ),
    "another stack mode": (
        _add_action(lambda parts: _stack(parts, ActionMode="REPLACE_ON_FAILURE")),
        "InvalidActionDeclarationException",
        "the ActionMode REPLACE_ON_FAILURE",
    ),
    "batch builds": (
        _configure(BatchEnabled="true"),
        "InvalidActionDeclarationException",
        "sets BatchEnabled",
    ),
    "secrets as build variables": (
        _configure(EnvironmentVariables='[{"name": "A", "value": "a", "type": "SECRETS_MANAGER"}]'),
        "InvalidActionDeclarationException",
        "type SECRETS_MANAGER",
    ),
    "a full clone": (
        lambda document, _: _stages(document)[0]["actions"][0]["configuration"].update(
            OutputArtifactFormat="CODEBUILD_CLONE_REF"
        ),
        "InvalidActionDeclarationException",
        "CODEBUILD_CLONE_REF",
    ),
}


@pytest.fixture
def document(parts: Any) -> dict[str, Any]:
    """A valid declaration."""
    made = parts.build("Make", "project", outputs=["Made"], namespace="Made")
    document: dict[str, Any] = copy.deepcopy(parts.declaration("pipeline", parts.stage("Build", made)))
    return document


def test_a_valid_declaration_is_read_with_its_defaults(document: dict[str, Any]) -> None:
    pipeline = read(document)
    check(pipeline, REGION)
    assert pipeline.execution_mode == "SUPERSEDED"
    assert pipeline.document["stages"][1]["actions"][0]["runOrder"] == 1


def test_each_region_has_its_own_store(document: dict[str, Any], parts: Any) -> None:
    _set_stores(REGION, "eu-north-1", region="eu-north-1")(document, parts)
    document["artifactStores"] = {
        REGION: {"type": "S3", "location": "here", "encryptionKey": {"id": "key", "type": "KMS"}},
        "eu-north-1": {"type": "S3", "location": "there"},
    }
    pipeline = read(document)
    check(pipeline, REGION)
    stores = {region: pipeline.store(region) for region in (REGION, "eu-north-1")}
    assert {region: (each.bucket, each.encryption_key) for region, each in stores.items()} == {
        REGION: ("here", "key"),
        "eu-north-1": ("there", None),
    }


@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_declaration_is_refused_with_one_sentence(name: str, document: dict[str, Any], parts: Any) -> None:
    change, code, words = REFUSED[name]
    change(document, parts)
    with pytest.raises(ApiError) as refusal:
        check(read(document), REGION)
    assert refusal.value.code == code
    assert words in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_a_namespace_can_be_used_in_the_same_stage_by_a_later_run_order(document: dict[str, Any], parts: Any) -> None:
    later = parts.invoke("Echo", "answer", say="#{Made.NUMBER}", runOrder=2)
    document["stages"][1]["actions"].append(later)
    check(read(document), REGION)
