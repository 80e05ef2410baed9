"""Check of the status of each stack, with the command that leads out of a failed one."""

from __future__ import annotations

import pytest

from cli.doctor.stacks import CHECK
from tests.unit.cli.doctor.conftest import Aws, Run
from vectora_ops.cloudformation.statuses import BEHAVIOURS
from vectora_ops.names import STACK_LAYERS

CORE = "vectora-inbox-s0-core-stage"


def _shown(aws: Aws, **statuses: str) -> None:
    """Let these layers of stage have stacks in these statuses, and the others none."""
    for layer in STACK_LAYERS:
        name, status = f"vectora-inbox-{layer}-stage", statuses.get(layer.replace("-", "_"))
        if status is None:
            message = f"Stack with id {name} does not exist"
            aws.refuses("cloudformation", "describe_stacks", "ValidationError", message=message)
            continue
        found = {"StackName": name, "StackStatus": status, "CreationTime": "2026-01-01"}
        aws.answers("cloudformation", "describe_stacks", {"Stacks": [found]}, StackName=name)


@pytest.mark.parametrize("status", sorted(BEHAVIOURS.keys() - {"DELETE_COMPLETE"}))
def test_each_status_is_judged_and_a_failed_one_has_its_command(aws: Aws, run: Run, status: str) -> None:
    _shown(aws, s0_core=status, s0_iam="UPDATE_COMPLETE")
    findings, behaviour = run(CHECK), BEHAVIOURS[status]
    assert {finding.verdict for finding in findings} == {behaviour.doctor}
    if behaviour.command:
        assert findings[0].found == f"{CORE} is in {status}: {behaviour.meaning}"
        assert findings[0].advice == f"aws cloudformation {behaviour.command} --stack-name {CORE}"
    if behaviour.doctor == "pass":
        assert findings[-1].found == f"2 of {len(STACK_LAYERS)} stacks exist, none in a failed status"


def test_an_account_without_stacks_is_ready(aws: Aws, run: Run) -> None:
    _shown(aws)
    [finding] = run(CHECK)
    assert (finding.verdict, finding.found[:5]) == ("pass", "0 of ")


def test_a_status_of_the_future_is_unknown(aws: Aws, run: Run) -> None:
    _shown(aws, s0_core="PAUSED_BY_HAND")
    [finding] = run(CHECK)
    assert finding.verdict == "unknown"
    assert "PAUSED_BY_HAND" in finding.found


def test_stacks_that_may_not_be_read_are_unknown(aws: Aws, run: Run) -> None:
    aws.refuses("cloudformation", "describe_stacks", "AccessDenied")
    [finding] = run(CHECK)
    assert finding.verdict == "unknown"
