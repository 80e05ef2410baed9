"""An edit whose effect does not show on news that is there is told in a sentence; no other sentence is said."""

from __future__ import annotations

from typing import Any

import pytest

from client_files.preview.compare import preview
from tests.unit.preview.conftest import Edit, EditedContent, edited_content, entry, news_of, run_engine
from vectora_shared.config.configuration import SOURCES_KEY, Configuration
from vectora_shared.config.loading import load_configuration

INGESTED = [
    entry("Alpha: FDA approves a long-acting injectable", "Injected monthly."),
    entry("Bravo: Buvidal depot approved", "Injected monthly.", "press_corporate__camurus"),
]


def notes(deployed: Configuration, edit: Edit, key: str = "clients/lai_weekly.yaml") -> tuple[str, ...]:
    curated = run_engine(INGESTED, EditedContent({})).curated
    edited = load_configuration(edited_content(edit, key), "lai_weekly")
    result = preview(news_of(INGESTED, curated), edited, deployed)
    assert result.changes == ()
    return result.notes


def without_corporate_sources(document: dict[str, Any]) -> None:
    document["source_config"]["source_bouquets_enabled"] = ["lai_press_mvp"]
    document["source_config"]["sources_extra_enabled"] = ["press_corporate__medincell", "press_corporate__peptron"]


def with_another_title_left_out(document: dict[str, Any]) -> None:
    document["source_config"]["content_filters"]["exclude_titles"].append("Bravo: Buvidal depot approved")


def twice_as_long(document: dict[str, Any]) -> None:
    document["pipeline"]["default_period_days"] = 60


def paused_and_monthly(document: dict[str, Any]) -> None:
    document["client_profile"].update(active=False, frequency="monthly")


def renamed(document: dict[str, Any]) -> None:
    document["client_profile"]["name"] = "Another name"


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            without_corporate_sources,
            (
                "No longer read, from the next ingestion on: press_corporate__camurus, press_corporate__delsitech, "
                "press_corporate__nanexa. What was ingested of them (1 item here) stays, here as in the engine.",
            ),
        ),
        (
            with_another_title_left_out,
            ("exclude_titles apply from the next ingestion on: items that were ingested stay.",),
        ),
        (
            twice_as_long,
            ("default_period_days (60, was 30) applies from the next ingestion on: the items here are the same.",),
        ),
        (
            paused_and_monthly,
            (
                "frequency (monthly, was weekly) changes when newsletters are made, not this one.",
                "The schedule no longer makes this newsletter (active), which does not show in its items.",
            ),
        ),
        (renamed, ()),
    ],
)
def test_edits_of_the_client_s_file(deployed: Configuration, edit: Edit, expected: tuple[str, ...]) -> None:
    assert notes(deployed, edit) == expected


def test_sources_that_come_to_a_bouquet_have_no_news_yet(deployed: Configuration) -> None:
    def with_new_source(document: dict[str, Any]) -> None:
        source = {"source_key": "press_sector__new", "source_type": "press_sector", "ingestion_mode": "rss"}
        document["sources"].append({**source, "url": "https://example.org/feed"})
        document["bouquets"][0]["source_keys"].append("press_sector__new")

    expected = "There is no news of press_sector__new yet: what comes of it shows after the first ingestion."
    assert notes(deployed, with_new_source, SOURCES_KEY) == (expected,)


def test_sources_that_are_read_in_another_way(deployed: Configuration) -> None:
    def with_another_address(document: dict[str, Any]) -> None:
        document["sources"][0]["url"] = "https://example.org/news"
        document["sources"][1]["notes"] = "Moved."

    expected = (
        "How press_corporate__medincell is read changed: that applies from the next ingestion on and does not show."
    )
    assert notes(deployed, with_another_address, SOURCES_KEY) == (expected,)


def test_a_prompt_is_not_tried(deployed: Configuration) -> None:
    def shouting(document: dict[str, Any]) -> None:
        document["system"] = document["system"].upper()

    expected = "What the model is told (prompt, event types) changed: a preview does not ask it, so that does not show."
    assert notes(deployed, shouting, "canonical/prompts/lai_analysis.yaml") == (expected,)
