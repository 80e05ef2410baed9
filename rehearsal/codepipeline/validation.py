"""CodePipeline's checks of a declaration: names, order, artifacts, variables and limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rehearsal.codepipeline.catalog import PROVIDERS, Provider
from rehearsal.codepipeline.definition import Action, Pipeline, Stage, refusal
from rehearsal.codepipeline.errors import ApiError
from rehearsal.codepipeline.variables import EXECUTION, OWN, PIPELINE, malformed, references

STAGES = (2, 50)
ACTIONS_OF_A_STAGE = 50
ACTIONS = 500
RUN_ORDERS = (1, 999)
APPROVAL_MINUTES = (5, 86_400)
VALUE_CHARACTERS = 1000


def check(pipeline: Pipeline, region: str) -> None:
    """Raise ApiError with AWS's code for the first error of a declaration in `region`."""
    _check_shape(pipeline)
    _check_regions(pipeline, region)
    _check_stages(pipeline)
    for stage, action in pipeline.actions():
        _check_action(stage, action)
    _check_artifacts(pipeline)
    _check_namespaces(pipeline)
    _check_references(pipeline)


def _wrong(message: str, code: str = "InvalidActionDeclarationException") -> ApiError:
    return ApiError(code, message)


def _twice(names: Sequence[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)


def _check_shape(pipeline: Pipeline) -> None:
    code = "InvalidStructureException"
    if len(pipeline.stages) < STAGES[0]:
        raise _wrong(f"Pipeline '{pipeline.name}' should contain at least two stages.", code)
    if len(pipeline.stages) > STAGES[1]:
        raise _wrong(f"Pipeline '{pipeline.name}' has more than {STAGES[1]} stages.", "LimitExceededException")
    if len(list(pipeline.actions())) > ACTIONS:
        raise _wrong(f"Pipeline '{pipeline.name}' has more than {ACTIONS} actions.", "LimitExceededException")
    if again := _twice([stage.name for stage in pipeline.stages]):
        raise _wrong(f"Pipeline '{pipeline.name}' has more than one stage named '{again}'.", code)


def _check_regions(pipeline: Pipeline, region: str) -> None:
    """Check that there is a store for the pipeline's region and for that of each action (API reference, ArtifactStore).

    A source, a build or an approval has the pipeline's region (CodePipeline guide, "Add a cross-Region action").
    """
    named = {each for each in pipeline.stores if each is not None}
    used = {region, *(action.region for _, action in pipeline.actions() if action.region)}
    if named and (missing := sorted(used - named)):
        raise _wrong(f"The pipeline has no artifact store for region {missing[0]}.", "InvalidStructureException")
    if not named and (others := sorted(used - {region})):
        message = f"A pipeline with actions in region {others[0]} needs artifactStores by region."
        raise _wrong(message, "InvalidStructureException")
    for stage, action in pipeline.actions():
        if action.region not in (None, region) and action.type.category in ("Source", "Approval"):
            raise _wrong(f"Action '{action.name}' of stage '{stage.name}' can only be in the pipeline's region.")


def _check_stages(pipeline: Pipeline) -> None:
    code = "InvalidStageDeclarationException"
    for position, stage in enumerate(pipeline.stages):
        if not stage.actions:
            raise _wrong(f"Stage '{stage.name}' should contain at least one action.", code)
        if len(stage.actions) > ACTIONS_OF_A_STAGE:
            raise _wrong(f"Stage '{stage.name}' has more than {ACTIONS_OF_A_STAGE} actions.", "LimitExceededException")
        if again := _twice([action.name for action in stage.actions]):
            raise _wrong(f"Stage '{stage.name}' has more than one action named '{again}'.", code)
        for action in stage.actions:
            if (action.type.category == "Source") != (position == 0):
                rule = "The first stage must have only Source actions, and no other stage may have one"
                message = f"{rule}: action '{action.name}' of stage '{stage.name}' is a {action.type.category} action."
                raise _wrong(message, "InvalidStructureException")


def _check_action(stage: Stage, action: Action) -> None:
    provider = PROVIDERS.get(action.type)
    if provider is None:
        raise refusal(f"action type {action.type} of action '{action.name}'", "InvalidActionDeclarationException")
    where = f"Action '{action.name}' of stage '{stage.name}'"
    if not RUN_ORDERS[0] <= action.run_order <= RUN_ORDERS[1]:
        raise _wrong(f"{where} has the run order {action.run_order}, which is not between 1 and 999.")
    _check_configuration(where, action, provider)
    _check_count(where, "input", len(action.inputs), provider.inputs)
    _check_count(where, "output", len(action.outputs), provider.outputs)
    _check_timeout(where, action)
    if problem := provider.check(action):
        raise _wrong(f"{where} {problem}.")


def _check_configuration(where: str, action: Action, provider: Provider) -> None:
    if missing := next((key for key in provider.required if key not in action.configuration), None):
        raise _wrong(f"{where} is missing the required configuration '{missing}'.")
    known = {*provider.required, *provider.optional}
    if unknown := next((key for key in action.configuration if key not in known), None):
        raise _wrong(f"{where} contains the unknown configuration '{unknown}'.")
    if long := next((key for key, value in action.configuration.items() if len(value) > VALUE_CHARACTERS), None):
        raise _wrong(f"{where} has a configuration '{long}' of more than {VALUE_CHARACTERS} characters.")


def _check_count(where: str, kind: str, number: int, allowed: tuple[int, int]) -> None:
    if not allowed[0] <= number <= allowed[1]:
        raise _wrong(f"{where} has {number} {kind} artifacts; its provider takes {allowed[0]} to {allowed[1]}.")


def _check_timeout(where: str, action: Action) -> None:
    if action.timeout_minutes is None:
        return
    if action.type.category != "Approval":
        raise refusal(f"timeoutInMinutes of action '{action.name}'", "InvalidActionDeclarationException")
    if not APPROVAL_MINUTES[0] <= action.timeout_minutes <= APPROVAL_MINUTES[1]:
        raise _wrong(f"{where} has a timeoutInMinutes that is not between 5 and 86400.")


def _in_order(pipeline: Pipeline) -> Iterator[tuple[Stage, list[Action]]]:
    for stage in pipeline.stages:
        for group in stage.groups():
            yield stage, group


def _check_artifacts(pipeline: Pipeline) -> None:
    produced: set[str] = set()
    for stage, group in _in_order(pipeline):
        for action in group:
            if missing := next((name for name in action.inputs if name not in produced), None):
                message = f"Action '{action.name}' of stage '{stage.name}' has the input artifact '{missing}'"
                raise _wrong(f"{message}, which no action produces before it.", "InvalidStructureException")
        outputs = [name for action in group for name in action.outputs]
        if again := _twice([*produced, *outputs]):
            message = f"Output artifact names must be unique in a pipeline: '{again}' has more than one producer."
            raise _wrong(message, "InvalidStructureException")
        produced.update(outputs)


def _check_namespaces(pipeline: Pipeline) -> None:
    names = [action.namespace for _, action in pipeline.actions() if action.namespace]
    if again := _twice(names):
        raise _wrong(f"More than one action has the namespace '{again}'.")
    if own := next((name for name in names if name in (EXECUTION, PIPELINE)), None):
        raise _wrong(f"The namespace '{own}' is reserved for CodePipeline.")


def _check_references(pipeline: Pipeline) -> None:
    known = {**OWN, PIPELINE: tuple(pipeline.variables)}
    produced: set[str] = set()
    for stage, group in _in_order(pipeline):
        for action in group:
            where = f"Action '{action.name}' of stage '{stage.name}'"
            if found := malformed(action.configuration):
                raise _wrong(f"{where} has {found}, which is not a reference of the form #{{namespace.name}}.")
            for namespace, name in references(action.configuration):
                if namespace in known and name not in known[namespace]:
                    raise _wrong(f"{where} refers to '{namespace}.{name}', which does not exist.")
                if namespace not in known and namespace not in produced:
                    raise _wrong(f"{where} refers to the namespace '{namespace}', which no action before it has.")
        produced.update(action.namespace for action in group if action.namespace)
