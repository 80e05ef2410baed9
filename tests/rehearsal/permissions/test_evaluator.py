"""The evaluator decides by AWS's user guide, and never allows a request that it cannot judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.permissions.conditions import Context
from rehearsal.permissions.evaluator import Check, Decision, ResourcePolicy, decide
from rehearsal.permissions.policies import Policy, PolicyError, RolePolicies, parse_policy

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
KEY = "arn:aws:s3:::bucket/key"
CONTEXT = Context(
    {
        "aws:PrincipalAccount": ACCOUNT,
        "aws:username": "carlossalazar",
        "aws:SecureTransport": "true",
        "aws:TagKeys": ["team", "cost"],
        "s3:max-keys": "10",
        "aws:CurrentTime": "2026-01-15T08:00:00+00:00",
        "aws:SourceArn": "arn:aws:s3:::bucket",
    },
    absent=["aws:MultiFactorAuthPresent", "aws:PrincipalTag/*"],
)


def _statement(effect: str = "Allow", action: Any = "s3:GetObject", resource: Any = "*", **others: Any) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource, **others}


def _policy(*statements: Any) -> Policy:
    return parse_policy("tested", {"Version": "2012-10-17", "Statement": list(statements)})


def _decide(
    *statements: Any,
    action: str = "s3:GetObject",
    resource: str = KEY,
    boundary: Policy | None = None,
    of_resource: Sequence[ResourcePolicy] = (),
    context: Context = CONTEXT,
) -> Decision:
    role = RolePolicies(arn=ROLE, source="a test", policies=(_policy(*statements),), boundary=boundary)
    return decide(role, Check(action, resource), context, of_resource)


# --- "How AWS enforcement code logic evaluates requests to allow or deny access"


def test_without_an_allow_a_request_is_denied() -> None:
    decision = _decide(_statement(action="s3:PutObject"))
    assert not decision.allowed
    assert decision.reason == f"no policy allows s3:GetObject on {KEY}"


def test_an_explicit_deny_overrides_every_allow() -> None:
    decision = _decide(_statement(action="s3:*"), _statement("Deny", Sid="Never"))
    assert not decision.allowed
    assert decision.reason == "denied by tested, statement Never"


def test_identity_and_bucket_policy_add_up_and_a_deny_wins() -> None:
    """The user guide's example of Carlos and his log bucket."""
    logs = "arn:aws:s3:::amzn-s3-demo-bucket-carlossalazar-logs"
    own = [
        _statement(action=["s3:GetBucketLocation", "s3:ListAllMyBuckets"], resource="arn:aws:s3:::*"),
        _statement(action="s3:ListBucket", resource=logs),
        _statement("Deny", action="s3:*", resource=f"{logs}/secret/*"),
    ]
    carlos = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/reader"}
    bucket = ResourcePolicy(_policy(_statement(action="s3:PutObject", resource=f"{logs}/*", Principal=carlos)))
    assert _decide(*own, action="s3:ListBucket", resource=logs).allowed
    assert not _decide(*own, action="s3:PutObject", resource=f"{logs}/file").allowed
    assert _decide(*own, action="s3:PutObject", resource=f"{logs}/file", of_resource=[bucket]).allowed
    assert not _decide(*own, action="s3:PutObject", resource=f"{logs}/secret/file", of_resource=[bucket]).allowed


@pytest.mark.parametrize(
    ("boundary", "allowed"),
    [
        (_policy(_statement(action="s3:*")), True),
        (_policy(_statement(action="sns:*")), False),
        (_policy(_statement(action="*"), _statement("Deny")), False),
    ],
)
def test_a_permissions_boundary_limits_and_never_grants(boundary: Policy, allowed: bool) -> None:
    assert _decide(_statement(), boundary=boundary).allowed is allowed
    assert not _decide(_statement(action="sns:Publish"), boundary=boundary).allowed


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": [ROLE]}])
def test_a_resources_policy_can_allow_a_role_by_itself(principal: Any) -> None:
    resource = ResourcePolicy(_policy(_statement(Principal=principal)))
    assert _decide(_statement(action="sns:Publish"), of_resource=[resource]).allowed


@pytest.mark.parametrize(
    "principal",
    [{"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"Service": "s3.amazonaws.com"}, {"AWS": ROLE + "2"}],
)
def test_a_resources_policy_that_names_the_account_does_not_allow_a_role_by_itself(principal: Any) -> None:
    resource = ResourcePolicy(_policy(_statement(Principal=principal)))
    assert not _decide(_statement(action="sns:Publish"), of_resource=[resource]).allowed
    assert _decide(_statement(), of_resource=[resource]).allowed


def test_a_bucket_policy_denies_all_requests_without_tls() -> None:
    deny = _statement("Deny", "s3:*", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    bucket = ResourcePolicy(_policy(deny))
    assert _decide(_statement(), of_resource=[bucket]).allowed
    plain = Context({"aws:SecureTransport": "false"})
    assert not _decide(_statement(), of_resource=[bucket], context=plain).allowed


@pytest.mark.parametrize(
    ("principal", "granted", "allowed"),
    [
        ({"AWS": ACCOUNT}, True, True),
        ({"AWS": ACCOUNT}, False, False),
        ({"AWS": ROLE}, False, True),
        ({"Service": "lambda.amazonaws.com"}, True, False),
    ],
)
def test_only_trusted_principals_can_assume_a_role(principal: Any, granted: bool, allowed: bool) -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    policy = ResourcePolicy(_policy(trust), must_allow=True)
    own = _statement(action="sts:AssumeRole" if granted else "s3:GetObject", resource=other)
    assert _decide(own, action="sts:AssumeRole", resource=other, of_resource=[policy]).allowed is allowed


# --- elements of a statement


@pytest.mark.parametrize(
    ("pattern", "action", "matches"),
    [
        ("s3:getobject", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObjectVersion", True),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:GetObject", "s3:GetObjectVersion", False),
        ("*", "s3:GetObject", True),
        ("s3:*", "sns:Publish", False),
    ],
)
def test_actions_match_with_wildcards_and_without_case(pattern: str, action: str, matches: bool) -> None:
    assert _decide(_statement(action=pattern), action=action).allowed is matches
    apart = {"Effect": "Allow", "NotAction": pattern, "Resource": "*"}
    assert _decide(apart, action=action).allowed is not matches


@pytest.mark.parametrize(
    ("pattern", "resource", "matches"),
    [
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b:c", True),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket", False),
        ("arn:aws:s3:::Bucket/*", "arn:aws:s3:::bucket/a", False),
        ("arn:aws:s3:::bucket/?", "arn:aws:s3:::bucket/ab", False),
        ("arn:aws:lambda:*:123456789012:function:f", "arn:aws:lambda:eu-west-3:123456789012:function:f", True),
        # A wildcard never spans two parts.
        ("arn:aws:lambda:*:function:f", "arn:aws:lambda:eu-west-3:123456789012:function:f", False),
        ("arn:aws:lambda:eu-west-3:*:function:f", "arn:aws:lambda:eu-west-3:1:layer:f", False),
        ("arn:aws:iam::${aws:PrincipalAccount}:role/x", f"arn:aws:iam::{ACCOUNT}:role/x", True),
        ("arn:aws:iam::${aws:PrincipalAccount}:role/x", "arn:aws:iam::210987654321:role/x", False),
        ("arn:aws:s3:::bucket/${aws:username}/*", "arn:aws:s3:::bucket/carlossalazar/x", True),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'all'}/*", "arn:aws:s3:::bucket/all/x", True),
        ("arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*", "arn:aws:s3:::bucket//x", False),
        ("arn:aws:s3:::bucket/${*}", "arn:aws:s3:::bucket/*", True),
        ("arn:aws:s3:::bucket/${*}", "arn:aws:s3:::bucket/key", False),
        ("*", "*", True),
        ("arn:aws:s3:::bucket", "*", False),
    ],
)
def test_resources_match_part_by_part(pattern: str, resource: str, matches: bool) -> None:
    assert _decide(_statement(resource=pattern), resource=resource).allowed is matches
    apart = {"Effect": "Deny", "Action": "*", "NotResource": pattern}
    assert _decide(_statement(), apart, resource=resource).allowed is matches


CONDITIONS: list[tuple[dict[str, Any], bool]] = [
    ({"StringEquals": {"aws:username": "carlossalazar"}}, True),
    ({"StringEquals": {"AWS:UserName": ["x", "carlossalazar"]}}, True),
    ({"StringEquals": {"aws:username": "carlos*"}}, False),
    ({"StringEqualsIgnoreCase": {"aws:username": "CarlosSalazar"}}, True),
    ({"StringNotEqualsIgnoreCase": {"aws:username": "CarlosSalazar"}}, False),
    ({"StringLike": {"aws:username": "carlos*"}}, True),
    ({"StringNotLike": {"aws:username": ["x*", "carlos*"]}}, False),
    ({"StringNotEquals": {"aws:username": ["x", "y"]}}, True),
    ({"StringEquals": {"aws:username": "carlossalazar", "s3:max-keys": "11"}}, False),
    ({"StringEquals": {"aws:username": "${aws:username}"}}, True),
    ({"NumericLessThan": {"s3:max-keys": "11"}}, True),
    ({"NumericLessThanEquals": {"s3:max-keys": 10}}, True),
    ({"NumericGreaterThan": {"s3:max-keys": "10"}}, False),
    ({"NumericEquals": {"s3:max-keys": "10.0"}}, True),
    ({"DateLessThan": {"aws:CurrentTime": "2026-01-16T00:00:00Z"}}, True),
    ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-16"}}, False),
    ({"Bool": {"aws:SecureTransport": True}}, True),
    ({"Bool": {"aws:SecureTransport": "False"}}, False),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b*"}}, True),
    ({"ArnEquals": {"aws:SourceArn": ["arn:aws:sns:::b", "arn:aws:s3:::bucket"]}}, True),
    ({"ArnNotEquals": {"aws:SourceArn": "arn:aws:s3:::bucket"}}, False),
    ({"Null": {"aws:username": "false"}}, True),
    ({"Null": {"aws:MultiFactorAuthPresent": "true"}}, True),
    ({"Null": {"aws:username": True}}, False),
    # A key that the request does not have.
    ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
    ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, True),
    ({"StringNotEquals": {"aws:PrincipalTag/team": "x"}}, True),
    ({"StringEqualsIfExists": {"aws:username": "x"}}, False),
    # Keys with several values.
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost", "more"]}}, True),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}, False),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}, True),
    ({"ForAnyValue:StringLike": {"aws:TagKeys": ["x*"]}}, False),
    ({"ForAllValues:StringEquals": {"aws:PrincipalTag/team": ["x"]}}, True),
    ({"ForAnyValue:StringEquals": {"aws:PrincipalTag/team": ["x"]}}, False),
    ({"ForAllValues:StringNotEquals": {"aws:TagKeys": ["other"]}}, True),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS, ids=[str(condition) for condition, _ in CONDITIONS])
def test_conditions_decide_whether_a_statement_applies(condition: dict[str, Any], holds: bool) -> None:
    assert _decide(_statement(Condition=condition)).allowed is holds
    assert _decide(_statement(), _statement("Deny", Condition=condition)).allowed is not holds


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"IpAddress": {"aws:username": "10.0.0.0/8"}}, "the condition operator IpAddress is not known"),
    ({"Invented": {"aws:username": "x"}}, "the condition operator Invented is not known"),
    ({"ForSomeValues:StringEquals": {"aws:username": "x"}}, "the condition operator ForSomeValues:StringEquals"),
    ({"StringEquals": {"ec2:Invented": "x"}}, "the condition key ec2:Invented is not known"),
    ({"StringEqualsIfExists": {"ec2:Invented": "x"}}, "the condition key ec2:Invented is not known"),
    ({"StringEquals": {"aws:username": "${ec2:Invented}"}}, "the condition key ec2:Invented is not known"),
    ({"StringEquals": {"aws:TagKeys": "team"}}, "the condition key aws:TagKeys has several values"),
    ({"NumericEquals": {"aws:username": "1"}}, "the values of a condition NumericEquals cannot be compared"),
]


@pytest.mark.parametrize(("condition", "words"), UNKNOWN, ids=[str(condition) for condition, _ in UNKNOWN])
def test_an_unknown_condition_refuses_by_name(condition: dict[str, Any], words: str) -> None:
    allows = _decide(_statement(Condition=condition))
    denies = _decide(_statement(), _statement("Deny", Condition=condition))
    assert not allows.allowed
    assert words in allows.reason
    assert not denies.allowed
    assert words in denies.reason
    assert "may deny it" in denies.reason


def test_an_unknown_condition_changes_no_decision_that_other_statements_make() -> None:
    unknown = _statement(Condition={"StringEquals": {"ec2:Invented": "x"}})
    assert _decide(unknown, _statement()).allowed
    other = _statement("Deny", action="sns:Publish", Condition={"StringEquals": {"ec2:Invented": "x"}})
    assert _decide(other, _statement()).allowed
    both = {"StringEquals": {"ec2:Invented": "x", "aws:username": "another"}}
    assert _decide(_statement(), _statement("Deny", Condition=both)).allowed


def test_an_unknown_variable_refuses_by_name() -> None:
    decision = _decide(_statement(resource="arn:aws:s3:::${ec2:Invented}/*"))
    assert not decision.allowed
    assert "ec2:Invented" in decision.reason


def test_a_statement_with_not_principal_is_not_judged() -> None:
    resource = ResourcePolicy(_policy(_statement("Deny", NotPrincipal={"AWS": ROLE})))
    decision = _decide(_statement(), of_resource=[resource])
    assert not decision.allowed
    assert "NotPrincipal" in decision.reason


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"Version": "2008-10-17", "Statement": _statement(resource="${aws:username}")}, "version 2008-10-17"),
        ({"Version": "2012-10-17", "Statement": _statement(Invented=1)}, "the element Invented is not known"),
        ({"Version": "2012-10-17", "Statement": _statement("Perhaps")}, "Effect is neither Allow nor Deny"),
        ({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*"}}, "one of Action and NotAction"),
    ],
)
def test_an_unsupported_policy_is_refused_by_name(document: Any, words: str) -> None:
    with pytest.raises(PolicyError, match="Policy tested") as caught:
        parse_policy("tested", document)
    assert words in str(caught.value)


# --- for any policies

ACTIONS = st.sampled_from(["s3:GetObject", "s3:Get*", "s3:*", "*", "s3:PutObject", "sns:Publish"])
RESOURCES = st.sampled_from(["*", KEY, "arn:aws:s3:::bucket/*", "arn:aws:s3:::other/*"])
SOME_CONDITION = st.sampled_from(
    [{}, *(condition for condition, _ in CONDITIONS), *(condition for condition, _ in UNKNOWN)]
)
STATEMENTS = st.builds(
    lambda effect, action, resource, condition: _statement(effect, action, resource, Condition=condition),
    st.sampled_from(["Allow", "Deny"]),
    ACTIONS,
    RESOURCES,
    SOME_CONDITION,
)


@settings(deadline=None)
@given(st.lists(STATEMENTS, max_size=6))
def test_a_deny_of_everything_wins_over_any_policies(statements: list[Any]) -> None:
    assert not _decide(*statements, _statement("Deny", "*")).allowed


@settings(deadline=None)
@given(st.lists(STATEMENTS, max_size=6), STATEMENTS)
def test_another_deny_never_allows_and_another_allow_never_denies(statements: list[Any], more: Any) -> None:
    before, after = _decide(*statements), _decide(*statements, more)
    if more["Effect"] == "Deny":
        assert before.allowed or not after.allowed
    else:
        assert after.allowed or not before.allowed


@settings(deadline=None)
@given(st.lists(STATEMENTS, max_size=6))
def test_the_order_of_statements_does_not_matter(statements: list[Any]) -> None:
    assert _decide(*statements).allowed == _decide(*reversed(statements)).allowed


@settings(deadline=None)
@given(st.lists(STATEMENTS, max_size=4), st.lists(STATEMENTS, max_size=4))
def test_a_boundary_never_adds_a_permission(statements: list[Any], of_boundary: list[Any]) -> None:
    within = _decide(*statements, boundary=_policy(*of_boundary))
    assert _decide(*statements).allowed or not within.allowed
