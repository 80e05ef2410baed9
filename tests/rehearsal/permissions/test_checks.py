"""Permission checks of each operation, with AWS's names of actions and forms of resources."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from rehearsal.permissions import reference
from rehearsal.permissions.checks import checks_of
from rehearsal.permissions.evaluator import Check
from rehearsal.permissions.facts import Facts
from rehearsal.permissions.operations import UnknownOperationError, operation_of, service_model
from rehearsal.permissions.recorded import RecordedCall
from rehearsal.permissions.rules import PREFIXES, RULES
from rehearsal.permissions.s3_checks import BUCKET_ACTIONS, HEADER_ACTIONS, OBJECT_ACTIONS

Record = Callable[..., RecordedCall]
ACCOUNT = "000000000000"
MACHINE = f"arn:aws:states:eu-west-3:{ACCOUNT}:stateMachine:m"
RUN = f"arn:aws:states:eu-west-3:{ACCOUNT}:execution:m:r"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
PROFILE = "eu.anthropic.claude"
MODELS = ("arn:aws:bedrock:eu-west-1::foundation-model/claude", "arn:aws:bedrock:eu-west-3::foundation-model/claude")
FACTS = Facts(stack_parameters={"s": ("/cdk-bootstrap/hnb659fds/version",)}, profiles={PROFILE: MODELS})


def _checks(call: RecordedCall) -> list[Check]:
    return list(checks_of(operation_of(call), FACTS))


def _needed(call: RecordedCall) -> list[tuple[str, str]]:
    """Return actions and resources, without the ARN prefix of the caller's own account and region."""
    own_prefix = re.compile(rf"arn:aws:[a-z0-9-]+:eu-west-3:{ACCOUNT}:")
    return [(each.action, own_prefix.sub("", each.resource)) for each in _checks(call)]


# --- S3

OBJECT = "arn:aws:s3:::b/k"
BUCKET = "arn:aws:s3:::b"
S3_CALLS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"method": "GET", "path": "/b/k"}, [("s3:GetObject", OBJECT)]),
    ({"method": "HEAD", "path": "/b/k"}, [("s3:GetObject", OBJECT)]),
    ({"method": "GET", "path": "/b/k", "query": "versionId=1"}, [("s3:GetObjectVersion", OBJECT)]),
    ({"method": "HEAD", "path": "/b/k", "query": "versionId=1"}, [("s3:GetObjectVersion", OBJECT)]),
    # A missing object: without s3:ListBucket, AWS answers 403 where the emulator answered 404.
    ({"method": "HEAD", "path": "/b/k", "status": 404}, [("s3:GetObject", OBJECT), ("s3:ListBucket", BUCKET)]),
    ({"method": "GET", "path": "/b/k", "status": 404}, [("s3:GetObject", OBJECT), ("s3:ListBucket", BUCKET)]),
    ({"method": "GET", "path": "/b", "query": "list-type=2&prefix=k"}, [("s3:ListBucket", BUCKET)]),
    ({"method": "GET", "path": "/b"}, [("s3:ListBucket", BUCKET)]),
    ({"method": "HEAD", "path": "/b"}, [("s3:ListBucket", BUCKET)]),
    ({"method": "GET", "path": "/b", "query": "versions"}, [("s3:ListBucketVersions", BUCKET)]),
    ({"method": "GET", "path": "/"}, [("s3:ListAllMyBuckets", "*")]),
    ({"method": "GET", "path": "/b", "query": "encryption"}, [("s3:GetEncryptionConfiguration", BUCKET)]),
    ({"method": "GET", "path": "/b", "query": "lifecycle"}, [("s3:GetLifecycleConfiguration", BUCKET)]),
    ({"method": "GET", "path": "/b", "query": "object-lock"}, [("s3:GetBucketObjectLockConfiguration", BUCKET)]),
    ({"method": "DELETE", "path": "/b", "query": "policy"}, [("s3:DeleteBucketPolicy", BUCKET)]),
    ({"method": "PUT", "path": "/b/k"}, [("s3:PutObject", OBJECT)]),
    (
        {"method": "PUT", "path": "/b/k", "headers": {"x-amz-tagging": "a=b"}},
        [("s3:PutObject", OBJECT), ("s3:PutObjectTagging", OBJECT)],
    ),
    (
        {
            "method": "PUT",
            "path": "/b/k",
            "headers": {
                "x-amz-object-lock-mode": "GOVERNANCE",
                "x-amz-object-lock-retain-until-date": "2030-01-01T00:00:00Z",
            },
        },
        [("s3:PutObject", OBJECT), ("s3:PutObjectRetention", OBJECT)],
    ),
    (
        {"method": "PUT", "path": "/b/k", "headers": {"x-amz-copy-source": "from/a%20key?versionId=1"}},
        [("s3:PutObject", OBJECT), ("s3:GetObjectVersion", "arn:aws:s3:::from/a key")],
    ),
    (
        {"method": "PUT", "path": "/b/k", "headers": {"x-amz-copy-source": "/from/k"}},
        [("s3:PutObject", OBJECT), ("s3:GetObject", "arn:aws:s3:::from/k")],
    ),
    ({"method": "POST", "path": "/b/k", "query": "uploads"}, [("s3:PutObject", OBJECT)]),
    ({"method": "PUT", "path": "/b/k", "query": "partNumber=1&uploadId=u"}, [("s3:PutObject", OBJECT)]),
    ({"method": "DELETE", "path": "/b/k", "query": "uploadId=u"}, [("s3:AbortMultipartUpload", OBJECT)]),
    ({"method": "DELETE", "path": "/b/k"}, [("s3:DeleteObject", OBJECT)]),
    (
        {
            "method": "DELETE",
            "path": "/b/k",
            "query": "versionId=1",
            "headers": {"x-amz-bypass-governance-retention": "true"},
        },
        [("s3:DeleteObjectVersion", OBJECT), ("s3:BypassGovernanceRetention", OBJECT)],
    ),
    (
        {
            "method": "POST",
            "path": "/b",
            "query": "delete",
            "body": '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>k</Key></Object>'
            "<Object><Key>l</Key><VersionId>1</VersionId></Object></Delete>",
        },
        [("s3:DeleteObject", OBJECT), ("s3:DeleteObjectVersion", "arn:aws:s3:::b/l")],
    ),
    ({"method": "GET", "path": "/b/k", "query": "retention"}, [("s3:GetObjectRetention", OBJECT)]),
    ({"method": "GET", "path": "/b/k", "query": "tagging&versionId=1"}, [("s3:GetObjectVersionTagging", OBJECT)]),
    (
        {"method": "PUT", "path": "/b", "headers": {"x-amz-bucket-object-lock-enabled": "true"}},
        [
            ("s3:CreateBucket", BUCKET),
            ("s3:PutBucketObjectLockConfiguration", BUCKET),
            ("s3:PutBucketVersioning", BUCKET),
        ],
    ),
]


@pytest.mark.parametrize(("request_parts", "needed"), S3_CALLS, ids=[str(call) for call, _ in S3_CALLS])
def test_a_call_of_s3_needs_these_permissions(record: Record, request_parts: dict[str, Any], needed: Any) -> None:
    assert _needed(record("s3", **request_parts)) == needed


def test_a_virtual_hosted_address_names_the_same_object(record: Record) -> None:
    call = record("s3", "GET", "/a%20key", host="b.s3.eu-west-3.amazonaws.com")
    assert _needed(call) == [("s3:GetObject", "arn:aws:s3:::b/a key")]


def test_deletions_without_a_recorded_body_fail_by_name(record: Record) -> None:
    with pytest.raises(UnknownOperationError, match="its body, which names the objects, was not recorded"):
        _checks(record("s3", "POST", "/b", query="delete"))


def test_conditions_of_s3_get_their_values_from_the_request(record: Record) -> None:
    listing = _checks(record("s3", "GET", "/b", query="list-type=2&prefix=clients%2F&delimiter=%2F"))[0]
    assert (listing.values["s3:prefix"], listing.values["s3:delimiter"]) == ("clients/", "/")
    assert "s3:max-keys" in listing.absent
    put = _checks(record("s3", "PUT", "/b/k", headers={"if-none-match": "*"}))[0]
    assert put.values["s3:if-none-match"] == "*"
    assert {"s3:prefix", "s3:if-match", "s3:object-lock-remaining-retention-days"} <= set(put.absent)
    # The check for a missing object has no prefix, like its request.
    missing = _checks(record("s3", "GET", "/b/k", status=404))[1]
    assert "s3:prefix" in missing.absent


def test_remaining_retention_is_read_from_header_and_body(record: Record) -> None:
    key = "s3:object-lock-remaining-retention-days"
    until = {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-retain-until-date": "2126-01-01T00:00:00Z"}
    put = _checks(record("s3", "PUT", "/b/k", headers=until))[1]
    assert int(str(put.values[key])) > 36_000
    body = "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2126-01-01T00:00:00Z</RetainUntilDate></Retention>"
    retention = _checks(record("s3", "PUT", "/b/k", query="retention", body=body))[0]
    assert (retention.action, int(str(retention.values[key])) > 36_000) == ("s3:PutObjectRetention", True)
    not_recorded = _checks(record("s3", "PUT", "/b/k", query="retention"))[0]
    assert key not in {*not_recorded.values, *not_recorded.absent}


# --- other services


def _json(service: str, target: str, **parameters: Any) -> dict[str, Any]:
    return {"service": service, "headers": {"x-amz-target": target}, "body": json.dumps(parameters)}


def _query(service: str, **parameters: str) -> dict[str, Any]:
    return {"service": service, "body": urlencode(parameters)}


def _rest(service: str, method: str, path: str, **others: Any) -> dict[str, Any]:
    return {"service": service, "method": method, "path": path, **others}


FUNCTION = "/2015-03-31/functions/f"
PASSED = ("iam:PassRole", ROLE)
CALLS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (_rest("lambda", "POST", f"{FUNCTION}/invocations"), [("lambda:InvokeFunction", "function:f")]),
    (
        _rest("lambda", "POST", f"{FUNCTION}/invocations", query="Qualifier=live"),
        [("lambda:InvokeFunction", "function:f:live")],
    ),
    (_rest("lambda", "GET", FUNCTION), [("lambda:GetFunction", "function:f"), ("lambda:ListTags", "function:f")]),
    (
        _rest(
            "lambda",
            "GET",
            f"/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-3%3A{ACCOUNT}%3Afunction%3Af",
            query="Qualifier=7",
        ),
        [("lambda:GetFunction", "function:f:7"), ("lambda:ListTags", "function:f")],
    ),
    (_rest("lambda", "GET", f"{FUNCTION}/configuration"), [("lambda:GetFunctionConfiguration", "function:f")]),
    (_rest("lambda", "GET", "/2018-10-31/layers/l/versions/3"), [("lambda:GetLayerVersion", "layer:l:3")]),
    (
        _rest(
            "lambda",
            "GET",
            "/2018-10-31/layers",
            query=f"find=LayerVersion&Arn=arn:aws:lambda:eu-west-3:{ACCOUNT}:layer:l:3",
        ),
        [("lambda:GetLayerVersion", "layer:l:3")],
    ),
    (_rest("lambda", "GET", "/2018-10-31/layers"), [("lambda:ListLayers", "*")]),
    (_rest("lambda", "GET", "/2015-03-31/functions/"), [("lambda:ListFunctions", "*")]),
    (
        _rest("lambda", "POST", "/2015-03-31/functions", body=json.dumps({"FunctionName": "f", "Role": ROLE})),
        [("lambda:CreateFunction", "function:f"), PASSED],
    ),
    (
        _rest("lambda", "PUT", f"{FUNCTION}/configuration", body=json.dumps({"Role": ROLE})),
        [("lambda:UpdateFunctionConfiguration", "function:f"), PASSED],
    ),
    (
        _rest("lambda", "PUT", f"{FUNCTION}/configuration", body="{}"),
        [("lambda:UpdateFunctionConfiguration", "function:f")],
    ),
    (_json("ssm", "AmazonSSM.GetParameter", Name="/a/b"), [("ssm:GetParameter", "parameter/a/b")]),
    (_json("ssm", "AmazonSSM.GetParameter", Name="/a/b:3"), [("ssm:GetParameter", "parameter/a/b")]),
    (_json("ssm", "AmazonSSM.GetParameter", Name="plain"), [("ssm:GetParameter", "parameter/plain")]),
    (
        _json("ssm", "AmazonSSM.GetParameters", Names=["/a", "/b"]),
        [("ssm:GetParameters", "parameter/a"), ("ssm:GetParameters", "parameter/b")],
    ),
    (_json("ssm", "AmazonSSM.GetParametersByPath", Path="/a/b"), [("ssm:GetParametersByPath", "parameter/a/b")]),
    (_json("ssm", "AmazonSSM.GetParameterHistory", Name="/a"), [("ssm:GetParameterHistory", "parameter/a")]),
    (
        _json("ssm", "AmazonSSM.PutParameter", Name="/a", Tags=[{"Key": "k", "Value": "v"}]),
        [("ssm:PutParameter", "parameter/a"), ("ssm:AddTagsToResource", "parameter/a")],
    ),
    (
        _json("states", "AWSStepFunctions.StartExecution", stateMachineArn=MACHINE),
        [("states:StartExecution", "stateMachine:m")],
    ),
    (
        _json("states", "AWSStepFunctions.DescribeExecution", executionArn=RUN),
        [("states:DescribeExecution", "execution:m:r")],
    ),
    (
        _json("states", "AWSStepFunctions.CreateStateMachine", name="m", roleArn=ROLE),
        [("states:CreateStateMachine", "stateMachine:m"), PASSED],
    ),
    (_query("sns", Action="Publish", TopicArn=f"arn:aws:sns:eu-west-3:{ACCOUNT}:t"), [("sns:Publish", "t")]),
    (_query("sts", Action="GetCallerIdentity"), []),
    (_query("sts", Action="AssumeRole", RoleArn=ROLE, RoleSessionName="s"), [("sts:AssumeRole", ROLE)]),
    (
        _query("cloudformation", Action="DescribeStacks", StackName="s"),
        [("cloudformation:DescribeStacks", "stack/s/*")],
    ),
    (_query("cloudformation", Action="DescribeStacks"), [("cloudformation:DescribeStacks", "stack/*/*")]),
    (
        _query(
            "cloudformation", Action="GetTemplate", StackName=f"arn:aws:cloudformation:eu-west-3:{ACCOUNT}:stack/s/1"
        ),
        [("cloudformation:GetTemplate", "stack/s/1")],
    ),
    (
        _query(
            "cloudformation",
            Action="CreateChangeSet",
            StackName="s",
            ChangeSetName="c",
            RoleARN=ROLE,
            TemplateURL="https://assets.s3.eu-west-3.amazonaws.com/t.json",
        ),
        [
            ("cloudformation:CreateChangeSet", "stack/s/*"),
            PASSED,
            ("s3:GetObject", "arn:aws:s3:::assets/t.json"),
        ],
    ),
    # Without a service role, CloudFormation reads the template's parameters as the caller.
    (
        _query(
            "cloudformation", Action="CreateChangeSet", StackName="s", ChangeSetName="c", UsePreviousTemplate="true"
        ),
        [
            ("cloudformation:CreateChangeSet", "stack/s/*"),
            ("ssm:GetParameters", "parameter/cdk-bootstrap/hnb659fds/version"),
        ],
    ),
    (
        _query(
            "cloudformation",
            Action="GetTemplateSummary",
            TemplateURL="https://s3.eu-west-3.amazonaws.com/assets/t.json",
        ),
        [("cloudformation:GetTemplateSummary", "*"), ("s3:GetObject", "arn:aws:s3:::assets/t.json")],
    ),
    (_query("cloudformation", Action="ListStacks"), [("cloudformation:ListStacks", "*")]),
    (
        _json("codepipeline", "CodePipeline_20150709.GetPipelineState", name="p"),
        [("codepipeline:GetPipelineState", "p")],
    ),
    (
        _json("codepipeline", "CodePipeline_20150709.RetryStageExecution", pipelineName="p", stageName="prod"),
        [("codepipeline:RetryStageExecution", "p/prod")],
    ),
    (
        _json(
            "codepipeline",
            "CodePipeline_20150709.PutApprovalResult",
            pipelineName="p",
            stageName="prod",
            actionName="ok",
        ),
        [("codepipeline:PutApprovalResult", "p/prod/ok")],
    ),
    (
        _json("codepipeline", "CodePipeline_20150709.PutJobSuccessResult", jobId="1"),
        [("codepipeline:PutJobSuccessResult", "*")],
    ),
    (
        _json("codebuild", "CodeBuild_20161006.BatchGetBuilds", ids=["p:1", "p:2", "q:1"]),
        [("codebuild:BatchGetBuilds", "project/p"), ("codebuild:BatchGetBuilds", "project/q")],
    ),
    (_json("codebuild", "CodeBuild_20161006.StartBuild", projectName="p"), [("codebuild:StartBuild", "project/p")]),
    (
        _json("events", "AWSEvents.PutTargets", Rule="r", Targets=[{"Id": "1", "RoleArn": ROLE}]),
        [("events:PutTargets", "rule/r"), PASSED],
    ),
    (
        _rest("scheduler", "POST", "/schedules/n", body=json.dumps({"Target": {"Arn": MACHINE, "RoleArn": ROLE}})),
        [("scheduler:CreateSchedule", "schedule/default/n"), PASSED],
    ),
    (_json("logs", "Logs_20140328.DescribeLogGroups", logGroupNamePrefix="/aws"), [("logs:DescribeLogGroups", "*")]),
    (
        _json("logs", "Logs_20140328.CreateLogStream", logGroupName="/aws/g", logStreamName="s"),
        [("logs:CreateLogStream", "log-group:/aws/g:log-stream:s")],
    ),
    (
        _json("logs", "Logs_20140328.FilterLogEvents", logGroupName="/aws/g"),
        [("logs:FilterLogEvents", "log-group:/aws/g:log-stream:")],
    ),
    (
        _rest("bedrock", "POST", f"/model/{PROFILE}/converse", host="bedrock-runtime.eu-west-3.amazonaws.com"),
        [
            ("bedrock:InvokeModel", f"inference-profile/{PROFILE}"),
            *(("bedrock:InvokeModel", model) for model in MODELS),
        ],
    ),
    (
        _rest(
            "bedrock", "POST", "/model/anthropic.claude/converse-stream", host="bedrock-runtime.eu-west-3.amazonaws.com"
        ),
        [("bedrock:InvokeModelWithResponseStream", "arn:aws:bedrock:eu-west-3::foundation-model/anthropic.claude")],
    ),
    (
        _rest("xray", "POST", "/TraceSegments", body=json.dumps({"TraceSegmentDocuments": []})),
        [("xray:PutTraceSegments", "*")],
    ),
    (
        _json("servicequotas", "ServiceQuotasV20190624.GetServiceQuota", ServiceCode="lambda", QuotaCode="L-1"),
        [("servicequotas:GetServiceQuota", "lambda/L-1")],
    ),
]


@pytest.mark.parametrize(("request_parts", "needed"), CALLS, ids=[str(call)[:90] for call, _ in CALLS])
def test_an_operation_needs_these_permissions(record: Record, request_parts: dict[str, Any], needed: Any) -> None:
    assert _needed(record(**request_parts)) == needed


def test_a_role_is_passed_to_the_service_that_assumes_it(record: Record) -> None:
    call = record(**_query("cloudformation", Action="CreateStack", StackName="s", RoleARN=ROLE))
    passed = next(check for check in _checks(call) if check.action == "iam:PassRole")
    assert passed.values == {"iam:PassedToService": "cloudformation.amazonaws.com"}


@pytest.mark.parametrize(
    ("request_parts", "words"),
    [
        (_json("ssm", "AmazonSSM.CreateDocument", Name="d"), "the permissions of ssm.CreateDocument are not known"),
        (_rest("s3", "GET", "/b/k", query="torrent"), "the permissions of s3.GetObjectTorrent are not known"),
        (_json("ssm", "AmazonSSM.GetParameter"), "was recorded without Name, which names its resource"),
        (
            _rest("bedrock", "POST", "/model/eu.other/converse", host="bedrock-runtime.eu-west-3.amazonaws.com"),
            "the models behind the inference profile eu.other are not known",
        ),
        (
            _json("states", "AWSStepFunctions.StartExecution", stateMachineArn="arn:aws:states:eu-west-3:0:activity:a"),
            "AWS does not check states:StartExecution on arn:aws:states:eu-west-3:0:activity:a",
        ),
    ],
)
def test_an_unknown_operation_or_resource_fails_by_name(
    record: Record, request_parts: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnknownOperationError) as caught:
        _checks(record(**request_parts))
    assert words in str(caught.value)


# --- the tables against botocore's models and AWS's reference


def _rows() -> Iterator[tuple[str, str]]:
    yield from ((service, name) for service, rules in RULES.items() for name in rules)
    yield from (("s3", name) for name in (*BUCKET_ACTIONS, *OBJECT_ACTIONS))


def test_every_row_is_an_operation_of_its_service() -> None:
    assert [row for row in _rows() if row[1] not in service_model(row[0]).operation_names] == []


def test_every_action_of_s3_exists_for_its_type_of_resource() -> None:
    on_bucket = {f"s3:{action}" for action in BUCKET_ACTIONS.values()}
    on_object = {f"s3:{action}" for pair in OBJECT_ACTIONS.values() for action in pair}
    on_object |= {f"s3:{action}" for action in HEADER_ACTIONS.values()}
    assert {each for each in on_bucket if not reference.fits(each, BUCKET)} == set()
    assert {each for each in on_object if not reference.fits(each, OBJECT)} == set()


def test_every_operation_of_s3_has_permissions_or_is_not_for_general_purpose_buckets() -> None:
    known = {*BUCKET_ACTIONS, *OBJECT_ACTIONS, "ListBuckets", "CreateBucket", "DeleteObjects"}
    # Operations on directory and table buckets and Object Lambda, older names of others, annotations and torrents.
    others = {
        *(
            name
            for name in service_model("s3").operation_names
            if any(part in name for part in ("Annotation", "Metadata", "Session"))
        ),
        "GetBucketAbac",
        "PutBucketAbac",
        "GetBucketLifecycle",
        "GetBucketNotification",
        "GetObjectTorrent",
        "ListDirectoryBuckets",
        "PutBucketLifecycle",
        "PutBucketNotification",
        "RenameObject",
        "UpdateObjectEncryption",
        "WriteGetObjectResponse",
    }
    assert set(service_model("s3").operation_names) - known - others == set()


@pytest.mark.parametrize("service", sorted({*RULES, *PREFIXES}))
def test_no_rule_repeats_the_reference(service: str) -> None:
    """An action that cannot be limited to resources needs no rule."""
    prefix = PREFIXES.get(service, service)
    needless = {
        name
        for name in RULES.get(service, {})
        if reference.exists(f"{prefix}:{name}") and not reference.takes_resources(f"{prefix}:{name}")
    }
    assert needless <= {"GetCallerIdentity"}
