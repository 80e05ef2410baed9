"""An item is read once, and its signals are those of searches for each term."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.signals import DomainReader, Signals, Timing
from vectora_core.items import IngestedItem
from vectora_core.normalize.run import curated_items
from vectora_core.normalize.stories import stories_of
from vectora_core.text.names import NameSearch, Surroundings, distinct_names
from vectora_core.text.words import ItemText, item_text, sentences
from vectora_shared.config.configuration import Configuration

MakeItem = Callable[..., IngestedItem]
ITEMS = yaml.safe_load((Path(__file__).parent / "labelled_items.yaml").read_text(encoding="utf-8"))
LABELLED = [(title, text) for part in ITEMS.values() for *_, title, text in part]
PHRASES = [
    "once-monthly",
    "every four weeks",
    "once weekly",
    "injection",
    "injected",
    "depot",
    "oral",
    "tablets",
    "UZEDY",
    "Teva",
    "risperidone",
    "LAI",
    "long-acting injectable",
    "long-acting beta agonist",
    "takes another shot",
    "Home Depot",
    "LAMA/LABA",
    "over oral tablets",
    ". The",
    "! A",
    "vaccine",
]


def _names(domain: DomainReader, text: str, around: Surroundings) -> dict[str, tuple[str, ...]]:
    finders = {
        "technologies": domain.technologies,
        "core_trademarks": domain._core_trademarks,
        "trademarks": domain.trademarks,
        "companies": domain.companies,
        "core_companies": domain._core_companies,
        "molecules": domain.molecules,
        "indications": domain.indications,
    }
    return {name: distinct_names(NameSearch([finder]).find(text, around)[finder]) for name, finder in finders.items()}


def assert_signals_are_those_of_single_searches(
    domain: DomainReader, configuration: Configuration, text: ItemText
) -> None:
    scope = configuration.scopes.technologies.scopes[domain.domain.technology_scope]
    signals = domain.read(text, None)

    def without_false_friends(part: str) -> str:
        for pattern in scope.false_friends:
            part = re.sub(rf"\b(?:{pattern})", " ~ ", part, flags=re.IGNORECASE)
        return part

    around = Surroundings(without_false_friends(text.title), without_false_friends(text.lead))
    for part, found in ((text.title, signals.title), (text.lead, signals.lead), (text.body, signals.body)):
        clean = without_false_friends(part)

        def matches(text: str, patterns: tuple[str, ...]) -> bool:
            return any(re.search(rf"\b{pattern}\b", text, re.IGNORECASE) for pattern in patterns)

        administration, contrary = domain._administration.find(clean), domain._contrary.find(clean)
        injections = [sentence for sentence in sentences(clean) if domain._administration.find(sentence)]
        expected = {
            **_names(domain, clean, around),
            "supporting": bool(domain._supporting.find(clean)),
            "product": bool(domain._product.find(clean)),
            "administration": bool(administration),
            "timing": Timing()
            if found is signals.body
            else Timing(
                interval=matches(clean, scope.interval_patterns),
                weekly=matches(clean, scope.weekly_patterns),
                injected_at_interval=any(matches(each, scope.interval_patterns) for each in injections),
                injected_weekly=any(matches(each, scope.weekly_patterns) for each in injections),
                injected_daily=any(matches(each, scope.daily_patterns) for each in injections),
            ),
            "contrary": bool(contrary),
            "contrary_first": bool(contrary)
            and not (bool(administration) and administration[0].start < contrary[0].start),
            "modality": bool(domain._modalities.find(clean)),
        }
        assert {name: getattr(found, name) for name in expected} == expected


def test_signals_of_labelled_news_are_those_of_single_searches(lexicon: Lexicon, configuration: Configuration) -> None:
    assert len(LABELLED) > 100
    for title, content in LABELLED:
        text = item_text(title, f"{content} {title}. {content}" * 3)
        for domain in lexicon.domains:
            assert_signals_are_those_of_single_searches(domain, configuration, text)


@settings(deadline=None, max_examples=200)
@given(words=st.lists(st.sampled_from(PHRASES), max_size=30), title=st.lists(st.sampled_from(PHRASES), max_size=6))
def test_signals_of_any_phrases_are_those_of_single_searches(
    lexicon: Lexicon, configuration: Configuration, words: list[str], title: list[str]
) -> None:
    text = item_text(" ".join(title), " ".join(words))
    for domain in lexicon.domains:
        assert_signals_are_those_of_single_searches(domain, configuration, text)
        signals = domain.read(text, None)
        entities = domain.entities_in(text, signals)
        parts = (signals.title, signals.lead, signals.body)
        assert entities.technologies == tuple(dict.fromkeys(name for part in parts for name in part.technologies))
        assert entities.companies == domain.companies.names_in(text.full_text)
        assert entities.indications == domain.indications.names_in(text.full_text)


def _reads(count: int, configuration: Configuration, make_item: MakeItem, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the number of readings in the analysis, matching and scoring of `count` items by the lexicon."""
    reads = 0
    plain = DomainReader.read

    def counted(self: DomainReader, text: ItemText, source_company: str | None) -> Signals:
        nonlocal reads
        reads += 1
        return plain(self, text, source_company)

    monkeypatch.setattr(DomainReader, "read", counted)
    lexicon = Lexicon(configuration)
    stories = stories_of(
        make_item(f"Teva's once-monthly UZEDY, part {number}", "It is injected.") for number in range(count)
    )
    analyses = [lexicon.analyze(story.item) for story in stories]
    now = stories[0].item.ingested_at
    assert len(curated_items(stories, analyses, configuration, lexicon, "balanced", date(2026, 2, 2), now)) == count
    monkeypatch.undo()
    assert not lexicon._readings
    return reads


def test_an_item_is_read_once_for_each_domain(
    configuration: Configuration, lexicon: Lexicon, make_item: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    domains = len(lexicon.domains)
    assert _reads(3, configuration, make_item, monkeypatch) == 3 * domains
    assert _reads(30, configuration, make_item, monkeypatch) == 30 * domains


def test_a_reading_is_released_with_its_item(configuration: Configuration, make_item: MakeItem) -> None:
    lexicon = Lexicon(configuration)
    item = make_item("FDA approves UZEDY")
    lexicon.analyze(item)
    assert len(lexicon._readings) == 1
    del item
    assert len(lexicon._readings) == 0


def test_equal_items_are_read_again_when_the_reading_was_taken(lexicon: Lexicon, make_item: MakeItem) -> None:
    one, other = make_item("FDA approves UZEDY"), make_item("FDA approves UZEDY")
    lexicon.analyze(one)
    assert lexicon.take_reading(one) == lexicon.take_reading(other)
