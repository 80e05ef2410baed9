"""Each piece of news is kept once, in its richest version, for all spellings of its address and title."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.items import IngestedItem, ItemMetadata
from vectora_core.known_news import KnownNews, normalized_title, without_repeated_news
from vectora_core.text.address_identity import canonical_url


def item(
    title: str = "A title",
    url: str = "https://x.example/a",
    day: date | None = None,
    content: str = "",
    source: str = "s",
    guid: str = "",
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
        metadata=ItemMetadata(guid=guid),
    )


@pytest.mark.parametrize(
    "variant",
    [
        "https://x.example/a/",
        "http://www.X.example:80/a#comments",
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
    """Return the known item with the same news, by comparing all, with one rule after the other."""
    title, day, url = normalized_title(searched.title), searched.published_at, canonical_url(searched.url)

    def is_near(other: IngestedItem) -> bool:
        return other.published_at is None or day is None or abs((other.published_at - day).days) <= 3

    def is_namesake(other: IngestedItem) -> bool:
        return normalized_title(other.title) == title

    rules: list[Callable[[IngestedItem], bool]] = [
        lambda other: canonical_url(other.url) == url and is_namesake(other),
        lambda other: canonical_url(other.url) == url and is_near(other),
        lambda other: is_namesake(other) and is_near(other),
    ]
    for same in rules:
        if found := next(filter(same, known), None):
            return found
    return None


DAYS = st.none() | st.integers(1, 20).map(lambda day: date(2026, 1, day))
ITEMS = st.builds(item, st.sampled_from(["A title", "a TITLE!", "Other"]), st.sampled_from("abcdefghijkl"), DAYS)


@settings(deadline=None, max_examples=300)
@given(items=st.lists(ITEMS, max_size=20), searched=ITEMS)
def test_known_news_is_found_as_by_comparing_all_items(items: list[IngestedItem], searched: IngestedItem) -> None:
    known = KnownNews()
    for each in items:
        known.add(each)
    assert known.find(searched) is first_of_all(items, searched)


def test_one_address_is_no_identity_of_news_of_other_days() -> None:
    one = item("Depot A approved", "https://x.example/notices", date(2026, 1, 2))
    other = item("Recall of product B", "https://x.example/notices", date(2026, 1, 9))

    assert without_repeated_news([one, other]) == [one, other]


def test_a_new_headline_at_the_same_address_on_a_near_day_is_the_same_news() -> None:
    one = item("Depot approved", day=date(2026, 1, 2))
    other = item("Depot is approved in Sweden", day=date(2026, 1, 3), content="More.")

    assert without_repeated_news([one, other]) == [other]


def test_the_publishers_identifier_prevails_over_address_title_and_day() -> None:
    one = item("Depot approved", day=date(2026, 1, 2), guid="n-1")
    corrected = item(
        "Correction: depot approved", "https://x.example/b", date(2026, 1, 20), guid="n-1", content="More."
    )
    next_one = item("Recall of product B", day=date(2026, 1, 2), guid="n-2")

    assert without_repeated_news([one, corrected, next_one]) == [corrected, next_one]


def test_an_identifier_tells_nothing_about_another_source() -> None:
    one, other = item("One", guid="1"), item("Other", "https://y.example/b", source="t", guid="1")

    assert without_repeated_news([one, other]) == [one, other]


def test_entries_of_one_page_are_told_apart_by_the_fragment_unless_their_title_is_the_same() -> None:
    one, other = item("One title", "https://x.example/a#u1"), item("Another title", "https://x.example/a#u2")
    again = item("One title", "https://x.example/a#u3", source="t")

    assert without_repeated_news([one, other, again]) == [one, other]


def test_a_weekly_title_at_one_address_is_news_each_week_if_the_identifiers_differ() -> None:
    weeks = [item(day=date(2026, 1, day), guid=f"week-{day}") for day in (5, 12, 19)]

    assert without_repeated_news(weeks) == weeks


NORTH = "Capsules of firm one are out of stock in the north until January."
SOUTH = "Syringes of firm two can be bought again in all pharmacies."


def test_notices_of_one_title_and_day_with_own_addresses_and_texts_are_all_kept() -> None:
    notices = [
        item("Supply of medicines", f"https://x.example/show?id={number}", date(2026, 1, 8), text)
        for number, text in enumerate([NORTH, SOUTH])
    ]
    again = [notice.model_copy() for notice in notices]

    assert without_repeated_news(notices) == notices
    assert without_repeated_news([*notices, *again]) == notices


@pytest.mark.parametrize("text", ["", NORTH, NORTH + " More will follow.", "Capsules of firm one are"])
def test_one_text_at_two_addresses_of_a_source_is_one_piece_of_news(text: str) -> None:
    day = date(2026, 1, 8)
    both = [
        item("Supply", "https://x.example/news/1", day, NORTH),
        item("Supply", "https://x.example/press/1", day, text),
    ]

    assert len(without_repeated_news(both)) == 1
