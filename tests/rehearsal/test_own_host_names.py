"""The local AWS answers at AWS's host names, refuses all others, and checks signatures and regions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws_names
from rehearsal.emulator import ACCOUNT, Emulator
from rehearsal.keeping import UNSET

BUCKET = "own-host-names"
REGION = "eu-west-3"
HOST = f"{BUCKET}.s3.{REGION}.amazonaws.com"
ONCE = Config(retries={"total_max_attempts": 1})
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def s3(emulator: Emulator) -> Any:
    client: Any = emulator.session().client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_object(Bucket=BUCKET, Key="a b/\u00fc+%", Body=b"hello")
    return client


@pytest.fixture
def web(emulator: Emulator) -> Iterator[urllib3.ProxyManager]:
    with urllib3.ProxyManager(emulator.proxy.address, ca_certs=str(emulator.ca_bundle), retries=False) as manager:
        yield manager


def _recorded(emulator: Emulator) -> list[dict[str, Any]]:
    return [json.loads(line) for line in emulator.record.read_text(encoding="utf-8").splitlines()]


def test_a_bucket_is_reached_at_its_regional_virtual_hosted_address(emulator: Emulator, s3: Any) -> None:
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["a b/\u00fc+%"]
    last = _recorded(emulator)[-1]
    assert (last["host"], last["path"], last["status"]) == (HOST, "/", 200)
    assert last["caller"] == f"arn:aws:iam::{ACCOUNT}:user/administrator"


def test_calls_of_a_roles_session_are_recorded_including_denied_ones(emulator: Emulator, make_role: Any) -> None:
    session = make_role("recorded", [{"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}])
    session.client("logs").describe_log_groups()
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("s3").list_buckets()
    allowed, denied = _recorded(emulator)[-2:]
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/recorded/test"
    assert (allowed["caller"], allowed["service"], allowed["status"]) == (caller, "logs", 200)
    assert allowed["headers"]["x-amz-target"] == "Logs_20140328.DescribeLogGroups"
    assert (denied["caller"], denied["service"], denied["status"]) == (caller, "s3", 403)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("s3.amazonaws.com", "S3's global endpoint"),
        (f"{BUCKET}.s3.amazonaws.com", "S3's global endpoint"),
        (f"{BUCKET}.s3-{REGION}.amazonaws.com", "not a host name of an AWS service"),
        (f"{BUCKET}.s3.eu-west-9.amazonaws.com", "the region eu-west-9, which AWS does not have"),
        (f"lamda.{REGION}.amazonaws.com", "not a host name of an AWS service"),
        (f"s3.dualstack.{REGION}.amazonaws.com", "not a host name of an AWS service"),
        ("amazonaws.com", "not a host name of an AWS service"),
    ],
)
def test_a_host_name_that_aws_does_not_serve_is_refused_with_the_reason(
    emulator: Emulator, web: urllib3.ProxyManager, host: str, reason: str
) -> None:
    with pytest.raises(urllib3.exceptions.ProxyError, match=reason):
        web.request("GET", f"https://{host}/")
    assert emulator.proxy.refusals[-1].host == host


@pytest.mark.parametrize(
    "host", [HOST, f"s3.{REGION}.amazonaws.com", f"ssm.{REGION}.amazonaws.com", "iam.amazonaws.com"]
)
def test_a_name_that_aws_serves_is_not_refused(host: str) -> None:
    assert aws_names.refusal(host) is None


def test_a_client_of_the_global_endpoint_fails(emulator: Emulator, s3: Any) -> None:
    # In us-east-1, boto3 uses the global endpoint unless its configuration names the regional one.
    client = emulator.session(region="us-east-1").client("s3", config=ONCE)
    with pytest.raises(BotoCoreError):
        client.list_objects_v2(Bucket=BUCKET)
    assert emulator.proxy.refusals[-1].host == f"{BUCKET}.s3.amazonaws.com"


def _signed_get(emulator: Emulator, url: str, region: str = REGION) -> dict[str, str]:
    identity = emulator.administrator()
    request = AWSRequest("GET", url)
    S3SigV4Auth(Credentials(identity.key, identity.secret), "s3", region).add_auth(request)
    return dict(request.headers)


def test_a_list_request_signed_for_an_empty_path_is_refused(
    emulator: Emulator, s3: Any, web: urllib3.ProxyManager
) -> None:
    address = f"https://{HOST}"
    sent = f"{address}/?list-type=2"
    assert web.request("GET", sent, headers=_signed_get(emulator, sent)).status == 200
    answer = web.request("GET", sent, headers=_signed_get(emulator, f"{address}?list-type=2"))
    assert answer.status == 403
    assert b"SignatureDoesNotMatch" in answer.data


def test_a_request_signed_for_another_region_is_refused(emulator: Emulator, s3: Any, web: urllib3.ProxyManager) -> None:
    url = f"https://{HOST}/?list-type=2"
    answer = web.request("GET", url, headers=_signed_get(emulator, url, "eu-west-1"))
    assert (answer.status, b"valid region" in answer.data) == (403, True)


def test_a_signed_request_to_the_emulators_own_address_is_refused(emulator: Emulator, s3: Any) -> None:
    client = emulator.session().client("s3", endpoint_url=emulator.endpoint, config=Config(proxies={}))
    with pytest.raises(ClientError, match="AWS's own host names"):
        client.list_buckets()


def test_a_function_uses_awss_host_names_and_its_code_is_in_a_bucket_of_aws(
    emulator: Emulator, s3: Any, function_zip: bytes, web: urllib3.ProxyManager
) -> None:
    iam, functions = emulator.session().client("iam"), emulator.session().client("lambda")
    role = iam.create_role(RoleName="own-names", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    functions.create_function(
        FunctionName="own-names",
        Runtime="python3.13",
        Handler="handler.lambda_handler",
        Role=role,
        Code={"ZipFile": function_zip},
    )
    environment = json.load(functions.invoke(FunctionName="own-names")["Payload"])["env"]
    assert not [name for name in environment if "ENDPOINT" in name]
    assert environment["HTTPS_PROXY"] == emulator.proxy.address
    location = functions.get_function(FunctionName="own-names")["Code"]["Location"]
    assert location.startswith(f"https://awslambda-{REGION}-tasks.s3.{REGION}.amazonaws.com/")
    assert web.request("GET", location).data == function_zip


def test_aws_tools_in_another_process_need_only_the_environment(emulator: Emulator, s3: Any) -> None:
    code = f"import boto3; print(boto3.client('s3').get_bucket_location(Bucket={BUCKET!r})['LocationConstraint'])"
    python = Path(".venv") / "bin" / "python"
    done = subprocess.run(
        [python.absolute(), "-c", code], env=emulator.environment(), capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == REGION


def test_only_benchmarks_configure_an_endpoint(root: Path) -> None:
    variable = "_".join(("AWS", "ENDPOINT", "URL"))
    listed = subprocess.run(
        ["git", "grep", "--untracked", "-lI", variable], cwd=root, capture_output=True, encoding="utf-8", check=False
    )
    assert listed.returncode in (0, 1), listed.stderr
    found = [name for name in listed.stdout.splitlines() if not name.startswith("benchmarks/")]
    # It removes the variable from the terminals that use a kept rehearsal.
    assert found == ["rehearsal/keeping.py"]
    assert variable in UNSET
