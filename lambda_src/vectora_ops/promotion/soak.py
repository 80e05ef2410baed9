"""Time that an environment has had the content of a release, and the last word of its records on a content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from vectora_ops.promotion.environment_runs import FailedRun
from vectora_ops.records import Alarm, Deployment, LedgerEntry, ReleaseId
from vectora_ops.times import minute
from vectora_ops.what_runs import ChangesByHand

NOTHING = timedelta()


@dataclass(frozen=True, kw_only=True)
class Word:
    """The last word on a content in one environment; `reason` is a clause with the environment as its subject.

    `at` is by the store's clock: the records of one environment come from several machines.
    """

    at: datetime
    kind: Literal["passed", "failed", "removed"]
    reason: str


def last_word(ledger: Sequence[LedgerEntry], deployments: Sequence[Deployment], release: ReleaseId) -> Word | None:
    """Return what the records of an environment last say about this content; None when they say nothing.

    An operator who rolls back to a content that was removed before revokes the removal.
    """
    words: list[Word] = []
    for entry in ledger:
        if _removes(entry, release):
            words.append(_removal(entry))
        elif not entry.release.has_same_content(release):
            continue
        elif entry.kind == "release" and entry.smoke_test:
            words.append(Word(at=entry.stored, kind="passed", reason=f"smoke test passed on {minute(entry.at)}"))
        elif entry.removed is not None and entry.removed.by == "operator":
            words = [each for each in words if each.kind != "removed"]
    for each in deployments:
        if each.failed and each.release.has_same_content(release):
            words.append(_failure(each))
    return max(words, key=lambda word: word.at, default=None)


def _removes(entry: LedgerEntry, release: ReleaseId) -> bool:
    if entry.removed is None:
        return False
    if _removes_other_content(entry):
        return entry.removed.release.has_same_content(release)
    # Only the settings went back.
    return entry.removed.digest == release.digest


def _removes_other_content(entry: LedgerEntry) -> bool:
    return entry.removed is not None and not entry.removed.release.has_same_content(entry.release)


def _removal(entry: LedgerEntry) -> Word:
    because = f": {entry.reason.rstrip('.')}" if entry.reason else ""
    by_operator = entry.removed is not None and entry.removed.by == "operator"
    return Word(
        at=entry.stored,
        kind="removed" if by_operator else "failed",
        reason=f"was rolled back from it on {minute(entry.at)}{because}",
    )


def _failure(deployment: Deployment) -> Word:
    at = deployment.ended or deployment.at
    because = f": {deployment.outcome.rstrip('.')}" if deployment.outcome else ""
    return Word(
        at=deployment.recorded or at,
        kind="failed",
        reason=f"did not keep it when it was deployed last, on {minute(at)}{because}",
    )


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A time in which other content replaced the release, until a rollback brought it back."""

    begin: datetime
    end: datetime

    def covers(self, at: datetime) -> bool:
        return self.begin <= at <= self.end

    def after(self, at: datetime) -> timedelta:
        """Return how much of the gap comes after `at`."""
        return max(NOTHING, self.end - max(self.begin, at))


@dataclass(frozen=True, kw_only=True)
class Soak:
    """Time that an environment has had a release's content, and the last failure, alarm or change by hand there."""

    deployed: datetime | None  # None: the environment has other content, for `why_not`
    undisturbed: datetime | None
    disturbance: str | None
    why_not: str = ""
    gaps: tuple[Gap, ...] = ()

    @classmethod
    def none(cls, why_not: str) -> Soak:
        return cls(deployed=None, undisturbed=None, disturbance=None, why_not=why_not)

    @classmethod
    def of(
        cls,
        ledger: Sequence[LedgerEntry],
        release: ReleaseId,
        *,
        failed_runs: Iterable[FailedRun],
        alarms: Iterable[Alarm],
        failed_deployments: Iterable[Deployment],
        changes: ChangesByHand,
    ) -> Soak:
        """Return the soak of `release`, which the last entry of the ledger must have.

        The same content deployed again keeps it. Other content, failures, alarms and changes by hand restart it; the
        time under other content that a rollback removed does not count. Settings are no content: with them changed, the
        environment's digest differs and the soak goes on.
        """
        deployed, gaps = _tenure(ledger, release)
        disturbances = [(run.at, f"the run of {run.client_id} {run.status.lower()}") for run in failed_runs]
        disturbances += [(alarm.at, f"alarm {alarm.name} was raised") for alarm in alarms]
        disturbances += [(each.ended or each.at, "it was deployed again and failed") for each in failed_deployments]
        disturbances = [each for each in disturbances if not any(gap.covers(each[0]) for gap in gaps)]
        disturbances += [(each.at, f"{each.what} was changed by hand, and back,") for each in changes.undone]
        at, what = max((each for each in disturbances if each[0] >= deployed), default=(deployed, None))
        return cls(deployed=deployed, undisturbed=at, disturbance=what, gaps=gaps)

    def lasted(self, now: datetime) -> timedelta:
        """Return the undisturbed time without the gaps; nothing when the content is not there."""
        if self.undisturbed is None:
            return NOTHING
        return now - self.undisturbed - sum((gap.after(self.undisturbed) for gap in self.gaps), NOTHING)

    def includes(self, at: datetime) -> bool:
        """Return whether this content, and no other, was there at the time."""
        return self.deployed is not None and at >= self.deployed and not any(gap.covers(at) for gap in self.gaps)


def _tenure(ledger: Sequence[LedgerEntry], release: ReleaseId) -> tuple[datetime, tuple[Gap, ...]]:
    """Return since when the environment has this content, and the gaps in that time."""
    deployed, gaps = ledger[-1].at, []
    for entry in reversed(ledger):
        if entry.components or not entry.release.has_same_content(release):
            break
        deployed = min(deployed, entry.at)
        if entry.replaced_since is not None:
            gaps.append(Gap(begin=entry.replaced_since, end=entry.at))
        elif entry.repaired or _removes_other_content(entry):
            # What ran before is unknown, or was another release for an unknown time.
            break
    return deployed, tuple(gaps)
