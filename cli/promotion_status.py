"""Sentences of `./vectora status` on promotion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from vectora_ops.open_times import shown
from vectora_ops.promotion.soak import Word
from vectora_ops.promotion.window import closed_sentence
from vectora_ops.records import Bypass, ClientPromotion, Freeze, Hold, LedgerEntry, held_since
from vectora_ops.times import minute
from vectora_ops.windows import Windows


def promotion_sentences(
    release: dict[str, str],
    recorded: LedgerEntry | None,
    word: Word | None,
    hold: Hold | None,
    bypass: Bypass | None,
    env: str,
    now: datetime,
) -> Iterator[str]:
    """Yield sentences on how the release came, what lets another one in, and what holds promotion."""
    if recorded:
        commit = f", commit {recorded.commit[:12]}" if recorded.commit else ""
        yield f"Since {minute(recorded.at)} {_how_it_came(recorded)}{commit}; {_tested(recorded, word, env)}."
    elif release:
        yield "Not deployed by the pipeline: not in the ledger, and not verified."
    if recorded and recorded.audit == "not-audited":
        yield (
            "Its packages were not audited for known vulnerabilities: see the output of its Synth build, or run make "
            "vulnerabilities in a checkout of its commit."
        )
    if recorded and recorded.bypassed:
        yield f"Bypassed on its way: {', '.join(recorded.bypassed)} ({recorded.bypass_reason})."
    if bypass and not (recorded and bypass.release.has_same_content(recorded.release)):
        digest = bypass.content_digest or bypass.digest
        yield (
            f"Release {digest[:12]} may come without {', '.join(bypass.gates)}: {bypass.reason} ({bypass.by}, "
            f"{minute(bypass.at)})."
        )
    if hold and hold.holds:
        yield f"Held: {held_since(hold)}. Then ./vectora promote release-hold --env {env}."
        if hold.is_interrupted(now):
            yield (
                f"Its rollback was interrupted: finish it by hand (./vectora rollback --env {env} --snapshot latest), "
                "before you release the hold."
            )


def window_sentences(windows: Sequence[Windows], freeze: Freeze | None, env: str, now: datetime) -> Iterator[str]:
    """Yield a sentence on the promotion windows: whether they are open, and until when they are not."""
    if closed := closed_sentence(env, windows, freeze, now):
        yield f"Closed to promotions: {closed}."
    elif windows:
        yield f"Open to promotions now: {shown(now, windows[0].time_zone)}."


def _how_it_came(recorded: LedgerEntry) -> str:
    if recorded.kind != "rollback":
        return "by the pipeline"
    if recorded.components:
        return f"in parts: {', '.join(recorded.components)} were rolled back ({recorded.reason})"
    return f"came back by a rollback ({recorded.reason})"


def _tested(recorded: LedgerEntry, word: Word | None, env: str) -> str:
    if word is not None and word.kind != "passed":
        return f"not verified, {env} {word.reason.rstrip('.')}"
    return f"verified: {recorded.smoke_test}" if recorded.smoke_test else "not verified"


def client_sentences(promotions: tuple[ClientPromotion, ...], recorded: LedgerEntry | None) -> Iterator[str]:
    """Yield sentences on client files promoted since the release; one on the last promotion while it is not over."""
    for index, each in enumerate(promotions):
        is_last = index == len(promotions) - 1
        if (each.is_over or is_last) and (not each.is_over or recorded is None or each.at > recorded.at):
            yield client_promotion_sentence(each)


def client_promotion_sentence(promotion: ClientPromotion) -> str:
    """Return how the promotion of a client's file ended, for people."""
    what = f"{promotion.client_id} {promotion.version_before or 'new'} -> {promotion.version} from {promotion.source}"
    match promotion.state:
        case "promoted":
            return f"{minute(promotion.at)}: {what}; {promotion.outcome}."
        case "rolled back":
            return f"{minute(promotion.at)}: {what} was taken back: {promotion.outcome.rstrip('.')}."
        case state:
            return f"{minute(promotion.at)}: {what} is not over ({state}): promote it again to end it."
