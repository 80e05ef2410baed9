"""An approver may approve, and may do nothing by which an approval would be of the own work."""

from __future__ import annotations

import json
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

from cli.approver_policy import APPROVER_POLICY_FILE, approver_policy, approver_policy_text
from cli.operator_policy import LONGEST_MANAGED_POLICY, length_without_spaces
from tests.repository import ROOT
from vectora_ops.settings import load_settings

SETTINGS = load_settings(ROOT)
POLICY = approver_policy(SETTINGS, "111111111111", "eu-west-3")
STATEMENTS: list[dict[str, Any]] = POLICY["Statement"]


def _effects(action: str, end_of_resource: str) -> set[str]:
    return {
        each["Effect"]
        for each in STATEMENTS
        if action in each["Action"] and any(r == "*" or r.endswith(end_of_resource) for r in each["Resource"])
    }


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("codepipeline:GetPipelineState", "vectora-inbox-pipeline"),
        ("codepipeline:ListActionExecutions", "vectora-inbox-pipeline"),
        ("codepipeline:PutApprovalResult", "vectora-inbox-pipeline/prod/approval-prod"),
        ("codepipeline:RetryStageExecution", "vectora-inbox-pipeline/UpdatePipeline"),
        ("ssm:PutParameter", "/vectora-inbox/pipeline/approved-change"),
        ("lambda:InvokeFunction", "function:vectora-inbox-review"),
        ("lambda:InvokeFunction", "function:vectora-inbox-promotion-stage"),
        ("s3:GetObject", "vectora-inbox-pipeline-artifacts/reports/*"),
    ],
)
def test_an_approver_may_approve_and_ask_why(action: str, resource: str) -> None:
    assert _effects(action, resource) == {"Allow"}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("codecommit:GitPush", "*"),
        ("codeconnections:UseConnection", "*"),
        ("ssm:PutParameter", "/vectora-inbox/prod/promotion/bypass"),
        ("ssm:PutParameter", "/vectora-inbox/stage/promotion/bypass"),
        ("codepipeline:StartPipelineExecution", "vectora-inbox-pipeline"),
        ("codepipeline:UpdatePipeline", "vectora-inbox-pipeline"),
        ("lambda:UpdateFunctionCode", "function:vectora-inbox-review"),
    ],
)
def test_an_approver_is_denied_to_push_to_bypass_and_to_change_the_pipeline(action: str, resource: str) -> None:
    assert _effects(action, resource) == {"Deny"}


def test_aws_has_every_action_and_the_policy_fits_into_a_managed_one() -> None:
    for action in (each for statement in STATEMENTS for each in statement["Action"]):
        service, _, name = action.partition(":")
        assert get_action_data(service, name), action
    assert length_without_spaces(POLICY) < LONGEST_MANAGED_POLICY


def test_the_document_is_for_any_account() -> None:
    assert json.loads(approver_policy_text(SETTINGS)) == approver_policy(SETTINGS, "*", "eu-west-3")
    assert APPROVER_POLICY_FILE.startswith("docs/reference/")
