"""Entries that their publisher changes after a run has read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.items import IngestedItem, ItemMetadata
from vectora_core.known_news import KnownNews, current_version

LONG = "The agency approved the depot on Tuesday. It may be sold from next month on."


def entry(title: str, content: str = LONG, day: date | None = date(2026, 2, 1), **changes: Any) -> IngestedItem:
    values: dict[str, Any] = {"source_key": "press_sector__paper", "guid": "4711", "full_text": False, **changes}
    return IngestedItem(
        item_id=f"paper_{title}",
        source_key=values["source_key"],
        source_type="press_sector",
        title=title,
        content=content,
        url=f"https://paper.example/{title}",
        published_at=day,
        ingested_at=datetime(2026, 2, 1, 6, tzinfo=UTC),
        metadata=ItemMetadata(guid=values["guid"], full_text=values["full_text"]),
    )


def is_known(one: IngestedItem, other: IngestedItem) -> bool:
    known = KnownNews()
    known.add(one)
    return known.find(other) is one


def test_an_entry_keeps_its_identity_when_headline_and_address_change() -> None:
    assert is_known(entry("Agency nods to depot"), entry("Why the Swedes will win"))
    assert is_known(entry("Agency nods to depot"), entry("Why the Swedes will win", day=date(2026, 2, 5)))
    assert is_known(entry("Agency nods to depot"), entry("Why the Swedes will win", day=None))


def test_an_identifier_that_is_used_again_is_new_news() -> None:
    assert not is_known(entry("Agency nods to depot"), entry("Why the Swedes will win", day=date(2026, 2, 9)))
    assert is_known(entry("Agency nods to depot"), entry("Agency nods to monthly depot", day=date(2026, 2, 9)))


def test_an_identifier_belongs_to_its_source() -> None:
    other = entry("Why the Swedes will win", source_key="press_sector__other")
    assert not is_known(entry("Agency nods to depot"), other)


def test_the_later_news_with_a_used_identifier_is_known_too() -> None:
    known = KnownNews()
    first, second = entry("Agency nods to depot"), entry("Why the Swedes will win", day=date(2026, 2, 20))
    known.add(first)
    known.add(second)
    assert known.find(entry("Swedish company wins again", day=date(2026, 2, 21))) is second


@pytest.mark.parametrize(
    ("later", "counts"),
    [
        (entry("Agency nods to depot", "The agency accepted the filing."), True),
        (entry("Correction: agency has not approved it", "It accepted the filing"), True),
        (entry("Agency accepts filing for depot", ""), True),
        (entry("Agency nods to depot", "The agency approved the depot on ..."), False),
        (entry("Agency nods to depot", "The agency approved"), False),
        (entry("Agency nods to depot", "It was approved.", source_key="press_sector__other"), False),
        (entry("Agency nods to depot", LONG + " More was said.", source_key="press_sector__other"), True),
    ],
)
def test_the_publisher_s_latest_wording_counts(later: IngestedItem, counts: bool) -> None:
    first = entry("Agency nods to depot")
    version = current_version(first, later)
    assert (version.title, version.content) == (
        (later.title, later.content) if counts else (first.title, first.content)
    )
    assert version.item_id == first.item_id


def test_the_text_of_the_article_page_stays_while_the_headline_does() -> None:
    first = entry("Agency nods to depot", full_text=True)
    assert current_version(first, entry("Agency nods to depot", "Approved today.")) is first
    assert current_version(first, entry("Withdrawn: Agency nods to depot", "Sorry.")).content == "Sorry."


def test_a_correction_without_a_day_has_that_of_the_news() -> None:
    version = current_version(entry("Agency nods to depot"), entry("Correction: agency waits", day=None))
    assert (version.published_at, version.metadata.undated) == (date(2026, 2, 1), False)


@settings(deadline=None)
@given(titles=st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=6))
def test_a_headline_that_changes_again_and_again_is_one_item(titles: list[str]) -> None:
    known = KnownNews()
    first = entry("Agency nods to depot")
    known.add(first)
    assert all(known.find(entry(title)) is first for title in titles)
