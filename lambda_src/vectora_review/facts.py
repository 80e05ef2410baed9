"""Facts that no commit may change by itself: the pipeline, access, promotion policies, and the code that judges."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vectora_review.assembly import Assembly, ForgedAssemblyError, Template

# By what changes, such as `prod: vectora-inbox-s0-iam-prod: IngestRole`, its value.
Facts = dict[str, Any]
SEPARATOR = ": "
PIPELINE, FILES, DEPLOYMENT = "the pipeline", "the builds", "the deployment of the pipeline"
NPM_FILES = ("package.json", "package-lock.json")
OPERATIONS = "-s0-operations-"
# Resources that give no access and judge nothing. Of any other type, everything is protected.
ORDINARY = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::Events::Rule",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::S3::Bucket",
        "AWS::SES::ConfigurationSet",
        "AWS::SSM::Parameter",
        "AWS::Scheduler::Schedule",
        "AWS::StepFunctions::StateMachine",
        "Custom::PublishedConfiguration",
    }
)
# In the operations stack these judge, trigger the rollback or guard the vault; the others are as ordinary as elsewhere.
JUDGES = frozenset(
    {
        "AWS::Events::Rule",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::S3::Bucket",
        "AWS::SSM::Parameter",
        "AWS::Scheduler::Schedule",
    }
)
# Properties by which an ordinary resource gives access: the role that it uses, who reads a bucket, what it invokes.
ACCESS_PROPERTIES = re.compile(
    r"(?i)role|rolearn|executionrolearn|servicetoken|publicaccessblockconfiguration|accesscontrol|ownershipcontrols|"
    r"kmskeyarn|kmsmasterkeyid|websiteconfiguration|replicationconfiguration|vpcconfig|fn::transform"
)
SCHEDULE = "AWS::Scheduler::Schedule"
DYNAMIC = "{{resolve:"
# Of the template of a stack, these parts can import resources, run macros or read parameters.
PARTS = ("Parameters", "Conditions", "Mappings", "Transform", "Rules", "Hooks")
# Variables of a function that decide how much it writes into its log.
NO_RULES = ("LOG_LEVEL",)
# What `cdk synth` writes, apart from the manifests that are read: none of it is run.
_KNOWN = re.compile(
    r"cdk\.out|manifest\.json|tree\.json|releases\.json|audit\.json|release-files\.zip|validation-report\.json|[\w-]+\.dot|[\w-]+\.(assets|metadata|"
    r"template)\.json|asset\.[0-9a-f]{64}\.zip|assembly-[\w-]+/(cdk\.out|manifest\.json|[\w-]+\.(assets|metadata|"
    r"template)\.json)|[\w./-]+\.cdx\.json"
)


def facts_of(assembly: Assembly, environments: Sequence[str]) -> Facts:
    """Return the facts of an assembly apart from the pipeline's template; raise ForgedAssemblyError if it is none."""
    facts: Facts = {}
    template = assembly.pipeline_template
    for name in assembly.names:
        if not _KNOWN.fullmatch(name):
            facts[_key(FILES, name)] = assembly.digest(name)
    for name in NPM_FILES:
        if _key(FILES, name) not in facts:
            raise ForgedAssemblyError(f"The assembly has no {name}, by which the builds install their tools.")
    for key, value in assembly.deployment_settings.items():
        facts[_key(DEPLOYMENT, key)] = value
    for name in assembly.own_stacks:
        # That of the pipeline is compared with the deployed one.
        if name != assembly.pipeline:
            facts[_key(DEPLOYMENT, name, "template")] = assembly.own_template(name)
    for env, stack, path in deployed_templates(template, environments):
        facts.update(_of_stack(env, stack, assembly.document(path)))
    return facts


def deployed_templates(pipeline: Template, environments: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield environment, stack and file of each template that the actions of a pipeline deploy."""
    for stage in stages_of(pipeline):
        for action in stage["Actions"]:
            configuration = action.get("Configuration") or {}
            path = configuration.get("TemplatePath")
            if path is None:
                continue
            if stage["Name"] not in environments:
                raise ForgedAssemblyError(f"Stage {stage['Name']} of the pipeline deploys, and is no environment.")
            yield stage["Name"], str(configuration.get("StackName")), str(path).partition("::")[2]


def stages_of(pipeline: Template) -> list[dict[str, Any]]:
    """Return the stages in a pipeline's template."""
    found = [each for each in pipeline["Resources"].values() if each.get("Type") == "AWS::CodePipeline::Pipeline"]
    if len(found) != 1:
        raise ForgedAssemblyError(f"The pipeline's stack has {len(found)} pipelines instead of one.")
    stages: list[dict[str, Any]] = found[0]["Properties"]["Stages"]
    return stages


def facts_of_pipeline(template: Template) -> Facts:
    """Return the facts of the pipeline's template, one for each resource."""
    facts: Facts = {_key(PIPELINE, name): each for name, each in template.get("Resources", {}).items()}
    return {**facts, **{_key(PIPELINE, part): template[part] for part in (*PARTS, "Outputs") if part in template}}


def _of_stack(env: str, stack: str, template: Template) -> Facts:
    facts: Facts = {_key(env, stack, part): template[part] for part in PARTS if part in template}
    is_operations = OPERATIONS in stack
    for name, resource in template.get("Resources", {}).items():
        protected = _protected(resource, is_operations=is_operations)
        if protected is None:
            continue
        if resource["Type"] == SCHEDULE and not is_operations:
            # Each client has schedules: what they may invoke is protected, and not how many there are.
            facts[_key(env, stack, f"schedules with {digest_of(protected)[:12]}")] = protected
        else:
            facts[_key(env, stack, name)] = protected
    return facts


def _protected(resource: Mapping[str, Any], *, is_operations: bool) -> Any:
    """Return what is protected of a resource; None if nothing is."""
    kind = str(resource.get("Type"))
    if kind.startswith("AWS::IAM::") or kind.endswith("Policy"):
        return _normal(resource)
    if kind not in ORDINARY and kind != "Custom::SnapshotBeforeDeployment":
        return resource
    if is_operations and kind in JUDGES:
        return _without_logging(resource)
    properties = resource.get("Properties") or {}
    if kind == "AWS::SSM::Parameter":
        # A release writes its digest into one parameter, whose name is protected.
        return {"Type": kind, "Name": properties.get("Name")}
    found = dict(_access(properties, ()))
    return {"Type": kind, **found} if found else None


def _normal(value: Any) -> Any:
    """Return an access rule with its lists in one order, which means nothing (IAM user guide, policy grammar).

    The arguments of CloudFormation's functions keep their order.
    """
    if isinstance(value, Mapping):
        is_function = len(value) == 1 and next(iter(value)).startswith("Fn::")
        return value if is_function else {key: _normal(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(map(_normal, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def _without_logging(resource: Mapping[str, Any]) -> Any:
    kind, properties = resource["Type"], dict(resource.get("Properties") or {})
    if kind == "AWS::Lambda::Function" and isinstance(properties.get("Environment"), dict):
        variables = properties["Environment"].get("Variables") or {}
        kept = {key: value for key, value in variables.items() if key not in NO_RULES}
        properties["Environment"] = {"Variables": kept}
    return {**resource, "Properties": properties}


def _access(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a resource's properties that give access, by their path."""
    if isinstance(value, dict):
        for key, each in value.items():
            if ACCESS_PROPERTIES.fullmatch(key):
                yield ".".join((*path, key)), each
            else:
                yield from _access(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _access(each, (*path, str(number)))
    elif isinstance(value, str) and DYNAMIC in value:
        yield ".".join(path), value


def digest_of(changes: Any) -> str:
    """Return SHA-256 over the canonical JSON of something."""
    canonical = json.dumps(changes, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _key(*parts: str) -> str:
    return SEPARATOR.join(parts)
