"""AWS's limits on names, lengths, sizes and values in every template, with references resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stacks.synthesis import synthesized_pipeline
from tests.repository import ROOT
from tests.stacks.deployed import (
    ACCOUNT,
    REGION,
    Account,
    Body,
    TemplateChange,
    account_of,
    golden_account,
    truncated_role_name,
)
from tests.stacks.rules import PIPELINE, Rule, Violation, assert_found, set_properties, stack_name, statements_of_role
from vectora_ops.names import LIMITS
from vectora_ops.settings import Settings, load_settings

# CloudFormation user guide, quotas. The size is that of a template that is uploaded to a bucket.
MAX_TEMPLATE_BYTES, MAX_RESOURCES, MAX_PARAMETERS, MAX_OUTPUTS, MAX_DESCRIPTION = 1_000_000, 500, 200, 200, 1024
MAX_STACK_NAME = LIMITS["stack"].longest
# IAM user guide, quotas: all inline policies of a role together, and a trust policy, without white space.
MAX_INLINE_POLICIES, MAX_TRUST_POLICY = 10_240, 2048
# S3 user guide, bucket policies; SNS developer guide, quotas; KMS developer guide, quotas.
MAX_POLICIES = {
    "AWS::S3::BucketPolicy": ("PolicyDocument", 20 * 1024),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", 30 * 1024),
    "AWS::KMS::Key": ("KeyPolicy", 32 * 1024),
}
# Longest values of properties, in bytes, that only AWS's documentation states.
DOCUMENTED_MAXIMUMS = {
    ("AWS::Lambda::Function", "FunctionName"): LIMITS["function"].longest,
    ("AWS::SNS::Topic", "DisplayName"): 100,  # CreateTopic, API reference
    ("AWS::SSM::Parameter", "Name"): LIMITS["parameter"].longest,
    ("AWS::SSM::Parameter", "Value"): 4096,  # of a standard parameter (SSM user guide, tiers)
    ("AWS::Events::Rule", "EventPattern"): 2048,  # EventBridge user guide, quotas
}
MAX_ENVIRONMENT_BYTES = 4096  # bytes of all variables of a function (Lambda developer guide, quotas)
MAX_LAYERS = 5  # of a function (Lambda developer guide, quotas)
MAX_PARAMETER_LEVELS = 15  # levels of a hierarchy (SSM user guide, parameter names)
CUSTOM_RESOURCE_PREFIX = "Custom::"
# botocore's model has the names of CloudFormation's properties, with a lower-case first letter.
PIPELINE_SHAPE = ("codepipeline", "PipelineDeclaration")


@cache
def _schema(resource_type: str) -> dict[str, Any]:
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema)


@cache
def _shape(service: str, name: str) -> Shape:
    return botocore.session.get_session().get_service_model(service).shape_for(name)


# --- rules: each yields a message for each violation


def schema_violations(account: Account) -> Iterator[str]:
    """Yield values that break a length, pattern or list of values in CloudFormation's resource schemas."""
    for stack in account.stacks:
        for logical_id, resource_type, properties in stack.resources:
            if not resource_type.startswith(CUSTOM_RESOURCE_PREFIX):
                schema = _schema(resource_type)
                yield from _value_violations(schema, schema, properties, f"{stack.name}/{logical_id}")


def _value_violations(root: Mapping[str, Any], schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    for each in schema.get("allOf", []):
        yield from _value_violations(root, each, value, path)
    match value:
        case dict():
            for key, entry in value.items():
                if key in schema.get("properties", {}):
                    yield from _value_violations(root, schema["properties"][key], entry, f"{path}.{key}")
        case list():
            if len(value) > schema.get("maxItems", len(value)):
                yield f"{path} has {len(value)} entries, at most {schema['maxItems']} are accepted"
            for number, entry in enumerate(value):
                yield from _value_violations(root, schema.get("items", {}), entry, f"{path}[{number}]")
        case str():
            yield from _text_violations(schema, value, path)


def _text_violations(schema: Mapping[str, Any], value: str, path: str) -> Iterator[str]:
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", len(value))
    if not shortest <= len(value) <= longest:
        yield f"{path} has {len(value)} characters, {shortest} to {longest} are accepted: {value}"
    if "pattern" in schema and not re.search(_python_pattern(schema["pattern"]), value):
        yield f"{path} does not match {schema['pattern']}: {value}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is none of {', '.join(map(str, schema['enum']))}: {value}"


def _python_pattern(pattern: str) -> str:
    """Return `pattern` without Unicode classes, which AWS's patterns of tags use and Python does not have."""
    for theirs, ours in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s")):
        pattern = pattern.replace(theirs, ours)
    return pattern


def documented_limit_violations(account: Account) -> Iterator[str]:
    """Yield violations of limits that only AWS's documentation states."""
    for stack in account.stacks:
        for logical_id, resource_type, properties in stack.resources:
            path = f"{stack.name}/{logical_id}"
            for (limited_type, name), longest in DOCUMENTED_MAXIMUMS.items():
                length = _byte_length(properties.get(name, "")) if resource_type == limited_type else 0
                if length > longest:
                    yield f"{path}.{name} has {length} characters, at most {longest} are accepted"
            if resource_type == "AWS::SSM::Parameter" and properties["Name"].count("/") > MAX_PARAMETER_LEVELS:
                yield f"{path}.Name has more than {MAX_PARAMETER_LEVELS} levels"
            if resource_type == "AWS::SSM::Parameter" and "{{" in properties["Value"]:
                yield f"{path}.Value contains {{{{, which SSM refuses"
            if resource_type == "AWS::Lambda::Function":
                yield from _function_violations(path, properties)


def _function_violations(path: str, properties: Mapping[str, Any]) -> Iterator[str]:
    length = _byte_length(properties.get("Environment", {}).get("Variables", {}))
    if length > MAX_ENVIRONMENT_BYTES:
        yield f"{path} has {length} bytes of variables, at most {MAX_ENVIRONMENT_BYTES} are accepted"
    if len(properties.get("Layers", [])) > MAX_LAYERS:
        yield f"{path} has more than {MAX_LAYERS} layers"


def _byte_length(value: Any) -> int:
    """Return the bytes of a text, or of a document without white space."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return len(text.encode("utf-8"))


def pipeline_model_violations(account: Account) -> Iterator[str]:
    """Yield violations of botocore's model of a pipeline, which has limits that CloudFormation's schema lacks."""
    for stack, logical_id, properties in account.of_type("AWS::CodePipeline::Pipeline"):
        yield from _shape_violations(_shape(*PIPELINE_SHAPE), properties, f"{stack.name}/{logical_id}")


def _shape_violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape, value:
        case StructureShape(), dict():
            for key, entry in value.items():
                member = shape.members.get(key[:1].lower() + key[1:])
                if member is not None:
                    yield from _shape_violations(member, entry, f"{path}.{key}")
        case MapShape(), dict():
            for key, entry in value.items():
                yield from _shape_violations(shape.value, entry, f"{path}.{key}")
        case ListShape(), list():
            for number, entry in enumerate(value):
                yield from _shape_violations(shape.member, entry, f"{path}[{number}]")
        case _, str():
            limits = {"minLength": shape.metadata.get("min", 0), "maxLength": shape.metadata.get("max", len(value))}
            pattern = {"pattern": f"^({shape.metadata['pattern']})$"} if "pattern" in shape.metadata else {}
            yield from _text_violations({**limits, **pattern}, value, path)


def cloudformation_quota_violations(account: Account) -> Iterator[str]:
    for stack in account.stacks:
        body = stack.body
        counted = {
            "resources": (len(body["Resources"]), MAX_RESOURCES),
            "parameters": (len(body.get("Parameters", {})), MAX_PARAMETERS),
            "outputs": (len(body.get("Outputs", {})), MAX_OUTPUTS),
            "bytes": (_byte_length(json.dumps(body, indent=1)), MAX_TEMPLATE_BYTES),
            "bytes of description": (_byte_length(body["Description"]), MAX_DESCRIPTION),
            "characters in its name": (len(stack.name), MAX_STACK_NAME),
        }
        for what, (number, most) in counted.items():
            if number > most:
                yield f"{stack.name} has {number} {what}, at most {most} are accepted"


def non_ascii_characters(account: Account) -> Iterator[str]:
    """Yield characters outside ASCII.

    GetTemplate returns `?` in their place, which a rollback would deploy (CloudFormation coverage roadmap, issue 814).
    """
    for stack in account.stacks:
        text = json.dumps(stack.body, ensure_ascii=False)
        yield from (f"{stack.name} contains {match[0]!r}" for match in re.finditer(r"[^\x00-\x7f]+", text))


def oversized_policies(account: Account) -> Iterator[str]:
    for stack in account.stacks:
        attached = [properties for _, properties in stack.of_type("AWS::IAM::Policy")]
        for logical_id, resource_type, properties in stack.resources:
            path = f"{stack.name}/{logical_id}"
            if resource_type == "AWS::IAM::Role":
                name = stack.physical_name(logical_id)
                inline = [*properties.get("Policies", []), *(each for each in attached if name in each["Roles"])]
                yield from _oversized(path, sum(_byte_length(e["PolicyDocument"]) for e in inline), MAX_INLINE_POLICIES)
                yield from _oversized(path, _byte_length(properties["AssumeRolePolicyDocument"]), MAX_TRUST_POLICY)
            elif resource_type in MAX_POLICIES:
                name, longest = MAX_POLICIES[resource_type]
                yield from _oversized(path, _byte_length(properties[name]), longest)


def _oversized(path: str, length: int, longest: int) -> Iterator[str]:
    if length > longest:
        yield f"{path} has policies of {length} characters, at most {longest} are accepted"


def patterns_that_miss_a_truncated_role(account: Account) -> Iterator[str]:
    """Yield patterns in policies that match only one of a role's generated name and its truncated name."""
    patterns = {
        (statement.location, resource.partition(":role/")[2])
        for statement in account.statements
        for resource in statement.resources
        if ":role/" in resource and "*" in resource.partition(":role/")[2]
    }
    for stack, logical_id, properties in account.of_type("AWS::IAM::Role"):
        name = stack.physical_name(logical_id)
        untruncated = properties.get("RoleName") or stack.generated_name(logical_id)
        for location, pattern in patterns:
            if fnmatchcase(untruncated, pattern) != fnmatchcase(name, pattern):
                yield f"{location} matches roles by {pattern}, but not {name}: CloudFormation truncated {untruncated}"


def roles_without_their_environment(account: Account) -> Iterator[str]:
    """Yield roles that the patterns `*-{env}` and `*-{env}-*` do not match."""
    for stack, logical_id, _ in account.of_type("AWS::IAM::Role"):
        name = f"{stack.physical_name(logical_id)}-"
        if stack.env and f"-{stack.env}-" not in name:
            yield f"{stack.name}/{logical_id} is named {name.rstrip('-')}, without its environment"


RULES = (
    schema_violations,
    documented_limit_violations,
    pipeline_model_violations,
    cloudformation_quota_violations,
    non_ascii_characters,
    oversized_policies,
    patterns_that_miss_a_truncated_role,
    roles_without_their_environment,
)


@pytest.mark.parametrize("rule", RULES)
def test_every_template_is_within_the_limits(rule: Rule) -> None:
    assert list(rule(golden_account())) == []


@pytest.fixture(scope="module")
def longest() -> Account:
    """Return templates of the longest project, suffix and repository; the repository's name has dots."""
    settings = load_settings(ROOT)
    pipeline = settings.pipeline.model_copy(update={"repository": f"a.company/{'r' * 81}.x"})
    changes = {"project": "p" * 30, "bucket_suffix": "s" * 4, "pipeline": pipeline}
    chosen = Settings.model_validate(settings.model_copy(update=changes).model_dump(exclude_none=True))
    delivery, environments = synthesized_pipeline(ROOT, chosen)
    stacks = {name: body for templates in environments.values() for name, body in templates.items()}
    return account_of({chosen.names("dev").pipeline: delivery, **stacks})


# Two roles have the names that CloudFormation generated in the running system, whose project name is shorter.
ROLES_WITH_GENERATED_NAMES = ("IngestNormalizeRole", "EngineRole")


@pytest.mark.parametrize("rule", RULES)
def test_the_longest_names_are_within_the_limits_too(rule: Rule, longest: Account) -> None:
    assert [each for each in rule(longest) if not any(role in each for role in ROLES_WITH_GENERATED_NAMES)] == []


def test_a_suffix_ends_the_name_of_every_bucket(longest: Account) -> None:
    names = [properties["BucketName"] for _, _, properties in longest.of_type("AWS::S3::Bucket")]
    assert len(names) == 3 * 7 + 2
    assert all(name.endswith("-ssss") for name in names)


def test_every_operations_function_receives_the_suffix(longest: Account) -> None:
    suffixes = {
        properties["FunctionName"]: properties["Environment"]["Variables"].get("BUCKET_SUFFIX")
        for stack, _, properties in longest.of_type("AWS::Lambda::Function")
        if "s0-operations" in stack.name
    }
    assert set(suffixes.values()) == {"ssss"}


# --- templates that break each rule

ENV = "stage"
OPERATIONS, RUNTIME, CORE, IAM = (
    stack_name(layer, ENV) for layer in ("s0-operations", "s1-runtime", "s0-core", "s0-iam")
)


def _pipeline(change: Callable[[dict[str, Any]], object]) -> TemplateChange:
    def change_template(bodies: dict[str, Body]) -> None:
        resources = bodies[PIPELINE]["Resources"].values()
        change(next(each for each in resources if each["Type"] == "AWS::CodePipeline::Pipeline")["Properties"])

    return change_template


def _let_a_policy_name_a_generated_role_by_pattern(bodies: dict[str, Body]) -> None:
    del bodies[OPERATIONS]["Resources"]["SnapshotScheduleRole"]["Properties"]["RoleName"]
    pattern = f"arn:aws:iam::{ACCOUNT}:role/*-{ENV}-*Role-*"
    [statement] = statements_of_role(bodies, OPERATIONS, "SnapshotScheduleRole")
    statement.update({"Action": ["iam:GetRole"], "Resource": [pattern]})


def _grant_many_resources(bodies: dict[str, Body]) -> None:
    first, *_ = statements_of_role(bodies, IAM, "EngineRole")
    first["Resource"] = [f"arn:aws:s3:::{'b' * 40}-{number}/*" for number in range(200)]


def _add_resources(bodies: dict[str, Body]) -> None:
    resources = bodies[CORE]["Resources"]
    resources.update({f"P{number}": resources["DataBucketPolicy"] for number in range(500)})


SCHEMA_VIOLATIONS = {
    "a schedule name of 65 characters": Violation(
        schema_violations,
        set_properties(RUNTIME, "LaiWeeklySchedule", Name="s" * 65),
        "LaiWeeklySchedule.Name has 65 characters, 1 to 64 are accepted",
    ),
    "a bucket name that is too long only with the account id": Violation(
        schema_violations,
        set_properties(CORE, "DataBucket", BucketName={"Fn::Sub": f"{'b' * 52}${{AWS::AccountId}}"}),
        "DataBucket.BucketName has 64 characters",
    ),
    "a bucket name with capital letters": Violation(
        schema_violations,
        set_properties(CORE, "DataBucket", BucketName="Data"),
        "DataBucket.BucketName does not match",
    ),
    "a rule name of 69 characters with a reference": Violation(
        schema_violations,
        set_properties(
            OPERATIONS, "DeploymentFailed", Name={"Fn::Join": ["-", ["r" * 40, {"Ref": "SnapshotFunction"}]]}
        ),
        "DeploymentFailed.Name has 69 characters",
    ),
    "a function description of 257 characters": Violation(
        schema_violations,
        set_properties(RUNTIME, "NewsletterV2Function", Description="d" * 257),
        "Description has 257 characters, 0 to 256 are accepted",
    ),
    "a schedule state that does not exist": Violation(
        schema_violations,
        set_properties(RUNTIME, "LaiWeeklySchedule", State="ON"),
        "LaiWeeklySchedule.State is none of",
    ),
}
DOCUMENTED_LIMIT_VIOLATIONS = {
    "a function name of 65 characters": Violation(
        documented_limit_violations,
        set_properties(RUNTIME, "NewsletterV2Function", FunctionName="f" * 65),
        "FunctionName has 65 characters, at most 64 are accepted",
    ),
    "a parameter of 16 levels": Violation(
        documented_limit_violations,
        set_properties(RUNTIME, "Release", Name="/a" * 16),
        "Release.Name has more than 15 levels",
    ),
    "a parameter value of over 4 KB": Violation(
        documented_limit_violations,
        set_properties(RUNTIME, "Release", Value="v" * 4097),
        "Release.Value has 4097 characters, at most 4096 are accepted",
    ),
    "a parameter value that references another parameter": Violation(
        documented_limit_violations,
        set_properties(RUNTIME, "Release", Value="{{ssm:/other}}"),
        "Release.Value contains {{",
    ),
    "six layers": Violation(
        documented_limit_violations,
        set_properties(RUNTIME, "NewsletterV2Function", Layers=[{"Ref": "VectoraCoreLayer"}] * 6),
        "NewsletterV2Function has more than 5 layers",
    ),
    "more than 4 KB of environment variables": Violation(
        documented_limit_violations,
        set_properties(RUNTIME, "NewsletterV2Function", Environment={"Variables": {"A": "a" * 4096}}),
        "at most 4096 are accepted",
    ),
}
PIPELINE_MODEL_VIOLATIONS = {
    "a stage name of 101 characters": Violation(
        pipeline_model_violations,
        _pipeline(lambda pipeline: pipeline["Stages"][0].update(Name="s" * 101)),
        "Stages[0].Name has 101 characters, 1 to 100 are accepted",
    ),
    "a variable namespace with a dot": Violation(
        pipeline_model_violations,
        _pipeline(lambda pipeline: pipeline["Stages"][0]["Actions"][0].update(Namespace="Source@a.b")),
        "Namespace does not match",
    ),
    "a configuration value of over 1000 characters": Violation(
        pipeline_model_violations,
        _pipeline(lambda pipeline: pipeline["Stages"][0]["Actions"][0]["Configuration"].update(BranchName="b" * 1001)),
        "BranchName has 1001 characters",
    ),
}
OTHER_VIOLATIONS = {
    "more than 500 resources": Violation(
        cloudformation_quota_violations,
        _add_resources,
        "resources, at most 500 are accepted",
    ),
    "a letter outside ASCII": Violation(
        non_ascii_characters,
        set_properties(RUNTIME, "NewsletterV2Function", Description="Schließt"),
        "contains 'ß'",
    ),
    "policies of over 10,240 characters": Violation(
        oversized_policies,
        _grant_many_resources,
        "EngineRole has policies of",
    ),
    "a pattern that a truncated role name does not match": Violation(
        patterns_that_miss_a_truncated_role,
        _let_a_policy_name_a_generated_role_by_pattern,
        "CloudFormation truncated vectora-inbox-s0-operations-stage-SnapshotScheduleRole-",
    ),
    "a role without its environment": Violation(
        roles_without_their_environment,
        set_properties(OPERATIONS, "SnapshotRole", RoleName="snapshot"),
        "SnapshotRole is named snapshot, without its environment",
    ),
}
VIOLATIONS = {**SCHEMA_VIOLATIONS, **DOCUMENTED_LIMIT_VIOLATIONS, **PIPELINE_MODEL_VIOLATIONS, **OTHER_VIOLATIONS}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_value_over_a_limit_is_found(name: str) -> None:
    assert_found(VIOLATIONS[name])


def test_generated_names_of_roles_are_truncated_to_64_characters() -> None:
    generated = golden_account().stack(OPERATIONS).generated_name("SnapshotScheduleRole")
    assert len(generated) > 64
    assert len(truncated_role_name(generated)) == 64
