"""Many names are found with one pass over the text, as if each list of names was searched for by itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.text import names as names_module
from vectora_core.text.names import NameFinder, NameSearch
from vectora_core.text.patterns import AnyOf
from vectora_core.text.terms import Terms, TermSearch
from vectora_core.text.words import fold
from vectora_shared.config.configuration import Configuration

Span = tuple[int, int]


def spans_by_list(terms: Terms, folded: str) -> list[Span]:
    """Return the places of the terms, found with one list of all of them, the longest first."""
    ordered = sorted((term for term in terms.spellings if re.sub(r"[\s-]", "", term)), key=len, reverse=True)
    if not ordered:
        return []
    alternatives = "|".join(r"[\s-]?".join(map(re.escape, re.split(r"[\s-]+", term))) for term in ordered)
    plural = "s?" if terms.plural else ""
    pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{alternatives}){plural}(?![A-Za-z0-9])", terms.flags)
    return [match.span() for match in pattern.finditer(folded)]


def spans(groups: Sequence[Terms], folded: str) -> list[list[Span]]:
    return [[match.span() for match in found] for found in TermSearch(groups).find(folded)]


# Few characters, so that terms overlap, start with each other and occur. Some are equal to others regardless of case
# in unusual ways: the dotless i, the long s, the sign for Kelvin, both small sigmas, the capital sharp s.
ALPHABET = "aabbiksSAB12  --.+\u0131\u017f\u212a\u03c3\u03c2\u03a3\u1e9e\u00df\u03b2"
TERM = st.text(alphabet=ALPHABET, min_size=1, max_size=7)
GROUPS = st.lists(
    st.builds(
        Terms,
        st.lists(TERM.map(fold), max_size=8, unique=True).map(tuple),
        ignore_case=st.booleans(),
        plural=st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=1000)
@given(groups=GROUPS, text=st.text(alphabet=ALPHABET, max_size=40), data=st.data())
def test_each_group_is_found_as_by_its_own_list(groups: list[Terms], text: str, data: st.DataObject) -> None:
    terms = [term for group in groups for term in group.spellings]
    parts = data.draw(st.lists(st.sampled_from(terms), max_size=4)) if terms else []
    separator = data.draw(st.sampled_from([" ", "-", "", "s ", "  ", ", "]))
    folded = separator.join([*parts, text])
    assert spans(groups, folded) == [spans_by_list(group, folded) for group in groups]


@settings(deadline=None, max_examples=300)
@given(
    groups=st.lists(st.builds(Terms, st.lists(st.text(max_size=9), max_size=5).map(tuple), st.booleans())),
    text=st.text(),
)
def test_terms_of_any_characters_are_found_as_by_a_list(groups: list[Terms], text: str) -> None:
    folded = "".join([text, *(f" {term.swapcase()}" for group in groups for term in group.spellings)])
    assert spans(groups, folded) == [spans_by_list(group, folded) for group in groups]


@pytest.mark.parametrize(
    ("terms", "text", "found"),
    [
        (("insulin", "insulin icodec"), "insulin icodec", ["insulin icodec"]),
        (("a - - b", "a b c"), "a b c", ["a b"]),  # the longer spelling wins, not the longer place
        (("a-b c", "ab", "ab c d"), "ab c", ["ab c"]),
        (("ab", "b c"), "ab c", ["ab"]),
        (
            ("long-acting",),
            "longacting long acting Long-Acting long  acting",
            ["longacting", "long acting", "Long-Acting"],
        ),
        (("lai",), "LAI, LAIs and LAIKA", ["LAI", "LAIs"]),
        (("kilo",), "\u212ailo", ["\u212ailo"]),
        (("x" * 30, "x" * 20), f"{'x' * 20} {'x' * 30} {'x' * 25}", ["x" * 20, "x" * 30]),
        (("-x", "y-"), "a -x y- z", ["-x", "y-"]),
    ],
)
def test_overlapping_spellings_are_found_as_by_a_list(terms: tuple[str, ...], text: str, found: list[str]) -> None:
    group = Terms(terms, ignore_case=True, plural=True)
    assert [text[start:end] for start, end in spans_by_list(group, text)] == found
    assert [text[start:end] for start, end in spans([group], text)[0]] == found


def test_names_that_start_with_each_other_do_not_nest_too_deep() -> None:
    terms = Terms(tuple("a" * length for length in range(1, 500)), ignore_case=True)
    assert spans([terms], f"{'a' * 499} {'a' * 500}") == [[(0, 499)]]


def test_a_name_without_any_character_once_folded_is_found_nowhere() -> None:
    assert NameFinder(["\u2122", "-", "Uzedy"]).names_in("Uzedy - a brand") == ("Uzedy",)


def test_the_dotless_i_of_turkish_is_an_i() -> None:
    finder = NameFinder(["Insulin"], plural=True)
    assert finder.names_in(fold("\u0131nsul\u0131ns")) == ("Insulin",)
    assert finder.canonical("\u0131nsulin") == "Insulin"


def test_every_character_that_a_pattern_equates_has_the_name_of_its_term() -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1) if fold(chr(code)) == chr(code) and chr(code).isalpha()]
    cased = [letter for letter in letters if letter.lower() != letter or letter.upper() != letter]
    text = " ".join(cased)
    finder = NameFinder(letter for letter in cased if letter == letter.lower())
    assert len(finder.find(text)) > 1000


def test_a_name_in_its_exact_spelling_is_found_with_its_accents() -> None:
    finder = NameFinder(["LA\u00cf"], case_sensitive=["LA\u00cf"])
    assert finder.names_in(fold("olanzapine LA\u00cf, lai")) == ("LA\u00cf",)
    assert finder.canonical("LA\u00cf") == "LA\u00cf"


def _names(configuration: Configuration) -> list[str]:
    scopes = configuration.scopes
    kinds = (scopes.companies, scopes.molecules, scopes.trademarks, scopes.indications)
    return [name for kind in kinds for scope in kind.scopes.values() for name in scope.names]


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_the_names_of_the_canonical_scopes_are_found_as_by_lists(
    configuration: Configuration, lexicon: Lexicon, data: st.DataObject
) -> None:
    finders = [value for value in vars(lexicon.domains[0]).values() if isinstance(value, NameFinder)]
    names = data.draw(
        st.lists(st.sampled_from(_names(configuration)) | st.sampled_from(["oral", "s", "depot"]), max_size=8)
    )
    folded = fold(data.draw(st.sampled_from([" ", "-", "", ", ", "s "])).join(names))
    groups = [terms for finder in finders for terms in finder.terms]
    assert spans(groups, folded) == [spans_by_list(terms, folded) for terms in groups]
    found = NameSearch(finders).find(folded)
    for finder in finders:
        assert found[finder] == finder.find(folded)


PATTERNS = [
    "a+b",
    "\\ba|b\\b",
    "(a)b\\1",
    "(?P<x>a)c",
    "(?s:a.b)",
    "c(?=a)",
    "(?i)ab",
    "[ab]{3}c",
    "(?<!a)bc",
    "a{2}|cc",
]


@settings(deadline=None, max_examples=300)
@given(patterns=st.lists(st.sampled_from(PATTERNS), max_size=5), text=st.text(alphabet="abc \nABC", max_size=12))
@example(patterns=["(?s)a.c", "x"], text="a\nc")
def test_one_of_several_patterns_matches_as_if_each_was_searched_for(patterns: list[str], text: str) -> None:
    expected = any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)
    assert AnyOf(patterns).matches(text) is expected


def _scans(finders: Iterable[NameFinder], monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the number of passes over a text in which these finders search for their names."""
    scans = 0

    class Counted(TermSearch):
        def find(self, folded: str) -> list[list[re.Match[str]]]:
            nonlocal scans
            scans += 1
            return super().find(folded)

    monkeypatch.setattr(names_module, "TermSearch", Counted)
    NameSearch(list(finders)).find("Teva's once-monthly UZEDY")
    return scans


def test_ten_times_the_lists_of_names_take_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [NameFinder([f"name {number}"]) for number in range(3)]
    many = [NameFinder([f"name {number}"]) for number in range(30)]
    assert _scans(few, monkeypatch) == _scans(many, monkeypatch) == 1
