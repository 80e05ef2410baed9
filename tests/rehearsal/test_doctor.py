"""`./vectora doctor` in a local AWS that enforces permissions, as an operator with exactly the operator's policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.operator_policy import operator_policy
from rehearsal.deployment import run_cdk
from rehearsal.emulator import ACCOUNT, Emulator
from stacks.assets.packages import Packages
from tests.rehearsal.conftest import REGION, RoleMaker
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

# Needed only by the emulator: it checks a simulation on all resources instead of the role (service authorization
# reference), and it simulates without the given context (SimulatePrincipalPolicy, API reference).
FOR_THE_EMULATOR = [
    {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"},
    {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/cdk-vicff*-cfn-exec-*"},
]

Doctor = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture(scope="module")
def credentials(emulator: Emulator, make_role: RoleMaker, root: Path) -> dict[str, dict[str, str]]:
    """Credentials of the operator and of a role without permissions, by name, in a bootstrapped account."""
    # Before the emulator's proxy is used: it does not lead to the package index.
    Packages(root, "lambda").dependencies_layer()
    for of in ((), *(("--context", f"env={env}") for env in ENVIRONMENT_NAMES)):
        run_cdk(root, "bootstrap", "--app", "", *of, environment=emulator.environment())
    statements = operator_policy(load_settings(root), ACCOUNT, REGION)["Statement"]
    made = {
        "operator": make_role("vectora-inbox-operator", [*statements, *FOR_THE_EMULATOR]),
        "denied": make_role("vectora-inbox-denied", [{"Effect": "Deny", "Action": "*", "Resource": "*"}]),
    }
    found = {}
    for name, session in made.items():
        key = session.get_credentials()
        assert key is not None
        assert key.token is not None
        found[name] = {
            "AWS_ACCESS_KEY_ID": key.access_key,
            "AWS_SECRET_ACCESS_KEY": key.secret_key,
            "AWS_SESSION_TOKEN": key.token,
        }
    return found


@pytest.fixture
def doctor(emulator: Emulator, credentials: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """A function that runs the command as one of the roles, and returns the findings by check."""

    def call(role: str, *arguments: str) -> dict[str, dict[str, str]]:
        for name, value in {**emulator.environment(), **credentials[role]}.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(app, ["doctor", *arguments, "--json"])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        document = json.loads(result.stdout)
        failed = [each for each in document["findings"] if each["verdict"] == "fail"]
        assert result.exit_code == (3 if failed else 0)
        return {each["check"]: each for each in document["findings"]}

    return call


def _found(findings: dict[str, dict[str, str]], verdict: str) -> dict[str, str]:
    return {check: each["found"] for check, each in findings.items() if each["verdict"] == verdict}


def test_an_account_that_is_ready_for_dev_has_no_failure(doctor: Doctor) -> None:
    findings = doctor("operator", "--env", "dev")
    assert _found(findings, "fail") == {}
    passing = {check for check, each in findings.items() if each["verdict"] == "pass"}
    assert {
        "credentials",
        "region",
        "clock",
        "permissions",
        "bootstrap version",
        "bootstrap roles",
        "bootstrap bucket",
        "limits of roles",
        "buckets of dev",
        "Lambda concurrency",
    } <= passing


def test_the_pipelines_connection_is_missing_at_first(doctor: Doctor) -> None:
    findings = doctor("operator")
    assert "connection" in _found(findings, "fail")
    assert findings["buckets of the pipeline"]["verdict"] == "pass"


def test_a_bucket_outside_of_any_stack_fails(doctor: Doctor, emulator: Emulator) -> None:
    s3: Any = emulator.session().client("s3")
    name = "vectora-inbox-data-stage"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    try:
        found = _found(doctor("operator", "--env", "stage"), "fail")["buckets of stage"]
    finally:
        s3.delete_bucket(Bucket=name)
    assert found.startswith(f"{name}: yours, but in no stack")


def test_a_role_without_permissions_gets_findings_instead_of_a_traceback(doctor: Doctor) -> None:
    findings = doctor("denied", "--env", "stage")
    assert findings["credentials"]["verdict"] == "pass"
    assert "bootstrap roles" in _found(findings, "fail")
    assert {"permissions", "bootstrap version", "IAM roles"} <= _found(findings, "unknown").keys()
