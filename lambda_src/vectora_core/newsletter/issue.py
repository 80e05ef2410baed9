"""One issue of the newsletter, with the content that all its formats have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from vectora_core.items import CuratedItem, Entities
from vectora_core.newsletter.candidates import Period
from vectora_core.newsletter.phases import phase_in
from vectora_core.newsletter.reports import published_day
from vectora_core.newsletter.selection import Selection
from vectora_core.text.addresses import link_address
from vectora_core.text.rubrics import Notice
from vectora_core.text.tracked_links import untracked
from vectora_core.text.words import MAX_TITLE_CHARACTERS, one_line, shortened
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.sources import SOURCE_TYPES, Source, SourceType

KEY_ENTITIES = 10
# About twice the length that the prompt requests.
MAX_SUMMARY_CHARACTERS = 800
# Lines of "in brief".
BRIEF_ITEMS = 3


@dataclass(frozen=True)
class OtherReport:
    """Another source's report of the same story."""

    item_id: str
    title: str
    url: str | None  # None if it is not safe to show to readers
    source: str
    source_key: str
    published: date | None


@dataclass(frozen=True)
class IssueItem:
    """One piece of news; `headline` is the model's, or the source's own title if the model gave none."""

    item_id: str
    title: str
    headline: str
    summary: str  # empty if it only repeats the title or the headline
    why_it_matters: str  # empty if the model gave none, or one that the summary has
    language: str
    url: str | None  # None if it is not safe to show to readers
    source: str
    source_key: str
    source_type: SourceType
    phase: str | None
    published: date | None
    event_type: str
    score: float
    entities: Entities
    analyzer: str
    also_reported: tuple[OtherReport, ...] = ()
    notice: Notice | None = None  # the item corrects or withdraws news


@dataclass(frozen=True)
class IssueSection:
    section_id: str
    title: str
    items: tuple[IssueItem, ...]


@dataclass(frozen=True)
class SourcesRead:
    """Number of sources of the run, and the names of those that gave nothing to read."""

    total: int
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Issue:
    client_id: str
    name: str
    language: str
    day: date
    period: Period
    draft: bool
    sources: SourcesRead | None  # None when the run has no report of its ingestion
    generated_at: datetime
    sections: tuple[IssueSection, ...]

    @property
    def items(self) -> tuple[IssueItem, ...]:
        return tuple(item for section in self.sections for item in section.items)

    @property
    def in_brief(self) -> tuple[IssueItem, ...]:
        """The most important items, to show on top; none when the issue has hardly more."""
        return self._ranked[:BRIEF_ITEMS] if len(self.items) > BRIEF_ITEMS + 1 else ()

    def with_first(self, count: int) -> Issue:
        """Return the issue with its `count` most important items."""
        kept = {item.item_id for item in self._ranked[:count]}
        sections = (
            replace(section, items=tuple(item for item in section.items if item.item_id in kept))
            for section in self.sections
        )
        return replace(self, sections=tuple(section for section in sections if section.items))

    @property
    def _ranked(self) -> tuple[IssueItem, ...]:
        return tuple(sorted(self.items, key=lambda item: (-item.score, item.item_id)))

    def document(self) -> dict[str, Any]:
        """Return the content of newsletter.json."""
        items = self.items
        return {
            "newsletter_id": f"{self.client_id}_{self.day:%Y%m%d}",
            "client_id": self.client_id,
            "generated_at": self.generated_at.isoformat(),
            "draft": self.draft,
            "language": self.language,
            "name": self.name,
            "period": {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()},
            "sources": {"total": self.sources.total, "failed": list(self.sources.failed)} if self.sources else None,
            "in_brief": [item.item_id for item in self.in_brief],
            "metrics": {
                "total_items": len(items),
                "items_by_section": {section.section_id: len(section.items) for section in self.sections},
                "unique_sources": len({item.source_key for item in items}),
                "key_entities": _key_entities(items),
            },
            "sections": [
                {
                    "section_id": section.section_id,
                    "title": section.title,
                    "items": [_item_document(item) for item in section.items],
                }
                for section in self.sections
            ],
        }


def issue_of(
    selection: Selection,
    configuration: Configuration,
    day: date,
    generated_at: datetime,
    *,
    period: Period,
    ingestion: Mapping[str, Any],
    draft: bool = False,
) -> Issue:
    """Return the issue of a selection, or its draft; `ingestion` is the report of the run's ingestion."""
    client: ClientConfig = configuration.client
    sources = {source.source_key: source for source in configuration.sources.sources}
    return Issue(
        client_id=client.client_profile.client_id,
        name=one_line(client.client_profile.name),
        language=client.client_profile.language,
        day=day,
        period=period,
        draft=draft,
        sources=_sources_read(ingestion, sources),
        generated_at=generated_at,
        sections=tuple(
            IssueSection(
                section_id=filled.section.id,
                title=one_line(filled.section.title),
                items=tuple(_issue_item(item, sources, selection) for item in filled.items),
            )
            for filled in selection.sections
        ),
    )


def _sources_read(ingestion: Mapping[str, Any], sources: Mapping[str, Source]) -> SourcesRead | None:
    reports = ingestion.get("sources")
    if not reports:
        return None
    failed = [report["source_key"] for report in reports if report["status"] in ("failed", "empty")]
    return SourcesRead(len(reports), tuple(_source_name(key, sources.get(key)) for key in failed))


def _source_name(source_key: str, source: Source | None) -> str:
    """Return the name of a source for readers; one that the catalogue no longer has is named by its key."""
    name = (source.name or source.company or "") if source else ""
    return one_line(name) or source_key.rsplit("__", 1)[-1].replace("_", " ").title()


def _issue_item(item: CuratedItem, sources: Mapping[str, Source], selection: Selection) -> IssueItem:
    content = item.normalized_content
    title = shortened(one_line(item.title), MAX_TITLE_CHARACTERS) or "Untitled"
    headline = shortened(one_line(content.headline), MAX_TITLE_CHARACTERS) or title
    summary = shortened(one_line(content.summary), MAX_SUMMARY_CHARACTERS)
    why = shortened(one_line(content.why_it_matters), MAX_SUMMARY_CHARACTERS)
    return IssueItem(
        item_id=item.item_id,
        title=title,
        headline=headline,
        summary="" if any(_is_same(summary, text) for text in (title, headline)) else summary,
        why_it_matters="" if _is_in(why, summary) else why,
        language=item.language,
        url=link_address(untracked(item.url)),
        source=_source_name(item.source_key, sources.get(item.source_key)),
        source_key=item.source_key,
        source_type=_known_type(item.source_type),
        phase=phase_in(title, headline, summary),
        published=published_day(item),
        event_type=content.event_classification.primary_type,
        score=item.scoring_results.final_score,
        entities=Entities(**{kind: _distinct_lines(names) for kind, names in content.entities}),
        analyzer=content.normalization_metadata.analyzer,
        also_reported=_other_reports(selection.also_reported.get(item.item_id, ()), sources),
        notice=selection.notices.get(item.item_id),
    )


def _other_reports(items: Iterable[CuratedItem], sources: Mapping[str, Source]) -> tuple[OtherReport, ...]:
    return tuple(
        OtherReport(
            item_id=item.item_id,
            title=shortened(one_line(item.title), MAX_TITLE_CHARACTERS) or "Untitled",
            url=link_address(untracked(item.url)),
            source=_source_name(item.source_key, sources.get(item.source_key)),
            source_key=item.source_key,
            published=published_day(item),
        )
        for item in items
    )


def _known_type(source_type: str) -> SourceType:
    """Return the type of a source; of one that no release of this system has, that of the trade press."""
    return next((known for known in SOURCE_TYPES if known == source_type), "press_sector")


def _is_same(one: str, other: str) -> bool:
    return one.casefold().rstrip(".") == other.casefold().rstrip(".")


def _is_in(part: str, text: str) -> bool:
    return part.casefold().rstrip(".") in text.casefold()


def _distinct_lines(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in map(one_line, names) if name))


def _item_document(item: IssueItem) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "title": item.title,
        "headline": item.headline,
        "summary": item.summary,
        "why_it_matters": item.why_it_matters,
        "source": item.source,
        "source_type": item.source_type,
        "phase": item.phase,
        "language": item.language,
        "score": item.score,
        "published_at": item.published.isoformat() if item.published else None,
        "source_key": item.source_key,
        "source_url": item.url,
        "event_type": item.event_type,
        "entities": item.entities.model_dump(mode="json"),
        "analyzer": item.analyzer,
        "notice": item.notice,
        "also_reported_by": [
            {
                "item_id": report.item_id,
                "title": report.title,
                "source": report.source,
                "source_key": report.source_key,
                "source_url": report.url,
                "published_at": report.published.isoformat() if report.published else None,
            }
            for report in item.also_reported
        ],
    }


def _key_entities(items: Iterable[IssueItem]) -> dict[str, list[str]]:
    counters: dict[str, Counter[str]] = {kind: Counter() for kind in Entities.model_fields}
    for item in items:
        for kind, counter in counters.items():
            counter.update(getattr(item.entities, kind))
    return {
        kind: [name for name, _ in sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))[:KEY_ENTITIES]]
        for kind, counter in counters.items()
    }
