"""Verdict of a gate, and the verdicts on runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from vectora_ops.promotion.environment_runs import Run
from vectora_ops.promotion.soak import Soak

Outcome = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of one gate; `reason` is one sentence that contains the `numbers`."""

    gate: str
    outcome: Outcome
    reason: str
    numbers: Mapping[str, float | str | None] = field(default_factory=dict)
    bypassed: bool = False

    @property
    def passes(self) -> bool:
        return self.outcome == "pass" or self.bypassed


def runs_verdict(runs: Sequence[Run], minimum: int, soak: Soak) -> Verdict:
    numbers = {"runs": float(len(runs)), "required_runs": float(minimum)}
    reason = f"{len(runs)} of {minimum} runs since it was deployed"
    if len(runs) >= minimum:
        return Verdict(gate="runs", outcome="pass", reason=reason, numbers=numbers)
    outcome: Outcome = "fail" if soak.deployed is None else "inconclusive"
    return Verdict(gate="runs", outcome=outcome, reason=reason, numbers=numbers)


def noise_verdict(runs: Sequence[Run], maximum_percent: float) -> Verdict:
    measured = [run.noise * 100 for run in runs if run.noise is not None and run.items]
    if not measured:
        return Verdict(
            gate="noise", outcome="inconclusive", reason="no newsletter with items to measure the noise of this content"
        )
    worst = max(measured)
    numbers = {"noise_percent": round(worst, 2), "maximum_percent": maximum_percent}
    outcome: Outcome = "pass" if worst < maximum_percent else "fail"
    comparison = "under" if outcome == "pass" else "not under"
    return Verdict(
        gate="noise",
        outcome=outcome,
        reason=f"noise {worst:.1f} % in the worst of {len(measured)} newsletters, {comparison} {maximum_percent:g} %",
        numbers=numbers,
    )


def cost_verdict(runs: Sequence[Run], maximum_usd: float) -> Verdict:
    costs = [run.cost_usd for run in runs if run.cost_usd is not None]
    if not costs:
        return Verdict(gate="cost", outcome="inconclusive", reason="no run recorded what the model cost")
    dearest = max(costs)
    outcome: Outcome = "pass" if dearest <= maximum_usd else "fail"
    comparison = "within" if outcome == "pass" else "over"
    return Verdict(
        gate="cost",
        outcome=outcome,
        reason=f"dearest of {len(costs)} runs ${dearest:.4f}, {comparison} ${maximum_usd:g}",
        numbers={"dearest_usd": dearest, "maximum_usd": maximum_usd},
    )
