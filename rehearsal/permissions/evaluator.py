"""Evaluation of policies by the rules of AWS's user guide, independent of any emulator.

"Policy evaluation for requests within a single account" and "Permissions boundaries for IAM entities" (IAM user
guide). Service control policies and session policies are not supported: the project has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rehearsal.permissions.conditions import (
    Context,
    Unknown,
    Verdict,
    all_of,
    any_of,
    holds,
    matches_arn,
    matches_text,
    negated,
)
from rehearsal.permissions.policies import Policy, RolePolicies, Statement


@dataclass(frozen=True)
class Check:
    """One permission check of a service; `values` and `absent` are the condition keys of the action."""

    action: str
    resource: str
    values: Mapping[str, Sequence[str] | str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResourcePolicy:
    """The policy of a bucket, topic, function, key or role.

    `must_allow`: the resource's own policy must allow the caller or its account, regardless of the caller's policies.
    That holds for roles and keys ("IAM roles: trust policies", "Key policies in AWS KMS").
    `is_foreign`: the resource is in another account, so that the caller's own policies must allow the request too
    ("Cross-account policy evaluation logic").
    """

    policy: Policy
    must_allow: bool = False
    is_foreign: bool = False


@dataclass(frozen=True)
class Decision:
    """The answer with its reason, and the statement that decided, if any."""

    allowed: bool
    reason: str
    by: Statement | None = None


def decide(
    role: RolePolicies,
    check: Check,
    context: Context,
    resource_policies: Iterable[ResourcePolicy] = (),
) -> Decision:
    """Return whether the role may do it; a check that cannot be judged is refused, with the reason."""
    context = context.with_values(check.values, check.absent)
    of_resource = tuple(resource_policies)
    own = [each for policy in role.policies for each in policy.statements]
    boundary = role.boundary.statements if role.boundary else ()
    resource_statements = [each for one in of_resource for each in one.policy.statements]
    if denied := _denied([*own, *boundary], resource_statements, role, check, context):
        return denied
    identity = _first([each for each in own if each.allows], check, context)
    within = _first([each for each in boundary if each.allows], check, context) if role.boundary else True
    granted = _granted(resource_statements, role, check, context)
    if any(each.must_allow or each.is_foreign for each in of_resource):
        admitted = any_of([_verdict(granted), _verdict(_delegated(resource_statements, role, check, context))])
        if admitted is not True:
            return Decision(False, _why(admitted, f"the policy of {check.resource} does not allow {role.arn}"))
    suffices = () if any(each.is_foreign for each in of_resource) else (_verdict(granted),)
    own_or_granted = any_of([_verdict(identity), *suffices])
    if own_or_granted is not True:
        return Decision(False, _why(own_or_granted, f"no policy allows {check.action} on {check.resource}"))
    inside = _verdict(within)
    if inside is not True:
        return Decision(False, _why(inside, f"the permissions boundary does not allow {check.action}"))
    by = next((each for each in (identity, granted) if isinstance(each, Statement)), None)
    return Decision(True, f"allowed by {by}", by)


def _denied(
    own: Sequence[Statement],
    resource_statements: Sequence[Statement],
    role: RolePolicies,
    check: Check,
    context: Context,
) -> Decision | None:
    candidates = [(each, _applies(each, check, context)) for each in own if not each.allows]
    candidates += [
        (each, all_of([_names(each, role, or_account=True), _applies(each, check, context)]))
        for each in resource_statements
        if not each.allows
    ]
    for statement, verdict in candidates:
        if verdict is True:
            return Decision(False, f"denied by {statement}", statement)
    for statement, verdict in candidates:
        if isinstance(verdict, Unknown):
            return Decision(False, f"{verdict.reason}, and {statement} may deny it", statement)
    return None


def _first(statements: Iterable[Statement], check: Check, context: Context) -> Statement | Unknown | None:
    return _decisive((each, _applies(each, check, context)) for each in statements)


def _granted(
    resource_statements: Iterable[Statement], role: RolePolicies, check: Check, context: Context
) -> Statement | Unknown | None:
    """Return the statement of a resource's policy that allows the caller itself, without any other permission."""
    return _decisive(
        (each, all_of([_names(each, role, or_account=False), _applies(each, check, context)]))
        for each in resource_statements
        if each.allows
    )


def _delegated(
    resource_statements: Iterable[Statement], role: RolePolicies, check: Check, context: Context
) -> Statement | Unknown | None:
    """Return the statement that names the account, and so delegates the decision to the account's own policies."""
    return _decisive(
        (each, all_of([_names(each, role, or_account=True), _applies(each, check, context)]))
        for each in resource_statements
        if each.allows
    )


def _decisive(candidates: Iterator[tuple[Statement, Verdict]]) -> Statement | Unknown | None:
    unknown: Unknown | None = None
    for statement, verdict in candidates:
        if verdict is True:
            return statement
        if isinstance(verdict, Unknown):
            unknown = unknown or Unknown(f"{verdict.reason} ({statement})")
    return unknown


def _verdict(found: Statement | Unknown | bool | None) -> Verdict:
    return found if isinstance(found, Unknown | bool) else found is not None


def _why(verdict: Verdict, otherwise: str) -> str:
    return verdict.reason if isinstance(verdict, Unknown) else otherwise


def _applies(statement: Statement, check: Check, context: Context) -> Verdict:
    return all_of(
        [
            _is_about_action(statement, check.action, context),
            _is_about_resource(statement, check.resource, context),
            holds(statement.condition, context),
        ]
    )


def _is_about_action(statement: Statement, action: str, context: Context) -> Verdict:
    # Names of actions are case-insensitive ("IAM JSON policy elements: Action").
    listed = any_of(
        matches_text(each, action, context, case=False) for each in statement.actions or statement.not_actions
    )
    return negated(listed) if statement.not_actions else listed


def _is_about_resource(statement: Statement, resource: str, context: Context) -> Verdict:
    if not statement.resources and not statement.not_resources:
        # A trust policy has no Resource: it applies to its role.
        return True
    listed = any_of(
        matches_arn(each, resource, context) if resource != "*" else each == "*"
        for each in statement.resources or statement.not_resources
    )
    return negated(listed) if statement.not_resources else listed


def _names(statement: Statement, role: RolePolicies, *, or_account: bool) -> Verdict:
    """Return whether a statement's principal is the caller, or with `or_account` the caller's account."""
    if statement.principals is None:
        return Unknown(f"{statement} names no principal")
    if statement.excepts_principals:
        return Unknown(f"{statement} has NotPrincipal, which is not supported")
    names = {role.arn, "*"}
    if or_account:
        names |= {role.account, f"arn:aws:iam::{role.account}:root"}
    return bool(names & set(statement.principals.get("AWS", ())))
