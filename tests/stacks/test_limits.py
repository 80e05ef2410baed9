"""Names, lengths and sizes in every template are within AWS's limits, references resolved."""

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
from tests.stacks.deployed import REGION, ROOT, Account, Body, account_of, cut, golden_account
from vectora_ops.names import LIMITS
from vectora_ops.settings import Settings, load_settings

# CloudFormation user guide, quotas. A longer body than 51,200 bytes comes from a bucket.
LONGEST_TEMPLATE, MOST_RESOURCES, MOST_PARAMETERS, MOST_OUTPUTS, LONGEST_DESCRIPTION = 1_000_000, 500, 200, 200, 1024
LONGEST_STACK_NAME = LIMITS["stack"].longest
# IAM user guide, quotas: inline policies of a role together, and a trust policy, without white space.
LONGEST_INLINE_POLICIES, LONGEST_TRUST_POLICY = 10_240, 2048
# S3 user guide, bucket policies; SNS developer guide, quotas; KMS developer guide, quotas.
LONGEST_POLICIES = {
    "AWS::S3::BucketPolicy": ("PolicyDocument", 20 * 1024),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", 30 * 1024),
    "AWS::KMS::Key": ("KeyPolicy", 32 * 1024),
}
# Stated in AWS's documentation, in no schema: the longest text of a property.
IN_WORDS = {
    ("AWS::Lambda::Function", "FunctionName"): LIMITS["function"].longest,
    ("AWS::SNS::Topic", "DisplayName"): 100,  # CreateTopic, API reference
    ("AWS::SSM::Parameter", "Name"): LIMITS["parameter"].longest,
    ("AWS::SSM::Parameter", "Value"): 4096,  # bytes of a standard parameter (SSM user guide, tiers)
    ("AWS::Events::Rule", "EventPattern"): 2048,  # EventBridge user guide, quotas
}
LONGEST_ENVIRONMENT = 4096  # bytes of all variables of a function (Lambda developer guide, quotas)
MOST_LAYERS = 5  # of a function (Lambda developer guide, quotas)
DEEPEST_PARAMETER = 15  # levels of a hierarchy (SSM user guide, parameter names)
OURS = "Custom::"
# AWS names its shapes in botocore as CloudFormation its properties, but for the first letter.
PIPELINE = ("codepipeline", "PipelineDeclaration")


@cache
def _schema(resource_type: str) -> dict[str, Any]:
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema)


@cache
def _shape(service: str, name: str) -> Shape:
    return botocore.session.get_session().get_service_model(service).shape_for(name)


# --- rules


def against_schemas(account: Account) -> Iterator[str]:
    """Lengths, patterns and choices of CloudFormation's own schemas, on what references stand for."""
    for stack in account.stacks:
        for logical_id, kind, found in stack.resources:
            if not kind.startswith(OURS):
                schema = _schema(kind)
                yield from _walk(schema, schema, found, f"{stack.name}/{logical_id}")


def _walk(root: Mapping[str, Any], schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    for each in schema.get("allOf", []):
        yield from _walk(root, each, value, path)
    match value:
        case dict():
            for key, entry in value.items():
                if key in schema.get("properties", {}):
                    yield from _walk(root, schema["properties"][key], entry, f"{path}.{key}")
        case list():
            if len(value) > schema.get("maxItems", len(value)):
                yield f"{path} has {len(value)} entries, at most {schema['maxItems']} are accepted"
            for number, entry in enumerate(value):
                yield from _walk(root, schema.get("items", {}), entry, f"{path}[{number}]")
        case str():
            yield from _text(schema, value, path)


def _text(schema: Mapping[str, Any], value: str, path: str) -> Iterator[str]:
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", len(value))
    if not shortest <= len(value) <= longest:
        yield f"{path} has {len(value)} characters, {shortest} to {longest} are accepted: {value}"
    if "pattern" in schema and not re.search(_python_pattern(schema["pattern"]), value):
        yield f"{path} does not fit {schema['pattern']}: {value}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is none of {', '.join(map(str, schema['enum']))}: {value}"


def _python_pattern(pattern: str) -> str:
    """Python has no Unicode classes such as letters, which AWS's patterns of tags use."""
    for theirs, ours in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s")):
        pattern = pattern.replace(theirs, ours)
    return pattern


def against_words(account: Account) -> Iterator[str]:
    """Limits that AWS states in its documentation only."""
    for stack in account.stacks:
        for logical_id, kind, found in stack.resources:
            path = f"{stack.name}/{logical_id}"
            for (resource_type, name), longest in IN_WORDS.items():
                length = _length(found.get(name, "")) if kind == resource_type else 0
                if length > longest:
                    yield f"{path}.{name} has {length} characters, at most {longest} are accepted"
            if kind == "AWS::SSM::Parameter" and found["Name"].count("/") > DEEPEST_PARAMETER:
                yield f"{path}.Name has more than {DEEPEST_PARAMETER} levels"
            if kind == "AWS::SSM::Parameter" and "{{" in found["Value"]:
                yield f"{path}.Value holds {{{{, which SSM refuses"
            if kind == "AWS::Lambda::Function":
                yield from _function(path, found)


def _function(path: str, found: Mapping[str, Any]) -> Iterator[str]:
    length = _length(found.get("Environment", {}).get("Variables", {}))
    if length > LONGEST_ENVIRONMENT:
        yield f"{path} has {length} bytes of variables, at most {LONGEST_ENVIRONMENT} are accepted"
    if len(found.get("Layers", [])) > MOST_LAYERS:
        yield f"{path} has more than {MOST_LAYERS} layers"


def _length(value: Any) -> int:
    """Bytes of a text, or of a document without white space."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return len(text.encode("utf-8"))


def against_codepipeline(account: Account) -> Iterator[str]:
    """CloudFormation's schema says little of a pipeline; botocore's model does."""
    for stack, logical_id, found in account.of_type("AWS::CodePipeline::Pipeline"):
        yield from _walk_shape(_shape(*PIPELINE), found, f"{stack.name}/{logical_id}")


def _walk_shape(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape, value:
        case StructureShape(), dict():
            for key, entry in value.items():
                member = shape.members.get(key[:1].lower() + key[1:])
                if member is not None:
                    yield from _walk_shape(member, entry, f"{path}.{key}")
        case MapShape(), dict():
            for key, entry in value.items():
                yield from _walk_shape(shape.value, entry, f"{path}.{key}")
        case ListShape(), list():
            for number, entry in enumerate(value):
                yield from _walk_shape(shape.member, entry, f"{path}[{number}]")
        case _, str():
            limits = {"minLength": shape.metadata.get("min", 0), "maxLength": shape.metadata.get("max", len(value))}
            pattern = {"pattern": f"^({shape.metadata['pattern']})$"} if "pattern" in shape.metadata else {}
            yield from _text({**limits, **pattern}, value, path)


def against_quotas_of_cloudformation(account: Account) -> Iterator[str]:
    for stack in account.stacks:
        body = stack.body
        counted = {
            "resources": (len(body["Resources"]), MOST_RESOURCES),
            "parameters": (len(body.get("Parameters", {})), MOST_PARAMETERS),
            "outputs": (len(body.get("Outputs", {})), MOST_OUTPUTS),
            "bytes": (_length(json.dumps(body, indent=1)), LONGEST_TEMPLATE),
            "bytes of description": (_length(body["Description"]), LONGEST_DESCRIPTION),
            "characters in its name": (len(stack.name), LONGEST_STACK_NAME),
        }
        for what, (number, most) in counted.items():
            if number > most:
                yield f"{stack.name} has {number} {what}, at most {most} are accepted"


def not_ascii(account: Account) -> Iterator[str]:
    """GetTemplate answers `?` for other characters, and a rollback would write them (coverage roadmap, issue 814)."""
    for stack in account.stacks:
        text = json.dumps(stack.body, ensure_ascii=False)
        yield from (f"{stack.name} holds {found[0]!r}" for found in re.finditer(r"[^\x00-\x7f]+", text))


def policies_too_long(account: Account) -> Iterator[str]:
    for stack in account.stacks:
        attached = [found for _, found in stack.of_type("AWS::IAM::Policy")]
        for logical_id, kind, found in stack.resources:
            path = f"{stack.name}/{logical_id}"
            if kind == "AWS::IAM::Role":
                name = stack.physical_name(logical_id)
                inline = [*found.get("Policies", []), *(each for each in attached if name in each["Roles"])]
                yield from _too_long(path, sum(_length(e["PolicyDocument"]) for e in inline), LONGEST_INLINE_POLICIES)
                yield from _too_long(path, _length(found["AssumeRolePolicyDocument"]), LONGEST_TRUST_POLICY)
            elif kind in LONGEST_POLICIES:
                name, longest = LONGEST_POLICIES[kind]
                yield from _too_long(path, _length(found[name]), longest)


def _too_long(path: str, length: int, longest: int) -> Iterator[str]:
    if length > longest:
        yield f"{path} has policies of {length} characters, at most {longest} are accepted"


def patterns_that_miss_a_cut_role(account: Account) -> Iterator[str]:
    """A policy that names roles by a pattern must match the names that roles really get, cut or not."""
    patterns = {
        (statement.place, resource.partition(":role/")[2])
        for statement in account.statements
        for resource in statement.resources
        if ":role/" in resource and "*" in resource.partition(":role/")[2]
    }
    for stack, logical_id, found in account.of_type("AWS::IAM::Role"):
        whole = found.get("RoleName") or stack.uncut_name(logical_id)
        real = stack.physical_name(logical_id)
        for place, pattern in patterns:
            if fnmatchcase(whole, pattern) != fnmatchcase(real, pattern):
                yield f"{place} names roles as {pattern}, which misses {real}: CloudFormation cut {whole}"


def roles_without_their_environment(account: Account) -> Iterator[str]:
    """Patterns `*-{env}` and `*-{env}-*` must match all roles of an environment."""
    for stack, logical_id, _ in account.of_type("AWS::IAM::Role"):
        name = f"{stack.physical_name(logical_id)}-"
        if stack.env and f"-{stack.env}-" not in name:
            yield f"{stack.name}/{logical_id} is named {name.rstrip('-')}, without its environment"


RULES = (
    against_schemas,
    against_words,
    against_codepipeline,
    against_quotas_of_cloudformation,
    not_ascii,
    policies_too_long,
    patterns_that_miss_a_cut_role,
    roles_without_their_environment,
)


@pytest.mark.parametrize("rule", RULES)
def test_every_template_is_within_the_limits(rule: Callable[[Account], Iterator[str]]) -> None:
    assert list(rule(golden_account())) == []


@pytest.fixture(scope="module")
def longest() -> Account:
    """Templates of the longest project, with the longest suffix, and the longest repository, with dots."""
    settings = load_settings(ROOT)
    pipeline = settings.pipeline.model_copy(update={"repository": f"a.company/{'r' * 81}.x"})
    changes = {"project": "p" * 30, "bucket_suffix": "s" * 4, "pipeline": pipeline}
    chosen = Settings.model_validate(settings.model_copy(update=changes).model_dump(exclude_none=True))
    delivery, environments = synthesized_pipeline(ROOT, chosen)
    stacks = {name: body for templates in environments.values() for name, body in templates.items()}
    return account_of({chosen.names("dev").pipeline: delivery, **stacks})


# The two roles of the running system keep the names that CloudFormation generated there, under its project's name.
ADOPTED = ("IngestNormalizeRole", "EngineRole")


@pytest.mark.parametrize("rule", RULES)
def test_the_longest_names_are_within_the_limits_too(
    rule: Callable[[Account], Iterator[str]], longest: Account
) -> None:
    assert [each for each in rule(longest) if not any(role in each for role in ADOPTED)] == []


def test_a_suffix_ends_the_name_of_every_bucket(longest: Account) -> None:
    names = [found["BucketName"] for _, _, found in longest.of_type("AWS::S3::Bucket")]
    assert len(names) == 3 * 7 + 2
    assert all(name.endswith("-ssss") for name in names)
    functions = {
        found["FunctionName"]: found["Environment"]["Variables"].get("BUCKET_SUFFIX")
        for stack, _, found in longest.of_type("AWS::Lambda::Function")
        if "s0-operations" in stack.name
    }
    assert set(functions.values()) == {"ssss"}


# --- each rule refuses what it is for

ENV = "stage"
OPERATIONS, RUNTIME, CORE, IAM = (
    f"vectora-inbox-{layer}-{ENV}" for layer in ("s0-operations", "s1-runtime", "s0-core", "s0-iam")
)
DELIVERY = "vectora-inbox-pipeline"
Damage = Callable[[dict[str, Body]], None]


def _set(stack: str, logical_id: str, **properties: Any) -> Damage:
    return lambda bodies: bodies[stack]["Resources"][logical_id]["Properties"].update(properties)


def _pipeline(change: Callable[[dict[str, Any]], None]) -> Damage:
    def damage(bodies: dict[str, Body]) -> None:
        resources = bodies[DELIVERY]["Resources"].values()
        change(next(each for each in resources if each["Type"] == "AWS::CodePipeline::Pipeline")["Properties"])

    return damage


def _many_roles_by_pattern(bodies: dict[str, Body]) -> None:
    role = bodies[OPERATIONS]["Resources"]["SnapshotScheduleRole"]["Properties"]
    del role["RoleName"]
    statement = role["Policies"][0]["PolicyDocument"]["Statement"][0]
    pattern = f"arn:aws:iam::111111111111:role/*-{ENV}-*Role-*"
    statement.update({"Action": ["iam:GetRole"], "Resource": [pattern]})


def _wide_role(bodies: dict[str, Body]) -> None:
    statement = bodies[IAM]["Resources"]["EngineRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    statement["Resource"] = [f"arn:aws:s3:::{'b' * 40}-{number}/*" for number in range(200)]


DAMAGE: dict[str, tuple[Callable[[Account], Iterator[str]], Damage, str]] = {
    "a schedule of 65 characters": (
        against_schemas,
        _set(RUNTIME, "LaiWeeklySchedule", Name="s" * 65),
        "LaiWeeklySchedule.Name has 65 characters, 1 to 64 are accepted",
    ),
    "a bucket that is too long only with the account's id": (
        against_schemas,
        _set(CORE, "DataBucket", BucketName={"Fn::Sub": f"{'b' * 52}${{AWS::AccountId}}"}),
        "DataBucket.BucketName has 64 characters",
    ),
    "a bucket with capital letters": (
        against_schemas,
        _set(CORE, "DataBucket", BucketName="Data"),
        "DataBucket.BucketName does not fit",
    ),
    "a rule of 69 characters by reference": (
        against_schemas,
        _set(OPERATIONS, "DeploymentFailed", Name={"Fn::Join": ["-", ["r" * 40, {"Ref": "SnapshotFunction"}]]}),
        "DeploymentFailed.Name has 69 characters",
    ),
    "a description of a function that is too long": (
        against_schemas,
        _set(RUNTIME, "NewsletterV2Function", Description="d" * 257),
        "Description has 257 characters, 0 to 256 are accepted",
    ),
    "a state that does not exist": (
        against_schemas,
        _set(RUNTIME, "LaiWeeklySchedule", State="ON"),
        "LaiWeeklySchedule.State is none of",
    ),
    "a function of 65 characters": (
        against_words,
        _set(RUNTIME, "NewsletterV2Function", FunctionName="f" * 65),
        "FunctionName has 65 characters, at most 64 are accepted",
    ),
    "a parameter of 16 levels": (
        against_words,
        _set(RUNTIME, "Release", Name="/a" * 16),
        "Release.Name has more than 15 levels",
    ),
    "a parameter of over 4 KB": (
        against_words,
        _set(RUNTIME, "Release", Value="v" * 4097),
        "Release.Value has 4097 characters, at most 4096 are accepted",
    ),
    "a parameter that names another": (
        against_words,
        _set(RUNTIME, "Release", Value="{{ssm:/other}}"),
        "Release.Value holds {{",
    ),
    "six layers": (
        against_words,
        _set(RUNTIME, "NewsletterV2Function", Layers=[{"Ref": "VectoraCoreLayer"}] * 6),
        "NewsletterV2Function has more than 5 layers",
    ),
    "more than 4 KB of variables": (
        against_words,
        _set(RUNTIME, "NewsletterV2Function", Environment={"Variables": {"A": "a" * 4096}}),
        "at most 4096 are accepted",
    ),
    "a stage of 101 characters": (
        against_codepipeline,
        _pipeline(lambda pipeline: pipeline["Stages"][0].update(Name="s" * 101)),
        "Stages[0].Name has 101 characters, 1 to 100 are accepted",
    ),
    "variables of an action named with a dot": (
        against_codepipeline,
        _pipeline(lambda pipeline: pipeline["Stages"][0]["Actions"][0].update(Namespace="Source@a.b")),
        "Namespace does not fit",
    ),
    "a configuration of over 1000 characters": (
        against_codepipeline,
        _pipeline(lambda pipeline: pipeline["Stages"][0]["Actions"][0]["Configuration"].update(BranchName="b" * 1001)),
        "BranchName has 1001 characters",
    ),
    "501 resources": (
        against_quotas_of_cloudformation,
        lambda bodies: bodies[CORE]["Resources"].update(
            {f"P{number}": bodies[CORE]["Resources"]["DataBucketPolicy"] for number in range(500)}
        ),
        "resources, at most 500 are accepted",
    ),
    "an umlaut": (
        not_ascii,
        _set(RUNTIME, "NewsletterV2Function", Description="Schließt"),
        "holds 'ß'",
    ),
    "policies of over 10,240 characters": (
        policies_too_long,
        _wide_role,
        "EngineRole has policies of",
    ),
    "a pattern that a cut role does not match": (
        patterns_that_miss_a_cut_role,
        _many_roles_by_pattern,
        "CloudFormation cut vectora-inbox-s0-operations-stage-SnapshotScheduleRole-",
    ),
    "a role without its environment": (
        roles_without_their_environment,
        _set(OPERATIONS, "SnapshotRole", RoleName="snapshot"),
        "SnapshotRole is named snapshot, without its environment",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_over_a_limit_is_refused(case: str) -> None:
    rule, damage, sentence = DAMAGE[case]
    found = list(rule(golden_account(damage)))
    assert any(sentence in each for each in found), found


def test_generated_names_of_roles_are_cut_to_64_characters() -> None:
    uncut = golden_account().stack(OPERATIONS).uncut_name("SnapshotScheduleRole")
    assert len(uncut) > 64
    assert len(cut(uncut)) == 64
