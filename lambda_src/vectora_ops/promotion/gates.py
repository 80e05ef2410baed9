"""Gates that a release must pass in one environment before it goes into the next, decided from facts alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from vectora_ops.promotion.environment_runs import ClientFile, FailedRun, Run
from vectora_ops.records import Alarm, Bypass, Hold, LedgerEntry, ReleaseId, held_since
from vectora_ops.settings import Promotion
from vectora_ops.times import minute

Outcome = Literal["pass", "fail", "inconclusive"]
# A hotfix may skip any of these; a hold is released by an operator instead.
HOLD_GATE = "hold"
BYPASSABLE_GATES = (
    "smoke-test",
    "soak",
    "runs",
    "noise",
    "cost",
    "end-to-end",
    "client-versions",
)


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


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about `source`, where the release was tried, and `target`, into which it is to be promoted."""

    source: str
    target: str
    release: ReleaseId
    now: datetime
    live_digest: str | None
    ledger: Sequence[LedgerEntry]
    runs: Sequence[Run]
    failed_runs: Sequence[FailedRun]
    alarms: Sequence[Alarm]
    hold: Hold | None
    bypass: Bypass | None
    clients: Mapping[str, ClientFile]
    target_clients: Mapping[str, ClientFile]

    @property
    def is_recorded(self) -> bool:
        """True when the pipeline deployed the release that `source` has now."""
        return bool(self.ledger) and self.ledger[-1].digest == self.live_digest


@dataclass(frozen=True, kw_only=True)
class Decision:
    """All verdicts on one release, or on `subject`; it is promoted when it passes every gate.

    `digest` is the release's in the environment that requested the decision: `target` for its gate, `source` for a
    question about the release deployed there. The verdicts are on the content.
    """

    source: str
    target: str
    digest: str
    verdicts: tuple[Verdict, ...]
    bypass_reason: str | None
    content_digest: str | None = None
    subject: str = ""

    @property
    def outcome(self) -> Outcome:
        refusing = {verdict.outcome for verdict in self.verdicts if not verdict.passes}
        if "fail" in refusing:
            return "fail"
        return "inconclusive" if refusing else "pass"

    @property
    def bypassed(self) -> tuple[str, ...]:
        return tuple(each.gate for each in self.verdicts if each.bypassed)

    @property
    def sentence(self) -> str:
        """The decision with its reasons, for people."""
        release = self.subject or f"Release {self.digest[:12]}"
        if self.outcome == "pass":
            passed = "; ".join(each.reason for each in self.verdicts if not each.bypassed)
            bypassed = f" Bypassed: {', '.join(self.bypassed)} ({self.bypass_reason})." if self.bypassed else ""
            return f"{release} may go from {self.source} to {self.target}: {passed}.{bypassed}"
        refusing = [each for each in self.verdicts if not each.passes]
        why = "; ".join(f"{each.gate} {each.outcome}: {each.reason}" for each in refusing)
        return f"{release} may not go from {self.source} to {self.target} yet: {why}."


def decide(facts: Facts, policy: Promotion) -> Decision:
    """Return the verdicts of all gates that `policy`, the target's, requires."""
    bypass = facts.bypass if facts.bypass and facts.bypass.release.has_same_content(facts.release) else None
    skipped = bypass.gates if bypass else ()
    verdicts = tuple(
        _bypassed(verdict) if verdict.gate in skipped and verdict.outcome != "pass" else verdict
        for verdict in _verdicts(facts, policy)
    )
    return Decision(
        source=facts.source,
        target=facts.target,
        digest=facts.release.digest,
        content_digest=facts.release.content_digest,
        verdicts=verdicts,
        bypass_reason=bypass.reason if bypass else None,
    )


def _bypassed(verdict: Verdict) -> Verdict:
    return replace(verdict, bypassed=True)


def _verdicts(facts: Facts, policy: Promotion) -> Iterator[Verdict]:
    yield hold_verdict(facts.hold, facts.target)
    if policy.requires_smoke_test:
        yield _smoke_test(facts)
    if not policy.judges_runs:
        return
    soak = Soak.of(facts)
    if policy.soak_days:
        yield _soak(facts, policy.soak_days, soak)
    runs = [run for run in facts.runs if soak.deployed is not None and run.at >= soak.deployed]
    if policy.minimum_runs:
        yield _runs(runs, policy.minimum_runs, soak)
    if policy.maximum_noise_percent < 100:
        yield noise_verdict(runs, policy.maximum_noise_percent)
    if policy.maximum_run_cost_usd is not None:
        yield cost_verdict(runs, policy.maximum_run_cost_usd)
    if policy.requires_end_to_end_test:
        yield _end_to_end(facts, runs)
    if policy.requires_client_versions_forward:
        yield _client_versions(facts)


def hold_verdict(hold: Hold | None, target: str) -> Verdict:
    if hold and hold.holds:
        return Verdict(
            gate=HOLD_GATE,
            outcome="fail",
            reason=f"{held_since(hold)} (./vectora promote release-hold --env {target})",
        )
    return Verdict(gate=HOLD_GATE, outcome="pass", reason=f"{target} is not held")


def _smoke_test(facts: Facts) -> Verdict:
    tested = [each for each in facts.ledger if each.smoke_test and each.release.has_same_content(facts.release)]
    if not tested:
        return Verdict(
            gate="smoke-test", outcome="fail", reason=f"{facts.source} has no smoke test of this content on record"
        )
    last = tested[-1]
    return Verdict(
        gate="smoke-test",
        outcome="pass",
        reason=f"smoke test passed on {minute(last.at)}",
        numbers={"at": last.at.isoformat()},
    )


@dataclass(frozen=True, kw_only=True)
class Soak:
    """Time since an environment has had a release's content, and since the last failure or alarm there."""

    deployed: datetime | None  # None: the environment has other content
    undisturbed: datetime | None
    disturbance: str | None

    @classmethod
    def of(cls, facts: Facts) -> Soak:
        """Return the soak: the same content deployed again keeps it; other content, failed runs and alarms restart it.

        Settings are no content: with them changed, the environment's digest differs and the soak goes on.
        """
        last = facts.ledger[-1] if facts.ledger else None
        if last is None or not facts.is_recorded or not last.release.has_same_content(facts.release):
            return cls(deployed=None, undisturbed=None, disturbance=None)
        deployed = last.at
        for entry in reversed(facts.ledger):
            if not entry.release.has_same_content(facts.release):
                break
            deployed = min(deployed, entry.at)
        disturbances = [(run.at, f"the run of {run.client_id} {run.status.lower()}") for run in facts.failed_runs]
        disturbances += [(alarm.at, f"alarm {alarm.name} was raised") for alarm in facts.alarms]
        counted = [(at, what) for at, what in disturbances if at >= deployed and not _was_replaced(facts.ledger, at)]
        at, what = max(counted, default=(deployed, None))
        return cls(deployed=deployed, undisturbed=at, disturbance=what)


def _was_replaced(ledger: Sequence[LedgerEntry], at: datetime) -> bool:
    """Return whether another release was deployed at the time, which a rollback has removed."""
    return any(each.replaced_since is not None and each.replaced_since <= at <= each.at for each in ledger)


def _soak(facts: Facts, days: int, soak: Soak) -> Verdict:
    if soak.undisturbed is None:
        has = f"has {facts.live_digest[:12]}" if facts.live_digest else "has no release"
        recorded = "" if facts.is_recorded or not facts.live_digest else ", which the pipeline did not record"
        return Verdict(gate="soak", outcome="fail", reason=f"{facts.source} {has}{recorded}", numbers={"days": 0.0})
    soaked = (facts.now - soak.undisturbed) / timedelta(days=1)
    since = f"since {soak.disturbance} on {minute(soak.undisturbed)}" if soak.disturbance else "without a failure"
    numbers = {"days": round(soaked, 2), "required_days": float(days)}
    if soaked >= days:
        return Verdict(
            gate="soak",
            outcome="pass",
            reason=f"soaked {soaked:.1f} of {days} days on {facts.source} {since}",
            numbers=numbers,
        )
    ready = soak.undisturbed + timedelta(days=days)
    return Verdict(
        gate="soak",
        outcome="fail",
        reason=f"soaked {soaked:.1f} of {days} days on {facts.source} {since}; enough on {minute(ready)}",
        numbers=numbers,
    )


def _runs(runs: Sequence[Run], minimum: int, soak: Soak) -> Verdict:
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


def _end_to_end(facts: Facts, runs: Sequence[Run]) -> Verdict:
    """Require a newsletter with items from this content for every active client."""
    active = sorted(client_id for client_id, file in facts.clients.items() if file.active)
    done = {run.client_id for run in runs if run.items}
    numbers: dict[str, float | str | None] = {"clients": float(len(active)), "with_newsletter": float(len(done))}
    missing = [client_id for client_id in active if client_id not in done]
    if not active:
        return Verdict(
            gate="end-to-end", outcome="inconclusive", reason=f"{facts.source} has no active client", numbers=numbers
        )
    if missing:
        empty = [client_id for client_id in missing if any(run.client_id == client_id for run in runs)]
        outcome: Outcome = "fail" if empty else "inconclusive"
        return Verdict(
            gate="end-to-end",
            outcome=outcome,
            reason=f"no newsletter with items yet for {', '.join(missing)}",
            numbers=numbers,
        )
    return Verdict(
        gate="end-to-end",
        outcome="pass",
        reason=f"a newsletter with items came out for {', '.join(active)}",
        numbers=numbers,
    )


def _client_versions(facts: Facts) -> Verdict:
    problems = [problem for each in sorted(facts.target_clients) if (problem := _client_problem(facts, each))]
    numbers: dict[str, float | str | None] = {
        client_id: f"{_version(facts.target_clients.get(client_id))} -> {_version(facts.clients.get(client_id))}"
        for client_id in sorted({*facts.clients, *facts.target_clients})
    }
    if problems:
        return Verdict(gate="client-versions", outcome="fail", reason="; ".join(problems), numbers=numbers)
    moved = [
        f"{client_id} {versions}"
        for client_id, versions in numbers.items()
        if facts.clients[client_id] != facts.target_clients.get(client_id)
    ]
    reason = f"client versions move forward ({', '.join(moved)})" if moved else "client files are the same"
    return Verdict(gate="client-versions", outcome="pass", reason=reason, numbers=numbers)


def _client_problem(facts: Facts, client_id: str) -> str | None:
    there, here = facts.target_clients[client_id], facts.clients.get(client_id)
    if here is None:
        return f"{client_id} is in {facts.target} ({there.version}) and not in {facts.source}"
    if here.sha256 == there.sha256:
        return None
    if semantic(here.version) > semantic(there.version):
        return None
    how = "another content under the same version" if here.version == there.version else "an older version"
    return f"{client_id} is {here.version} in {facts.source} and {there.version} in {facts.target}: {how}"


def _version(file: ClientFile | None) -> str:
    return file.version if file else "none"


def semantic(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else (-1,)
