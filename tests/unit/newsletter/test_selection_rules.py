"""Selection of items for the newsletter and its sections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from vectora_core.items import CuratedItem
from vectora_core.newsletter.selection import Selection, select
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import Configuration

MakeCurated = Callable[..., CuratedItem]
WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima"]


@pytest.fixture
def client(configuration: Configuration) -> ClientConfig:
    return configuration.client


def with_selection(client: ClientConfig, **changes: Any) -> ClientConfig:
    return client.model_copy(update={"newsletter_selection": client.newsletter_selection.model_copy(update=changes)})


def titles(selection: Selection) -> dict[str, list[str]]:
    return {filled.section.id: [item.title for item in filled.items] for filled in selection.sections}


def test_only_matched_items_are_selected(client: ClientConfig, make_curated: MakeCurated) -> None:
    items = [make_curated("Approved depot"), make_curated("Something else", matched=False)]
    assert titles(select(items, client)) == {"regulatory_updates": ["Approved depot"]}


def test_items_below_the_minimum_score_of_the_client_are_not_selected(
    client: ClientConfig, make_curated: MakeCurated
) -> None:
    items = [make_curated("High alpha", score=9), make_curated("Low bravo", score=3)]
    assert titles(select(items, with_selection(client, min_score=5.0))) == {"regulatory_updates": ["High alpha"]}


def test_sections_accept_their_event_types_and_the_last_one_accepts_the_rest(
    client: ClientConfig, make_curated: MakeCurated
) -> None:
    items = [
        make_curated("Alpha", "other"),
        make_curated("Bravo", "clinical_update"),
        make_curated("Charlie", "corporate_move"),
        make_curated("Delta", "regulatory"),
    ]
    assert titles(select(items, client)) == {
        "regulatory_updates": ["Delta"],
        "partnerships_deals": ["Charlie"],
        "clinical_updates": ["Bravo"],
        "others": ["Alpha"],
    }


def test_items_that_do_not_fit_into_a_section_go_to_another(client: ClientConfig, make_curated: MakeCurated) -> None:
    items = [make_curated(word, "regulatory", score=20 - index) for index, word in enumerate(WORDS[:8])]
    sections = titles(select(items, client))
    assert sections["regulatory_updates"] == WORDS[:6]
    assert sections["others"] == WORDS[6:8]


def test_a_section_is_sorted_as_the_client_says(client: ClientConfig, make_curated: MakeCurated) -> None:
    items = [
        make_curated("Alpha", "partnership", score=20, published=date(2026, 1, 3)),
        make_curated("Bravo", "partnership", score=10, published=date(2026, 1, 30)),
        make_curated("Charlie", "partnership", score=30, published=None),
        make_curated("Delta", "regulatory", score=1),
        make_curated("Echo", "regulatory", score=2),
    ]
    sections = titles(select(items, client))
    assert sections["partnerships_deals"] == ["Bravo", "Alpha", "Charlie"]
    assert sections["regulatory_updates"] == ["Echo", "Delta"]


def test_too_many_items_are_trimmed_but_critical_events_stay(client: ClientConfig, make_curated: MakeCurated) -> None:
    items = [
        make_curated("Alpha", "regulatory", score=1),
        make_curated("Bravo", "other", score=40),
        make_curated("Charlie", "partnership", score=2),
        make_curated("Delta", "scientific_publication", score=30),
    ]
    selection = select(items, with_selection(client, max_items_total=3))
    assert titles(selection) == {
        "regulatory_updates": ["Alpha"],
        "partnerships_deals": ["Charlie"],
        "others": ["Bravo"],
    }
    assert selection.without_room == 1


STORY = "Camurus receives FDA approval of Oclaiz for treatment of acromegaly"


def test_of_two_reports_of_a_story_the_company_s_own_is_selected(
    client: ClientConfig, make_curated: MakeCurated
) -> None:
    press = make_curated(STORY, score=30)
    own = make_curated(STORY.replace("Oclaiz", "Oclaiz™"), source="press_corporate__camurus", score=5)
    selection = select([press, own], client)
    assert [item.item_id for item in selection.items] == [own.item_id]
    assert selection.duplicates == {press.item_id: own.item_id}


def test_the_company_s_own_report_has_the_critical_event_type_of_the_others(
    client: ClientConfig, make_curated: MakeCurated
) -> None:
    press = make_curated(STORY, "regulatory")
    own = make_curated(STORY, "other", source="press_corporate__camurus")
    [filled] = select([own, press], client).sections
    assert filled.section.id == "regulatory_updates"
    assert [item.item_id for item in filled.items] == [own.item_id]


def test_of_two_reports_of_the_press_the_earlier_stays_then_the_longer(
    client: ClientConfig, make_curated: MakeCurated
) -> None:
    late = make_curated(STORY, score=30, published=date(2026, 2, 2), content="Much more was said. " * 9)
    short = make_curated(STORY, source="press_sector__endpoints_news", content="It was said.")
    long = make_curated(STORY, source="press_sector__fiercebiotech", content="It was said at length.")
    selection = select([late, short, long], client)
    assert [item.item_id for item in selection.items] == [long.item_id]
    assert [item.item_id for item in selection.also_reported[long.item_id]] == [short.item_id, late.item_id]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Camurus starts Phase 2 study of CAM2029 in PLD", "Camurus starts Phase 3 study of CAM2029 in PLD"),
        ("UZEDY approved in Canada for schizophrenia", "Brixadi label updated for opioid use disorder"),
    ],
)
def test_different_stories_are_never_merged(
    client: ClientConfig, make_curated: MakeCurated, one: str, other: str
) -> None:
    assert len(select([make_curated(one), make_curated(other)], client).items) == 2


def test_the_same_title_weeks_apart_is_another_story(client: ClientConfig, make_curated: MakeCurated) -> None:
    items = [
        make_curated(STORY, published=date(2026, 1, 1)),
        make_curated(STORY, published=date(2026, 1, 25), source="press_sector__endpoints_news"),
    ]
    assert len(select(items, client).items) == 2


def test_the_order_of_the_input_makes_no_difference(client: ClientConfig, make_curated: MakeCurated) -> None:
    items = [make_curated(word, "regulatory", score=10) for word in WORDS] + [make_curated(STORY), make_curated(STORY)]
    assert titles(select(items, client)) == titles(select(items[::-1], client))
