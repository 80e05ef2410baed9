"""Each pattern of the exclusions removes the headlines that it is for, and no news that uses the same words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import MatchingResults
from vectora_core.normalize.matching import Matcher
from vectora_core.text.words import fold
from vectora_shared.config.configuration import Configuration

HEADLINES: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("exclusion_headlines.yaml").read_text(encoding="utf-8")
)
Judge = Callable[..., MatchingResults]


@pytest.fixture
def judged(configuration: Configuration, lexicon: Lexicon, make_item: Any) -> Judge:
    matcher = Matcher(configuration, lexicon)

    def judge(title: str, content: str = "") -> MatchingResults:
        item = make_item(title, content)
        return matcher.match(item, lexicon.analyze(item))

    return judge


@pytest.mark.parametrize(
    ("scope", "title"), [(scope, title) for scope, each in HEADLINES.items() for title in each["remove"]]
)
def test_a_column_or_company_matter_is_removed(
    scope: str, title: str, judged: Judge, configuration: Configuration
) -> None:
    assert configuration.scopes.exclusions.scopes[scope].reason in judged(title).exclusion_reasons


@pytest.mark.parametrize(
    ("scope", "title"), [(scope, title) for scope, each in HEADLINES.items() for title in each["stay"]]
)
def test_news_with_the_same_words_stay(scope: str, title: str, judged: Judge) -> None:
    result = judged(title)
    assert result.exclusion_reasons == ()
    assert result.matched_domains, title


@pytest.mark.parametrize("scope", [scope for scope, each in HEADLINES.items() if "text" in each])
def test_the_first_sentences_remove_an_item_whose_title_says_nothing(
    scope: str, judged: Judge, configuration: Configuration
) -> None:
    reasons = judged("News of the spring", HEADLINES[scope]["text"]).exclusion_reasons
    assert configuration.scopes.exclusions.scopes[scope].reason in reasons


def test_every_pattern_of_the_exclusions_has_a_headline_that_it_removes(configuration: Configuration) -> None:
    untried = []
    for name, scope in configuration.scopes.exclusions.scopes.items():
        titles = [fold(title) for title in HEADLINES[name]["remove"]]
        for pattern in (*scope.title_patterns, *scope.sure_title_patterns):
            if not any(re.search(pattern, title, re.IGNORECASE) for title in titles):
                untried.append((name, pattern))
        for pattern in scope.text_patterns:
            if not re.search(pattern, fold(HEADLINES[name].get("text", "")), re.IGNORECASE):
                untried.append((name, pattern))
    assert untried == []
