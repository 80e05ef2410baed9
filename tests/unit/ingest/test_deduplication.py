"""Each piece of news is kept once, in its richest version, for all spellings of its address and title."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.items import IngestedItem
from vectora_core.known_news import KnownNews, canonical_url, normalized_title, without_repeated_news


def item(
    title: str = "A title",
    url: str = "https://x.example/a",
    day: date | None = None,
    content: str = "",
    source: str = "s",
) -> IngestedItem:
    return IngestedItem(
        item_id=f"{source}_{normalized_title(title)}_{day}",
        source_key=source,
        source_type="press_sector",
        title=title,
        content=content,
        url=url,
        published_at=day,
        ingested_at=datetime(2026, 1, 30, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "variant",
    [
        "https://x.example/a/",
        "http://www.X.example:80/a#part",
        "https://x.example/a?utm_source=rss&utm_medium=feed&fbclid=1",
        " https://x.example/%61 ",
    ],
)
def test_different_spellings_of_an_address_are_equal(variant: str) -> None:
    assert canonical_url(variant) == canonical_url("https://x.example/a")


def test_addresses_with_different_content_differ() -> None:
    assert canonical_url("https://x.example/view.php?idx=1") != canonical_url("https://x.example/view.php?idx=2")


def test_the_richer_of_two_duplicates_is_kept_at_the_position_of_the_first() -> None:
    first, other = item(), item("Another title", "https://x.example/b")
    richer = item("A title, reworded", "https://x.example/a/?utm_source=x", content="Words.", day=date(2026, 1, 2))

    assert without_repeated_news([first, other, richer]) == [richer, other]


def test_a_third_duplicate_replaces_the_second_one_which_replaced_the_first() -> None:
    # Its address is that of the first item, which the second one replaced because of its title.
    first = item("A title")
    second = item("A title", "https://x.example/b", date(2026, 1, 1), content="longer")
    third = item("Its new title", day=date(2026, 1, 2), content="the longest of all")
    assert without_repeated_news([first, second, third]) == [third]


def test_the_same_title_in_the_same_source_is_one_piece_of_news() -> None:
    assert len(without_repeated_news([item("A Title!"), item("a title", "https://x.example/other.pdf")])) == 1
    assert len(without_repeated_news([item(source="s"), item(source="t", url="https://y.example/a")])) == 2


def test_a_title_that_repeats_every_month_is_news_each_time() -> None:
    january = item(url="https://x.example/january", day=date(2026, 1, 2))
    february = item(url="https://x.example/february", day=date(2026, 2, 2))

    assert without_repeated_news([january, february]) == [january, february]


def test_entries_that_share_only_their_pages_address_are_different_news() -> None:
    one, two = item("One title", "https://x.example/news"), item("Two titles", "https://x.example/news/")

    assert without_repeated_news([one, two], ["https://x.example/news/"]) == [one, two]


def test_known_news_is_found_by_address_or_title() -> None:
    known = KnownNews()
    known.add(item())

    assert known.find(item("Reworded", "https://x.example/a/")) is not None
    assert known.find(item("A title", "https://x.example/moved")) is not None
    assert known.find(item("Reworded", "https://x.example/moved")) is None


def first_of_all(known: list[IngestedItem], searched: IngestedItem) -> IngestedItem | None:
    """Return the known item with the same news, by comparing all: first by address, then by title and day."""
    for same in (lambda other: canonical_url(other.url) == canonical_url(searched.url), is_namesake_of(searched)):
        if found := next(filter(same, known), None):
            return found
    return None


def is_namesake_of(searched: IngestedItem) -> Callable[[IngestedItem], bool]:
    def same(other: IngestedItem) -> bool:
        days = (other.published_at, searched.published_at)
        is_near = days[0] is None or days[1] is None or abs((days[0] - days[1]).days) <= 3
        return normalized_title(other.title) == normalized_title(searched.title) and is_near

    return same


DAYS = st.none() | st.integers(1, 20).map(lambda day: date(2026, 1, day))
ITEMS = st.builds(item, st.sampled_from(["A title", "a TITLE!", "Other"]), st.sampled_from("abcdefghijkl"), DAYS)


@settings(deadline=None, max_examples=300)
@given(items=st.lists(ITEMS, max_size=20), searched=ITEMS)
def test_known_news_is_found_as_by_comparing_all_items(items: list[IngestedItem], searched: IngestedItem) -> None:
    known = KnownNews()
    for each in items:
        known.add(each)
    assert known.find(searched) is first_of_all(items, searched)
