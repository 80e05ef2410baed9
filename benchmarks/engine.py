"""CPU time of the engine's steps without a model, for 1,000 and 10,000 items of one source."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.news import NOW, TEXT_CHARACTERS, MemoryBucket, Press
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import CuratedItem, IngestedItem
from vectora_core.newsletter.selection import select
from vectora_core.normalize.request import NormalizeEvent
from vectora_core.normalize.run import normalize
from vectora_core.text.names import NameFinder, NameSearch
from vectora_core.text.terms import term_pattern
from vectora_core.text.words import item_text
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration
from vectora_shared.keys import curated_prefix, ingested_prefix, items_key

ROOT = Path(__file__).resolve().parent.parent
CONTENT = FolderContent(ROOT / "config")
CLIENT = "lai_weekly"
FEW, MANY = 1_000, 10_000
ROUNDS = 3


def engine_figures() -> list[Figure]:
    """Measure normalize-score, the selection, the lexicon and the search for names."""
    configuration = load_configuration(CONTENT, CLIENT)
    few, _ = _normalize_seconds(configuration, FEW, ROUNDS)
    many, curated = _normalize_seconds(configuration, MANY, 1)
    per_item = (1000 * few / FEW, 1000 * many / MANY)
    items = Press(configuration).ingested(FEW)
    reports = Press(configuration).reports(curated, MANY)
    selection = _seconds(lambda: select(reports, configuration.client))
    lexicon = Lexicon(configuration)
    analysis = 1000 * _seconds(lambda: [lexicon.analyze(item) for item in items]) / FEW
    texts = f"texts of {TEXT_CHARACTERS} characters, one source"
    each = f"{per_item[1]:.2f} ms against {per_item[0]:.2f} ms"
    return [
        Figure(f"normalize-score of {MANY:,} items, per item", per_item[1], "ms", 4.0, f"{texts}, without a model"),
        Figure(f"normalize-score per item, {MANY:,} against {FEW:,}", per_item[1] / per_item[0], "x", 1.3, each),
        Figure(f"selection among {MANY:,} items", selection, "s", 2.0, f"best of {ROUNDS}; a third repeat another one"),
        Figure("lexicon, per item", analysis, "ms", 1.5, f"best of {ROUNDS}, {texts}"),
        _names_figure(lexicon, items),
    ]


def _normalize_seconds(configuration: Configuration, count: int, rounds: int) -> tuple[float, CuratedItem]:
    """Return the CPU time of normalize-score, and one of its items."""
    data = MemoryBucket("data")
    items = [item.model_dump(mode="json") for item in Press(configuration).ingested(count)]
    data.write_json(items_key(ingested_prefix(CLIENT), NOW.date()), items)
    event = NormalizeEvent(client_id=CLIENT)
    seconds = _seconds(
        lambda: normalize(event, content=CONTENT, data=data, model=None, model_id="none", clock=lambda: NOW), rounds
    )
    curated = [
        CuratedItem.model_validate(each) for each in data.read_json(items_key(curated_prefix(CLIENT), NOW.date())) or ()
    ]
    matched = [item for item in curated if item.matching_results.matched_domains]
    if len(curated) != count or len(matched) < count / 2:
        raise RuntimeError(f"{len(matched)} of {len(curated)} items matched: the figures would be invalid.")
    return seconds, matched[0]


def _names_figure(lexicon: Lexicon, items: Sequence[IngestedItem]) -> Figure:
    """Compare one search for all names with a search for each list of names, in turns."""
    domain = lexicon.domains[0]
    finders = [value for value in vars(domain).values() if isinstance(value, NameFinder)]
    search = NameSearch(finders)
    lists = [
        term_pattern(sorted(terms.spellings, key=len, reverse=True), terms.flags, plural=terms.plural)
        for finder in finders
        for terms in finder.terms
        if terms.spellings
    ]
    texts = [item_text(item.title, item.content).full_text for item in items]
    together = _seconds(lambda: [search.find(text) for text in texts])
    apart = _seconds(lambda: [_found(lists, text) for text in texts])
    how = f"{1e6 * together / len(texts):.0f} us against {1e6 * apart / len(texts):.0f} us a text"
    return Figure("one search for all names, against list by list", together / apart, "x", 0.35, how)


def _found(lists: Sequence[re.Pattern[str]], text: str) -> list[list[str]]:
    return [[match[0] for match in pattern.finditer(text)] for pattern in lists]


def _seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the lowest CPU time: other programs on the machine only add to it."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)
