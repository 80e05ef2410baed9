"""The type of an event is read from the words of trade papers and companies, in the languages of the sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.text.words import fold, item_text
from vectora_shared.config.configuration import Configuration

HEADLINES: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("event_headlines.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("event", "title"), [(event, title) for event, titles in HEADLINES.items() for title in titles]
)
def test_the_event_is_read_from_the_headline(event: str, title: str, lexicon: Lexicon) -> None:
    assert lexicon.events.read(item_text(title, "")).classify().primary_type == event


@pytest.mark.parametrize(
    "title",
    [
        "Camurus taps into bond market",
        "Nanexa's year in pictures",
        "Peptron and the city of Osong",
        "Medincell in ten numbers",
    ],
)
def test_words_without_a_deal_approval_or_trial_are_no_such_event(title: str, lexicon: Lexicon) -> None:
    found = lexicon.events.read(item_text(title, "")).in_title
    assert not found & {"partnership", "regulatory", "clinical_update", "safety_signal"}


def test_no_pattern_of_the_events_holds_an_accent_that_folding_removes(configuration: Configuration) -> None:
    patterns = [pattern for event in configuration.events.events.values() for pattern in event.patterns]
    assert [
        pattern for pattern in patterns if fold(pattern).casefold() != re.sub(r"\s+", " ", pattern).casefold()
    ] == []
