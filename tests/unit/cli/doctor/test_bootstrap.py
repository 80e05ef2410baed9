"""CDK bootstrap: version, roles and bucket."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.bootstrap.template import bootstrap_of_environment
from cli.cdk_bootstrap import MINIMUM_VERSION, bootstrap_of
from cli.doctor.bootstrap import check_bucket, check_limits, check_roles, check_version
from cli.doctor.finding import Check
from tests.repository import ROOT
from tests.unit.cli.doctor.conftest import ACCOUNT, REGION, Aws, Run
from vectora_ops.settings import load_settings

VERSION, ROLES, BUCKET, LIMITS = (
    Check("it", check) for check in (check_version, check_roles, check_bucket, check_limits)
)
SETTINGS = load_settings(ROOT)
CREDENTIALS = {
    "Credentials": {
        "AccessKeyId": "ASIA" + "A" * 16,
        "SecretAccessKey": "secret",
        "SessionToken": "token",
        "Expiration": "2026-01-01",
    }
}
APP = """
import aws_cdk as cdk
app = cdk.App(outdir={folder!r})
stack = cdk.Stack(app, "S", synthesizer=cdk.DefaultStackSynthesizer())
cdk.CfnResource(stack, "R", type="AWS::SNS::Topic")
app.synth()
"""


def _role(name: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    return {"Role": {"Path": "/", "RoleName": name, "RoleId": "A" * 16, "Arn": arn, "CreateDate": "2026-01-01"}}


def test_the_minimum_version_is_that_of_the_pinned_library(tmp_path: Path) -> None:
    folder = tmp_path / "cdk.out"
    code = APP.format(folder=str(folder))
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    artifacts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"].values()
    required = [each.get("properties", {}).get("requiresBootstrapStackVersion", 0) for each in artifacts]
    assert max(required) == MINIMUM_VERSION


def test_names_are_those_of_the_bootstrap_template_of_the_pinned_cli() -> None:
    template = ROOT / "node_modules" / "aws-cdk" / "lib" / "api" / "bootstrap" / "bootstrap-template.yaml"
    text = template.read_text(encoding="utf-8")
    named = bootstrap_of(SETTINGS.names("dev"), "${AWS::AccountId}", "${AWS::Region}")
    for name in (*map(named.role_name, ("deploy", "file-publishing", "cfn-exec")), named.assets_bucket):
        assert name.replace(named.qualifier, "${Qualifier}") in text
    assert named.version_parameter.replace(named.qualifier, "${Qualifier}") in text


@pytest.mark.parametrize(("version", "verdict"), [("33", "pass"), (str(MINIMUM_VERSION), "pass"), ("5", "fail")])
def test_the_version_is_compared(aws: Aws, run: Run, version: str, verdict: str) -> None:
    aws.answers("ssm", "get_parameter", {"Parameter": {"Value": version}}, Name="/cdk-bootstrap/vicffstage/version")
    [finding] = run(VERSION)
    assert finding.verdict == verdict


def test_a_missing_bootstrap_fails_with_the_command(aws: Aws, run: Run) -> None:
    aws.refuses("ssm", "get_parameter", "ParameterNotFound")
    [finding] = run(VERSION)
    assert (finding.verdict, finding.advice) == ("fail", "an administrator runs: cdk bootstrap --context env=stage")


def test_an_unreadable_version_is_unknown(aws: Aws, run: Run) -> None:
    aws.answers("ssm", "get_parameter", {"Parameter": {"Value": "AQICAHh"}})
    aws.refuses("ssm", "get_parameter", "AccessDeniedException")
    assert [each.verdict for _ in range(2) for each in run(VERSION)] == ["unknown", "unknown"]


def test_roles_that_can_be_assumed_pass(aws: Aws, run: Run) -> None:
    for kind in ("deploy", "file-publishing"):
        aws.answers(
            "sts",
            "assume_role",
            CREDENTIALS,
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/cdk-vicffstage-{kind}-role-{ACCOUNT}-{REGION}",
            RoleSessionName="vectora-doctor",
            DurationSeconds=900,
        )
    aws.answers("iam", "get_role", _role(f"cdk-vicffstage-cfn-exec-role-{ACCOUNT}-{REGION}"))
    [finding] = run(ROLES)
    assert finding.verdict == "pass"


def test_a_role_that_may_not_be_assumed_fails(aws: Aws, run: Run) -> None:
    aws.refuses("sts", "assume_role", "AccessDenied")
    aws.answers("iam", "get_role", _role("deploy"))
    aws.answers("sts", "assume_role", CREDENTIALS)
    aws.answers("iam", "get_role", _role("execution"))
    [finding] = run(ROLES)
    assert finding.verdict == "fail"
    assert "you may not assume cdk-vicffstage-deploy-role" in finding.found


def test_a_missing_role_is_distinguished_from_a_forbidden_one(aws: Aws, run: Run) -> None:
    for _ in range(2):
        aws.refuses("sts", "assume_role", "AccessDenied")
        aws.refuses("iam", "get_role", "NoSuchEntity")
    aws.refuses("iam", "get_role", "NoSuchEntity")
    [finding] = run(ROLES)
    assert finding.verdict == "fail"
    assert finding.found == f"the role cdk-vicffstage-deploy-role-{ACCOUNT}-{REGION} is missing"


def test_an_unreadable_execution_role_is_unknown(aws: Aws, run: Run) -> None:
    for _ in range(2):
        aws.answers("sts", "assume_role", CREDENTIALS)
    aws.refuses("iam", "get_role", "AccessDenied")
    [finding] = run(ROLES)
    assert finding.verdict == "unknown"


@pytest.mark.parametrize(
    ("code", "verdict", "message"),
    [
        ("404", "fail", "is missing"),
        ("403", "fail", "belongs to another account"),
        ("503", "unknown", "503"),
    ],
)
def test_a_missing_bucket_or_one_of_another_account_fails(
    aws: Aws, run: Run, code: str, verdict: str, message: str
) -> None:
    aws.refuses("s3", "head_bucket", code)
    [finding] = run(BUCKET)
    assert finding.verdict == verdict
    assert message in finding.found


def test_an_own_bucket_passes(aws: Aws, run: Run) -> None:
    name = f"cdk-vicffstage-assets-{ACCOUNT}-{REGION}"
    aws.answers("s3", "head_bucket", {"BucketRegion": REGION}, Bucket=name, ExpectedBucketOwner=ACCOUNT)
    [finding] = run(BUCKET)
    assert finding.verdict == "pass"


def test_every_bootstrap_is_checked_with_the_pipelines(aws: Aws, run: Run) -> None:
    for _ in range(4):
        aws.refuses("ssm", "get_parameter", "ParameterNotFound")
    advice = [each.advice.removeprefix("an administrator runs: ") for each in run(VERSION, pipeline=True)]
    assert advice == [*(f"cdk bootstrap --context env={env}" for env in ("dev", "stage", "prod")), "cdk bootstrap"]


def _limits(aws: Aws, digest: str) -> None:
    aws.answers("ssm", "get_parameter", {"Parameter": {"Value": digest}}, Name="/cdk-bootstrap/vicffstage/limits")


def _execution_role(aws: Aws, boundary: str | None) -> None:
    role = _role(f"cdk-vicffstage-cfn-exec-role-{ACCOUNT}-{REGION}")
    if boundary:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{boundary}"
        bounded = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
        role = {"Role": {**role["Role"], "PermissionsBoundary": bounded}}
    aws.answers("iam", "get_role", role)


def test_a_shared_bootstrap_fails_with_the_way_to_the_walls(aws: Aws, run: Run) -> None:
    aws.refuses("ssm", "get_parameter", "ParameterNotFound")
    [finding] = run(LIMITS)
    assert finding.verdict == "fail"
    assert finding.found == "stage shares a bootstrap, or its bootstrap has no limits"
    assert "cdk bootstrap --context env=stage (docs/runbooks/walls-between-environments.md)" in finding.advice
    assert (ROOT / "docs" / "runbooks" / "walls-between-environments.md").is_file()


def test_limits_of_an_older_version_fail(aws: Aws, run: Run) -> None:
    _limits(aws, "0" * 64)
    [finding] = run(LIMITS)
    assert (finding.verdict, finding.found) == ("fail", "those of stage are not this version's")


@pytest.mark.parametrize(
    ("boundary", "verdict"), [("vectora-inbox-execution-stage", "pass"), ("another", "fail"), (None, "fail")]
)
def test_cloudformations_role_must_be_limited(aws: Aws, run: Run, boundary: str | None, verdict: str) -> None:
    _limits(aws, bootstrap_of_environment(SETTINGS, "stage").digest_of_limits)
    _execution_role(aws, boundary)
    [finding] = run(LIMITS)
    assert finding.verdict == verdict
