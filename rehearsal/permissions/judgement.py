"""Judgement of the recorded calls: whether AWS would allow each one by the caller's own template."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import boto3

from rehearsal.permissions import reference
from rehearsal.permissions.checks import checks_of
from rehearsal.permissions.conditions import Context
from rehearsal.permissions.evaluator import Check, ResourcePolicy, decide
from rehearsal.permissions.facts import Facts, resource_policies, stack_parameters
from rehearsal.permissions.operations import UnknownOperationError, operation_of
from rehearsal.permissions.policies import RolePolicies
from rehearsal.permissions.recorded import RecordedCall, distinct, read_calls
from rehearsal.permissions.roles import roles_of_account
from vectora_shared.errors import VectoraError

SHOWN = 10
BUCKET_ACCOUNT = "s3:ResourceAccount"
# Keys that AWS sets only for calls of services and forwarded calls, never for a role's (IAM user guide, "AWS global
# condition context keys"), and keys of organizations and multi-factor authentication, which the rehearsal lacks.
ABSENT = (
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag/*",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpce",
)


class RefusedCallsError(VectoraError):
    """AWS would refuse calls that the rehearsal made."""


@dataclass(frozen=True)
class Refusal:
    """A call that AWS would refuse, or that cannot be judged; `sample` is one of `calls` requests like it."""

    role: str
    action: str
    resource: str
    reason: str
    source: str
    sample: str
    # Whether each such call also failed in the rehearsal.
    failed: bool = False
    calls: int = 1

    def __str__(self) -> str:
        where = f" on {self.resource}" if self.resource else ""
        return f"{self.role}: {self.action}{where}: {self.reason} ({self.source}). First call: {self.sample}"


@dataclass(frozen=True)
class Expected:
    """An expected refusal: of a role with `source` in its source, for an action on a resource with `about` in its name.

    It applies only when the emulator also answered with an error: a call that the emulator allowed is never expected
    to be refused.
    """

    source: str
    action: str
    about: str
    reason: str

    def covers(self, refusal: Refusal) -> bool:
        """Return whether `refusal` is this one."""
        return (
            self.source in refusal.source
            and refusal.action == self.action
            and (self.about in refusal.resource or self.about in refusal.sample)
            and refusal.failed
        )


_PROBE = (
    "cdk publish-assets looks up the bootstrap stack with the deploy role, then with its own role, and continues "
    "when both fail"
)
PROBES_OF_THE_CLI = (
    Expected(", DeliveryAssetsFileRole", "sts:AssumeRole", "-deploy-role-", _PROBE),
    Expected(", DeliveryAssetsFileRole", "cloudformation:DescribeStacks", ":stack/CDKToolkit/", _PROBE),
)


@dataclass(frozen=True)
class Summary:
    """Result for the distinct calls of a rehearsal; `unused` are granted actions that no call needed, by role."""

    calls: int
    roles: int
    refusals: tuple[Refusal, ...]
    expected: tuple[Refusal, ...]
    unused: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        return (
            f"{self.calls} distinct calls of {self.roles} roles, each allowed by its template under AWS's action names"
        )


class Judge:
    """Judge of calls by AWS's rules; it remembers the actions that each role used."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.used: dict[str, set[str]] = defaultdict(set)

    def refusals(self, call: RecordedCall) -> list[Refusal]:
        """Return the refusals of one call, none when AWS would allow it."""
        role = self._facts.roles.get(_name_of(call.caller))
        if role is None:
            return [_refusal(call, call.caller, "", "its caller is neither a known role nor a known user")]
        if role.problem:
            return [_refusal(call, role.name, role.source, role.problem)]
        try:
            checks = checks_of(operation_of(call), self._facts)
        except UnknownOperationError as error:
            return [_refusal(call, role.name, role.source, str(error))]
        return [refusal for check in checks if (refusal := self._refused(call, role, check))]

    def _refused(self, call: RecordedCall, role: RolePolicies, check: Check) -> Refusal | None:
        self.used[role.name].add(check.action.lower())
        account = self._facts.account_of(check.resource, call.account)
        if BUCKET_ACCOUNT in check.values:
            check = replace(check, values={**check.values, BUCKET_ACCOUNT: account})
        policies = self._facts.policies_of(check.resource, check.action)
        decision = decide(role, check, _context(call, role, account), policies)
        if decision.allowed:
            return None
        failed = call.status >= 400
        return Refusal(role.name, check.action, check.resource, decision.reason, role.source, call.sample, failed)

    def unused(self) -> dict[str, tuple[str, ...]]:
        """Return the granted actions that no call needed, for each role that made calls."""
        found = {name: _unused(self._facts.roles[name], frozenset(used)) for name, used in self.used.items()}
        return {name: unused for name, unused in found.items() if unused}


def judge(calls: Iterable[RecordedCall], facts: Facts, expected: Iterable[Expected] = PROBES_OF_THE_CLI) -> Summary:
    """Judge each distinct call once."""
    judge_of_calls = Judge(facts)
    found: list[Refusal] = []
    number, callers = 0, set()
    for call in distinct(calls):
        number += 1
        callers.add(_name_of(call.caller))
        found += judge_of_calls.refusals(call)
    refusals, expectations = _grouped(found), tuple(expected)
    as_expected = tuple(each for each in refusals if any(one.covers(each) for one in expectations))
    return Summary(
        calls=number,
        roles=len(callers),
        refusals=tuple(each for each in refusals if each not in as_expected),
        expected=as_expected,
        unused=judge_of_calls.unused(),
    )


def _grouped(refusals: Iterable[Refusal]) -> list[Refusal]:
    """Return one refusal, with a count, for all refusals that differ only in their requests."""
    alike: dict[tuple[str, str, str, str], list[Refusal]] = defaultdict(list)
    for each in refusals:
        alike[each.role, each.action, each.resource, each.reason].append(each)
    return [replace(group[0], calls=len(group), failed=all(each.failed for each in group)) for group in alike.values()]


def check_recorded_calls(
    path: Path,
    session: boto3.Session,
    *,
    stacks: Iterable[str],
    profiles: Mapping[str, tuple[str, ...]],
    skipped_callers: Container[str] = (),
    expected: Iterable[Expected] = (),
    account: str | None = None,
    policies: Mapping[str, Mapping[str, ResourcePolicy]] = MappingProxyType({}),
) -> Summary:
    """Judge the calls recorded in `path`, with the account of `session`; raise RefusedCallsError naming refused calls.

    The roles of `stacks` are judged by those stacks' templates, all others by IAM. `profiles` are the ARNs of the
    models behind each inference profile, which no request names. `expected` are refusals that the rehearsal provokes,
    in addition to those of the CDK CLI's probes. With `account`, only the calls of its callers are judged. `policies`
    are those of resources of several accounts, by account.
    """
    elsewhere = {where: found for where, found in policies.items() if where != account}
    foreign = {arn: replace(each, is_foreign=True) for found in elsewhere.values() for arn, each in found.items()}
    own = policies.get(account or "") or resource_policies(session)
    facts = Facts(
        roles=roles_of_account(session, stacks),
        stack_parameters=stack_parameters(session),
        profiles=profiles,
        resource_policies={**foreign, **own},
        owners={arn: where for where, found in elsewhere.items() for arn in found if arn.startswith("arn:aws:s3:::")},
    )
    calls = (
        call for call in read_calls(path) if call.caller not in skipped_callers and account in (None, call.account)
    )
    summary = judge(calls, facts, (*PROBES_OF_THE_CLI, *expected))
    if summary.refusals:
        raise RefusedCallsError(describe(summary))
    if not summary.calls:
        raise RefusedCallsError(f"No call was recorded in {path.name}: check the recorder in inside/front_door.py.")
    return summary


def describe(summary: Summary) -> str:
    """Return the first refusals, one per line."""
    more = len(summary.refusals) - SHOWN
    lines = [f"AWS would refuse {len(summary.refusals)} kinds of calls that the emulator allowed:"]
    lines += [f"  {refusal}" for refusal in summary.refusals[:SHOWN]]
    return "\n".join([*lines, f"  and {more} more"] if more > 0 else lines)


def _refusal(call: RecordedCall, role: str, source: str, reason: str) -> Refusal:
    return Refusal(role, f"{call.service} call", "", reason, source or "no template", call.sample, call.status >= 400)


def _name_of(caller: str) -> str:
    """Return the name of the session's role, or of the user, in the form of `RolePolicies.name`."""
    kind, *rest = caller.split(":", 5)[-1].split("/")
    return rest[0] if kind == "assumed-role" else f"{kind}/{rest[-1] if rest else ''}"


def _context(call: RecordedCall, role: RolePolicies, account: str) -> Context:
    now = datetime.now(UTC)
    is_role = ":assumed-role/" in call.caller
    values: dict[str, str] = {
        "aws:CurrentTime": now.isoformat(),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:PrincipalAccount": call.account,
        "aws:PrincipalArn": role.arn,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": "AssumedRole" if is_role else "User",
        "aws:RequestedRegion": call.region,
        "aws:SecureTransport": "true",
        # In the default policies of topics: the account of the caller.
        "aws:SourceOwner": call.account,
        "aws:ViaAWSService": "false",
        **{f"aws:PrincipalTag/{key}": value for key, value in role.tags.items()},
    }
    if account:
        values["aws:ResourceAccount"] = account
    if not is_role:
        values["aws:username"] = role.arn.rpartition("/")[2]
    return Context(values, (*ABSENT, *(["aws:username"] if is_role else [])))


def _unused(role: RolePolicies, used: frozenset[str]) -> tuple[str, ...]:
    granted = {
        pattern
        for policy in role.policies
        for statement in policy.statements
        if statement.allows
        for pattern in statement.actions
    }
    return tuple(sorted(each for each in granted - {"*"} if not used & _expanded(each)))


def _expanded(pattern: str) -> set[str]:
    return {each.lower() for each in reference.expand(pattern)}
