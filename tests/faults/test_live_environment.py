"""A state that takes what is unchanged from an earlier one equals a state that is read completely."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.api_calls import counted
from tests.faults.small_environment import NAMES, SmallEnvironment
from vectora_ops.account import Account
from vectora_ops.live_environment import Environment
from vectora_ops.snapshots.components import component_source
from vectora_ops.snapshots.items import Item
from vectora_ops.snapshots.manifest import STACK_COMPONENTS
from vectora_ops.snapshots.objects import ObjectReader

CHANGES: dict[str, Callable[[SmallEnvironment], object]] = {
    "nothing": lambda small: None,
    "a release": lambda small: small.deploy("2"),
    "one stack": lambda small: small.deploy_runtime("2"),
    "changes by hand": lambda small: small.break_it(),
    "a deleted stack": lambda small: small.account.client("cloudformation").delete_stack(
        StackName=NAMES.stack("s1-ingest-v2")
    ),
}


def items(environment: Environment) -> list[Item]:
    """Return the compared items; informative ones have the progress of an update, which goes on."""
    found = (item for component in STACK_COMPONENTS for item in component_source(environment, component).items())
    return [item for item in found if not item.informative]


@pytest.mark.parametrize("change", CHANGES)
def test_the_state_after_a_change_equals_a_state_that_is_read_completely(small: SmallEnvironment, change: str) -> None:
    before = Environment(small.account, NAMES)
    first = items(before)
    CHANGES[change](small)
    # Two states that read nothing lie between.
    after = items(before.now().now().now())
    assert after == items(Environment(small.account, NAMES))
    assert (after == first) is (change == "nothing")


def test_a_stack_that_did_not_change_is_described_once_and_not_read(small: SmallEnvironment) -> None:
    with counted(small.account, NAMES) as (account, calls):
        before = Environment(account, NAMES)
        items(before)
        first = dict(calls)
        items(before.now())
    assert calls["cloudformation.DescribeStacks"] == 2 * first["cloudformation.DescribeStacks"]
    for name in ("cloudformation.GetTemplate", "cloudformation.ListStackResources", "lambda.GetLayerVersion"):
        assert calls[name] == first[name] > 0


def test_assets_are_the_same_when_their_bucket_is_too_large_for_one_listing(
    account: Account, small: SmallEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = items(Environment(account, NAMES))
    monkeypatch.setattr(ObjectReader, "all_listed", lambda reader: None)
    assert items(Environment(account, NAMES)) == at_once
