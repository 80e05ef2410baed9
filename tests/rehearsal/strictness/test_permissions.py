"""The emulator checks AWS's own actions, on AWS's own resources, with AWS's own condition keys."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.emulator import ACCOUNT

REGION = "eu-west-3"
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
LOCATION = {"LocationConstraint": REGION}
OTHER_ACCOUNT = "1" * 12


@pytest.fixture(scope="module")
def published(account: Any, kit: Any) -> None:
    """A function with a version and an alias, and a layer."""
    account.function("published", account.role("published"))
    account("lambda").publish_version(FunctionName="published")
    account("lambda").create_alias(FunctionName="published", Name="live", FunctionVersion="1")
    account("lambda").publish_layer_version(LayerName="layer", Content={"ZipFile": kit.zipped()})


LAMBDA_CALLS: list[tuple[str, dict[str, Any], str, str]] = [
    ("get_layer_version", {"LayerName": "layer", "VersionNumber": 1}, "GetLayerVersion", "layer:layer:1"),
    ("get_layer_version_by_arn", {"Arn": f"{LAMBDA}:layer:layer:1"}, "GetLayerVersion", "layer:layer:1"),
    ("get_function", {"FunctionName": "published", "Qualifier": "1"}, "GetFunction", "function:published:1"),
    ("get_alias", {"FunctionName": "published", "Name": "live"}, "GetAlias", "function:published"),
    ("invoke", {"FunctionName": "published", "Qualifier": "live"}, "InvokeFunction", "function:published:live"),
    ("invoke", {"FunctionName": "published"}, "InvokeFunction", "function:published"),
    ("list_aliases", {"FunctionName": "published"}, "ListAliases", "function:published"),
    ("list_versions_by_function", {"FunctionName": "published"}, "ListVersionsByFunction", "function:published"),
    ("get_function_concurrency", {"FunctionName": "published"}, "GetFunctionConcurrency", "function:published"),
]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(("call", "arguments", "action", "resource"), LAMBDA_CALLS)
def test_a_call_of_lambda_needs_its_own_action_and_resource(
    account: Any, kit: Any, call: str, arguments: dict[str, Any], action: str, resource: str
) -> None:
    name = f"{call}-{arguments.get('Qualifier', 'plain')}"
    role = account.role(name, kit.allow("lambda:ListLayers", on="*"))
    functions = account.acting_as(role)("lambda")
    message = kit.error_of(getattr(functions, call), **arguments)[1]
    assert f"lambda:{action} on resource: {LAMBDA}:{resource}" in message
    account.grant(role, kit.allow(f"lambda:{action}", on=f"{LAMBDA}:{resource}"))
    getattr(functions, call)(**arguments)


@pytest.mark.usefixtures("published")
def test_a_grant_on_a_function_does_not_include_its_versions(account: Any, kit: Any) -> None:
    role = account.role("unqualified", kit.allow("lambda:InvokeFunction", on=f"{LAMBDA}:function:published"))
    functions = account.acting_as(role)("lambda")
    assert functions.invoke(FunctionName="published")["StatusCode"] == 200
    assert kit.error_of(functions.invoke, FunctionName="published", Qualifier="1")[0] == "AccessDeniedException"


def test_each_parameter_of_a_call_is_checked(account: Any, kit: Any) -> None:
    for name in ("/mine/a", "/other/b"):
        account("ssm").put_parameter(Name=name, Value="x", Type="String")
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
    store = account.acting_as(account.role("reads-mine", kit.allow("ssm:GetParameters", on=f"{arn}/mine/*")))("ssm")
    assert [each["Name"] for each in store.get_parameters(Names=["/mine/a"])["Parameters"]] == ["/mine/a"]
    code, message = kit.error_of(store.get_parameters, Names=["/mine/a", "/other/b"])
    assert code == "AccessDeniedException"
    assert f"{arn}/other/b" in message


def test_a_roles_path_is_part_of_its_arn(account: Any, kit: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    document = kit.policy(trust)
    account("iam").create_role(RoleName="deep", Path="/env/dev/", AssumeRolePolicyDocument=document)
    shallow = account.role("sees-shallow", kit.allow("iam:GetRole", on=f"arn:aws:iam::{ACCOUNT}:role/deep"))
    assert kit.error_of(account.acting_as(shallow)("iam").get_role, RoleName="deep")[0] == "AccessDenied"
    deep = account.role("sees-deep", kit.allow("iam:GetRole", on=f"arn:aws:iam::{ACCOUNT}:role/env/dev/*"))
    assert account.acting_as(deep)("iam").get_role(RoleName="deep")["Role"]["Path"] == "/env/dev/"


def test_a_missing_object_is_denied_to_callers_who_may_not_list_the_bucket(account: Any, kit: Any) -> None:
    account("s3").create_bucket(Bucket="hides", CreateBucketConfiguration=LOCATION)
    role = account.role("gets", kit.allow("s3:GetObject", on="arn:aws:s3:::hides/*"))
    s3 = account.acting_as(role)("s3")
    assert kit.error_of(s3.get_object, Bucket="hides", Key="missing")[0] == "AccessDenied"
    assert kit.error_of(s3.head_object, Bucket="hides", Key="missing") == ("403", "Forbidden")
    lists = kit.allow("s3:ListBucket", on="arn:aws:s3:::hides")
    account.grant(role, kit.allow("s3:GetObject", on="arn:aws:s3:::hides/*"), lists)
    assert kit.error_of(s3.get_object, Bucket="hides", Key="missing")[0] == "NoSuchKey"


def test_errors_of_head_requests_have_no_code(account: Any, kit: Any) -> None:
    account("s3").create_bucket(Bucket="heads", CreateBucketConfiguration=LOCATION)
    s3 = account("s3")
    assert kit.error_of(s3.head_bucket, Bucket="no-such-bucket-here") == ("404", "Not Found")
    assert kit.error_of(s3.head_object, Bucket="heads", Key="missing") == ("404", "Not Found")
    other = account.acting_as(account.role("without-grants"))("s3")
    assert kit.error_of(other.head_bucket, Bucket="heads") == ("403", "Forbidden")


def test_bucket_names_of_other_accounts_are_taken(account: Any, kit: Any) -> None:
    account("s3", OTHER_ACCOUNT).create_bucket(Bucket="everywhere", CreateBucketConfiguration=LOCATION)
    create = account("s3").create_bucket
    taken = kit.error_of(create, Bucket="everywhere", CreateBucketConfiguration=LOCATION)
    assert taken[0] == "BucketAlreadyExists"
    create(Bucket="ours", CreateBucketConfiguration=LOCATION)
    assert kit.error_of(create, Bucket="ours", CreateBucketConfiguration=LOCATION)[0] == "BucketAlreadyOwnedByYou"
    assert kit.error_of(account("s3").head_bucket, Bucket="everywhere")[0] == "403"
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "everywhere"}}
    assert account.deploy("taken-bucket", {"Bucket": bucket}) == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(("owner", "allowed"), [(ACCOUNT, True), (OTHER_ACCOUNT, False)])
def test_the_resource_account_of_a_bucket_is_its_owners(account: Any, kit: Any, owner: str, allowed: bool) -> None:
    bucket = f"owned-by-{owner}"
    account("s3", owner).create_bucket(Bucket=bucket, CreateBucketConfiguration=LOCATION)
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    block = {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    account("s3", owner).put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    account("s3", owner).put_bucket_policy(Bucket=bucket, Policy=kit.policy(open_to_all))
    ours = kit.allow("s3:PutObject", StringEquals={"aws:ResourceAccount": ACCOUNT})
    put = account.acting_as(account.role(f"puts-{owner}", ours))("s3").put_object
    if allowed:
        put(Bucket=bucket, Key="key", Body=b"x")
    else:
        assert kit.error_of(put, Bucket=bucket, Key="key", Body=b"x")[0] == "AccessDenied"


def test_a_bucket_policy_can_limit_the_retention(account: Any, kit: Any) -> None:
    s3 = account("s3")
    s3.create_bucket(Bucket="locked", CreateBucketConfiguration=LOCATION, ObjectLockEnabledForBucket=True)
    too_long = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject", "s3:PutObjectRetention"],
        "Resource": "arn:aws:s3:::locked/*",
        "Condition": {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "30"}},
    }
    s3.put_bucket_policy(Bucket="locked", Policy=kit.policy(too_long))
    writer = account.acting_as(account.role("locks", kit.allow("s3:*")))("s3")

    def retained(call: Callable[..., Any], days: int, **arguments: Any) -> dict[str, Any]:
        until = datetime.now(UTC) + timedelta(days=days)
        if call == writer.put_object_retention:
            return {**arguments, "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": until}}
        return {**arguments, "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}

    for call, days, arguments in (
        (writer.put_object, 20, {"Bucket": "locked", "Key": "key", "Body": b"x"}),
        (writer.put_object_retention, 25, {"Bucket": "locked", "Key": "key"}),
    ):
        call(**retained(call, days, **arguments))
        assert kit.error_of(call, **retained(call, 40, **arguments))[0] == "AccessDenied"


def test_a_bucket_policy_can_require_conditional_writes(account: Any, kit: Any) -> None:
    s3 = account("s3")
    s3.create_bucket(Bucket="conditional", CreateBucketConfiguration=LOCATION)
    unconditional = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::conditional/*",
        "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}},
    }
    s3.put_bucket_policy(Bucket="conditional", Policy=kit.policy(unconditional))
    writer = account.acting_as(account.role("conditional", kit.allow("s3:*")))("s3")
    assert kit.error_of(writer.put_object, Bucket="conditional", Key="a", Body=b"x")[0] == "AccessDenied"
    writer.put_object(Bucket="conditional", Key="a", Body=b"x", IfNoneMatch="*")
    upload = writer.create_multipart_upload(Bucket="conditional", Key="b")["UploadId"]
    target = {"Bucket": "conditional", "Key": "b", "UploadId": upload}
    part = writer.upload_part(**target, PartNumber=1, Body=io.BytesIO(b"x"))
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    assert kit.error_of(writer.complete_multipart_upload, **target, MultipartUpload=parts)[0] == "AccessDenied"
    writer.complete_multipart_upload(**target, MultipartUpload=parts, IfNoneMatch="*")


def test_a_policy_can_deny_to_overwrite_parameters(account: Any, kit: Any) -> None:
    create = {"Effect": "Allow", "Action": "ssm:PutParameter", "Resource": "*"}
    overwrite = {
        "Effect": "Deny",
        "Action": "ssm:PutParameter",
        "Resource": "*",
        "Condition": {"StringEquals": {"ssm:Overwrite": "true"}},
    }
    writer = account.acting_as(account.role("anchors", create, overwrite))("ssm")
    same = {"Name": "/anchors/one", "Value": "1", "Type": "String"}
    writer.put_parameter(**same)
    assert kit.error_of(writer.put_parameter, **same, Overwrite=True)[0] == "AccessDeniedException"
    assert kit.error_of(writer.put_parameter, **same, Overwrite=False)[0] == "ParameterAlreadyExists"


MACHINE = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
TEMPLATE = '{"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'
PASSES: list[tuple[str, str, str, Callable[[str], dict[str, Any]]]] = [
    ("lambda", "create_function", "lambda", lambda role: {"FunctionName": "passed", "Role": role}),
    (
        "stepfunctions",
        "create_state_machine",
        "states",
        lambda role: {"name": "m", "roleArn": role, "definition": MACHINE},
    ),
    (
        "cloudformation",
        "create_stack",
        "cloudformation",
        lambda role: {"StackName": "passed", "RoleARN": role, "TemplateBody": TEMPLATE},
    ),
    (
        "scheduler",
        "create_schedule",
        "scheduler",
        lambda role: {
            "Name": "passed",
            "ScheduleExpression": "rate(1 day)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": f"{LAMBDA}:function:published", "RoleArn": role},
        },
    ),
]


@pytest.mark.parametrize(("service", "call", "principal", "arguments"), PASSES)
def test_passing_a_role_needs_iam_pass_role(
    account: Any, kit: Any, service: str, call: str, principal: str, arguments: Callable[[str], dict[str, Any]]
) -> None:
    passed = account.role(f"passed-to-{service}", kit.allow("*"), service=f"{principal}.amazonaws.com")
    everything_else = {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}
    caller = account.role(f"passes-to-{service}", everything_else)
    given = arguments(passed)
    if service == "lambda":
        given |= {"Runtime": "python3.13", "Handler": "handler.lambda_handler", "Code": {"ZipFile": kit.zipped()}}
    operation = getattr(account.acting_as(caller)(service), call)
    code, message = kit.error_of(operation, **given)
    assert code.startswith("AccessDenied")
    assert f"iam:PassRole on resource: {passed}" in message
    to_this_service = {"StringEquals": {"iam:PassedToService": f"{principal}.amazonaws.com"}}
    account.grant(caller, everything_else, kit.allow("iam:PassRole", on=passed, **to_this_service))
    operation(**given)
