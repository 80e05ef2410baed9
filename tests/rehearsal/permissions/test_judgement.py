"""Judgement of recorded calls by their roles' templates; each refusal names the missing permission."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from rehearsal.permissions import Expected, RecordedCall, Summary, judge
from rehearsal.permissions.evaluator import ResourcePolicy
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.judgement import SHOWN, Refusal, describe
from rehearsal.permissions.policies import RolePolicies, parse_policy
from rehearsal.permissions.recorded import RecordingError, is_recorded, read_calls

Record = Callable[..., RecordedCall]
Golden = dict[str, RolePolicies]
ACCOUNT = "000000000000"
OPERATIONS = "vectora-inbox-s0-operations-dev"
TOPIC = f"arn:aws:sns:eu-west-3:{ACCOUNT}:vectora-inbox-operations-dev"
CONFIG = "vectora-inbox-config-dev.s3.eu-west-3.amazonaws.com"
FUNCTION = "/2015-03-31/functions/vectora-inbox-ingest-v2-dev"


def _allow(*actions: str, resource: Any = "*", **others: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **others}


def _role(name: str, *statements: Any, trust: Any = None, **others: Any) -> RolePolicies:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return RolePolicies(
        arn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
        source="the stack tested, Role",
        policies=(parse_policy("grants", document),),
        trust=parse_policy("trust", {"Version": "2012-10-17", "Statement": trust}) if trust else None,
        **others,
    )


def _judge(calls: Iterable[RecordedCall], *roles: RolePolicies, **facts: Any) -> Summary:
    return judge(calls, Facts(roles={role.name: role for role in roles}, **facts))


def _without(role: RolePolicies, action: str) -> RolePolicies:
    """Return the role of a template without this action."""

    def reduced(statement: Any) -> Any:
        return replace(statement, actions=tuple(each for each in statement.actions if each != action))

    policies = (replace(each, statements=tuple(map(reduced, each.statements))) for each in role.policies)
    return replace(role, policies=tuple(policies))


@pytest.fixture(scope="session")
def snapshot(golden_roles: Golden) -> str:
    return _named(golden_roles, "SnapshotRole")


@pytest.fixture(scope="session")
def promotion(golden_roles: Golden) -> str:
    return _named(golden_roles, "PromotionRole")


def _named(golden_roles: Golden, logical_id: str) -> str:
    """Return the name of a role of dev's operations stack."""
    return next(name for name, role in golden_roles.items() if role.source == f"{OPERATIONS}, {logical_id}")


def _publish(record: Record, role: str) -> RecordedCall:
    return record("sns", body=urlencode({"Action": "Publish", "TopicArn": TOPIC, "Message": "m"}), role=role)


# --- by the golden templates


def test_calls_that_the_templates_allow_are_allowed(
    record: Record, golden_facts: Facts, snapshot: str, promotion: str
) -> None:
    parameter = {"Name": "/vectora-inbox/dev/release"}
    listing = {"host": CONFIG, "query": "list-type=2&prefix=clients%2F"}
    calls = [
        _publish(record, snapshot),
        record("ssm", headers={"x-amz-target": "AmazonSSM.GetParameter"}, body=json.dumps(parameter), role=snapshot),
        record(
            "s3", "PUT", "/locks/a.json", host="vectora-inbox-snapshots-dev.s3.eu-west-3.amazonaws.com", role=snapshot
        ),
        record("s3", "GET", "/", role=promotion, **listing),
        record("sts", body="Action=GetCallerIdentity", role=promotion),
    ]
    summary = judge(calls, golden_facts)
    assert summary.refusals == ()
    assert str(summary) == "5 distinct calls of 2 roles, each allowed by its template under AWS's action names"


def test_a_role_that_lost_a_permission_is_refused_and_named(
    record: Record, golden_roles: Golden, snapshot: str
) -> None:
    summary = _judge([_publish(record, snapshot)], _without(golden_roles[snapshot], "sns:Publish"))
    assert summary.refusals == (
        Refusal(
            role=snapshot,
            action="sns:Publish",
            resource=TOPIC,
            reason=f"no policy allows sns:Publish on {TOPIC}",
            source=f"{OPERATIONS}, SnapshotRole",
            sample="POST https://sns.eu-west-3.amazonaws.com/",
            failed=False,
        ),
    )


def test_a_condition_of_a_template_is_evaluated(record: Record, golden_facts: Facts, promotion: str) -> None:
    elsewhere = record("s3", "GET", "/", host=CONFIG, query="list-type=2&prefix=canonical%2F", role=promotion)
    refused = judge([elsewhere], golden_facts).refusals
    assert [(each.action, each.resource) for each in refused] == [
        ("s3:ListBucket", "arn:aws:s3:::vectora-inbox-config-dev")
    ]


def test_another_environments_resource_is_refused(record: Record, golden_facts: Facts, snapshot: str) -> None:
    other = record("s3", "GET", "/a", host="vectora-inbox-data-prod.s3.eu-west-3.amazonaws.com", role=snapshot)
    assert [each.action for each in judge([other], golden_facts).refusals] == ["s3:GetObject"]


# --- calls that only the emulator allows


def test_a_function_read_without_its_tags_is_refused(record: Record) -> None:
    call = record("lambda", "GET", FUNCTION)
    arn = f"arn:aws:lambda:eu-west-3:{ACCOUNT}:function:vectora-inbox-*-dev"
    refused = _judge([call], _role("reader", _allow("lambda:GetFunction", resource=arn))).refusals
    assert [each.action for each in refused] == ["lambda:ListTags"]
    both = _allow("lambda:GetFunction", "lambda:ListTags", resource=arn)
    assert _judge([call], _role("reader", both)).refusals == ()


@pytest.mark.parametrize(
    ("granted", "needed", "service", "path", "host"),
    [
        ("lambda:ListLayers", "lambda:GetLayerVersion", "lambda", "/2018-10-31/layers/l/versions/1", "lambda"),
        ("bedrock:Converse", "bedrock:InvokeModel", "bedrock", "/model/anthropic.claude/converse", "bedrock-runtime"),
    ],
)
def test_an_action_that_only_the_emulator_checks_grants_nothing(
    record: Record, granted: str, needed: str, service: str, path: str, host: str
) -> None:
    method = "GET" if service == "lambda" else "POST"
    call = record(service, method, path, host=f"{host}.eu-west-3.amazonaws.com")
    assert [each.action for each in _judge([call], _role("reader", _allow(granted))).refusals] == [needed]
    assert _judge([call], _role("reader", _allow(needed))).refusals == ()


def test_a_model_behind_a_profile_needs_every_region(record: Record) -> None:
    call = record("bedrock", path="/model/eu.claude/converse", host="bedrock-runtime.eu-west-3.amazonaws.com")
    models = tuple(f"arn:aws:bedrock:{region}::foundation-model/claude" for region in ("eu-west-1", "eu-west-3"))
    profile = f"arn:aws:bedrock:eu-west-3:{ACCOUNT}:inference-profile/eu.claude"
    profiles = {"eu.claude": models}
    one_region = _role("reader", _allow("bedrock:InvokeModel", resource=[profile, models[1]]))
    refused = _judge([call], one_region, profiles=profiles).refusals
    assert [each.resource for each in refused] == [models[0]]
    all_regions = _role("reader", _allow("bedrock:InvokeModel", resource=[profile, *models]))
    assert _judge([call], all_regions, profiles=profiles).refusals == ()


def test_a_missing_object_needs_the_permission_to_list_without_a_prefix(record: Record) -> None:
    call = record("s3", "GET", "/bucket/key", status=404)
    read = _allow("s3:GetObject", resource="arn:aws:s3:::bucket/*")
    of_prefix = _allow("s3:ListBucket", resource="arn:aws:s3:::bucket", Condition={"StringLike": {"s3:prefix": "k*"}})
    assert [each.action for each in _judge([call], _role("reader", read, of_prefix)).refusals] == ["s3:ListBucket"]
    all_keys = _allow("s3:ListBucket", resource="arn:aws:s3:::bucket")
    assert _judge([call], _role("reader", read, all_keys)).refusals == ()


def test_a_role_of_the_bootstrap_is_assumed_by_its_tag(record: Record) -> None:
    condition = {"ForAnyValue:StringEquals": {"iam:ResourceTag/aws-cdk:bootstrap-role": ["deploy"]}}
    build = _role("reader", _allow("sts:AssumeRole", resource=f"arn:*:iam::{ACCOUNT}:role/*", Condition=condition))
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
    tagged = _role("deploy", _allow("s3:*"), trust=trust, tags={"aws-cdk:bootstrap-role": "deploy"})
    body = urlencode({"Action": "AssumeRole", "RoleArn": tagged.arn, "RoleSessionName": "s"})
    call = record("sts", body=body)
    assert _judge([call], build, tagged).refusals == ()
    assert _judge([call], build, replace(tagged, tags={})).refusals != ()
    strict = {**trust, "Principal": {"Service": "lambda.amazonaws.com"}}
    reason = _judge([call], build, _role("deploy", trust=strict, tags=tagged.tags)).refusals[0].reason
    assert reason == f"the policy of {tagged.arn} does not allow {build.arn}"


@pytest.mark.parametrize(
    ("service", "path", "action", "refused"),
    [
        ("s3", "/bucket/key", "s3:GetObject", 0),
        ("lambda", "/2018-10-31/layers/l/versions/1", "lambda:GetLayerVersion", 0),
        ("lambda", "/2018-10-31/layers/arn:aws:lambda:eu-west-3:580247275435:layer:i/versions/1", "lambda:*", 1),
        # A list of all layers has no account.
        ("lambda", "/2018-10-31/layers", "lambda:ListLayers", 1),
    ],
)
def test_resources_can_be_limited_to_the_callers_account(
    record: Record, service: str, path: str, action: str, refused: int
) -> None:
    own = {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
    summary = _judge([record(service, "GET", path)], _role("reader", _allow(action, Condition=own)))
    assert len(summary.refusals) == refused


# --- calls that cannot be judged


def test_an_unknown_operation_is_refused_by_name_and_the_others_are_judged(record: Record) -> None:
    unknown = record("ssm", headers={"x-amz-target": "AmazonSSM.Invented"})
    summary = _judge([unknown, _publish(record, "reader")], _role("reader", _allow("ssm:*")))
    reasons = [each.reason for each in summary.refusals]
    assert "AmazonSSM.Invented" in reasons[0]
    assert reasons[1:] == [f"no policy allows sns:Publish on {TOPIC}"]


def test_an_unknown_condition_is_refused_by_name(record: Record) -> None:
    role = _role("reader", _allow("sns:*", Condition={"StringEquals": {"sns:Invented": "x"}}))
    assert (
        "the condition key sns:Invented is not known" in _judge([_publish(record, "reader")], role).refusals[0].reason
    )


@pytest.mark.parametrize("caller", [f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:sts::{ACCOUNT}:assumed-role/unknown/s"])
def test_a_caller_without_a_role_is_refused(record: Record, caller: str) -> None:
    call = record("sts", body="Action=GetCallerIdentity", caller=caller)
    assert "neither a known role nor a known user" in _judge([call], _role("reader", _allow("*"))).refusals[0].reason


def test_a_role_whose_policies_cannot_be_read_is_refused_only_when_it_calls(record: Record) -> None:
    broken = replace(_role("broken"), problem="The managed policy x was not found.")
    fine = _role("reader", _allow("sns:Publish"))
    assert _judge([_publish(record, "reader")], fine, broken).refusals == ()
    assert (
        _judge([_publish(record, "broken")], fine, broken).refusals[0].reason == "The managed policy x was not found."
    )


def test_a_user_is_judged_by_its_own_policies(record: Record) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/people/ada"
    allowed = _allow("s3:GetObject", resource="arn:aws:s3:::letters/${aws:username}/*")
    user = replace(_role("x", allowed), arn=arn)
    own = record("s3", "GET", "/letters/ada/file", caller=arn)
    other = record("s3", "GET", "/letters/eve/file", caller=arn)
    assert _judge([own], user).refusals == ()
    assert [each.role for each in _judge([other], user).refusals] == ["user/ada"]


# --- the summary


def test_equal_calls_are_judged_once_and_similar_refusals_are_counted(record: Record) -> None:
    one, other = _publish(record, "reader"), record("sns", body=f"Action=Publish&TopicArn={TOPIC}&Message=other")
    summary = _judge([one, one, other], _role("reader", _allow("s3:*")))
    assert (summary.calls, summary.roles) == (2, 1)
    assert [each.calls for each in summary.refusals] == [2]


def test_unused_permissions_are_reported_without_a_refusal(record: Record) -> None:
    role = _role("reader", _allow("sns:Publish", "s3:GetObject", "s3:Put*"), _allow("sns:*"))
    summary = _judge([_publish(record, "reader")], role)
    assert summary.refusals == ()
    assert summary.unused == {"reader": ("s3:GetObject", "s3:Put*")}


def test_a_refusal_is_expected_only_if_the_call_failed_in_the_rehearsal(record: Record) -> None:
    expected = Expected(", Role", "s3:GetObject", "/absent/", "a bad commit reads it")
    role = _role("reader", _allow("sns:Publish"))
    facts = Facts(roles={role.name: role})
    failed = record("s3", "GET", "/bucket/absent/key", status=403)
    summary = judge([failed], facts, [expected])
    assert (summary.refusals, [each.resource for each in summary.expected]) == ((), ["arn:aws:s3:::bucket/absent/key"])
    for other in (
        record("s3", "GET", "/bucket/absent/key"),
        record("s3", "GET", "/bucket/other/key", status=403),
        record("s3", "PUT", "/bucket/absent/key", status=403),
    ):
        assert len(judge([other], facts, [expected]).refusals) == 1
    assert len(judge([failed, record("s3", "GET", "/bucket/absent/key")], facts, [expected]).refusals) == 1


def test_the_probes_of_the_cdk_cli_are_expected(record: Record, golden_roles: Golden) -> None:
    assets = next(role for role in golden_roles.values() if ", DeliveryAssetsFileRole" in role.source)
    body = urlencode({"Action": "DescribeStacks", "StackName": "CDKToolkit"})
    summary = _judge([record("cloudformation", body=body, status=403, role=assets.name)], assets)
    assert (summary.refusals, [each.action for each in summary.expected]) == ((), ["cloudformation:DescribeStacks"])


def test_the_first_refusals_are_named_and_the_rest_counted(record: Record) -> None:
    calls = [record("s3", "GET", f"/bucket/{number}") for number in range(SHOWN + 2)]
    lines = describe(_judge(calls, _role("reader", _allow("sns:*")))).splitlines()
    assert lines[0] == "AWS would refuse 12 kinds of calls that the emulator allowed:"
    assert lines[1] == (
        "  reader: s3:GetObject on arn:aws:s3:::bucket/0: no policy allows s3:GetObject on arn:aws:s3:::bucket/0 "
        "(the stack tested, Role). First call: GET https://s3.eu-west-3.amazonaws.com/bucket/0"
    )
    assert lines[-1] == "  and 2 more"


# --- the recording


def test_recorded_lines_are_read(tmp_path: Path, record: Record) -> None:
    calls = [record("s3", "GET", "/b/ä", headers={"Range": "bytes=0-1"}), _publish(record, "reader")]
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(call.model_dump_json() for call in calls) + "\n\n", encoding="utf-8")
    assert list(read_calls(path)) == calls


@pytest.mark.parametrize("line", ["{", "[]", '{"caller": "x"}'])
def test_an_invalid_line_is_named(tmp_path: Path, record: Record, line: str) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text(f"{_publish(record, 'reader').model_dump_json()}\n{line}\n", encoding="utf-8")
    with pytest.raises(RecordingError, match=r"calls\.jsonl, line 2: not a recorded call"):
        list(read_calls(path))


def test_headers_that_decide_about_permissions_are_recorded_and_secrets_are_not() -> None:
    assert all(
        map(is_recorded, ["Host", "X-Amz-Target", "x-amz-copy-source", "x-amz-object-lock-mode", "If-None-Match"])
    )
    assert not any(map(is_recorded, ["Authorization", "X-Amz-Security-Token", "Cookie", "x-amz-date"]))


BUCKET = "arn:aws:s3:::bucket"
OWNER = "555555555555"
ADMITS = _allow("s3:GetObject", resource=f"{BUCKET}/*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/reader"})
OF_THE_OWNER = _allow("s3:GetObject", Condition={"StringEquals": {"s3:ResourceAccount": OWNER}})


@pytest.mark.parametrize(
    ("grant", "admission", "passes"),
    [
        (OF_THE_OWNER, ADMITS, True),
        (_allow("s3:GetObject", Condition={"StringEquals": {"aws:ResourceAccount": OWNER}}), ADMITS, True),
        (_allow("s3:GetObject", Condition={"StringEquals": {"s3:ResourceAccount": ACCOUNT}}), ADMITS, False),
        # Across accounts both sides must allow it.
        (_allow("sns:Publish"), ADMITS, False),
        (OF_THE_OWNER, {**ADMITS, "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}, False),
    ],
)
def test_a_bucket_of_another_account_is_judged_by_its_owner_and_both_policies(
    record: Record, grant: Any, admission: Any, passes: bool
) -> None:
    policy = parse_policy("policy of the bucket", {"Version": "2012-10-17", "Statement": [admission]})
    found = _judge(
        [record("s3", "GET", "/bucket/key", role="reader")],
        _role("reader", grant),
        resource_policies={BUCKET: ResourcePolicy(policy, is_foreign=True)},
        owners={BUCKET: OWNER},
    )
    assert (found.refusals == ()) is passes
