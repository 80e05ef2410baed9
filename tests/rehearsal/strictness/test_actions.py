"""For every call of this project, the emulator checks an action and a resource that AWS has."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from policy_sentry.querying.actions import get_action_data

ACCOUNT, REGION = "0" * 12, "eu-west-3"
# Runs in the emulator's interpreter, and prints action and resource of each request.
PROGRAM = """
import json, sys
sys.path.append(sys.argv[1])
from ministack.core import iam_actions
from rehearsal.inside import actions
actions.register()
answers = []
for given in json.load(sys.stdin):
    body = given["body"].encode("latin-1")
    parts = (given["service"], given["method"], given["path"], given["headers"], body, given["query"])
    action = iam_actions.extract_iam_action(*parts)
    answers.append([action, iam_actions.extract_resource_arn(*parts, given["region"], given["account"])])
print(json.dumps(answers))
"""
# Names of services in the emulator that differ from boto3's.
ROUTES = {"stepfunctions": "states", "cloudwatch": "monitoring"}
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:name"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/name/*"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:name"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:name:one"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/name"
KEY = {"Bucket": "bucket", "Key": "key"}
OBJECT, BUCKET = "arn:aws:s3:::bucket/key", "arn:aws:s3:::bucket"
CHANGE = {"StackName": "name", "ChangeSetName": "change"}
VERSION = {"LayerName": "name", "VersionNumber": 1}
CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("lambda", "GetFunction", {"FunctionName": "name"}, FUNCTION),
    ("lambda", "GetFunction", {"FunctionName": "name", "Qualifier": "1"}, f"{FUNCTION}:1"),
    ("lambda", "GetFunctionConfiguration", {"FunctionName": "name"}, FUNCTION),
    ("lambda", "ListTags", {"Resource": FUNCTION}, FUNCTION),
    ("lambda", "GetLayerVersion", VERSION, f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:name:1"),
    ("lambda", "Invoke", {"FunctionName": "name"}, FUNCTION),
    ("lambda", "ListFunctions", {}, "*"),
    ("lambda", "PutFunctionEventInvokeConfig", {"FunctionName": "name"}, FUNCTION),
    ("lambda", "GetFunctionEventInvokeConfig", {"FunctionName": "name"}, FUNCTION),
    ("lambda", "GetPolicy", {"FunctionName": "name"}, FUNCTION),
    ("lambda", "DeleteFunctionConcurrency", {"FunctionName": "name"}, FUNCTION),
    ("ssm", "GetParameter", {"Name": "/name"}, PARAMETER),
    ("ssm", "GetParameters", {"Names": ["/name"]}, PARAMETER),
    ("ssm", "GetParametersByPath", {"Path": "/name"}, PARAMETER),
    ("ssm", "GetParameterHistory", {"Name": "/name"}, PARAMETER),
    ("ssm", "PutParameter", {"Name": "/name", "Value": "x"}, PARAMETER),
    ("ssm", "DeleteParameter", {"Name": "/name"}, PARAMETER),
    ("cloudformation", "DescribeStacks", {"StackName": "name"}, STACK),
    ("cloudformation", "DescribeStackEvents", {"StackName": "name"}, STACK),
    ("cloudformation", "GetTemplate", {"StackName": "name"}, STACK),
    ("cloudformation", "CreateChangeSet", CHANGE, STACK),
    ("cloudformation", "DescribeChangeSet", CHANGE, STACK),
    ("cloudformation", "ExecuteChangeSet", CHANGE, STACK),
    ("cloudformation", "DeleteChangeSet", CHANGE, STACK),
    ("cloudformation", "DeleteStack", {"StackName": "name"}, STACK),
    ("cloudformation", "ContinueUpdateRollback", {"StackName": "name"}, STACK),
    ("stepfunctions", "StartExecution", {"stateMachineArn": MACHINE}, MACHINE),
    ("stepfunctions", "DescribeStateMachine", {"stateMachineArn": MACHINE}, MACHINE),
    ("stepfunctions", "ListExecutions", {"stateMachineArn": MACHINE}, MACHINE),
    ("stepfunctions", "DescribeExecution", {"executionArn": EXECUTION}, EXECUTION),
    ("stepfunctions", "GetExecutionHistory", {"executionArn": EXECUTION}, EXECUTION),
    (
        "sns",
        "Publish",
        {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:name", "Message": "x"},
        f"arn:aws:sns:{REGION}:{ACCOUNT}:name",
    ),
    ("cloudwatch", "DescribeAlarms", {"AlarmNamePrefix": "name-"}, f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"),
    ("cloudwatch", "ListMetrics", {"Namespace": "name"}, "*"),
    ("iam", "GetRole", {"RoleName": "name"}, f"arn:aws:iam::{ACCOUNT}:role/name"),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/name", "RoleSessionName": "xx"},
        f"arn:aws:iam::{ACCOUNT}:role/name",
    ),
    ("scheduler", "GetSchedule", {"Name": "name"}, f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/name"),
    (
        "scheduler",
        "GetSchedule",
        {"Name": "name", "GroupName": "own"},
        f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/own/name",
    ),
    (
        "events",
        "PutEvents",
        {"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]},
        f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
    ),
    ("s3", "GetObject", KEY, OBJECT),
    ("s3", "GetObject", {**KEY, "VersionId": "v"}, OBJECT),
    ("s3", "HeadObject", KEY, OBJECT),
    ("s3", "PutObject", KEY, OBJECT),
    ("s3", "DeleteObject", KEY, OBJECT),
    ("s3", "DeleteObject", {**KEY, "VersionId": "v"}, OBJECT),
    ("s3", "PutObjectRetention", KEY, OBJECT),
    ("s3", "GetObjectRetention", KEY, OBJECT),
    ("s3", "CreateMultipartUpload", KEY, OBJECT),
    ("s3", "AbortMultipartUpload", {**KEY, "UploadId": "u"}, OBJECT),
    ("s3", "ListObjectsV2", {"Bucket": "bucket"}, BUCKET),
    ("s3", "ListObjectVersions", {"Bucket": "bucket"}, BUCKET),
    ("s3", "HeadBucket", {"Bucket": "bucket"}, BUCKET),
    ("s3", "GetBucketLocation", {"Bucket": "bucket"}, BUCKET),
    ("s3", "GetObjectLockConfiguration", {"Bucket": "bucket"}, BUCKET),
    ("s3", "DeleteBucketPolicy", {"Bucket": "bucket"}, BUCKET),
]
# Operations whose action has another name (Service Authorization Reference).
NAMES = {
    "Invoke": "InvokeFunction",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectVersions": "ListBucketVersions",
    "CreateMultipartUpload": "PutObject",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
}
PREFIXES = {"stepfunctions": "states"}


def _request(service: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the request as botocore sends it."""
    client: Any = botocore.session.Session().create_client(
        service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )
    client.meta.events.unregister("before-parameter-build")
    model = client.meta.service_model.operation_model(operation)
    serializer = botocore.serialize.create_serializer(client.meta.service_model.resolved_protocol, False)
    built = serializer.serialize_to_request(dict(arguments), model)
    url = urlsplit(built["url_path"])
    query = {
        **parse_qs(url.query, keep_blank_values=True),
        **{k: [v] for k, v in (built["query_string"] or {}).items()},
    }
    body = built["body"]
    if isinstance(body, dict):
        query |= {key: [value] for key, value in body.items()}
    text = body.decode("latin-1") if isinstance(body, bytes) else body if isinstance(body, str) else ""
    headers = {key.lower(): str(value) for key, value in built["headers"].items()}
    return {
        "service": ROUTES.get(service, service),
        "method": built["method"],
        "path": url.path.replace("{Bucket}", "bucket"),
        "headers": headers,
        "body": text,
        "query": query,
        "region": REGION,
        "account": ACCOUNT,
    }


@pytest.fixture(scope="module")
def checked(root: Path, emulator_python: Path) -> dict[int, tuple[str, str]]:
    """Action and resource that the emulator checks, by the number of the call."""
    requests = [_request(service, operation, arguments) for service, operation, arguments, _ in CALLS]
    command = [str(emulator_python), "-P", "-c", PROGRAM, str(root)]
    ran = subprocess.run(command, input=json.dumps(requests), capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    answers = json.loads(ran.stdout.splitlines()[-1])
    return {number: (action, resource) for number, (action, resource) in enumerate(answers)}


def _fits(resource: str, form: str) -> bool:
    """Return whether the ARN has AWS's form; a stack's ARN has * instead of its id.

    Lambda Developer Guide: actions on functions can be restricted to the ARN of a function, version or alias, but the
    reference does not list all three for each action.
    """
    pattern = re.sub(r"\\\$\\\{\w+\\\}", "[^:]+", re.escape(form))
    qualified = "(:[^:]+)?" if ":function:" in form else ""
    return re.fullmatch(pattern + qualified, resource) is not None


@pytest.mark.parametrize("number", range(len(CALLS)), ids=lambda n: f"{CALLS[n][0]}-{CALLS[n][1]}-{n}")
def test_the_emulator_checks_actions_and_resources_that_aws_has(
    checked: dict[int, tuple[str, str]], number: int
) -> None:
    service, operation, arguments, resource = CALLS[number]
    action, found = checked[number]
    name = NAMES.get(operation, operation)
    prefix = PREFIXES.get(service, service)
    versioned = "Version" if service == "s3" and "VersionId" in arguments else ""
    assert (action, found) == (f"{prefix}:{name}{versioned}", resource)
    known = get_action_data(prefix, f"{name}{versioned}")
    assert known
    forms = [each["resource_arn_format"] for each in known[prefix]]
    assert any(form == found if form == "*" else _fits(found, form) for form in forms) or found == "*", forms
