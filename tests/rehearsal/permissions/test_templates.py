"""Templates grant what AWS knows, and nothing that only the emulator asks for."""

from __future__ import annotations

import pytest

from rehearsal.permissions import reference
from rehearsal.permissions.policies import RolePolicies

# Asked for by the emulator for calls that AWS checks otherwise (`GetLayerVersion`, `Converse`): the rehearsal teaches
# the emulator AWS's names instead.
ONLY_THE_EMULATORS = ("lambda:ListLayers", "bedrock:Converse", "bedrock:ConverseStream")


def _granted(role: RolePolicies) -> set[str]:
    return {
        action
        for policy in role.policies
        for statement in policy.statements
        if statement.allows
        for action in statement.actions
    }


def test_every_granted_action_is_one_that_aws_knows(golden_roles: dict[str, RolePolicies]) -> None:
    unknown = {name: reference.unknown_actions(_granted(role)) for name, role in golden_roles.items()}
    assert {name: actions for name, actions in unknown.items() if actions} == {}


def test_no_template_grants_what_only_the_emulator_asks_for(golden_roles: dict[str, RolePolicies]) -> None:
    theirs = {name: _granted(role) & set(ONLY_THE_EMULATORS) for name, role in golden_roles.items()}
    assert {name: actions for name, actions in theirs.items() if actions} == {}


@pytest.mark.parametrize("action", ["lambda:Invented", "bedrock:Converse", "invented:Action", "s3:GetInvented*"])
def test_an_action_that_aws_does_not_know_is_found(action: str) -> None:
    assert reference.unknown_actions([action, "s3:Get*", "*"]) == (action,)
