"""Declarations of pipelines for CodePipeline V2; features that the stand-in does not execute are refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rehearsal.codepipeline.errors import ApiError

ExecutionMode = Literal["SUPERSEDED", "QUEUED"]
Document = Mapping[str, Any]

CONDITIONS = ("onFailure", "onSuccess", "beforeEntry")
UNSUPPORTED_OF_ACTION = ("commands", "outputVariables", "environmentVariables")


@dataclass(frozen=True)
class ActionType:
    """Type of an action: category, owner, provider and version."""

    category: str
    owner: str
    provider: str
    version: str

    def __str__(self) -> str:
        return f"{self.category}/{self.owner}/{self.provider}/{self.version}"


@dataclass(frozen=True)
class Action:
    """One action of a stage; actions of one run order run concurrently."""

    name: str
    type: ActionType
    run_order: int
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    role_arn: str | None
    namespace: str | None
    timeout_minutes: int | None
    region: str | None = None  # None: that of the pipeline


@dataclass(frozen=True)
class Stage:
    """A stage of a pipeline, which one execution at a time passes."""

    name: str
    actions: tuple[Action, ...]

    def groups(self) -> list[list[Action]]:
        """Return the actions by run order, lowest first."""
        orders = sorted({action.run_order for action in self.actions})
        return [[action for action in self.actions if action.run_order == order] for order in orders]


@dataclass(frozen=True)
class Store:
    """Bucket for the artifacts of actions in one region, and the key that encrypts them."""

    bucket: str
    encryption_key: str | None


@dataclass(frozen=True)
class Pipeline:
    """A valid declaration; `document` is GetPipeline's view of it.

    `stores` are by region; a declaration with one artifactStore names no region, and has it under None.
    """

    name: str
    role_arn: str
    stores: Mapping[str | None, Store]
    execution_mode: ExecutionMode
    variables: Mapping[str, str | None]
    stages: tuple[Stage, ...]
    document: Document

    def store(self, region: str) -> Store:
        """Return the artifact store of a region."""
        return self.stores[None] if None in self.stores else self.stores[region]

    def region_of(self, bucket: str) -> str | None:
        """Return the region of an artifact store's bucket; None for the only store."""
        return next(region for region, store in self.stores.items() if store.bucket == bucket)

    def actions(self) -> Iterator[tuple[Stage, Action]]:
        """Yield every action with its stage, in the order of the declaration."""
        for stage in self.stages:
            for action in stage.actions:
                yield stage, action

    def stage(self, name: str) -> Stage:
        """Return a stage; raise ApiError StageNotFoundException."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        message = f"The pipeline '{self.name}' has no stage named '{name}'."
        raise ApiError("StageNotFoundException", message)

    def action(self, stage: str, name: str) -> Action:
        """Return an action; raise ApiError StageNotFoundException or ActionNotFoundException."""
        for action in self.stage(stage).actions:
            if action.name == name:
                return action
        message = f"The stage '{stage}' of the pipeline '{self.name}' has no action named '{name}'."
        raise ApiError("ActionNotFoundException", message)


def read(document: Document) -> Pipeline:
    """Parse a declaration; raise ApiError naming the first feature that the stand-in does not execute."""
    _refuse_unsupported(document)
    return Pipeline(
        name=document["name"],
        role_arn=document["roleArn"],
        stores=_stores(document),
        execution_mode=document.get("executionMode", "SUPERSEDED"),
        variables={each["name"]: each.get("defaultValue") for each in document.get("variables", [])},
        stages=tuple(_stage(each) for each in document["stages"]),
        document=_as_shown(document),
    )


def _stores(document: Document) -> dict[str | None, Store]:
    """Return the artifact stores; raise ApiError unless there is one, or one for each region.

    API reference, PipelineDeclaration: artifactStore or artifactStores, but not both.
    """
    by_region: Mapping[str | None, Document] = document.get("artifactStores") or {}
    if ("artifactStore" in document) == bool(by_region):
        message = "A pipeline has either one artifactStore or artifactStores by region."
        raise ApiError("InvalidStructureException", message)
    found = by_region or {None: document["artifactStore"]}
    return {
        region: Store(store["location"], store.get("encryptionKey", {}).get("id")) for region, store in found.items()
    }


def _stage(document: Document) -> Stage:
    for feature in CONDITIONS:
        if feature in document:
            raise refusal(f"condition {feature} of stage '{document['name']}'", "InvalidStageDeclarationException")
    if document.get("blockers"):
        raise refusal(f"blockers of stage '{document['name']}'", "InvalidBlockerDeclarationException")
    return Stage(document["name"], tuple(_action(each) for each in document["actions"]))


def _action(document: Document) -> Action:
    for feature in UNSUPPORTED_OF_ACTION:
        if document.get(feature):
            raise refusal(f"{feature} of action '{document['name']}'", "InvalidActionDeclarationException")
    kind = document["actionTypeId"]
    return Action(
        name=document["name"],
        type=ActionType(kind["category"], kind["owner"], kind["provider"], kind["version"]),
        run_order=document.get("runOrder", 1),
        configuration=dict(document.get("configuration", {})),
        inputs=_names(document.get("inputArtifacts", [])),
        outputs=_names(document.get("outputArtifacts", [])),
        role_arn=document.get("roleArn"),
        namespace=document.get("namespace"),
        timeout_minutes=document.get("timeoutInMinutes"),
        region=document.get("region"),
    )


def _names(artifacts: Sequence[Document]) -> tuple[str, ...]:
    for artifact in artifacts:
        if artifact.get("files"):
            raise refusal(f"files of output artifact '{artifact['name']}'", "InvalidActionDeclarationException")
    return tuple(artifact["name"] for artifact in artifacts)


def _refuse_unsupported(document: Document) -> None:
    if document.get("pipelineType", "V1") != "V2":
        raise refusal("pipeline type V1; set the type V2", "InvalidStructureException")
    if document.get("executionMode") == "PARALLEL":
        raise refusal("execution mode PARALLEL", "InvalidStructureException")
    if document.get("triggers"):
        raise refusal("triggers with filters", "InvalidStructureException")


def refusal(feature: str, code: str) -> ApiError:
    """Return the error for a feature that AWS may have but the stand-in does not execute."""
    return ApiError(code, f"The stand-in for CodePipeline does not execute this: {feature}.")


def _as_shown(document: Document) -> Document:
    """Return the declaration with GetPipeline's defaults."""
    defaults = {"runOrder": 1, "configuration": {}, "inputArtifacts": [], "outputArtifacts": []}
    stages = [
        {**stage, "actions": [{**defaults, **action} for action in stage["actions"]]} for stage in document["stages"]
    ]
    return {"executionMode": "SUPERSEDED", **document, "stages": stages}
