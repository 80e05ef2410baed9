"""An item keeps only its own story, whatever the number of other stories of its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.items import IngestedItem
from vectora_core.normalize import titles as titles_module
from vectora_core.normalize.stories import own_stories, stories_of
from vectora_core.normalize.titles import Titles


def first_other_of_all(titles: Sequence[str], text: str, own: str, end: int) -> int:
    """Return the same place as `Titles.first_other`, by searching for each title."""
    found = (re.search(re.escape(title), text) for title in titles if title != own)
    return min([match.start() for match in found if match] + [end])


def items_of(titles: Sequence[str], texts: Sequence[str]) -> list[IngestedItem]:
    return [
        IngestedItem(
            item_id=f"item_{number}",
            source_key="press_corporate__nanexa",
            source_type="press_corporate",
            title=title,
            content=text,
            url="https://example.org/news",
            published_at=date(2026, 2, 1),
            ingested_at=datetime(2026, 2, 2, tzinfo=UTC),
        )
        for number, (title, text) in enumerate(zip(titles, texts, strict=True))
    ]


@pytest.mark.parametrize(
    ("titles", "text", "own", "place"),
    [
        (["One", "Two"], "a story. Two and more", "One", 9),
        (["One", "Two"], "a story of One again", "One", 20),
        (["One", "One more"], "a story. One more", "One", 9),
        (["One", "One more"], "a story. One mole", "One", 17),
        (["One", "One more"], "a story. One more", "One more", 9),
        (["One", "One more", "One more time"], "a story. One more time", "One", 9),
        (["One", ""], "a story", "One", 0),
        ([], "a story", "One", 7),
        (["[a-z]", "^", "-"], "a story - [a-z]", "One", 8),
    ],
)
def test_a_story_ends_where_another_title_starts(titles: list[str], text: str, own: str, place: int) -> None:
    assert Titles(titles).first_other(text, own, len(text)) == place
    assert first_other_of_all(titles, text, own, len(text)) == place


# Few characters, so that titles start with each other, contain each other and occur in the text.
SHORT = st.text(alphabet="ab \u00e9-", max_size=5)


@settings(deadline=None, max_examples=1000)
@given(titles=st.lists(SHORT, max_size=12), text=st.text(alphabet="ab \u00e9-", max_size=30), data=st.data())
def test_the_place_is_that_of_a_search_for_each_title(titles: list[str], text: str, data: st.DataObject) -> None:
    own = data.draw(st.sampled_from(titles) if titles else SHORT)
    end = data.draw(st.integers(0, len(text)))
    assert Titles(titles).first_other(text, own, end) == first_other_of_all(titles, text, own, end)


def _comparisons(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the number of comparisons of a title with a text, in all stories of a source with `count` of them."""

    class Counted(str):
        compared = 0

        def __lt__(self, other: str) -> bool:
            Counted.compared += 1
            return str.__lt__(self, other)

    def beginning(passage: str, found: Sequence[str]) -> str | None:
        return plain(Counted(passage), found)

    plain = titles_module._beginning
    monkeypatch.setattr(titles_module, "_beginning", beginning)
    names = [f"Company {number:05} signs a licence agreement" for number in range(count)]
    texts = [f"{name}The story of item {number}. {names[number - 1]}" for number, name in enumerate(names)]
    stories = own_stories(items_of(names, texts))
    monkeypatch.undo()
    assert [story.content for story in stories] == [f"The story of item {number}." for number in range(count)]
    return Counted.compared


def test_ten_times_the_items_take_ten_times_the_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = _comparisons(300, monkeypatch), _comparisons(3000, monkeypatch)
    # Besides, each comparison among ten times the titles takes a few more steps, as in a dictionary of words.
    assert few > 300
    assert many < 10 * few * 1.5


def test_the_text_of_an_article_page_is_kept_whole() -> None:
    titles = ["Nanexa signs a licence", "First participant dosed"]
    text = "Nanexa signs a licence. First participant dosed last year. Read more about it. 28 January 2026"
    listed, other = items_of(titles, [text, text])
    article = listed.model_copy(update={"metadata": listed.metadata.model_copy(update={"full_text": True})})

    assert own_stories([article, other])[0] == article
    assert len(own_stories([listed, other])[0].content) < len(text)
    assert stories_of([listed])[0].shown_date == date(2026, 1, 28)
    assert stories_of([article])[0].date_confidence < 0.7
