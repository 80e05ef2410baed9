"""Gates that a release must pass in one environment before it goes into the next, decided from facts alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from vectora_ops.promotion.attestation import Attestation, attested_verdicts
from vectora_ops.promotion.client_versions import client_versions_verdict
from vectora_ops.promotion.environment_runs import ClientFile, FailedRun, Run
from vectora_ops.promotion.next_steps import NextRuns, bypass_command
from vectora_ops.promotion.soak import Soak, Word, last_word
from vectora_ops.promotion.verdicts import (
    Outcome,
    Verdict,
    cost_verdict,
    end_to_end_verdict,
    noise_verdict,
    runs_verdict,
)
from vectora_ops.promotion.window import WINDOW_GATE, window_verdict
from vectora_ops.records import (
    Alarm,
    Bypass,
    ClientPromotion,
    Deployment,
    Freeze,
    Hold,
    LedgerEntry,
    ReleaseId,
    held_since,
)
from vectora_ops.settings import Promotion, Schedule
from vectora_ops.times import minute
from vectora_ops.what_runs import ChangesByHand

DAY = timedelta(days=1)
NAMED_CHANGES = 5
# A hotfix may skip the gates below; a hold is released by an operator instead, and what is in progress ends.
HOLD_GATE, IN_PROGRESS_GATE, ROLLED_BACK_GATE = "hold", "in-progress", "rolled-back"
BYPASSABLE_GATES = (
    ROLLED_BACK_GATE,
    "smoke-test",
    "soak",
    "runs",
    "noise",
    "cost",
    "end-to-end",
    "client-versions",
    WINDOW_GATE,
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about `source`, where the release was tried, and `target`, into which it is to be promoted.

    `changes` are those by hand in `source`; `execution` is the pipeline's that requests the decision.
    """

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
    deployments: Sequence[Deployment] = ()
    source_hold: Hold | None = None
    changes: ChangesByHand = field(default_factory=ChangesByHand)
    target_ledger: Sequence[LedgerEntry] = ()
    target_deployments: Sequence[Deployment] = ()
    target_promotion: ClientPromotion | None = None
    execution: str | None = None
    attested: Attestation | None = None
    freeze: Freeze | None = None
    # The schedule of newsletters in `source`; None when it is unknown.
    schedule: Schedule | None = None

    @property
    def next_runs(self) -> NextRuns:
        """Runs in `source` that come next."""
        return NextRuns(env=self.source, clients=self.clients, schedule=self.schedule, now=self.now)

    @property
    def is_recorded(self) -> bool:
        """True when the pipeline deployed the release that `source` has now."""
        return bool(self.ledger) and self.ledger[-1].digest == self.live_digest

    @property
    def soak(self) -> Soak:
        """The soak of the release in `source`."""
        if why_not := _why_there_is_no_soak(self):
            return Soak.none(why_not)
        failed = [each for each in self.deployments if each.failed and each.release.has_same_content(self.release)]
        return Soak.of(
            self.ledger,
            self.release,
            failed_runs=self.failed_runs,
            alarms=self.alarms,
            failed_deployments=failed,
            changes=self.changes,
        )

    @property
    def removal(self) -> Word | None:
        """The reason why `target` lost this content, when that is the last that its records say about it."""
        word = last_word(self.target_ledger, self.target_deployments, self.release)
        return word if word is not None and word.kind != "passed" else None

    @property
    def valid_bypass(self) -> Bypass | None:
        """The bypass of this content; one from before an operator rolled back from it in `target` has been used."""
        if self.bypass is None or not self.bypass.release.has_same_content(self.release):
            return None
        removal = self.removal
        is_used = removal is not None and removal.kind == "removed" and self.bypass.stored <= removal.at
        return None if is_used else self.bypass


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
    def ready_at(self) -> datetime | None:
        """The earliest time at which it can pass by itself; None when it passes, or when a person has to act."""
        refusing = [each.ready_at for each in self.verdicts if not each.passes]
        known = [at for at in refusing if at is not None]
        return max(known, default=None) if len(known) == len(refusing) else None

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
    bypass = facts.valid_bypass
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
    yield in_progress_verdict(
        facts.target, facts.target_deployments, facts.target_ledger, facts.target_promotion, facts.execution
    )
    requires = policy.requires_approval
    yield from attested_verdicts(facts.target, facts.attested, facts.valid_bypass, requires_approval=requires)
    if window := window_verdict(facts.target, policy.windows, facts.freeze, facts.now):
        yield window
    yield _rolled_back(facts)
    if policy.requires_smoke_test:
        yield _smoke_test(facts)
    if not policy.judges_runs:
        return
    soak = facts.soak
    if policy.soak_days:
        yield _soak(facts, policy.soak_days, soak)
    runs, next_runs = [run for run in facts.runs if soak.includes(run.at)], facts.next_runs
    if policy.minimum_runs:
        yield runs_verdict(runs, policy.minimum_runs, soak, next_runs)
    if policy.maximum_noise_percent < 100:
        yield noise_verdict(runs, policy.maximum_noise_percent, next_runs, facts.target)
    if policy.maximum_run_cost_usd is not None:
        yield cost_verdict(runs, policy.maximum_run_cost_usd, next_runs, facts.target)
    if policy.requires_end_to_end_test:
        yield end_to_end_verdict(runs, facts.clients, next_runs)
    if policy.requires_client_versions_forward:
        yield client_versions_verdict(facts.source, facts.target, facts.clients, facts.target_clients)


def hold_verdict(hold: Hold | None, target: str) -> Verdict:
    if hold and hold.holds:
        command = f"./vectora promote release-hold --env {target}"
        return Verdict(gate=HOLD_GATE, outcome="fail", reason=f"{held_since(hold)} ({command})", command=command)
    return Verdict(gate=HOLD_GATE, outcome="pass", reason=f"{target} is not held")


def in_progress_verdict(
    target: str,
    deployments: Sequence[Deployment],
    ledger: Sequence[LedgerEntry],
    promotion: ClientPromotion | None,
    execution: str | None = None,
) -> Verdict:
    """Return the verdict on what changes `target` now; `execution` may go on with its own deployment."""
    running = deployments[-1] if deployments and deployments[-1].is_running(ledger) else None
    reason = ""
    if running is not None and running.execution != execution:
        reason = (
            f"{target} is being deployed by execution {running.execution} since {minute(running.at)}: wait until that "
            "ends"
        )
    elif promotion is not None and not promotion.is_over:
        reason = (
            f"the promotion of {promotion.client_id} {promotion.version} into {target} is not over "
            f"({promotion.state} since {minute(promotion.at)}): wait until it is"
        )
    if reason:
        return Verdict(gate=IN_PROGRESS_GATE, outcome="inconclusive", reason=reason)
    return Verdict(gate=IN_PROGRESS_GATE, outcome="pass", reason=f"nothing else changes {target}")


def _rolled_back(facts: Facts) -> Verdict:
    """Refuse content that the target lost; an operator allows it by releasing the hold of a failure, or by a bypass."""
    removal = facts.removal
    if removal is None:
        return Verdict(gate=ROLLED_BACK_GATE, outcome="pass", reason=f"{facts.target} was never rolled back from it")
    released = facts.hold is not None and facts.hold.state == "released" and facts.hold.stored >= removal.at
    if removal.kind == "failed" and released:
        reason = f"{facts.target} {removal.reason}, and its hold was released since"
        return Verdict(gate=ROLLED_BACK_GATE, outcome="pass", reason=reason)
    command = bypass_command(facts.target, ROLLED_BACK_GATE)
    return Verdict(
        gate=ROLLED_BACK_GATE,
        outcome="fail",
        reason=f"{facts.target} {removal.reason} (to allow it again: {command})",
        numbers={"at": removal.at.isoformat()},
        command=command,
    )


def _smoke_test(facts: Facts) -> Verdict:
    tested = facts.deployments[-1] if facts.deployments else None
    if (
        tested is not None
        and tested.execution != facts.execution
        and tested.is_running(facts.ledger)
        and tested.release.has_same_content(facts.release)
    ):
        reason = (
            f"{facts.source} is being deployed with this content by execution {tested.execution}, which tests it at "
            "its end"
        )
        return Verdict(gate="smoke-test", outcome="inconclusive", reason=reason)
    word = last_word(facts.ledger, facts.deployments, facts.release)
    if word is None:
        reason = (
            f"{facts.source} has no smoke test of this content on record; the pipeline makes one when it deploys it "
            "there"
        )
        return Verdict(gate="smoke-test", outcome="fail", reason=reason)
    numbers = {"at": word.at.isoformat()}
    if word.kind != "passed":
        reason = f"{facts.source} {word.reason}; this gate passes when it was deployed there again and tested"
        return Verdict(gate="smoke-test", outcome="fail", reason=reason, numbers=numbers)
    return Verdict(gate="smoke-test", outcome="pass", reason=word.reason, numbers=numbers)


def _why_there_is_no_soak(facts: Facts) -> str:
    """Return why the source does not run this content, as its release left it; empty when it does."""
    source, last = facts.source, facts.ledger[-1] if facts.ledger else None
    if last is None or not facts.is_recorded or not last.release.has_same_content(facts.release):
        has = f"has {facts.live_digest[:12]}" if facts.live_digest else "has no release"
        recorded = "" if facts.is_recorded or not facts.live_digest else ", which the pipeline did not record"
        return f"{source} {has}{recorded}"
    if last.components:
        return f"{source} has parts of it only: {', '.join(last.components)} were rolled back on {minute(last.at)}"
    if facts.changes.remaining:
        return f"{source} runs something else than its release: {_some(facts.changes.remaining)}"
    if facts.source_hold is not None and facts.source_hold.state == "rolling back":
        return f"{source} is being rolled back since {minute(facts.source_hold.at)}"
    deployment = facts.deployments[-1] if facts.deployments else None
    if deployment is not None and not deployment.release.has_same_content(facts.release):
        if deployment.is_running(facts.ledger):
            return f"{source} is being deployed by execution {deployment.execution} since {minute(deployment.at)}"
        if deployment.state == "left as it is" and deployment.at > last.at:
            return f"the failed deployment of {deployment.version} on {minute(deployment.at)} was left in {source}"
    return ""


def _some(clauses: Sequence[str]) -> str:
    more = len(clauses) - NAMED_CHANGES
    return "; ".join(clauses[:NAMED_CHANGES]) + (f"; and {more} more" if more > 0 else "")


def _soak(facts: Facts, days: int, soak: Soak) -> Verdict:
    if soak.undisturbed is None:
        reason = f"{soak.why_not}; the {days} days begin when {facts.source} has this content as it was released"
        return Verdict(gate="soak", outcome="fail", reason=reason, numbers={"days": 0.0})
    soaked = soak.lasted(facts.now)
    shown = f"soaked {soaked / DAY:.1f} of {days} days on {facts.source} {_since(soak, soak.undisturbed)}"
    numbers = {"days": round(soaked / DAY, 2), "required_days": float(days)}
    if soaked >= days * DAY:
        return Verdict(gate="soak", outcome="pass", reason=shown, numbers=numbers)
    ready = facts.now + days * DAY - soaked
    reason = f"{shown}; enough on {minute(ready)}"
    return Verdict(gate="soak", outcome="fail", reason=reason, numbers=numbers, ready_at=ready)


def _since(soak: Soak, at: datetime) -> str:
    if soak.disturbance:
        return f"since {soak.disturbance} on {minute(at)}"
    replaced = [gap for gap in soak.gaps if soak.deployed is not None and gap.end > soak.deployed]
    return "without a failure" + (", not counting the time under other releases" if replaced else "")
