"""Variables of functions in snapshots: those that the app sets are shown, also with features that are off here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tests.stacks.mappings import stacks_of
from tools.templates import synthesize_with_backup
from vectora_ops.known_variables import KNOWN_VARIABLES

Template = Mapping[str, Any]


def _of_other_accounts() -> list[Template]:
    return [each.template for each in stacks_of("four accounts") if each.name != "pipeline"]


def _with_backup() -> list[Template]:
    return list(synthesize_with_backup().values())


def _variables(templates: Iterable[Template]) -> set[str]:
    return {
        variable
        for template in templates
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function"
        for variable in each["Properties"].get("Environment", {}).get("Variables", {})
    }


@pytest.mark.parametrize(("templates", "own"), [(_of_other_accounts, "ELSEWHERE"), (_with_backup, "BACKUP_REGION")])
def test_a_snapshot_shows_every_variable_that_the_app_sets(templates: Any, own: str) -> None:
    found = _variables(templates())
    assert own in found
    assert found <= KNOWN_VARIABLES
