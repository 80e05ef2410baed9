"""Reading of the overview from an environment in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from overview.collecting import read_overview
from overview.gates import read_gates
from tests.docs.vault_in_memory import NAMES, RELEASE, put
from tests.unit.watch.world import MONDAY, SCHEDULE, World
from tests.unit.watch.world import world as made
from vectora_ops.account import Account
from vectora_ops.costs.reading import CostSettings
from vectora_ops.names import Names
from vectora_ops.overview.environment import Subject, read_environment
from vectora_ops.overview.model import Overview
from vectora_ops.overview.pipeline import read_pipeline
from vectora_ops.records import Deployment, Hold, LedgerEntry, Records
from vectora_shared.errors import VectoraError

STAGE, PROD = (Names(project="vectora-inbox", env=env) for env in ("stage", "prod"))
COST = CostSettings(budget_usd=20.0, schedule=SCHEDULE)
DIGEST, OTHER = json.loads(RELEASE)["digest"], "0f" * 32


@pytest.fixture
def world() -> Iterator[World]:
    with made() as found:
        found.account.client("ssm").put_parameter(Name=NAMES.parameter("release"), Value=RELEASE, Type="String")
        yield found


def _subject(world: World, names: Names = NAMES) -> Subject:
    return Subject(names=names, cost=COST, opens=lambda: world.account, key=lambda account, names: b"key")


def _entry(version: str, digest: str, at: datetime, **changes: Any) -> LedgerEntry:
    known = {"kind": "release", "content_digest": digest, "smoke_test": "ok", "at": at}
    return LedgerEntry.model_validate({**known, "digest": digest, "version": version, **changes})


def test_an_environment_is_read_with_its_release_newsletters_snapshots_and_cost(world: World) -> None:
    world.publish_client()
    world.write_issue(cost=0.3)
    taken = world.take_snapshot("deployment")
    records = Records(world.account, NAMES)
    records.add_to_ledger(_entry("1.2.0", DIGEST, MONDAY, snapshot=taken.name, bypassed=["soak"], bypass_reason="fix"))
    read = read_environment(_subject(world), MONDAY)
    assert read.unknown == ()
    assert read.release is not None
    assert (read.release.version, read.release.since, read.release.verified) == ("1.2.0", MONDAY, True)
    assert [(each.presence, each.note) for each in (read.releases[0].where,)] == [("current", "bypassed soak: fix")]
    assert [(each.name, each.state, each.before) for each in read.snapshots] == [(taken.name, "complete", "1.2.0")]
    assert [(each.client_id, each.cost_usd) for each in read.issues] == [("lai_weekly", 0.3)]
    assert read.next_issue is not None
    assert read.next_issue.at == datetime(2026, 1, 12, 5, 0, tzinfo=UTC)
    assert read.cost is not None
    assert read.cost.model.so_far_usd == pytest.approx(0.3)
    assert (read.hold, read.raised_alarms, read.damaged_snapshots) == (None, (), ())


def test_a_hold_a_removed_release_and_an_edited_file_are_read(world: World) -> None:
    records = Records(world.account, NAMES)
    records.add_to_ledger(_entry("1.2.0", DIGEST, MONDAY - timedelta(days=3)))
    failed = {"execution": "e", "commit": "c", "snapshot": "s_20260105_000000", "state": "rolled back"}
    records.write_deployment(
        Deployment.model_validate({**failed, "digest": OTHER, "version": "1.3.0", "at": MONDAY, "outcome": "it failed"})
    )
    records.write_hold(Hold(state="held", reason="it failed.", outcome="rolled back", at=MONDAY))
    put(world.account, "config", "published.json", json.dumps({"keys": {"canonical/x.yaml": "0" * 64}}).encode())
    read = read_environment(_subject(world), MONDAY)
    assert read.hold is not None
    assert (read.hold.reason, read.hold.is_rolling_back) == ("it failed; rolled back", False)
    presences = {each.version: each.where.presence for each in read.releases}
    assert presences == {"1.2.0": "current", "1.3.0": "rolled back"}
    assert read.drift == ("canonical/x.yaml was deleted from its bucket",)


def test_a_damaged_snapshot_is_read_as_such(world: World) -> None:
    put(world.account, "snapshots", "snapshots/daily_20260104_030000/manifest.json", b"{}")
    [snapshot] = read_environment(_subject(world), MONDAY).damaged_snapshots
    assert snapshot.name == "daily_20260104_030000"


def test_alarms_of_the_environment_are_read_with_their_runbooks(world: World) -> None:
    cloudwatch = world.account.client("cloudwatch")
    for name, description in (
        (NAMES.alarm("noise"), "Noise is high: docs/runbooks/alarms.md#noise."),
        (NAMES.alarm("failed-runs"), "no page"),
        (PROD.alarm("noise"), "of another environment"),
    ):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=description,
            EvaluationPeriods=1,
            ComparisonOperator="GreaterThanThreshold",
            Namespace="n",
            MetricName="m",
            Period=60,
            Statistic="Sum",
            Threshold=1.0,
        )
    cloudwatch.set_alarm_state(AlarmName=NAMES.alarm("noise"), StateValue="ALARM", StateReason="31 % > 30 %")
    first, second = read_environment(_subject(world), MONDAY).alarms
    assert (first.purpose, first.status, first.reason) == ("noise", "ALARM", "31 % > 30 %")
    assert first.runbook == "docs/runbooks/alarms.md#noise"
    assert (second.purpose, second.status == "ALARM", second.runbook) == ("failed-runs", False, None)


def test_nothing_deployed_is_no_problem(world: World) -> None:
    read = read_environment(_subject(world, PROD), MONDAY)
    assert (read.is_deployed, read.problem, read.unknown) == (False, "", ())


def test_what_aws_denies_is_named_and_the_rest_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeAlarms")

    monkeypatch.setattr("vectora_ops.overview.environment.read_alarms", denied)
    world.write_issue()
    read = read_environment(_subject(world), MONDAY)
    assert read.unknown == ("alarms: AWS denied DescribeAlarms",)
    assert len(read.issues) == 1


def test_a_damaged_record_is_named_and_the_rest_is_read(world: World) -> None:
    world.account.client("ssm").put_parameter(Name=NAMES.parameter("promotion/hold"), Value="{}", Type="String")
    read = read_environment(_subject(world), MONDAY)
    assert "promotion/hold holds no hold" in read.unknown[0]
    assert read.release is not None


def _unreachable() -> Account:
    raise EndpointConnectionError(endpoint_url="https://sts.eu-west-3.amazonaws.com/")


def _no_credentials() -> Account:
    raise VectoraError("AWS did not accept your credentials.")


@pytest.mark.parametrize("opens", [_unreachable, _no_credentials])
def test_an_environment_that_cannot_be_reached_stops_no_other(world: World, opens: Any) -> None:
    unreachable = replace(_subject(world, PROD), opens=opens)
    read = _overview((_subject(world), unreachable), opens_pipeline=opens)
    dev, prod = read.environments
    assert (dev.is_readable, dev.is_deployed) == (True, True)
    assert prod.problem
    assert read.pipeline.problem
    assert [each.command for each in read.needs if each.env == "prod"] == ["./vectora doctor --env prod"]


def _overview(subjects: tuple[Subject, ...], *, opens_pipeline: Any) -> Overview:
    return read_overview(
        subjects, now=MONDAY, opens_pipeline=opens_pipeline, pipeline=NAMES, approval_days=7, documents="https://x/"
    )


def test_every_part_is_read_in_the_context_of_the_caller(world: World) -> None:
    profile: ContextVar[str] = ContextVar("profile", default="none")
    seen: list[str] = []

    def opens() -> Account:
        seen.append(profile.get())
        raise VectoraError("not opened")

    token = profile.set("chosen")
    _overview(
        (replace(_subject(world), opens=opens), replace(_subject(world, STAGE), opens=opens)), opens_pipeline=opens
    )
    profile.reset(token)
    assert seen == ["chosen"] * 4


class _Services:
    """CodePipeline and the invocation of a function, with the answers that a test gives."""

    def __init__(self, *, answer: Any = None, stages: Any = None) -> None:
        self.answer, self.stages = answer, stages
        clients = {"invoker": self, "codepipeline": self}
        self.account = Account("0" * 12, "eu-west-3", session=None, _clients=clients)  # type: ignore[arg-type]

    def invoke(self, **_: Any) -> dict[str, Any]:
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())}

    def get_pipeline_state(self, *, name: str) -> dict[str, Any]:
        if self.stages is None:
            raise ClientError({"Error": {"Code": "PipelineNotFoundException", "Message": name}}, "GetPipelineState")
        return {"stageStates": self.stages}


def _verdict(gate: str, outcome: str, **changes: Any) -> dict[str, Any]:
    known = {"numbers": {}, "bypassed": False, "ready_at": None, "next_run_at": None, "command": None}
    return {"gate": gate, "outcome": outcome, "reason": f"reason of {gate}", **known, **changes}


def test_gates_are_read_with_their_progress() -> None:
    soak = {"numbers": {"days": 9.0, "required_days": 14.0}, "ready_at": "2026-11-30T08:05:00+00:00"}
    verdicts = [
        _verdict("hold", "pass"),
        _verdict("soak", "fail", **soak),
        _verdict("runs", "inconclusive", numbers={"runs": 3.0, "required_runs": 2.0}, command="./vectora run"),
        _verdict("noise", "fail", bypassed=True),
    ]
    decision = {"digest": DIGEST, "outcome": "fail", "verdicts": verdicts}
    services = _Services(answer={"state": "done", "decision": decision})
    read = read_gates(lambda: services.account, STAGE, PROD)
    assert read.problem == ""
    assert (read.source, read.target, read.outcome) == ("stage", "prod", "fail")
    assert [(each.gate, each.share, each.passes) for each in read.gates] == [
        ("hold", None, True),
        ("soak", pytest.approx(9 / 14), False),
        ("runs", 1.0, False),
        ("noise", None, True),
    ]
    assert read.gates[1].ready_at == datetime(2026, 11, 30, 8, 5, tzinfo=UTC)
    assert read.gates[2].command == "./vectora run"


def test_gates_that_the_function_cannot_judge_have_the_reason() -> None:
    services = _Services(answer={"state": "failed", "error": "dev has no release."})
    assert read_gates(lambda: services.account, STAGE, PROD).problem == "dev has no release."


def test_an_approval_and_a_refusal_are_read_from_the_pipeline() -> None:
    waiting = {"status": "InProgress", "token": "t", "lastStatusChange": MONDAY}
    stages = [
        {"stageName": "Source", "actionStates": [{"actionName": "x", "latestExecution": {"status": "Failed"}}]},
        {
            "stageName": "stage",
            "latestExecution": {"status": "Failed", "pipelineExecutionId": "e-2"},
            "actionStates": [
                {"actionName": "gate-stage", "latestExecution": {"status": "Failed", "lastStatusChange": MONDAY}}
            ],
        },
        {
            "stageName": "prod",
            "latestExecution": {"status": "InProgress", "pipelineExecutionId": "e-1"},
            "actionStates": [{"actionName": "approval-prod", "latestExecution": waiting}, {"actionName": "later"}],
        },
    ]
    read = read_pipeline(lambda: _Services(stages=stages).account, NAMES, 7)
    [approval], [refusal] = read.approvals, read.refusals
    assert (approval.env, approval.execution, approval.expires) == ("prod", "e-1", MONDAY + timedelta(days=7))
    assert (refusal.env, refusal.action, refusal.since) == ("stage", "gate-stage", MONDAY)


def test_without_a_pipeline_nothing_waits() -> None:
    read = read_pipeline(lambda: _Services().account, NAMES, 7)
    assert (read.approvals, read.refusals, read.problem) == ((), (), "")
