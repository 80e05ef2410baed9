"""Characters that people do not see or take for others: refused where a program compares, and shown as code points."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.repository import ROOT
from vectora_shared.config.client import ClientConfig
from vectora_shared.config.configuration import CANONICAL_FILES
from vectora_shared.config.section import Section, read_section
from vectora_shared.config.yaml_file import parse_yaml
from vectora_shared.errors import ConfigurationError

CLIENT = (ROOT / "config" / "clients" / "lai_weekly.yaml").read_text(encoding="utf-8")
COMPANIES = "canonical/scopes/companies.yaml"
DELIVERY = "delivery:\n  sender: News <news@example.org>\n  recipients: [anna@example.org]\n"


def message(text: str, model: type[Section] = ClientConfig) -> str:
    try:
        read_section(model, parse_yaml("clients/x.yaml", text.encode("utf-8")))
    except ConfigurationError as error:
        return str(error)
    return ""


def position(text: str, char: str) -> tuple[int, int]:
    before = text[: text.index(char)]
    return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("client_id: lai_weekly", "client_id: lai_weekly\u200b", "U+200B (ZERO WIDTH SPACE)"),
        ("client_id: lai_weekly", "client_id: lai\u200d_weekly", "U+200D (ZERO WIDTH JOINER)"),
        ("client_id: lai_weekly", "client_id: l\u0430i_weekly", "U+0430 (CYRILLIC SMALL LETTER A)"),
        ("client_id: lai_weekly", "client_id: lai\uff3fweekly", "U+FF3F (FULLWIDTH LOW LINE)"),
        ("client_id: lai_weekly", 'client_id: "lai_weekly\u00a0"', "U+00A0 (NO-BREAK SPACE)"),
        ("client_id: lai_weekly", "client_id: \u201clai_weekly\u201d", "U+201C (LEFT DOUBLE QUOTATION MARK)"),
        ('version: "7.0.1"', 'version: "7.0.\u0661"', "U+0661 (ARABIC-INDIC DIGIT ONE)"),
        ('version: "7.0.1"', 'version: "7\u2024 0.1"', "U+2024 (ONE DOT LEADER)"),
        ("frequency: weekly", "frequency: weekly\u00ad", "U+00AD (SOFT HYPHEN)"),
        ("frequency: weekly", "frequency: w\u0435ekly", "U+0435 (CYRILLIC SMALL LETTER IE)"),
        ("language: en", "language: \u0435n", "U+0435 (CYRILLIC SMALL LETTER IE)"),
        ("technology_scope: lai_keywords", "technology_scope: lai_keyword\u0455", "U+0455 (CYRILLIC SMALL LETTER DZE)"),
        ("analysis_prompt: lai_analysis", "analysis_prompt: lai_\u03b1nalysis", "U+03B1 (GREEK SMALL LETTER ALPHA)"),
        ("sort_by: score_desc", "sort_by: score\u2010desc", "U+2010 (HYPHEN)"),
        ('filter_event_types: ["*"]', 'filter_event_types: ["\uff0a"]', "U+FF0A (FULLWIDTH ASTERISK)"),
        ("sources_extra_enabled: []", 'sources_extra_enabled: ["a\u200b"]', "U+200B (ZERO WIDTH SPACE)"),
        ("news@example.org", "news@ex\u0430mple.org", "U+0430"),
        ("anna@example.org", "anna\u200b@example.org", "U+200B (ZERO WIDTH SPACE)"),
    ],
)
def test_a_character_that_looks_like_another_is_shown_with_its_place(old: str, new: str, shown: str) -> None:
    text = f"{CLIENT}{DELIVERY}".replace(old, new, 1)
    odd = next(char for char in new if not char.isascii())
    found = message(text)
    assert shown.partition(" ")[0] in found
    line, column = position(text, odd)
    if "recipients" in found or "(" in shown:
        assert f"; it contains {shown} in line {line}, column {column}." in found
    assert f"clients/x.yaml, line {line}, column " in found
    assert found.isascii()


@pytest.mark.parametrize(
    "key", ["client_pr\u043efile", "client_profile\u200b", "client\u00adprofile", "\u00a0client_profile"]
)
def test_a_key_that_looks_like_a_known_one_is_shown(key: str) -> None:
    text = CLIENT.replace("client_profile:", f"{key}:", 1)
    odd = next(char for char in key if not char.isascii())
    found = message(text)
    line, column = position(text, odd)
    assert f"clients/x.yaml, line {line}, column 1: key '" in found
    assert f"U+{ord(odd):04X} (" in found
    assert "did you mean 'client_profile'?" in found or f"in column {column}, which people do not see" in found
    assert found.isascii()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Camu\u00adrus", "contains U+00AD (SOFT HYPHEN), which readers do not see: remove it"),
        ("Camurus\u200b", "contains U+200B (ZERO WIDTH SPACE)"),
        ("Long\u00a0Acting", "contains U+00A0 (NO-BREAK SPACE), which readers do not see: write a space"),
        ("Medince\u0301ll", "contains U+0301 (COMBINING ACUTE ACCENT) by itself: type the whole letter"),
        ("Camurus\ufe0f", "contains U+FE0F (VARIATION SELECTOR-16)"),
        ("Camurus ", "without leading, trailing or double spaces"),
    ],
)
def test_a_watched_name_that_no_news_would_have_is_refused(name: str, part: str) -> None:
    text = f'scopes:\n  one:\n    description: x\n    names:\n      - Ascendis\n      - "{name}"\n'
    found = message(text, CANONICAL_FILES[COMPANIES])
    assert re.match(r"clients/x\.yaml, line 6, column 9: key 'scopes\.one\.names\[1\]' has the value ", found), found
    assert part in found
    assert found.isascii()


def test_a_pattern_and_a_selector_with_a_hidden_character_are_refused() -> None:
    events = (ROOT / "config/canonical/events/event_types.yaml").read_text(encoding="utf-8")
    quote = "'" if "- '" in events else '"'
    changed = events.replace(f"- {quote}", f"- {quote}\u200b", 1)
    assert "contains U+200B" in message(changed, CANONICAL_FILES["canonical/events/event_types.yaml"])
    catalog = (
        "sources:\n  - {source_key: a, source_type: press_sector, ingestion_mode: html, url: https://a.example/,"
        ' selectors: {item: ".news\u00a0li"}}\nbouquets: []\n'
    )
    assert "contains U+00A0 (NO-BREAK SPACE)" in message(
        catalog, CANONICAL_FILES["canonical/sources/source_catalog.yaml"]
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://ex\u0430mple.org/",
        "https://a.example/\u200bx",
        "https://a.example:99999/",
        "https://u:p@a.example/",
        "https://a.example/x\u00a0",
    ],
)
def test_an_address_of_a_source_that_no_request_can_have_is_refused(url: str) -> None:
    source = "source_key: a\n    source_type: press_sector\n    ingestion_mode: rss"
    catalog = f'sources:\n  - {source}\n    url: "{url}"\nbouquets: []\n'
    found = message(catalog, CANONICAL_FILES["canonical/sources/source_catalog.yaml"])
    assert found.startswith("clients/x.yaml, line 5, column 5: key 'sources[0].url' ")
    assert found.isascii()


@pytest.mark.parametrize(
    "title",
    [
        "\u00c9t\u00e9 2026",
        "LAI \u2013 \u201cthe\u201d weekly",
        "a\u00a0b",
        "\U0001f468\u200d\U0001f469",
        "\u05d0\u200f x",
        "Camu\u00adrus",
    ],
)
def test_prose_keeps_letters_and_signs_of_every_language(title: str) -> None:
    assert message(CLIENT.replace("name: LAI Intelligence Weekly", f'name: "{title}"', 1)) == ""


@given(char=st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), place=st.integers(0, 10))
@settings(deadline=None, max_examples=100)
def test_no_identifier_has_any_character_outside_ascii(char: str, place: int) -> None:
    changed = f"{'lai_weekly'[:place]}{char}{'lai_weekly'[place:]}"
    found = message(CLIENT.replace("client_id: lai_weekly", f'client_id: "{changed}"', 1))
    assert found.startswith("clients/x.yaml, line 10, column ")
    assert f"U+{ord(char):04X}" in found
    assert found.isascii()
