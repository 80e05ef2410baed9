"""Gates of a client's file that is promoted by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from vectora_ops.promotion.client_versions import bump_command, semantic
from vectora_ops.promotion.environment_runs import ClientFile, Run
from vectora_ops.promotion.gates import Decision, hold_verdict, in_progress_verdict
from vectora_ops.promotion.next_steps import NextRuns
from vectora_ops.promotion.verdicts import Verdict, awaiting, cost_verdict, noise_verdict
from vectora_ops.promotion.window import window_verdict
from vectora_ops.records import Deployment, Freeze, Hold, LedgerEntry
from vectora_ops.settings import Promotion, Schedule


@dataclass(frozen=True, kw_only=True)
class ClientFacts:
    """Facts about a client's file in `source`, where it runs, and `target`, into which it is to be promoted.

    `published` is the SHA-256 of the file that was published in `source`; `runs` are the client's newsletters there.
    """

    source: str
    target: str
    client_id: str
    file: ClientFile
    published: str | None
    target_file: ClientFile | None
    runs: Sequence[Run]
    hold: Hold | None
    now: datetime
    freeze: Freeze | None = None
    target_deployments: Sequence[Deployment] = ()
    target_ledger: Sequence[LedgerEntry] = ()
    # The schedule of newsletters in `source`; None when it is unknown.
    schedule: Schedule | None = None

    @property
    def next_runs(self) -> NextRuns:
        """Runs of the client in `source` that come next."""
        return NextRuns(env=self.source, clients={self.client_id: self.file}, schedule=self.schedule, now=self.now)


def decide_client(facts: ClientFacts, policy: Promotion) -> Decision:
    """Return the verdicts on the file, by the windows and the limits of noise and cost in `policy`, the target's."""
    return Decision(
        source=facts.source,
        target=facts.target,
        digest=facts.file.sha256,
        verdicts=tuple(_verdicts(facts, policy)),
        bypass_reason=None,
        subject=f"{facts.client_id} {facts.file.version}",
    )


def _verdicts(facts: ClientFacts, policy: Promotion) -> Iterator[Verdict]:
    yield hold_verdict(facts.hold, facts.target)
    yield in_progress_verdict(facts.target, facts.target_deployments, facts.target_ledger, None)
    if window := window_verdict(facts.target, policy.windows, facts.freeze, facts.now):
        yield window
    yield _published(facts)
    yield _version(facts)
    yield _schedule(facts)
    runs = [run for run in facts.runs if run.client_version == facts.file.version]
    yield _newsletter(facts, runs)
    if policy.maximum_noise_percent < 100:
        yield noise_verdict(runs, policy.maximum_noise_percent, facts.next_runs, facts.target)
    if policy.maximum_run_cost_usd is not None:
        yield cost_verdict(runs, policy.maximum_run_cost_usd, facts.next_runs, facts.target)


def _published(facts: ClientFacts) -> Verdict:
    if facts.published == facts.file.sha256:
        return Verdict(gate="published", outcome="pass", reason=f"{facts.source} has the file as it was published")
    how = "was edited in its bucket since it was published" if facts.published else "was put there by hand"
    return Verdict(
        gate="published",
        outcome="fail",
        reason=f"the file in {facts.source} {how}: bring the edit into config/clients/ and deploy it there",
    )


def _version(facts: ClientFacts) -> Verdict:
    there = facts.target_file
    numbers = {"from": there.version if there else None, "to": facts.file.version}
    if there is None:
        return Verdict(gate="client-version", outcome="pass", reason=f"it is new in {facts.target}", numbers=numbers)
    step = f"{there.version} -> {facts.file.version}"
    if there.sha256 == facts.file.sha256:
        return Verdict(
            gate="client-version", outcome="fail", reason=f"{facts.target} has this very file", numbers=numbers
        )
    if semantic(facts.file.version) > semantic(there.version):
        return Verdict(gate="client-version", outcome="pass", reason=f"version moves forward ({step})", numbers=numbers)
    command = bump_command(facts.client_id)
    reason = f"version does not move forward ({step}); raise it above {there.version} ({command}) and deploy it"
    return Verdict(gate="client-version", outcome="fail", reason=reason, numbers=numbers, command=command)


def _schedule(facts: ClientFacts) -> Verdict:
    """Require that the schedule stays the same: schedules are part of the stacks and change with a release."""
    there = facts.target_file
    if (there.active, there.frequency) == (facts.file.active, facts.file.frequency) if there else not facts.file.active:
        return Verdict(gate="schedule", outcome="pass", reason="its schedule stays as it is")
    what = "active or frequency differs from" if there else "its schedule is not in"
    return Verdict(
        gate="schedule",
        outcome="fail",
        reason=f"{what} {facts.target}, where schedules come with a release: promote the release",
    )


def _newsletter(facts: ClientFacts, runs: Sequence[Run]) -> Verdict:
    with_items = [run for run in runs if run.items]
    numbers = {"newsletters": float(len(runs)), "with_items": float(len(with_items))}
    if with_items:
        return Verdict(
            gate="newsletter",
            outcome="pass",
            reason=f"{len(with_items)} newsletters with items by {facts.file.version} in {facts.source}",
            numbers=numbers,
        )
    reason = f"no newsletter with items by {facts.file.version} in {facts.source} yet"
    step = facts.next_runs.one_of_each((facts.client_id,))
    return awaiting("newsletter", "fail" if runs else "inconclusive", reason, step, numbers)
