"""Labels of an issue and its items: sources, origin, and what an item is about."""

from __future__ import annotations

from vectora_core.newsletter.issue import Issue, IssueItem
from vectora_core.newsletter.wording import Wording

MOST_LABELS = 8


def origin(item: IssueItem, words: Wording) -> str:
    """Return source, kind of source and day; a correction or withdrawal is named first."""
    notice = (words.text(item.notice),) if item.notice else ()
    kind = words.text(item.source_type)
    return " · ".join((*notice, item.source, kind, words.day(item.published)))


def labels(item: IssueItem, words: Wording) -> tuple[str, ...]:
    """Return the phase, then the companies, brands and molecules of an item, each once."""
    entities = item.entities
    names = (*entities.companies, *entities.trademarks, *entities.molecules)
    phase = (words.phase(item.phase),) if item.phase else ()
    distinct = {name.casefold(): name for name in reversed((*phase, *names))}
    return tuple(reversed(distinct.values()))[:MOST_LABELS]


def sources_sentence(issue: Issue, words: Wording) -> str:
    """Return how many sources were read, or which ones could not be read; empty when it is unknown."""
    sources = issue.sources
    if sources is None:
        return ""
    if not sources.failed:
        return words.counted("sources_read", sources.total)
    failed, names = len(sources.failed), ", ".join(sources.failed)
    return words.counted("sources_failed", sources.total, plural_of=failed, failed=words.number(failed), names=names)
