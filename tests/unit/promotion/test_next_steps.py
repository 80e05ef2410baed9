"""A gate that refuses says what is missing, when it passes, and which command helps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from tests.repository import ROOT
from tests.unit.promotion.test_client_gates import POLICY as CLIENT_POLICY
from tests.unit.promotion.test_client_gates import READY
from tests.unit.promotion.test_gates import OTHER, SOAKED, file, made, released
from vectora_ops.functions import promotion
from vectora_ops.promotion.client_gates import decide_client
from vectora_ops.promotion.environment_runs import ClientFile
from vectora_ops.promotion.gates import Decision, Facts, decide
from vectora_ops.promotion.verdicts import Verdict
from vectora_ops.records import Freeze
from vectora_ops.schedules import runs_after
from vectora_ops.settings import Promotion, Schedule, load_settings
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client

STAGE, PROD = load_settings(ROOT).environment("stage"), load_settings(ROOT).environment("prod")
WEEKLY = load_client(FolderContent(ROOT / "config"), "lai_weekly").client_profile
COMMAND = "./vectora run lai_weekly --env stage --issue"
# A Thursday.
DEPLOYED = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def scheduled(frequency: str | None = "weekly", **changes: Any) -> ClientFile:
    return replace(file("7.1.0", "new"), frequency=frequency, **changes)


FACTS = replace(
    SOAKED,
    ledger=(released(DEPLOYED),),
    now=DEPLOYED + DAY,
    runs=(),
    clients={"lai_weekly": scheduled()},
    schedule=STAGE.schedule,
)


def judged(gate: str, **changes: Any) -> Verdict:
    return verdict(gate, decide(replace(FACTS, **changes), PROD.promotion))


def verdict(gate: str, decision: Decision) -> Verdict:
    [found] = [each for each in decision.verdicts if each.gate == gate]
    return found


def schedule(**changes: Any) -> Schedule:
    return STAGE.schedule.model_copy(update=changes)


# --- runs


def test_missing_runs_are_those_of_the_schedule_and_the_command_makes_one_sooner() -> None:
    found = judged("runs")
    assert found.reason == (
        "0 of 2 runs since it was deployed; scheduled: lai_weekly on 2026-11-30 04:00 UTC and 2026-12-07 04:00 UTC; "
        f"to make one sooner: {COMMAND} (one issue of a client a day counts)"
    )
    assert found.next_run_at == datetime(2026, 11, 30, 4, tzinfo=UTC)
    assert found.ready_at == datetime(2026, 12, 7, 4, tzinfo=UTC)
    assert found.command == COMMAND


def test_a_long_list_names_the_first_and_the_last() -> None:
    policy = PROD.promotion.model_copy(update={"minimum_runs": 9})
    found = verdict("runs", decide(FACTS, policy))
    assert "lai_weekly on 2026-11-30 04:00 UTC, and the last of 9 is lai_weekly on 2027-01-25" in found.reason


def test_a_disabled_schedule_is_named_with_its_setting() -> None:
    found = judged("runs", schedule=schedule(enabled=False))
    assert found.reason == (
        "0 of 2 runs since it was deployed; no run is scheduled, because environments.stage.schedule.enabled is false "
        f"in config/environments.yaml; to make one: {COMMAND} (one issue of a client a day counts)"
    )
    assert (found.ready_at, found.next_run_at, found.command) == (None, None, COMMAND)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clients": {"lai_weekly": scheduled(active=False)}}, "no client of stage is active"),
        (
            {"clients": {"lai_weekly": scheduled(None, is_valid=False)}},
            "the schedule of stage starts none; to make one",
        ),
        (
            {"schedule": schedule(weekly="cron(0 5 30 11 ? 2026)")},
            "only 1 of 2 are scheduled: lai_weekly on 2026",
        ),
        ({"schedule": schedule(weekly="cron(0 5 1 1 ? 2026)")}, "the schedule of stage starts none; to make one"),
        ({"ledger": (released(DEPLOYED, OTHER),)}, "0 of 2 runs of this content: they count once stage has it"),
    ],
)
def test_what_no_schedule_brings_has_no_time(changes: dict[str, Any], words: str) -> None:
    found = judged("runs", **changes)
    assert words in found.reason
    assert found.ready_at is None


def test_the_next_runs_are_those_of_all_active_clients() -> None:
    clients = {"lai_weekly": scheduled(), "news": scheduled("daily"), "old": scheduled("daily", active=False)}
    found = judged("runs", clients=clients)
    assert "scheduled: news on 2026-11-28 04:00 UTC and 2026-11-29 04:00 UTC" in found.reason


def test_a_run_that_replaces_a_counted_issue_of_the_day_brings_none() -> None:
    monday = datetime(2026, 11, 30, 1, tzinfo=UTC)
    found = judged("runs", runs=(made(monday),), now=monday + HOUR)
    assert found.ready_at == datetime(2026, 12, 7, 4, tzinfo=UTC)
    twice_a_day = schedule(weekly="cron(0 5,17 ? * MON *)")
    assert judged("runs", schedule=twice_a_day).ready_at == datetime(2026, 12, 7, 4, tzinfo=UTC)


def deployments() -> Iterator[datetime]:
    """Yield times of deployment in each hour of two weeks, in summer, in winter and around both changes of clocks."""
    for begin in ("2026-03-20", "2026-06-01", "2026-10-16", "2026-12-21"):
        first = datetime.fromisoformat(begin).replace(minute=17, tzinfo=UTC)
        yield from (first + hours * HOUR for hours in range(14 * 24))


def test_with_the_real_settings_every_release_has_its_runs_when_its_soak_ends_or_knows_the_later_time() -> None:
    policy, late = PROD.promotion, []
    for deployed in deployments():
        facts = replace(FACTS, ledger=(released(deployed),), now=deployed)
        promised = decide(facts, policy)
        soak, runs = verdict("soak", promised).ready_at, verdict("runs", promised).ready_at
        assert soak == deployed + policy.soak_days * DAY
        assert runs is not None
        assert runs == made_by(facts, policy.minimum_runs)
        assert promised.ready_at == max(soak, runs)
        late.append(max(runs - soak, timedelta()))
    # When clocks go back, the second Monday's run may be up to an hour after the same time a fortnight before.
    assert max(late) <= HOUR
    assert sum(each > timedelta() for each in late) < len(late) / 100


def made_by(facts: Facts, count: int) -> datetime:
    """Return when the runs that the schedule starts, one after the other, first make the gate pass."""
    weekly = runs_after(STAGE.schedule.weekly, STAGE.schedule.time_zone, facts.now)
    runs = tuple(made(at) for at in islice(weekly, count))
    before = decide(replace(facts, runs=runs[:-1], now=runs[-1].at), PROD.promotion)
    after = decide(replace(facts, runs=runs, now=runs[-1].at), PROD.promotion)
    assert (verdict("runs", before).outcome, verdict("runs", after).outcome) == ("inconclusive", "pass")
    return runs[-1].at


def test_the_real_schedule_of_stage_proves_a_release_before_prod_makes_its_issue() -> None:
    assert STAGE.schedule.enabled
    assert STAGE.schedule.time_zone == PROD.schedule.time_zone
    assert WEEKLY.frequency == "weekly"
    stage, prod = (next(runs_after(each.schedule.weekly, each.schedule.time_zone, DEPLOYED)) for each in (STAGE, PROD))
    assert timedelta() < prod - stage <= HOUR
    assert STAGE.promotion.retry_at is not None
    assert PROD.promotion.retry_at is not None
    retried = next(runs_after(PROD.promotion.retry_at, STAGE.schedule.time_zone, stage))
    assert retried - stage >= timedelta(minutes=STAGE.alarms.run_minutes)


# --- the other gates


def test_noise_and_cost_name_the_run_and_its_limit() -> None:
    at = DEPLOYED + HOUR
    bad = made(at, noise=0.4, cost_usd=0.61)
    noise, cost = (judged(gate, runs=(bad, made(at - HOUR / 2)), now=at + DAY) for gate in ("noise", "cost"))
    assert noise.reason.startswith(
        "noise 40.0 % in the newsletter of lai_weekly of 2026-11-26, the worst of 2, not under 10 %; no later run"
    )
    assert cost.reason.startswith(
        "the run of lai_weekly of 2026-11-26, the dearest of 2, cost $0.6100, over $0.5; no later run replaces it"
    )
    assert noise.command == "./vectora promote bypass --to prod --gate noise --reason REASON"
    assert cost.command == "./vectora promote bypass --to prod --gate cost --reason REASON"


@pytest.mark.parametrize("gate", ["noise", "cost"])
def test_an_issue_of_today_can_be_made_again(gate: str) -> None:
    at = DEPLOYED + HOUR
    found = judged(gate, runs=(made(at, noise=0.4, cost_usd=0.61),), now=at + HOUR)
    assert found.reason.endswith(f"an issue that is made again today replaces it: {COMMAND}")
    assert found.command == COMMAND


@pytest.mark.parametrize("gate", ["noise", "cost", "end-to-end"])
def test_what_was_not_measured_yet_is_by_the_next_run(gate: str) -> None:
    found = judged(gate)
    assert "scheduled: lai_weekly on 2026-11-30 04:00 UTC; to make one sooner" in found.reason
    assert found.ready_at == found.next_run_at == datetime(2026, 11, 30, 4, tzinfo=UTC)


def test_end_to_end_waits_for_the_last_client() -> None:
    clients = {"lai_weekly": scheduled(), "monthly": scheduled("monthly"), "broken": scheduled(None)}
    found = judged("end-to-end", clients={name: clients[name] for name in ("lai_weekly", "monthly")})
    assert found.ready_at == datetime(2026, 12, 1, 4, tzinfo=UTC)
    found = judged("end-to-end", clients=clients)
    assert "only 2 of 3 are scheduled" in found.reason
    assert (found.ready_at, found.command) == (None, COMMAND.replace("lai_weekly", "broken"))


def test_the_soak_and_a_freeze_say_when_they_end() -> None:
    assert judged("soak").ready_at == DEPLOYED + 14 * DAY
    until = DEPLOYED + 3 * DAY
    freeze = Freeze(at=DEPLOYED, until=until, reason="incident", by="user/ann")
    found = judged("window", freeze=freeze)
    assert (found.ready_at, found.command) == (until, "./vectora promote unfreeze --env prod")


def test_an_older_client_file_names_client_version_and_command() -> None:
    found = judged("client-versions", target_clients={"lai_weekly": file("7.2.0", "old")})
    assert found.reason == (
        "lai_weekly is 7.1.0 in stage and 7.2.0 in prod: an older version; bring the changes of prod into "
        "config/clients/lai_weekly.yaml, raise its version above 7.2.0 (./vectora client bump lai_weekly -m "
        "REASON) and release it"
    )
    assert found.command == "./vectora client bump lai_weekly -m REASON"


def test_a_decision_is_ready_when_its_last_gate_is_unless_somebody_has_to_act() -> None:
    policy = Promotion(requires_smoke_test=True, soak_days=14, minimum_runs=2)
    waiting = decide(FACTS, policy)
    assert waiting.ready_at == DEPLOYED + 14 * DAY
    assert decide(replace(FACTS, schedule=schedule(enabled=False)), policy).ready_at is None
    done = replace(FACTS, now=DEPLOYED + 15 * DAY, runs=(made(DEPLOYED + DAY), made(DEPLOYED + 2 * DAY)))
    assert (decide(done, policy).outcome, decide(done, policy).ready_at) == ("pass", None)


def test_a_client_file_waits_for_the_next_run_of_its_client() -> None:
    facts = replace(READY, runs=(), schedule=STAGE.schedule)
    found = verdict("newsletter", decide_client(facts, CLIENT_POLICY))
    assert "by 7.1.0 in stage yet; scheduled: lai_weekly on 2026-03-02 04:00 UTC" in found.reason
    assert found.next_run_at == datetime(2026, 3, 2, 4, tzinfo=UTC)


# --- the function


def test_the_decision_is_json_with_times_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = promotion._shown(decide(FACTS, PROD.promotion))
    by_gate = {each["gate"]: each for each in shown["verdicts"]}
    assert by_gate["soak"]["ready_at"] == "2026-12-10T10:00:00+00:00"
    assert by_gate["runs"]["next_run_at"] == "2026-11-30T04:00:00+00:00"
    assert by_gate["runs"]["command"] == COMMAND
    assert shown["ready_at"] == "2026-12-10T10:00:00+00:00"
    assert (shown["outcome"], by_gate["hold"]["ready_at"]) == ("fail", None)
    monkeypatch.setenv("RUN_SCHEDULE", STAGE.schedule.model_dump_json())
    assert promotion.own_schedule() == STAGE.schedule
