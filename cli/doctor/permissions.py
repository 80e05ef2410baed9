"""Check of the caller's permissions against the operator policy, by IAM's policy simulation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.finding import Check, Finding, unknown
from cli.doctor.subject import Subject
from cli.operator_policy import POLICY_FILE
from vectora_ops.settings import ENVIRONMENT_NAMES
from vectora_shared.aws_errors import DENIED_CODES, error_code

NAME = "permissions"
NAMED_IN_A_FINDING = 6
# Services whose statements list two kinds of resources, such as a pipeline and its stages: an action fits one of them.
TWO_KINDS = ("codepipeline:", "codeconnections:", "codestar-connections:")
# Roles of IAM Identity Center have a path, which the ARN of a session omits ("Understanding ARNs", IAM guide).
SSO_ROLE = "AWSReservedSSO_"


@dataclass(frozen=True)
class Statement:
    """Statement of the operator policy: actions, ARN patterns, and keys and values of its conditions."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: tuple[tuple[str, str], ...] = ()


def operator_statements(root: Path, account_id: str, region: str) -> list[Statement]:
    """Return the operator policy's statements for an account and region."""
    document = json.loads((root / POLICY_FILE).read_text(encoding="utf-8"))
    return [part for each in document["Statement"] for part in _by_service(each, account_id, region)]


def _by_service(statement: dict[str, Any], account_id: str, region: str) -> Iterator[Statement]:
    """Yield a statement for each service: no action of one service has a resource of another, which IAM would judge."""
    actions, patterns = _listed(statement["Action"]), _listed(statement["Resource"])
    context = tuple(
        (key, value)
        for comparison in statement.get("Condition", {}).values()
        for key, values in comparison.items()
        for value in _listed(values)
    )
    if "*" in patterns:
        yield Statement(statement["Sid"], tuple(actions), ("*",), context)
        return
    for service in dict.fromkeys(action.partition(":")[0] for action in actions):
        # The resource of sts:AssumeRole is one of IAM.
        own = [arn for arn in patterns if arn.split(":")[2] == service] or patterns
        yield Statement(
            sid=statement["Sid"],
            actions=tuple(each for each in actions if each.startswith(f"{service}:")),
            resources=tuple(_located(arn, account_id, region) for arn in own),
            context=context,
        )


def check_permissions(subject: Subject) -> Iterator[Finding]:
    """Simulate every statement; a statement that cannot be simulated is unknown, never a failure."""
    source = _policy_source(subject)
    if isinstance(source, Finding):
        yield source
        return
    denied: list[str] = []
    undecided: list[str] = []
    count = 0
    for statement in operator_statements(subject.root, subject.account_id, subject.region):
        for action, allowed, missing in _simulated(subject, source, statement):
            count += 1
            if not allowed:
                (undecided if missing else denied).append(action)
    yield _finding(source, count, denied, undecided)


def _finding(source: str, count: int, denied: list[str], undecided: list[str]) -> Finding:
    who = source.rpartition(":")[2]
    if denied:
        advice = f"an administrator attaches {POLICY_FILE} to {who}, or finds what denies it (boundary, organization)"
        return Finding(NAME, "fail", f"{who} lacks {_named(denied)}", advice)
    if undecided:
        found = f"{who} has {_named(undecided)} only under conditions that the simulation cannot evaluate"
        return Finding(NAME, "unknown", found)
    return Finding(NAME, "pass", f"{who} has all {count} actions of the operator policy, as IAM simulates it")


def _policy_source(subject: Subject) -> str | Finding:
    """Return the ARN of the user or role whose policies apply, or a finding when it is unknown."""
    kind, _, name = subject.caller_arn.split(":", 5)[5].partition("/")
    if kind == "user":
        return subject.caller_arn
    if kind != "assumed-role":
        return Finding(NAME, "unknown", f"IAM simulates users and roles, not {subject.caller_arn}")
    role = name.partition("/")[0]
    try:
        return str(subject.client("iam").get_role(RoleName=role)["Role"]["Arn"])
    except ClientError as error:
        if error_code(error) not in DENIED_CODES or role.startswith(SSO_ROLE):
            return unknown(NAME, error)
        # Most roles have no path.
        return f"arn:aws:iam::{subject.account_id}:role/{role}"


def _simulated(subject: Subject, source: str, statement: Statement) -> Iterator[tuple[str, bool, bool]]:
    """Yield for each action whether all resources allow it, and whether an unknown condition was decisive."""
    request: dict[str, Any] = {"PolicySourceArn": source, "ActionNames": list(statement.actions)}
    resources = [_example(arn, env) for arn in statement.resources for env in _examples(subject, arn)]
    if resources != ["*"]:
        request["ResourceArns"] = resources
    if statement.context:
        request["ContextEntries"] = [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in statement.context
        ]
    pages = subject.client("iam").get_paginator("simulate_principal_policy").paginate(**request)
    decisions: dict[str, list[bool]] = {action: [] for action in statement.actions}
    missing: set[str] = set()
    for result in (each for page in pages for each in page["EvaluationResults"]):
        # With several resources the decisions are with them.
        specific = result.get("ResourceSpecificResults") or []
        by_resource = [each["EvalResourceDecision"] for each in specific] or [result["EvalDecision"]]
        decisions.setdefault(result["EvalActionName"], []).extend(each == "allowed" for each in by_resource)
        if result.get("MissingContextValues") or any(each.get("MissingContextValues") for each in specific):
            missing.add(result["EvalActionName"])
    for action, allowed in decisions.items():
        enough = any if action.startswith(TWO_KINDS) else all
        yield action, bool(allowed) and enough(allowed), action in missing


def _examples(subject: Subject, arn: str) -> tuple[str, ...]:
    envs = subject.envs or ENVIRONMENT_NAMES[:1]
    return envs if "*" in arn and arn != "*" else envs[:1]


def _example(arn: str, env: str) -> str:
    """Return a resource that the pattern matches: most of its wildcards stand for the environment."""
    return arn if arn == "*" else arn.replace("s?-*", "s0-core").replace("*", env)


def _located(arn: str, account_id: str, region: str) -> str:
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return arn
    parts[3] = region if parts[3] == "*" else parts[3]
    parts[4] = account_id if parts[4] == "*" else parts[4]
    if "cdk-" in parts[5]:
        # Names of bootstrap resources end with account and region: cdk-{qualifier}-deploy-role-*-eu-west-3.
        parts[5] = parts[5].replace("-*-*", f"-{account_id}-{region}").replace("-*-", f"-{account_id}-")
    return ":".join(parts)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _named(actions: list[str]) -> str:
    names = list(dict.fromkeys(actions))
    more = f" and {len(names) - NAMED_IN_A_FINDING} more" if len(names) > NAMED_IN_A_FINDING else ""
    return ", ".join(names[:NAMED_IN_A_FINDING]) + more


CHECK = Check(NAME, check_permissions)
