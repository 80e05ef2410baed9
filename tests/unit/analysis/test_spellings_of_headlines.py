"""A headline counts the same in capitals and with typographic signs."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import IngestedItem
from vectora_core.normalize.matching import Matcher
from vectora_shared.config.configuration import Configuration

FILES = ("labelled_items.yaml", "labelled_headlines.yaml")
SECTOR_PRESS = {"fiercebiotech", "fiercepharma", "endpoints_news"}
SIGNS = str.maketrans({" ": "\u00a0", "-": "\u2011", "'": "\u2019"})


def _typographic(title: str) -> str:
    return title.translate(SIGNS).replace("injection", "injec\u00adtion")


def _decomposed(title: str) -> str:
    return unicodedata.normalize("NFD", title)


def _entries() -> list[tuple[str, str, str]]:
    folder = Path(__file__).parent
    halves = [half for file in FILES for half in yaml.safe_load((folder / file).read_text(encoding="utf-8")).values()]
    return [(source, title, text) for half in halves for _label, _why, source, title, text in half]


@pytest.mark.parametrize("spelled", [str.upper, _typographic, _decomposed])
def test_the_spelling_of_a_headline_changes_nothing(
    spelled: Callable[[str], str], configuration: Configuration, lexicon: Lexicon, make_item: Any
) -> None:
    matcher = Matcher(configuration, lexicon)

    def result(item: IngestedItem) -> tuple[Any, ...]:
        analysis = lexicon.analyze(item)
        found = matcher.match(item, analysis)
        names = analysis.entities.companies
        return found.matched_domains, found.exclusion_reasons, analysis.event_classification.primary_type, set(names)

    changed = []
    for source, title, text in _entries():
        key = f"{'press_sector' if source in SECTOR_PRESS else 'press_corporate'}__{source}"
        plain, other = (make_item(each, text, source=key) for each in (title, spelled(title)))
        if result(plain) != result(other):
            changed.append(title)
    assert changed == []
