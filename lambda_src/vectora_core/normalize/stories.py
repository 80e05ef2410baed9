"""Stories: items without the texts of their neighbours on a news page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from vectora_core.item_files import without_repeated_ids
from vectora_core.items import IngestedItem, content_hash
from vectora_core.normalize.titles import Titles
from vectora_core.text.dates import date_in_text
from vectora_core.text.words import count_space_separated

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DATE = rf"(?:{_MONTH} \d{{1,2}},? \d{{4}}|\d{{1,2}} {_MONTH},? \d{{4}})"
_GLUED_DATES = re.compile(rf"(?<=[\w)]){_DATE}+$")
# The number of spaces is limited: with an unlimited one, the search would restart at each of them.
_DATES_AROUND = re.compile(rf"^(?:{_DATE}\s{{0,8}})+|(?:\s{{0,8}}{_DATE})+$")
_DATELINE_CHARACTERS = 160
_END_OF_STORY = re.compile(r"read\s+more(?![a-z])|download attachment", re.IGNORECASE)


@dataclass(frozen=True)
class Story:
    """Input of the analysis: an item with only its own story, and the date in its text."""

    item: IngestedItem
    shown_date: date | None
    date_confidence: float


def stories_of(ingested: Iterable[IngestedItem]) -> list[Story]:
    """Return each item once, cut to its own story."""
    items = without_repeated_ids(ingested)
    # Dates are read before the text is cut: pages print them beside the story.
    dates = [_date_in(item) for item in items]
    return [Story(item, *found) for item, found in zip(own_stories(items), dates, strict=True)]


def own_stories(items: Sequence[IngestedItem]) -> list[IngestedItem]:
    """Return the items without the titles and texts of other stories, and without dates at their edges."""
    titles: dict[str, list[str]] = {}
    for item in items:
        titles.setdefault(item.source_key, []).append(_clean_title(item.title))
    finders = {source_key: Titles(found) for source_key, found in titles.items()}
    return [_own_story(item, finders[item.source_key]) for item in items]


def _own_story(item: IngestedItem, titles: Titles) -> IngestedItem:
    title = _clean_title(item.title)
    start = item.content.find(title)
    content = item.content
    # The text of an article page is one story, even where it quotes the title of another.
    is_from_a_list = item.source_type == "press_corporate" and not item.metadata.full_text
    if is_from_a_list and title and start >= 0:
        text = content[start + len(title) :]
        marked = _END_OF_STORY.search(text)
        end = titles.first_other(text, title, marked.start() if marked else len(text))
        content = _DATES_AROUND.sub("", text[:end].strip()).strip()
    if (title, content) == (item.title, item.content):
        return item
    return item.model_copy(
        update={
            "title": title,
            "content": content,
            "content_hash": content_hash(content),
            "metadata": item.metadata.model_copy(update={"word_count": count_space_separated(content)}),
        }
    )


def _clean_title(title: str) -> str:
    return _GLUED_DATES.sub("", title.strip())


def _date_in(item: IngestedItem) -> tuple[date | None, float]:
    # Of a whole article, only the dateline is about its publication. The full stop: no date stands at its end.
    content = f"{item.content[:_DATELINE_CHARACTERS]}." if item.metadata.full_text else item.content
    return date_in_text(item.title, content, today=item.ingested_at.date())
