"""Changes of access rules in words: roles, policies, trust, boundaries, and policies of resources."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vectora_review.facts import SEPARATOR
from vectora_review.lines import CHANGES, LOOSENS, TIGHTENS, Line, shown

ROLE = "AWS::IAM::Role"
# By resource type the property that holds its policy document.
DOCUMENTS: Mapping[str, str] = {
    ROLE: "AssumeRolePolicyDocument",
    "AWS::IAM::Policy": "PolicyDocument",
    "AWS::IAM::ManagedPolicy": "PolicyDocument",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::Events::EventBusPolicy": "Statement",
}
# An entire resource that gives access.
GRANTS = ("AWS::Lambda::Permission", "AWS::Lambda::Url")
Rule = tuple[str, str, str, str, str]
PARTS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))


def is_access(kind: str) -> bool:
    """Return whether the words for a resource of this type are here."""
    return kind in DOCUMENTS or kind in GRANTS


def access_lines(key: str, kind: str, before: Any, after: Any) -> Sequence[Line]:
    """Return the lines on an access rule that was added, changed or removed."""
    where = _where(key, kind, after or before)
    if kind in GRANTS:
        return _grant_lines(where, before, after)
    old, new = _properties(before), _properties(after)
    return (
        *_existence(where, before, after),
        *_rule_lines(where, kind, _rules(kind, old), _rules(kind, new)),
        *(_boundary_line(where, old, new) if (before and after) or new.get("PermissionsBoundary") else ()),
        *_managed_lines(where, old.get("ManagedPolicyArns"), new.get("ManagedPolicyArns")),
        *_inline_lines(where, old, new),
        *_others(where, kind, old, new, both=bool(before and after)),
    )


def _where(key: str, kind: str, resource: Mapping[str, Any]) -> str:
    env, _, rest = key.partition(SEPARATOR)
    properties = _properties(resource)
    name = properties.get("RoleName") or properties.get("ManagedPolicyName") or rest.rpartition(SEPARATOR)[2]
    word = "role" if kind == ROLE else kind.rpartition("::")[2]
    return f"{env}: {word} {shown(name)}"


def _properties(resource: Any) -> Mapping[str, Any]:
    return (resource or {}).get("Properties") or {}


def _existence(where: str, before: Any, after: Any) -> Iterator[Line]:
    if before is None:
        yield Line(LOOSENS, f"{where} is new")
    if after is None:
        yield Line(CHANGES, f"{where} is removed")


def _grant_lines(where: str, before: Any, after: Any) -> Sequence[Line]:
    if after is None:
        return (Line(TIGHTENS, f"{where} is removed"),)
    what = shown(_properties(after))
    return (Line(LOOSENS, f"{where} {'is new' if before is None else 'becomes'}: {what}"),)


def _rules(kind: str, properties: Mapping[str, Any]) -> set[Rule]:
    return set(_statements(properties.get(DOCUMENTS[kind])))


def _statements(document: Any) -> Iterator[Rule]:
    """Yield effect, action, resource, principal and condition of each combination that a document allows or denies."""
    if not isinstance(document, Mapping):
        return
    given = document.get("Statement", document)
    for statement in given if isinstance(given, list) else [given]:
        if not isinstance(statement, Mapping):
            yield "Allow", shown(statement), "", "", ""
            continue
        actions, resources, principals = (list(_part(statement, *names)) for names in PARTS)
        condition = json.dumps(statement["Condition"], sort_keys=True) if statement.get("Condition") else ""
        for action in actions:
            for resource in resources:
                for principal in principals:
                    yield str(statement.get("Effect", "Allow")), action, resource, principal, condition


def _part(statement: Mapping[str, Any], name: str, negated: str) -> Iterator[str]:
    """Yield the values of a part; those of the negated one stand for everything else."""
    for prefix, key in (("", name), ("all but ", negated)):
        if key not in statement:
            continue
        value = statement[key]
        if isinstance(value, Mapping) and key.endswith("Principal"):
            for kind, each in value.items():
                yield from (f"{prefix}{kind} {_whole(one)}" for one in (each if isinstance(each, list) else [each]))
        else:
            yield from (prefix + _whole(one) for one in (value if isinstance(value, list) else [value]))
        return
    yield ""


def _whole(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _rule_lines(where: str, kind: str, old: set[Rule], new: set[Rule]) -> Iterator[Line]:
    for rule in sorted(new - old):
        yield Line(LOOSENS if rule[0] == "Allow" else TIGHTENS, f"{where}: {rule_words(rule, kind, 'gains')}")
    for rule in sorted(old - new):
        yield Line(TIGHTENS if rule[0] == "Allow" else LOOSENS, f"{where}: {rule_words(rule, kind, 'loses')}")


def rule_words(rule: Rule, kind: str, verb: str, show: Callable[[Any], str] = shown) -> str:
    """Return what a policy of a resource of type `kind` gains or loses with a rule; `show` words its values."""
    effect, action, resource, principal, condition = rule
    denial = "the denial of " if effect == "Deny" else ""
    on = f" on {_readable(resource, show)}" if resource else ""
    by = f" for {_readable(principal, show)}" if principal else ""
    limit = f" under {show(json.loads(condition))}" if condition else ""
    who = "its trust " if kind == ROLE and principal else ""
    return f"{who}{verb} {denial}{action}{on}{by}{limit}"


def _readable(text: str, show: Callable[[Any], str] = shown) -> str:
    prefix, brace, rest = text.partition("{")
    try:
        return f"{prefix}{show(json.loads(brace + rest))}" if brace else show(text)
    except ValueError:
        return show(text)


def _boundary_line(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Line]:
    before, after = old.get("PermissionsBoundary"), new.get("PermissionsBoundary")
    if before == after:
        return
    if after is None:
        yield Line(LOOSENS, f"{where} loses its permissions boundary {shown(before)}")
    elif before is None:
        yield Line(TIGHTENS, f"{where} gains the permissions boundary {shown(after)}")
    else:
        yield Line(LOOSENS, f"{where} changes its permissions boundary from {shown(before)} to {shown(after)}")


def _managed_lines(where: str, old: Any, new: Any) -> Iterator[Line]:
    before, after = ({_whole(each) for each in arns or ()} for arns in (old, new))
    for each in sorted(after - before):
        yield Line(LOOSENS, f"{where} gains the policy {_readable(each)}")
    for each in sorted(before - after):
        yield Line(TIGHTENS, f"{where} loses the policy {_readable(each)}")


def _inline_lines(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Line]:
    before, after = (
        {rule for each in properties.get("Policies") or () for rule in _statements(each.get("PolicyDocument"))}
        for properties in (old, new)
    )
    yield from _rule_lines(where, "", before, after)


def _others(where: str, kind: str, old: Mapping[str, Any], new: Mapping[str, Any], *, both: bool) -> Iterator[Line]:
    described = {DOCUMENTS[kind], "PermissionsBoundary", "ManagedPolicyArns", "Policies"}
    for key in sorted({*old, *new} - described) if both else ():
        if old.get(key) != new.get(key):
            yield Line(CHANGES, f"{where} changes {key} from {shown(old.get(key))} to {shown(new.get(key))}")
