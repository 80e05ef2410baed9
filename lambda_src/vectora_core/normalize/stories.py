"""Stories: the text of an item without the texts of its neighbours on a news page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from vectora_core.item_files import without_repeated_ids
from vectora_core.items import IngestedItem

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = rf"(?:{_MONTH} \d{{1,2}},? \d{{4}}|\d{{1,2}} {_MONTH},? \d{{4}})"
_GLUED_DATES = re.compile(rf"(?<=[\w)]){_DATE}+$")
# Blanks are counted: without end they would be tried from each of them on.
_DATES_AROUND = re.compile(rf"^(?:{_DATE}\s{{0,8}})+|(?:\s{{0,8}}{_DATE})+$")
_END_OF_STORY = re.compile(r"read\s+more(?![a-z])|download attachment", re.IGNORECASE)


@dataclass(frozen=True)
class Story:
    """What analysis starts from: an item with nothing but its own story, and the date that its text shows."""

    item: IngestedItem
    shown_date: date | None
    date_confidence: float


def stories_of(ingested: Iterable[IngestedItem]) -> list[Story]:
    """Each item once, cut down to its story."""
    items = without_repeated_ids(ingested)
    # Dates are read before the text is cut down to the story: pages print them beside it.
    dates = [_date_in(item) for item in items]
    return [Story(item, *found) for item, found in zip(own_stories(items), dates, strict=True)]


def own_stories(items: Sequence[IngestedItem]) -> list[IngestedItem]:
    """The items with nothing but their own story: pages were read with other stories and dates glued to them."""
    titles: dict[str, list[str]] = {}
    for item in items:
        titles.setdefault(item.source_key, []).append(_clean_title(item.title))
    return [_own_story(item, titles[item.source_key]) for item in items]


def _own_story(item: IngestedItem, titles_of_source: Sequence[str]) -> IngestedItem:
    title = _clean_title(item.title)
    start = item.content.find(title)
    content = item.content
    if item.source_type == "press_corporate" and title and start >= 0:
        text = content[start + len(title) :]
        others = (re.search(re.escape(other), text) for other in titles_of_source if other != title)
        ends = [found.start() for found in (*others, _END_OF_STORY.search(text)) if found]
        content = _DATES_AROUND.sub("", text[: min(ends, default=len(text))].strip()).strip()
    if (title, content) == (item.title, item.content):
        return item
    return item.model_copy(
        update={
            "title": title,
            "content": content,
            "content_hash": "sha256:" + hashlib.sha256(content.encode("utf-8")).hexdigest(),
            "metadata": item.metadata.model_copy(update={"word_count": len(content.split())}),
        }
    )


def _clean_title(title: str) -> str:
    return _GLUED_DATES.sub("", title.strip())


def _date_in(item: IngestedItem) -> tuple[date | None, float]:
    from vectora_core.text.dates import date_in_text

    return date_in_text(item.title, item.content, today=item.ingested_at.date())
