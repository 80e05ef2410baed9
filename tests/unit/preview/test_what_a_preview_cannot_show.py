"""Notes on edits without a visible effect on the existing news, and on nothing else."""

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


def with_another_excluded_title(document: dict[str, Any]) -> None:
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
                "Not read from the next ingestion on: press_corporate__camurus, press_corporate__delsitech, "
                "press_corporate__nanexa. Items already ingested from them (1 item here) stay.",
            ),
        ),
        (
            with_another_excluded_title,
            ("exclude_titles apply from the next ingestion on: items already ingested stay.",),
        ),
        (
            twice_as_long,
            ("default_period_days (60, was 30) applies from the next ingestion on: the items here are the same.",),
        ),
        (
            paused_and_monthly,
            (
                "frequency (monthly, was weekly) changes when newsletters are produced, not this one.",
                "The schedule stops producing this newsletter (active), which does not show in its items.",
            ),
        ),
        (renamed, ()),
    ],
)
def test_edits_of_the_clients_file_are_noted(deployed: Configuration, edit: Edit, expected: tuple[str, ...]) -> None:
    assert notes(deployed, edit) == expected


def test_sources_added_to_a_bouquet_have_no_news_yet(deployed: Configuration) -> None:
    def with_new_source(document: dict[str, Any]) -> None:
        source = {"source_key": "press_sector__new", "source_type": "press_sector", "ingestion_mode": "rss"}
        document["sources"].append({**source, "url": "https://example.org/feed"})
        document["bouquets"][0]["source_keys"].append("press_sector__new")

    expected = "There is no news of press_sector__new yet: its items show after the first ingestion."
    assert notes(deployed, with_new_source, SOURCES_KEY) == (expected,)


def test_a_changed_way_of_reading_a_source_is_noted(deployed: Configuration) -> None:
    def with_another_address(document: dict[str, Any]) -> None:
        document["sources"][0]["url"] = "https://example.org/news"
        document["sources"][1]["notes"] = "Moved."

    expected = (
        "How press_corporate__medincell is read changed: this applies from the next ingestion on, and does not show."
    )
    assert notes(deployed, with_another_address, SOURCES_KEY) == (expected,)


def test_an_edited_prompt_is_noted(deployed: Configuration) -> None:
    def in_capitals(document: dict[str, Any]) -> None:
        document["system"] = document["system"].upper()

    expected = "The model's input (prompt, event types) changed: a preview calls no model, so this does not show."
    assert notes(deployed, in_capitals, "canonical/prompts/lai_analysis.yaml") == (expected,)
