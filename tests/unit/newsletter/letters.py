"""Issues for tests of formats."""

from __future__ import annotations

from datetime import UTC, date, datetime

from vectora_core.items import Entities
from vectora_core.newsletter.candidates import Period
from vectora_core.newsletter.issue import Issue, IssueItem, IssueSection, SourcesRead

DAY = date(2026, 2, 9)


def item(number: int = 1, **changes: object) -> IssueItem:
    values: dict[str, object] = {
        "item_id": f"press_sector__fiercepharma_{number}",
        "title": f"FDA approves depot number {number}",
        "headline": f"Depot {number} approved",
        "summary": "The FDA approved it for schizophrenia.",
        "why_it_matters": "The first of its kind.",
        "language": "en",
        "url": f"https://example.org/{number}",
        "source": "Fierce Pharma",
        "source_key": "press_sector__fiercepharma",
        "source_type": "press_sector",
        "phase": "3",
        "published": date(2026, 2, 2),
        "event_type": "regulatory",
        "score": 10.0 + number,
        "entities": Entities(companies=("Teva",), molecules=("risperidone",), trademarks=("UZEDY",)),
        "analyzer": "bedrock",
    }
    return IssueItem(**{**values, **changes})  # type: ignore[arg-type]


def issue(*items: IssueItem, **changes: object) -> Issue:
    values: dict[str, object] = {
        "client_id": "lai_weekly",
        "name": "LAI Weekly",
        "language": "en",
        "day": DAY,
        "period": Period(date(2026, 1, 10), DAY),
        "draft": False,
        "sources": SourcesRead(8, ("Camurus",)),
        "generated_at": datetime(2026, 2, 9, 6, tzinfo=UTC),
        "sections": (IssueSection("regulatory", "Regulatory & more", items),) if items else (),
    }
    return Issue(**{**values, **changes})  # type: ignore[arg-type]
