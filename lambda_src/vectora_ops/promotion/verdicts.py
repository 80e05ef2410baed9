"""Verdict of a gate, and the verdicts on runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from vectora_ops.promotion.environment_runs import ClientFile, Run
from vectora_ops.promotion.next_steps import NextRuns, NextStep, bypass_command, issue_command
from vectora_ops.promotion.soak import Soak

Outcome = Literal["pass", "fail", "inconclusive"]
Numbers = Mapping[str, float | str | None]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of one gate; `reason` is one sentence that contains the `numbers`.

    `ready_at` is the earliest time at which a gate that refuses can pass, when only time or the schedule is missing;
    `next_run_at` is the next scheduled run that it waits for; `command` makes it pass, or does so sooner.
    """

    gate: str
    outcome: Outcome
    reason: str
    numbers: Numbers = field(default_factory=dict)
    bypassed: bool = False
    ready_at: datetime | None = None
    next_run_at: datetime | None = None
    command: str | None = None

    @property
    def passes(self) -> bool:
        return self.outcome == "pass" or self.bypassed


def awaiting(gate: str, outcome: Outcome, reason: str, step: NextStep, numbers: Numbers) -> Verdict:
    """Return a verdict that refuses until the next step."""
    return Verdict(
        gate=gate,
        outcome=outcome,
        reason=f"{reason}; {step.text}",
        numbers=numbers,
        ready_at=step.ready_at,
        next_run_at=step.next_run_at,
        command=step.command,
    )


def runs_verdict(runs: Sequence[Run], minimum: int, soak: Soak, next_runs: NextRuns) -> Verdict:
    numbers = {"runs": float(len(runs)), "required_runs": float(minimum)}
    reason = f"{len(runs)} of {minimum} runs since it was deployed"
    if len(runs) >= minimum:
        return Verdict(gate="runs", outcome="pass", reason=reason, numbers=numbers)
    if soak.deployed is None:
        reason = f"0 of {minimum} runs of this content: they count once {next_runs.env} has it"
        return Verdict(gate="runs", outcome="fail", reason=reason, numbers=numbers)
    return awaiting("runs", "inconclusive", reason, next_runs.more(minimum - len(runs), runs), numbers)


def noise_verdict(runs: Sequence[Run], maximum_percent: float, next_runs: NextRuns, target: str) -> Verdict:
    measured = [(run.noise * 100, run) for run in runs if run.noise is not None and run.items]
    if not measured:
        reason = "no newsletter with items to measure the noise of this content"
        return awaiting("noise", "inconclusive", reason, next_runs.more(1, runs), {})
    worst, run = max(measured, key=lambda each: each[0])
    numbers = {"noise_percent": round(worst, 2), "maximum_percent": maximum_percent}
    if worst < maximum_percent:
        reason = f"noise {worst:.1f} % in the worst of {len(measured)} newsletters, under {maximum_percent:g} %"
        return Verdict(gate="noise", outcome="pass", reason=reason, numbers=numbers)
    reason = (
        f"noise {worst:.1f} % in the newsletter of {_named(run)}, the worst of {len(measured)}, not under "
        f"{maximum_percent:g} %"
    )
    return awaiting("noise", "fail", reason, _replacement(run, "noise", next_runs, target), numbers)


def cost_verdict(runs: Sequence[Run], maximum_usd: float, next_runs: NextRuns, target: str) -> Verdict:
    costs = [(run.cost_usd, run) for run in runs if run.cost_usd is not None]
    if not costs:
        reason = "no run recorded what the model cost"
        return awaiting("cost", "inconclusive", reason, next_runs.more(1, runs), {})
    dearest, run = max(costs, key=lambda each: each[0])
    numbers = {"dearest_usd": dearest, "maximum_usd": maximum_usd}
    if dearest <= maximum_usd:
        reason = f"dearest of {len(costs)} runs ${dearest:.4f}, within ${maximum_usd:g}"
        return Verdict(gate="cost", outcome="pass", reason=reason, numbers=numbers)
    reason = f"the run of {_named(run)}, the dearest of {len(costs)}, cost ${dearest:.4f}, over ${maximum_usd:g}"
    return awaiting("cost", "fail", reason, _replacement(run, "cost", next_runs, target), numbers)


def end_to_end_verdict(runs: Sequence[Run], clients: Mapping[str, ClientFile], next_runs: NextRuns) -> Verdict:
    """Require a newsletter with items from this content for every active client."""
    active = sorted(client_id for client_id, file in clients.items() if file.active)
    done = {run.client_id for run in runs if run.items}
    numbers: Numbers = {"clients": float(len(active)), "with_newsletter": float(len(done))}
    missing = [client_id for client_id in active if client_id not in done]
    if not active:
        reason = f"{next_runs.env} has no active client: set active in one of config/clients/ and release it"
        return Verdict(gate="end-to-end", outcome="inconclusive", reason=reason, numbers=numbers)
    if missing:
        empty = [client_id for client_id in missing if any(run.client_id == client_id for run in runs)]
        outcome: Outcome = "fail" if empty else "inconclusive"
        reason = f"no newsletter with items yet for {', '.join(missing)}"
        return awaiting("end-to-end", outcome, reason, next_runs.one_of_each(missing), numbers)
    reason = f"a newsletter with items came out for {', '.join(active)}"
    return Verdict(gate="end-to-end", outcome="pass", reason=reason, numbers=numbers)


def _named(run: Run) -> str:
    return f"{run.client_id} of {run.at.astimezone(UTC):%Y-%m-%d}"


def _replacement(run: Run, gate: str, next_runs: NextRuns, target: str) -> NextStep:
    """Return how the run stops to count: an issue is replaced on its own day only, and a later run replaces none."""
    if run.at.astimezone(UTC).date() == next_runs.now.astimezone(UTC).date():
        command = issue_command(next_runs.env, run.client_id)
        return NextStep(text=f"an issue that is made again today replaces it: {command}", command=command)
    command = bypass_command(target, gate)
    return NextStep(
        text=f"no later run replaces it: release content that improves it, or accept it for this release: {command}",
        command=command,
    )
