"""Releases in an environment's ledger: which is there, and which were removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vectora_ops.overview.model import Presences, ReleaseRecord
from vectora_ops.promotion.soak import last_word
from vectora_ops.records import Deployment, LedgerEntry


def records_of(
    ledger: Sequence[LedgerEntry], deployments: Sequence[Deployment], live_digest: str | None
) -> Iterator[ReleaseRecord]:
    """Yield each content that the environment had or failed to get, once, newest first."""
    current = ledger[-1] if ledger and ledger[-1].digest == live_digest else None
    seen: set[str] = set()
    entries: list[LedgerEntry | Deployment] = [*ledger, *(each for each in deployments if each.failed)]
    for entry in sorted(entries, key=lambda each: each.stored, reverse=True):
        key = entry.content_digest or entry.digest
        if key not in seen:
            seen.add(key)
            where = _where(entry, ledger, deployments, current)
            yield ReleaseRecord(key=key, version=entry.version, where=where)


def _where(
    entry: LedgerEntry | Deployment,
    ledger: Sequence[LedgerEntry],
    deployments: Sequence[Deployment],
    current: LedgerEntry | None,
) -> Presences:
    word = last_word(ledger, deployments, entry.release)
    if current is not None and current.release.has_same_content(entry.release):
        return Presences(presence="current", at=current.at, note=_bypassed(current))
    if word is not None and word.kind != "passed":
        return Presences(presence="rolled back", at=word.at, note=word.reason)
    return Presences(presence="earlier", at=entry.at, note=_bypassed(entry))


def _bypassed(entry: LedgerEntry | Deployment) -> str:
    if isinstance(entry, Deployment) or not entry.bypassed:
        return ""
    return f"bypassed {', '.join(entry.bypassed)}: {entry.bypass_reason}"
