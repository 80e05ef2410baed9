"""Templates grant only actions that AWS has, and none that only the emulator checks."""

from __future__ import annotations

import pytest

from rehearsal.permissions import reference
from rehearsal.permissions.policies import RolePolicies

# ministack checks these actions for calls that need other actions on AWS (`GetLayerVersion`, `Converse`);
# rehearsal/inside/actions.py replaces them by AWS's.
ONLY_IN_THE_EMULATOR = ("lambda:ListLayers", "bedrock:Converse", "bedrock:ConverseStream")


def _granted(role: RolePolicies) -> set[str]:
    return {
        action
        for policy in role.policies
        for statement in policy.statements
        if statement.allows
        for action in statement.actions
    }


def test_every_granted_action_exists_on_aws(golden_roles: dict[str, RolePolicies]) -> None:
    unknown = {name: reference.unknown_actions(_granted(role)) for name, role in golden_roles.items()}
    assert {name: actions for name, actions in unknown.items() if actions} == {}


def test_no_template_grants_an_action_of_the_emulator_only(golden_roles: dict[str, RolePolicies]) -> None:
    needless = {name: _granted(role) & set(ONLY_IN_THE_EMULATOR) for name, role in golden_roles.items()}
    assert {name: actions for name, actions in needless.items() if actions} == {}


@pytest.mark.parametrize("action", ["lambda:Invented", "bedrock:Converse", "invented:Action", "s3:GetInvented*"])
def test_an_action_that_aws_does_not_have_is_found(action: str) -> None:
    assert reference.unknown_actions([action, "s3:Get*", "*"]) == (action,)
