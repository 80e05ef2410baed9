"""Reading of a month's cost from an environment in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.docs.vault_in_memory import NAMES, fill_with_stacks, put
from tests.unit.watch.world import MONDAY, World
from tests.unit.watch.world import world as made
from vectora_ops.cloudformation.reading import StackReader
from vectora_ops.costs.reading import CostSettings, read_month_cost
from vectora_ops.costs.runs import recorded_runs
from vectora_ops.costs.usage import measured_usage
from vectora_ops.names import Names

SETTINGS = CostSettings(budget_usd=20.0, schedule=None)


@pytest.fixture
def world() -> Iterator[World]:
    with made() as found:
        yield found


def test_runs_are_read_from_manifests_with_drafts_and_the_canary(world: World) -> None:
    world.write_issue(cost=0.3, items=4, noise=0.25)
    world.write_issue(cost=None, draft=True)
    world.pass_time(timedelta(days=7))
    world.write_issue(client_id="canary", cost=0.01, items=0)
    runs = recorded_runs(world.account, NAMES, date(2026, 1, 1))
    assert [(each.client_id, each.draft, each.cost_usd, each.noise) for each in runs] == [
        ("lai_weekly", False, 0.3, 0.25),
        ("lai_weekly", True, None, 0.0),
        ("canary", False, 0.01, None),
    ]
    assert [each.is_issue for each in runs] == [True, False, False]
    assert [each.client_id for each in recorded_runs(world.account, NAMES, date(2026, 1, 12))] == ["canary"]


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"not json", b'{"metrics": []}', b'{"metrics": {}, "total_items": "x"}']
)
def test_what_no_run_wrote_is_not_a_run(world: World, body: bytes) -> None:
    put(world.account, "newsletters", "lai_weekly/2026/01/05/manifest.json", body)
    assert recorded_runs(world.account, NAMES, date(2026, 1, 1)) == ()


def test_stored_bytes_memory_and_resources_are_measured(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world.account, "data", "x", b"1234567890")
    fill_with_stacks(world.account)
    world.account.client("logs").create_log_group(logGroupName=NAMES.log_group("ingest-v2"))
    kinds = ("AWS::KMS::Key", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm", "AWS::S3::Bucket")
    found = {NAMES.stack("s0-operations"): {str(number): (kind, "") for number, kind in enumerate(kinds)}}
    monkeypatch.setattr(StackReader, "resources", lambda self, name: found.get(name, {}))
    usage = measured_usage(world.account, NAMES)
    assert usage.stored_bytes["STANDARD"] >= 10
    assert (usage.keys, usage.alarms, usage.dashboards, usage.log_bytes) == (1, 2, 0, 0)
    assert usage.memory_mb == {"ingest": 128}


def test_an_environment_without_anything_costs_nothing(world: World) -> None:
    cost = read_month_cost(world.account, Names(project="vectora-inbox", env="prod"), SETTINGS, MONDAY)
    assert (cost.so_far_usd, cost.forecast_usd, cost.unknown) == (0.0, 0.0, ())


def test_a_part_that_may_not_be_read_is_named_and_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeLogGroups")

    world.write_issue(cost=0.3)
    monkeypatch.setattr("vectora_ops.costs.reading.measured_usage", denied)
    cost = read_month_cost(world.account, NAMES, SETTINGS, MONDAY)
    assert cost.model.so_far_usd == pytest.approx(0.3)
    assert cost.unknown == ("the resources (DescribeLogGroups)",)
