"""Function promotion needs no invocation of itself, which its role may not do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.operations import take
from tests.faults.small_environment import NAMES, SmallEnvironment
from tests.faults.test_pipeline_steps import CONTENT, DIGEST, GIVEN, NOON, deploy, record, snapshot
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.names import ANCHORS
from vectora_ops.promotion import facts
from vectora_ops.promotion.anchoring import anchor_snapshot
from vectora_ops.promotion.beginning import Beginning, begin_deployment
from vectora_ops.promotion.steps.parameters import StepParameters
from vectora_ops.records import Records, ReleaseId
from vectora_ops.snapshots.anchors import ForgedError
from vectora_ops.what_runs import what_runs


class NoInvocations:
    def invoke(self, **request: Any) -> dict[str, Any]:
        raise AssertionError(request)


def alone(account: Account) -> Account:
    """Return the account as function promotion has it."""
    return replace(account, _clients={"invoker": NoInvocations()})


def set_an_unknown_variable(account: Account) -> None:
    """Give a function a variable whose value snapshots withhold, which needs the key."""
    account.client("lambda").update_function_configuration(
        FunctionName=NAMES.function("ingest-v2"), Environment={"Variables": {"ENV": "dev", "API_TOKEN": "hidden"}}
    )


def test_the_first_release_is_recorded_though_no_snapshot_needed_the_key(small: SmallEnvironment) -> None:
    account = small.account
    snapshot(account)
    deploy(account)
    set_an_unknown_variable(account)

    record(alone(account))

    [entry] = Records(account, NAMES).ledger()
    assert entry.running == what_runs(Environment(account, NAMES))


def test_judging_a_release_creates_the_key(small: SmallEnvironment) -> None:
    account = small.account
    snapshot(account)
    deploy(account)
    record(account)
    set_an_unknown_variable(account)

    found = facts.gather(alone(account), NAMES, NAMES, ReleaseId(DIGEST, CONTENT), NOON)

    assert found.changes.remaining == (f"function {NAMES.function('ingest-v2')} was changed by hand",)


def test_comparing_a_snapshot_before_its_anchor_creates_the_key(small: SmallEnvironment) -> None:
    account = small.account
    name = take(account).name
    account.client("ssm").delete_parameter(Name=NAMES.parameter(f"{ANCHORS}/{name}"))
    set_an_unknown_variable(account)

    with pytest.raises(ForgedError, match="is not what is deployed"):
        anchor_snapshot(alone(account), NAMES, name)


def test_comparing_a_snapshot_before_a_deployment_creates_the_key(small: SmallEnvironment) -> None:
    account = small.account
    name = take(account).name
    set_an_unknown_variable(account)
    beginning = Beginning(release=StepParameters.model_validate(GIVEN), snapshot=name, lease_owner="pipeline/e-1")

    with pytest.raises(ForgedError, match="is not what is deployed"):
        begin_deployment(alone(account), NAMES, beginning)
