"""Quotas for deployments and runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from cli.doctor.finding import Check, Finding
from cli.doctor.quotas import (
    NEEDED_CONCURRENCY,
    PIPELINE_CHECK,
    ROLES_OF_ACCESS,
    ROLES_OF_AN_ENVIRONMENT,
    ROLES_OF_THE_PIPELINE,
    ROLES_OF_THE_RELAY,
    check_lambda,
    check_roles,
    check_stacks,
)
from tests.repository import ROOT
from tests.unit.cli.doctor.conftest import Aws, Run
from vectora_ops.settings import ENVIRONMENT_NAMES, load_settings

LAMBDA, ROLES, STACKS = (Check("it", check) for check in (check_lambda, check_roles, check_stacks))
TEMPLATES = ROOT / "tests" / "stacks" / "templates"
GIB = 1024**3


def _roles(pattern: str) -> int:
    templates = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in TEMPLATES.glob(pattern))
    return sum(each["Type"] == "AWS::IAM::Role" for template in templates for each in template["Resources"].values())


def test_the_required_roles_cover_those_of_the_templates() -> None:
    assert max(_roles(f"{env}/*.yaml") for env in ENVIRONMENT_NAMES) <= ROLES_OF_AN_ENVIRONMENT
    assert _roles("pipeline.yaml") <= ROLES_OF_THE_PIPELINE


def test_the_required_roles_cover_those_of_the_templates_for_several_accounts() -> None:
    assert max(_roles(f"with-accounts/access-{env}.yaml") for env in ENVIRONMENT_NAMES) <= ROLES_OF_ACCESS
    assert _roles("with-accounts/pipeline.yaml") <= ROLES_OF_THE_PIPELINE + ROLES_OF_THE_RELAY


def _settings(aws: Aws, *, unreserved: int = 1000, used: int = 0) -> None:
    limit = {"TotalCodeSize": 75 * GIB, "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": unreserved}
    aws.answers("lambda", "get_account_settings", {"AccountLimit": limit, "AccountUsage": {"TotalCodeSize": used}})


def _verdicts(findings: list[Finding]) -> dict[str, str]:
    return {each.check: each.verdict for each in findings}


@pytest.mark.parametrize(
    ("given", "concurrency", "storage"),
    [
        ({}, "pass", "pass"),
        ({"unreserved": NEEDED_CONCURRENCY}, "pass", "pass"),
        ({"unreserved": NEEDED_CONCURRENCY - 1}, "fail", "pass"),
        ({"used": 75 * GIB - 1000}, "pass", "fail"),
        ({"used": 80 * GIB}, "pass", "fail"),
    ],
)
def test_lambda_needs_concurrency_and_storage(
    aws: Aws, run: Run, given: dict[str, int], concurrency: str, storage: str
) -> None:
    _settings(aws, **given)
    assert _verdicts(run(LAMBDA)) == {"Lambda concurrency": concurrency, "Lambda code storage": storage}


def test_without_an_answer_of_lambda_its_quotas_are_unknown(aws: Aws, run: Run) -> None:
    aws.refuses("lambda", "get_account_settings", "TooManyRequestsException", message="Rate exceeded")
    assert [each.verdict for each in run(LAMBDA)] == ["unknown"]


@pytest.mark.parametrize(("medium", "small"), [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_a_build_quota_of_0_fails(aws: Aws, run: Run, medium: float, small: float) -> None:
    for code, size, value in (("L-2DC20C30", "Medium", medium), ("L-9D07B6EF", "Small", small)):
        quota = {"Value": value, "QuotaName": f"Concurrently running builds for Linux/{size} environment"}
        expected = {"ServiceCode": "codebuild", "QuotaCode": code}
        aws.answers("service-quotas", "get_service_quota", {"Quota": quota}, **expected)
    findings = run(PIPELINE_CHECK, pipeline=True)
    assert [each.verdict for each in findings] == ["pass" if value else "fail" for value in (medium, small)]
    assert [bool(each.advice) for each in findings] == [not medium, not small]
    assert ["Linux/Medium" in each.found for each in findings] == [True, False]


@pytest.mark.parametrize("code", ["AccessDeniedException", "NoSuchResourceException"])
def test_an_unreadable_quota_is_unknown(aws: Aws, run: Run, code: str) -> None:
    aws.refuses("service-quotas", "get_service_quota", code)
    [finding] = run(PIPELINE_CHECK, pipeline=True)
    assert finding.verdict == "unknown"


@pytest.mark.parametrize(
    ("there", "verdict"),
    [(0, "pass"), (1000 - ROLES_OF_AN_ENVIRONMENT, "pass"), (1001 - ROLES_OF_AN_ENVIRONMENT, "fail")],
)
def test_roles_are_counted(aws: Aws, run: Run, there: int, verdict: str) -> None:
    aws.answers("iam", "get_account_summary", {"SummaryMap": {"Roles": there, "RolesQuota": 1000}})
    [finding] = run(ROLES)
    assert finding.verdict == verdict


@pytest.mark.parametrize(
    ("pipeline", "needed"),
    [
        (False, ROLES_OF_AN_ENVIRONMENT + ROLES_OF_ACCESS),
        (True, 3 * (ROLES_OF_AN_ENVIRONMENT + ROLES_OF_ACCESS) + ROLES_OF_THE_PIPELINE + ROLES_OF_THE_RELAY),
    ],
)
def test_roles_between_accounts_are_counted(aws: Aws, run: Run, pipeline: bool, needed: int) -> None:
    settings = load_settings(ROOT)
    apart = settings.pipeline.model_copy(update={"account": "111111111111"})
    aws.answers("iam", "get_account_summary", {"SummaryMap": {"Roles": 1000 - needed + 1, "RolesQuota": 1000}})

    [finding] = run(ROLES, pipeline=pipeline, settings=settings.model_copy(update={"pipeline": apart}))

    assert (finding.verdict, f"{needed} are required" in finding.found) == ("fail", True)


def test_a_summary_without_roles_is_unknown(aws: Aws, run: Run) -> None:
    aws.answers("iam", "get_account_summary", {"SummaryMap": {}})
    [finding] = run(ROLES)
    assert finding.verdict == "unknown"


def _stacks(aws: Aws, limit: int, statuses: list[str]) -> None:
    summaries: list[dict[str, Any]] = [
        {"StackName": f"s{number}", "StackStatus": status, "CreationTime": "2026-01-01"}
        for number, status in enumerate(statuses)
    ]
    limits = [{"Name": "StackLimit", "Value": limit}]
    aws.answers("cloudformation", "describe_account_limits", {"AccountLimits": limits})
    aws.answers("cloudformation", "list_stacks", {"StackSummaries": summaries})


@pytest.mark.parametrize(("limit", "verdict"), [(2000, "pass"), (8, "pass"), (7, "fail")])
def test_deleted_stacks_do_not_count(aws: Aws, run: Run, limit: int, verdict: str) -> None:
    _stacks(aws, limit, ["CREATE_COMPLETE", "DELETE_COMPLETE", "UPDATE_COMPLETE"])
    [finding] = run(STACKS)
    assert finding.verdict == verdict


def test_an_unreadable_stack_limit_is_unknown(aws: Aws, run: Run) -> None:
    aws.refuses("cloudformation", "describe_account_limits", "AccessDenied")
    [finding] = run(STACKS)
    assert finding.verdict == "unknown"
