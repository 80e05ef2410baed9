"""One issue of the newsletter, with the content that all its formats have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from vectora_core.items import CuratedItem, Entities
from vectora_core.newsletter.selection import Selection, published_day
from vectora_core.text.addresses import link_address
from vectora_core.text.words import MAX_TITLE_CHARACTERS, one_line, shortened
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Configuration

KEY_ENTITIES = 10
# About twice the length that the prompt requests.
MAX_SUMMARY_CHARACTERS = 800


@dataclass(frozen=True)
class IssueItem:
    item_id: str
    title: str
    summary: str  # empty if it only repeats the title
    url: str | None  # None if it is not safe to show to readers
    source: str
    source_key: str
    published: date | None
    event_type: str
    score: float
    entities: Entities
    analyzer: str


@dataclass(frozen=True)
class IssueSection:
    section_id: str
    title: str
    items: tuple[IssueItem, ...]


@dataclass(frozen=True)
class Issue:
    client_id: str
    name: str
    language: str
    day: date
    period_start: date
    generated_at: datetime
    sections: tuple[IssueSection, ...]

    @property
    def items(self) -> tuple[IssueItem, ...]:
        return tuple(item for section in self.sections for item in section.items)

    def document(self) -> dict[str, Any]:
        """Return the content of newsletter.json."""
        items = self.items
        return {
            "newsletter_id": f"{self.client_id}_{self.day:%Y%m%d}",
            "client_id": self.client_id,
            "generated_at": self.generated_at.isoformat(),
            "period": {"from": self.period_start.isoformat(), "to": self.day.isoformat()},
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


def issue_of(selection: Selection, configuration: Configuration, day: date, generated_at: datetime) -> Issue:
    """Return the issue of a selection."""
    client: ClientConfig = configuration.client
    companies = {source.source_key: source.company for source in configuration.sources.sources}
    return Issue(
        client_id=client.client_profile.client_id,
        name=one_line(client.client_profile.name),
        language=client.client_profile.language,
        day=day,
        period_start=day - timedelta(days=client.pipeline.default_period_days),
        generated_at=generated_at,
        sections=tuple(
            IssueSection(
                section_id=filled.section.id,
                title=one_line(filled.section.title),
                items=tuple(_issue_item(item, companies.get(item.source_key)) for item in filled.items),
            )
            for filled in selection.sections
        ),
    )


def _issue_item(item: CuratedItem, company: str | None) -> IssueItem:
    content = item.normalized_content
    title = shortened(one_line(item.title), MAX_TITLE_CHARACTERS) or "Untitled"
    summary = shortened(one_line(content.summary), MAX_SUMMARY_CHARACTERS)
    return IssueItem(
        item_id=item.item_id,
        title=title,
        summary="" if summary.casefold().rstrip(".") == title.casefold().rstrip(".") else summary,
        url=link_address(item.url),
        source=one_line(company or "") or item.source_key.rsplit("__", 1)[-1].replace("_", " ").title(),
        source_key=item.source_key,
        published=published_day(item),
        event_type=content.event_classification.primary_type,
        score=item.scoring_results.final_score,
        entities=Entities(**{kind: _distinct_lines(names) for kind, names in content.entities}),
        analyzer=content.normalization_metadata.analyzer,
    )


def _distinct_lines(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in map(one_line, names) if name))


def _item_document(item: IssueItem) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "title": item.title,
        "summary": item.summary,
        "score": item.score,
        "published_at": item.published.isoformat() if item.published else None,
        "source_key": item.source_key,
        "source_url": item.url,
        "event_type": item.event_type,
        "entities": item.entities.model_dump(mode="json"),
        "analyzer": item.analyzer,
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
