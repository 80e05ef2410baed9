"""Conditions of names and patterns that could not do what they say are refused with a clear sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectora_core.text.words import fold
from vectora_shared.config.patterns import pattern_problem
from vectora_shared.config.scopes import ExclusionScopes, NameScopes, TechnologyScopes
from vectora_shared.config.section import Section, read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

NAMES = """
scopes:
  companies: {description: All, names: [Merck & Co, Jazz Pharmaceuticals, Sun Pharma]}
aliases:
  Merck & Co: [Merck, Merck Sharp & Dohme]
  Jazz Pharmaceuticals: [Jazz]
"""


def problem_of(model: type[Section], text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_section(model, parse_yaml("names.yaml", text.encode()))
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("conditions: {Merk: {is_not: [Merk KGaA]}}", "names 'Merk', which is not a name or alias of this file"),
        ("conditions: {Merck: {}}", "has neither is_not, unless nor needs"),
        (
            "conditions: {Merck: {is_not: [Darmstadt]}}",
            "does not contain 'Merck' as a whole word: write it under unless",
        ),
        ("conditions: {Merck: {is_not: [Mercks KGaA]}}", "does not contain 'Merck' as a whole word"),
        (
            "conditions: {Merck: {is_not: [Merck Sharp & Dohme]}}",
            "which is the name 'Merck Sharp & Dohme' of this file",
        ),
        ("conditions: {Merck: {is_not: [merck]}}", "which is the name 'Merck' of this file"),
        ("conditions: {Jazz Pharmaceuticals: {unless: [Jazz]}}", "the name would never be found"),
        ("conditions: {Jazz: {needs: [pharm]}}\ncontexts: {pharma: [drug]}", "did you mean 'pharma'?"),
        ("conditions: {Sun Pharma: {needs: [pharma]}}\ncontexts: {pharma: [drug, pharma]}", "always be fulfilled"),
        ("contexts: {pharma: [drug]}", "is needed by no condition"),
    ],
)
def test_a_condition_that_cannot_work_is_refused(more: str, sentence: str) -> None:
    message = problem_of(NameScopes, NAMES + more)
    assert message.startswith("names.yaml, line ")
    assert sentence in message


def test_all_problems_of_the_conditions_are_reported_together() -> None:
    message = problem_of(NameScopes, NAMES + "conditions: {Merk: {is_not: [Merk KGaA]}, Jazz: {needs: [drugs]}}")
    assert "'Merk'" in message
    assert "'drugs'" in message


def test_conditions_of_terms_are_checked_like_those_of_names() -> None:
    text = "scopes: {lai: {description: All, core_phrases: [LAI], conditions: {LIA: {is_not: [LIA Ching]}}}}"
    assert "names 'LIA', which is not a name or alias of this file" in problem_of(TechnologyScopes, text)


def test_conditions_that_can_work_are_accepted() -> None:
    more = "contexts: {pharma: [drug]}\nconditions: {Jazz: {is_not: [Utah Jazz], unless: [NBA], needs: [pharma]}}"
    scopes = read_section(NameScopes, parse_yaml("names.yaml", (NAMES + more).encode()))
    assert scopes.conditions["Jazz"].needs == ("pharma",)


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("årsstämma", "write 'a'"),
        ("d\u2019accord", "write '''"),
        ("phase\u20113", "write '-'"),
        ("UZEDY®", "remove it"),
        ("markedsføring", "write 'o'"),
        ("top  ten", "two spaces"),
        ("deal$ with", "can never match"),
        ("deal ^with", "can never match"),
        (r"li\bcence", "can never match"),
        (r"(?:deal|li\bcence)", "can never match"),
        ("deal(?!)", "can never match"),
        ("(a+)+b", "repeats a repetition"),
        (r"(?:\w+\s?)*deal", "repeats a repetition"),
        (r"(?:\w{1,40}\s?){0,40}deal", "repeats a repetition"),
        (".*deal.*with.*now", "more than two"),
    ],
)
def test_a_pattern_that_matches_no_news_or_takes_too_long_is_refused(pattern: str, sentence: str) -> None:
    quoted = pattern.replace("'", "''")
    text = f"scopes: {{deals: {{description: D, reason: d, title_patterns: ['{quoted}']}}}}"
    message = problem_of(ExclusionScopes, text)
    assert "title_patterns" in message
    assert sentence in message


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bdeal\b.{0,40}\bwith\b",
        r"^(?:top \d+|ranking)\b",
        r"(?:\w+[\s-]){0,3}injection",
        r"deal$|^deal",
        r"(?<=a)\bb|a\b-",
        r"a(?!b)c|(?=x)\w+",
        r"\$\s?[\d.,]+.{0,40}\bround",
        r"β-blocker",
    ],
)
def test_usual_patterns_are_accepted(pattern: str) -> None:
    assert pattern_problem(pattern) is None


WORDS = st.lists(st.sampled_from(["deal", "Top 10", "licence", "-", "é", "FDA", "x"]), max_size=6).map(" ".join)


@settings(deadline=None, max_examples=200)
@given(text=WORDS, start=st.integers(0, 20), end=st.integers(0, 20))
def test_a_piece_of_folded_news_is_never_refused_as_a_pattern(text: str, start: int, end: int) -> None:
    piece: Any = fold(text)[start : start + end].strip()
    assert pattern_problem(re.escape(piece)) is None
