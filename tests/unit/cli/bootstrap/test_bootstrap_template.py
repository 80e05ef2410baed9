"""Template of a bootstrap: the pinned CLI's own, limited to one environment's stacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.bootstrap.template import VARIANT, bootstrap_of_environment, bootstrap_template
from rehearsal.permissions.policies import Statement
from tests.stacks.bootstraps import OWNERS, TEMPLATE, bootstrap_of, bootstrap_roles, template_of
from tests.unit.ops.environments import VALID, load_text
from vectora_shared.errors import VectoraError

ACCOUNT, REGION = "1" * 12, "eu-west-3"
# CreateStack, API reference, TemplateBody; the CLI needs a bucket for longer ones, which a bootstrap makes first.
LONGEST_TEMPLATE = 51_200
OF_THE_CLI = TEMPLATE.read_text(encoding="utf-8")


def _statements(owner: str | None, kind: str) -> list[Statement]:
    [role] = [each for each in bootstrap_roles(owner, ACCOUNT, REGION) if f"-{kind}-role-" in each.arn]
    return [statement for policy in role.policies for statement in policy.statements]


@pytest.mark.parametrize("owner", OWNERS)
def test_the_template_fits_into_a_request(owner: str | None) -> None:
    assert len(yaml.safe_dump(template_of(owner)).encode("utf-8")) < LONGEST_TEMPLATE


@pytest.mark.parametrize("owner", OWNERS)
def test_the_deploy_role_changes_its_own_stacks_only(owner: str | None) -> None:
    own = bootstrap_of(owner).stacks
    changing = {
        resource
        for statement in _statements(owner, "deploy")
        if statement.allows and statement.sid in ("DeployPermissions", "CliPermissions")
        for resource in statement.resources
    }
    assert changing == {f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{own}"}
    assert not [each for each in _statements(owner, "deploy") if "cloudformation:CreateStackRefactor" in each.actions]


@pytest.mark.parametrize("owner", OWNERS)
def test_the_lookup_role_reads_no_data(owner: str | None) -> None:
    allowed = {action for each in _statements(owner, "lookup") if each.allows for action in each.actions}
    assert {action.partition(":")[0] for action in allowed} == {"cloudformation", "ssm"}


@pytest.mark.parametrize("owner", OWNERS)
def test_cloudformations_role_is_limited_to_the_execution_policy(owner: str | None) -> None:
    [role] = [each for each in bootstrap_roles(owner, ACCOUNT, REGION) if "-cfn-exec-role-" in each.arn]
    assert role.boundary is not None
    assert [policy.name for policy in role.policies] == [role.boundary.name]
    assert role.boundary.name.endswith(f"policy/{bootstrap_of(owner).execution_policy_name}")


def test_own_execution_policies_of_the_user_have_priority() -> None:
    properties = template_of("stage")["Resources"]["CloudFormationExecutionRole"]["Properties"]
    condition, given, _ = properties["ManagedPolicyArns"]["Fn::If"]
    assert (condition, given) == ("HasOtherExecutionPolicies", {"Ref": "CloudFormationExecutionPolicies"})


def test_the_plain_cli_does_not_overwrite_a_bootstrap_with_limits() -> None:
    assert template_of("dev")["Parameters"]["BootstrapVariant"]["Default"] == VARIANT
    assert VARIANT not in OF_THE_CLI


def test_limits_differ_between_environments_and_change_the_digest() -> None:
    assert len({bootstrap_of(owner).digest_of_limits for owner in OWNERS}) == len(OWNERS)


def test_a_bootstrap_trusts_the_account_of_the_pipeline_only_when_it_is_another(tmp_path: Path) -> None:
    apart = VALID.replace("pipeline:\n", 'pipeline:\n  account: "111111111111"\n')
    assert bootstrap_of_environment(load_text(tmp_path, apart), "dev").trusted_account == "111111111111"
    assert bootstrap_of("dev").trusted_account is None


@pytest.mark.parametrize("broken", ["DeployPermissions", "Refactor", "LookupRole:", "CliPermissions"])
def test_a_template_of_another_form_is_refused(broken: str) -> None:
    with pytest.raises(VectoraError, match="has another form than expected"):
        bootstrap_template(OF_THE_CLI.replace(broken, "Renamed" + broken), bootstrap_of("dev"))


def test_the_policies_are_in_the_home_region_only() -> None:
    resources: dict[str, Any] = template_of(None)["Resources"]
    assert {resources[name]["Condition"] for name in ("Boundary", "ExecutionPolicy")} == {"IsHome"}
    assert (
        json.dumps(template_of(None)["Conditions"]["IsHome"]) == '{"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-3"]}'
    )
