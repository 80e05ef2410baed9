"""Overviews in each state that the status page has to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from vectora_ops.costs.month import ClientCost, MonthCost, Part
from vectora_ops.costs.runs import RecordedRun
from vectora_ops.overview.model import (
    AlarmState,
    DeployedRelease,
    EnvironmentOverview,
    GatesInto,
    GateState,
    HoldState,
    Overview,
    PipelineOverview,
    Presence,
    Presences,
    ReleaseRecord,
    Scheduled,
    SnapshotMark,
    StageRefusal,
    WaitingApproval,
)
from vectora_ops.overview.needs import needs_of

NOW = datetime(2026, 11, 26, 8, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def run(client_id: str = "lai_weekly", day: date = date(2026, 11, 23), **changes: Any) -> RecordedRun:
    known = {
        "client_id": client_id,
        "day": day,
        "draft": False,
        "at": datetime(day.year, day.month, day.day, 5, tzinfo=UTC),
        "items": 12,
        "client_version": "2.3.0",
        "noise": 0.056,
        "cost_usd": 0.21,
        "by_model": 40,
        "by_lexicon": 2,
    }
    return RecordedRun(**{**known, **changes})


def release(version: str, presence: Presence, note: str = "") -> ReleaseRecord:
    where = Presences(presence=presence, at=NOW - 10 * DAY, note=note)
    return ReleaseRecord(key=(version.replace(".", "") * 22)[:64], version=version, where=where)


def mark(name: str, **changes: Any) -> SnapshotMark:
    known = {"state": "complete", "at": NOW - DAY, "pinned": False, "trusted": True, "from_future": False}
    return SnapshotMark(**{"name": name, "before": None, **known, **changes})


def cost(env: str, model_usd: float = 0.86, *, budget_usd: float = 60.0) -> MonthCost:
    parts = (
        Part(name="model", so_far_usd=model_usd, forecast_usd=model_usd * 1.2, basis="4 recorded runs of 4"),
        Part(name="monitoring", so_far_usd=1.83, forecast_usd=2.11, basis="17 alarms, 1 dashboard and metrics"),
        Part(name="keys (KMS)", so_far_usd=0.84, forecast_usd=1.0, basis="1 key"),
    )
    client = ClientCost(
        client_id="lai_weekly",
        runs=4,
        so_far_usd=model_usd,
        forecast_usd=model_usd * 1.2,
        last_usd=0.21,
        usual_usd=0.22,
    )
    return MonthCost(env=env, at=NOW, budget_usd=budget_usd, parts=parts, clients=(client,), usual_model_usd=0.9)


def environment(env: str, version: str, **changes: Any) -> EnvironmentOverview:
    deployed = DeployedRelease(
        version=version,
        digest=version.replace(".", "") * 20,
        content_digest=version.replace(".", "") * 20,
        since=NOW - 10 * DAY,
        verified=True,
    )
    alarms = tuple(
        AlarmState(purpose=each, status="OK", since=NOW - DAY, reason="", runbook=f"docs/runbooks/alarms.md#{each}")
        for each in ("failed-runs", "noise", "month-cost")
    )
    known: dict[str, Any] = {
        "env": env,
        "is_deployed": True,
        "release": deployed,
        "alarms": alarms,
        "releases": (release(version, "current"), release("1.4.0", "earlier", "bypassed soak: feed parser crashes")),
        "snapshots": (
            mark("daily_20261124_030000"),
            mark("before_fair_20261125_030000", pinned=True),
            mark("deployment_20261125_120000", before="1.4.2"),
        ),
        "issues": (run(), run(day=date(2026, 11, 16), noise=None, cost_usd=None, fallbacks=3)),
        "next_issue": Scheduled(client_id="lai_weekly", at=datetime(2026, 11, 30, 5, tzinfo=UTC)),
        "cost": cost(env),
    }
    return EnvironmentOverview(**{**known, **changes})


def gates(**changes: Any) -> GatesInto:
    states = (
        GateState(gate="hold", outcome="pass", reason="prod is not held"),
        GateState(
            gate="soak",
            outcome="fail",
            reason="soaked 9.0 of 14 days on stage; enough on 2026-11-30 08:05 UTC",
            share=0.64,
            ready_at=NOW + 4 * DAY,
        ),
        GateState(
            gate="runs",
            outcome="inconclusive",
            reason="1 of 2 runs since it was deployed",
            share=0.5,
            ready_at=NOW + 4 * DAY,
        ),
        GateState(gate="noise", outcome="pass", reason="noise 5.6 % in the worst of 1 newsletters, under 10 %"),
        GateState(gate="cost", outcome="fail", reason="dearest of 1 runs $0.6100, over $0.5", bypassed=True),
    )
    known: dict[str, Any] = {
        "source": "stage",
        "target": "prod",
        "digest": "c" * 64,
        "outcome": "fail",
        "gates": states,
    }
    return GatesInto(**{**known, **changes})


def overview(
    prod: EnvironmentOverview | None = None,
    into_prod: GatesInto | None = None,
    pipeline: PipelineOverview | None = None,
    *,
    stage: EnvironmentOverview | None = None,
) -> Overview:
    environments = (
        environment("dev", "1.4.3", next_issue=None),
        stage or environment("stage", "1.4.2"),
        prod or environment("prod", "1.4.1"),
    )
    judged = (gates(source="dev", target="stage", outcome="pass", gates=gates().gates[:1]), into_prod or gates())
    in_pipeline = pipeline or PipelineOverview()
    return Overview(
        project="vectora-inbox",
        made_at=NOW,
        environments=environments,
        gates=judged,
        pipeline=in_pipeline,
        needs=needs_of(environments, judged, in_pipeline, NOW),
        documents="https://github.com/vectora-inbox/vectora-inbox/blob/main/",
    )


def _held() -> Overview:
    reason = "the smoke test of 1.4.2 failed"
    return overview(environment("prod", "1.4.1", hold=HoldState(since=NOW - DAY, reason=reason, is_rolling_back=False)))


def _refused() -> Overview:
    removed = GateState(
        gate="rolled-back", outcome="fail", reason="prod was rolled back from it on 2026-11-20 05:30 UTC"
    )
    refusal = StageRefusal(env="prod", execution="1b2c", action="gate-prod", since=NOW - DAY)
    return overview(
        into_prod=gates(gates=(*gates().gates, removed)),
        pipeline=PipelineOverview(refusals=(refusal,)),
    )


def _waiting() -> Overview:
    waits = WaitingApproval(env="prod", execution="1b2c", since=NOW - 5 * DAY, expires=NOW + 2 * DAY)
    passed = tuple(replace(each, outcome="pass", share=None) for each in gates().gates)
    return overview(into_prod=gates(outcome="pass", gates=passed), pipeline=PipelineOverview(approvals=(waits,)))


def _rolled_back() -> Overview:
    prod = environment("prod", "1.4.1")
    assert prod.release is not None
    back = replace(prod.release, came_back=True)
    releases = (release("1.4.1", "current"), release("1.4.2", "rolled back", "was rolled back from it: noise was 31 %"))
    return overview(replace(prod, release=back, releases=releases))


def _alarm() -> Overview:
    raised = AlarmState(
        purpose="noise",
        status="ALARM",
        since=NOW - DAY,
        reason="Threshold Crossed: 1 datapoint [31.0] was greater than or equal to the threshold (10.0).",
        runbook="docs/runbooks/alarms.md#noise",
    )
    return overview(environment("prod", "1.4.1", alarms=(raised, *environment("prod", "1.4.1").alarms)))


def _damaged() -> Overview:
    return overview(environment("prod", "1.4.1", snapshots=(mark("daily_20261125_030000", state="damaged"),)))


def _unreachable() -> Overview:
    problem = 'Could not connect to the endpoint URL: "https://sts.eu-west-3.amazonaws.com/"'
    return overview(EnvironmentOverview(env="prod", problem=problem))


def _nothing() -> Overview:
    environments = tuple(EnvironmentOverview(env=env) for env in ("dev", "stage", "prod"))
    return Overview(project="vectora-inbox", made_at=NOW, environments=environments)


STATES: Mapping[str, Callable[[], Overview]] = {
    "fresh": overview,
    "held": _held,
    "refused": _refused,
    "waiting for approval": _waiting,
    "rolled back": _rolled_back,
    "alarm": _alarm,
    "damaged snapshot": _damaged,
    "unreachable": _unreachable,
    "nothing deployed": _nothing,
}
