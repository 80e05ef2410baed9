"""Findings from IAM's simulation of the operator policy."""

from __future__ import annotations

from typing import Any

import pytest

from cli.doctor.permissions import CHECK, operator_statements
from tests.repository import ROOT
from tests.unit.cli.doctor.conftest import ACCOUNT, REGION, Aws, Run

ROLE = f"arn:aws:iam::{ACCOUNT}:role/vectora-inbox-operator"


def _role(arn: str = ROLE) -> dict[str, Any]:
    document = {
        "Path": "/",
        "RoleName": arn.rpartition("/")[2],
        "RoleId": "A" * 16,
        "Arn": arn,
        "CreateDate": "2026-01-01",
    }
    return {"Role": document}


def _simulate(aws: Aws, denied: str = "", *, missing: bool = False, specific: bool = False) -> None:
    for statement in operator_statements(ROOT, ACCOUNT, REGION):
        results = []
        for action in statement.actions:
            decision = "implicitDeny" if action == denied else "allowed"
            result: dict[str, Any] = {"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": decision}
            if missing and action == denied:
                result["MissingContextValues"] = ["aws:MultiFactorAuthPresent"]
            if specific:
                result["EvalDecision"] = "allowed"
                result["ResourceSpecificResults"] = [
                    {"EvalResourceName": "a", "EvalResourceDecision": "allowed"},
                    {"EvalResourceName": "b", "EvalResourceDecision": decision},
                ]
            results.append(result)
        aws.answers("iam", "simulate_principal_policy", {"EvaluationResults": results, "IsTruncated": False})


def test_a_role_with_the_policy_passes(aws: Aws, run: Run) -> None:
    aws.answers("iam", "get_role", _role(), RoleName="vectora-inbox-operator")
    _simulate(aws)
    [finding] = run(CHECK)
    assert finding.verdict == "pass"
    assert "role/vectora-inbox-operator has all" in finding.found


@pytest.mark.parametrize("specific", [False, True])
def test_a_missing_permission_fails_by_name(aws: Aws, run: Run, specific: bool) -> None:
    aws.answers("iam", "get_role", _role())
    _simulate(aws, "sts:AssumeRole", specific=specific)
    [finding] = run(CHECK)
    assert finding.verdict == "fail"
    assert finding.found == "role/vectora-inbox-operator lacks sts:AssumeRole"
    assert "operator-policy.json" in finding.advice


def test_a_permission_under_an_unknown_condition_is_unknown(aws: Aws, run: Run) -> None:
    aws.answers("iam", "get_role", _role())
    _simulate(aws, "iam:PassRole", missing=True)
    [finding] = run(CHECK)
    assert finding.verdict == "unknown"
    assert "iam:PassRole" in finding.found


def test_without_permission_to_simulate_the_result_is_unknown(aws: Aws, run: Run) -> None:
    aws.refuses("iam", "get_role", "AccessDenied")
    aws.refuses("iam", "simulate_principal_policy", "AccessDenied")
    [finding] = run(CHECK)
    assert (finding.verdict, finding.found) == ("unknown", "you may not call SimulatePrincipalPolicy")


def test_the_path_of_a_single_sign_on_role_is_looked_up(aws: Aws, run: Run) -> None:
    name = "AWSReservedSSO_Operator_0a1b2c"
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/{REGION}/{name}"
    aws.answers("iam", "get_role", _role(arn), RoleName=name)
    results = [{"EvalActionName": "sts:AssumeRole", "EvalDecision": "allowed"}]
    for statement in operator_statements(ROOT, ACCOUNT, REGION):
        results = [{"EvalActionName": action, "EvalDecision": "allowed"} for action in statement.actions]
        aws.answers("iam", "simulate_principal_policy", {"EvaluationResults": results})
    [finding] = run(CHECK, caller=f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/jane@example.org")
    assert finding.verdict == "pass"


def test_a_single_sign_on_role_without_a_known_path_is_unknown(aws: Aws, run: Run) -> None:
    aws.refuses("iam", "get_role", "AccessDenied")
    [finding] = run(CHECK, caller=f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Operator_0a1b/jane")
    assert finding.verdict == "unknown"


def test_a_user_is_simulated_as_such(aws: Aws, run: Run) -> None:
    _simulate(aws)
    [finding] = run(CHECK, caller=f"arn:aws:iam::{ACCOUNT}:user/jane")
    assert finding.verdict == "pass"


def test_a_caller_that_is_neither_user_nor_role_is_unknown(run: Run) -> None:
    [finding] = run(CHECK, caller=f"arn:aws:iam::{ACCOUNT}:root")
    assert finding.verdict == "unknown"


def test_the_simulation_uses_resources_of_the_environment(aws: Aws, run: Run) -> None:
    requests: list[dict[str, Any]] = []
    aws.answers("iam", "get_role", _role())
    _simulate(aws)
    aws.client("iam").meta.events.register(
        "provide-client-params.iam.SimulatePrincipalPolicy", lambda params, **_: requests.append(params)
    )
    run(CHECK, env="prod")
    by_action = {action: each for each in requests for action in each["ActionNames"]}
    assert {each["PolicySourceArn"] for each in requests} == {ROLE}
    assert by_action["sts:AssumeRole"]["ResourceArns"] == [
        f"arn:aws:iam::{ACCOUNT}:role/cdk-vicffprod-deploy-role-{ACCOUNT}-{REGION}",
        f"arn:aws:iam::{ACCOUNT}:role/cdk-vicffprod-file-publishing-role-{ACCOUNT}-{REGION}",
    ]
    assert by_action["cloudformation:DeleteStack"]["ResourceArns"] == [
        f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/vectora-inbox-s0-core-prod/prod"
    ]
    assert by_action["iam:PassRole"]["ContextEntries"] == [
        {
            "ContextKeyName": "iam:PassedToService",
            "ContextKeyValues": ["cloudformation.amazonaws.com"],
            "ContextKeyType": "string",
        }
    ]
    assert "ResourceArns" not in by_action["iam:GetAccountSummary"]
    assert not [each for each in requests if "*" in str(each.get("ResourceArns"))]


def test_the_policy_is_that_of_the_account_and_region() -> None:
    text = str(operator_statements(ROOT, "123456789012", REGION))
    assert f"role/cdk-vicff*-deploy-role-123456789012-{REGION}" in text
    assert f"cdk-vicff*-assets-123456789012-{REGION}/*" in text
    assert ":*:" not in text


def test_no_action_is_simulated_on_a_resource_of_another_service() -> None:
    pairs = {
        (action.partition(":")[0], arn.split(":")[2])
        for statement in operator_statements(ROOT, ACCOUNT, REGION)
        for action in statement.actions
        for arn in statement.resources
        if arn != "*"
    }
    # The resource of sts:AssumeRole is one of IAM.
    assert {pair for pair in pairs if pair[0] != pair[1]} == {("sts", "iam")}
