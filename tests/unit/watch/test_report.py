"""Daily report of function watch: one message for each condition, and gauges that fail hide no others."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.docs.test_commands_in_documents import vectora_problem
from tests.docs.vault_in_memory import NAMES, NOON, fill_with_text
from tests.unit.watch.world import MONDAY, SCHEDULE, SOURCES, World
from vectora_ops.functions import invocation, watch
from vectora_ops.records import Bypass, Freeze, Hold, LedgerEntry, Records
from vectora_ops.snapshots.vault import Vault
from vectora_ops.watch.expiring import expiring
from vectora_ops.watch.issues import conspicuous_issues
from vectora_ops.watch.reading import Reading
from vectora_shared.errors import VectoraError
from vectora_shared.keys import STATUS_PAGE_KEY, STATUS_PREFIX
from vectora_shared.metrics import Metric

CONTEXT = SimpleNamespace(
    aws_request_id="1", function_name=NAMES.function("watch"), get_remaining_time_in_millis=lambda: 900_000
)


class Topic:
    """SNS: keeps what is published."""

    def __init__(self) -> None:
        self.published: list[Mapping[str, str]] = []

    def publish(self, **message: str) -> None:
        self.published.append(message)

    @property
    def subjects(self) -> list[str]:
        return [each["Subject"].removeprefix("vectora-inbox dev: ") for each in self.published]


@pytest.fixture
def topic(world: World, monkeypatch: pytest.MonkeyPatch) -> Topic:
    made = Topic()
    world.account._clients["sns"] = made
    for module in (invocation, watch):
        monkeypatch.setattr(module, "own_account", lambda: world.account)
    monkeypatch.setattr(watch, "records_clock", lambda account, names: lambda: world.now)
    for name, value in {
        "PROJECT_NAME": "vectora-inbox",
        "ENV": "dev",
        "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:eu-west-3:111122223333:vectora-inbox-operations-dev",
        "NOISE_PERCENT": "10",
        "MONTHLY_BUDGET_USD": "20",
        "RUN_SCHEDULE": SCHEDULE.model_dump_json(),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("PRECEDING_ENV", "APPROVAL_DAYS"):
        monkeypatch.delenv(name, raising=False)
    fill_with_text(world.account)
    world.at(MONDAY - timedelta(days=30))
    world.publish_client()
    world.at(MONDAY)
    return made


def invoke(operation: str) -> dict[str, Any]:
    return watch.watch_function({"operation": operation}, CONTEXT)


def refuse(*_: Any) -> Reading:
    raise VectoraError("AWS denied it.")


def published_metrics(text: str) -> dict[str, float]:
    """Return the values of the only line of embedded metric format."""
    [line] = [each for each in text.splitlines() if "_aws" in each]
    document = json.loads(line)
    [directive] = document["_aws"]["CloudWatchMetrics"]
    return {each["Name"]: document[each["Name"]] for each in directive["Metrics"]}


def test_one_line_has_all_gauges_of_the_environment(topic: Topic, capsys: pytest.CaptureFixture[str]) -> None:
    answer = invoke("measure")
    found = published_metrics(capsys.readouterr().out)
    assert answer["state"] == "done"
    assert found == answer["gauges"]
    assert found.keys() == {
        Metric.OVERDUE_NEWSLETTERS,
        Metric.FAILING_SOURCES,
        Metric.DAMAGED_SNAPSHOTS,
        Metric.DRIFTED_THINGS,
        Metric.MONTH_MODEL_COST_USD,
    }
    assert answer["skipped"] == {Metric.SNAPSHOT_AGE_HOURS: "dev has no snapshot yet"}
    assert answer["not_read"] == {}
    assert topic.published == []


def test_a_gauge_that_cannot_be_read_publishes_nothing_and_the_others_go_on(
    topic: Topic,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(watch, "failing_sources", refuse)
    answer = invoke("measure")
    found = published_metrics(capsys.readouterr().out)
    assert Metric.FAILING_SOURCES not in found
    assert Metric.MONTH_MODEL_COST_USD in found
    assert answer["not_read"] == {"FailingSources": "VectoraError: AWS denied it."}
    assert "FailingSources" in caplog.text
    assert json.loads(json.dumps(answer)) == answer


def test_the_report_has_a_message_for_each_condition_and_none_when_all_is_well(topic: Topic, world: World) -> None:
    world.write_issue()
    assert invoke("report")["notified"] == []
    assert topic.published == []
    for day in ("2025/12/22", "2025/12/29", "2026/01/05"):
        world.write_report(day, SOURCES)
    world.pass_time(timedelta(days=7))
    answer = invoke("report")
    assert topic.subjects == ["the newsletter of lai_weekly is overdue", "2 sources fail"]
    assert answer["notified"] == topic.subjects


def test_the_report_says_what_cannot_be_read(topic: Topic, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write_issue()
    monkeypatch.setattr(watch, "failing_sources", refuse)
    invoke("report")
    [message] = topic.published
    assert message["Subject"].endswith("1 condition cannot be read")
    assert "FailingSources" in message["Message"]
    assert "./vectora logs --function watch --env dev" in message["Message"]


def test_a_notification_links_the_status_page_that_the_watch_has_written(topic: Topic, world: World) -> None:
    invoke("report")
    found = world.account.client("s3").get_object(Bucket=NAMES.bucket("newsletters"), Key=STATUS_PAGE_KEY)
    assert found["ContentType"].startswith("text/html")
    assert "2026-01-05" in found["Body"].read().decode()
    *_, line = topic.published[0]["Message"].splitlines()
    assert f"s3://{NAMES.bucket('newsletters')}/{STATUS_PAGE_KEY}" in line
    words = shlex.split(line.partition("or now: ")[2])
    assert vectora_problem(words[1:], may_only_name=False) == ""


def test_no_snapshot_has_the_status_page(topic: Topic, world: World) -> None:
    invoke("measure")
    manifest = world.take_snapshot()
    entries = Vault(world.account, NAMES).entries(manifest.components["newsletters"])
    assert not [each for each in entries if each[0].path.startswith(STATUS_PREFIX)]


def test_a_page_that_cannot_be_written_stops_nothing(
    topic: Topic, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watch, "write_status_page", lambda *given, **options: refuse())
    assert invoke("measure")["state"] == "done"
    assert "The status page cannot be written" in caplog.text


def test_an_issue_is_reported_once_when_it_is_empty_noisy_or_dear(world: World) -> None:
    world.publish_client()

    def reported() -> list[str]:
        return [each.what for each in conspicuous_issues(world.account, NAMES, 10, world.now)]

    for _ in range(3):
        world.write_issue(cost=0.1)
        world.pass_time(timedelta(days=7))
    assert reported() == []
    world.write_issue(cost=0.25, noise=0.11)
    assert reported() == [
        "the newsletter of lai_weekly is noisy",
        "the newsletter of lai_weekly cost 2.5 times the usual",
    ]
    world.pass_time(timedelta(days=1, hours=1))
    assert reported() == []
    world.write_issue(items=0, noise=0.0)
    assert reported() == ["the newsletter of lai_weekly is empty"]


def ending(world: World) -> list[str]:
    return [each.what for each in expiring(world.account, NAMES, None, NOON)]


def test_a_freeze_is_reported_on_its_last_day(world: World) -> None:
    records = Records(world.account, NAMES)
    records.write_freeze(Freeze(at=NOON, until=NOON + timedelta(days=2), reason="audit", by="ann"))
    assert ending(world) == []
    records.write_freeze(Freeze(at=NOON, until=NOON + timedelta(hours=20), reason="audit", by="ann"))
    assert ending(world) == ["a freeze ends soon"]
    records.write_freeze(Freeze(at=NOON, until=NOON + timedelta(hours=20), reason="audit", by="ann", ended_by="ann"))
    assert ending(world) == []


def test_a_planned_freeze_of_the_deployed_policy_is_reported_on_its_last_day(world: World) -> None:
    freeze = {"begins": "2026-01-01 00:00", "ends": "2026-01-07 09:00", "reason": "year's end"}
    policy = {"requires_smoke_test": True, "windows": [{"time_zone": "Europe/Paris", "freezes": [freeze]}]}
    world.account.client("ssm").put_parameter(
        Name=NAMES.parameter("promotion/policy"), Type="String", Value=json.dumps(policy)
    )
    assert ending(world) == ["a freeze ends soon"]


@pytest.mark.parametrize(("days", "state", "expected"), [(4, "held", 1), (2, "held", 0), (4, "released", 0)])
def test_a_hold_is_reported_when_it_has_lasted_for_three_days(
    world: World, days: int, state: str, expected: int
) -> None:
    hold = {"state": state, "reason": "it failed", "at": NOON - timedelta(days=days)}
    Records(world.account, NAMES).write_hold(Hold.model_validate(hold))
    assert ending(world) == ["held for 4 days"] * expected


def test_a_bypass_is_reported_until_its_release_comes(world: World) -> None:
    records, before = Records(world.account, NAMES), NOON - timedelta(days=4)
    release = {"digest": "a" * 64, "content_digest": "c" * 64}
    records.write_bypass(
        Bypass.model_validate({**release, "gates": ["soak"], "reason": "crash", "by": "ann", "at": before})
    )
    assert ending(world) == ["a bypass is unused for 4 days"]
    entry = {"kind": "release", "version": "1.4.3", "at": NOON, "digest": "b" * 64, "content_digest": "c" * 64}
    records.add_to_ledger(LedgerEntry.model_validate(entry))
    assert ending(world) == []
