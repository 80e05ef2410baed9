"""News of regulators, registers and journals has the event of its source when its own words name none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import IngestedItem

MakeItem = Callable[..., IngestedItem]


@pytest.mark.parametrize(
    ("source", "event"),
    [
        ("regulator__fda", "regulatory"),
        ("registry__clinicaltrials", "clinical_update"),
        ("literature__pubmed", "scientific_publication"),
        ("press_sector__paper", "other"),
        ("press_corporate__camurus", "other"),
        ("unheard__of", "other"),
    ],
)
def test_a_source_of_one_kind_gives_its_event_to_news_without_one(
    lexicon: Lexicon, make_item: MakeItem, source: str, event: str
) -> None:
    analysis = lexicon.analyze(make_item("Depots in adults with schizophrenia", source=source))
    assert analysis.event_classification.primary_type == event


def test_the_words_of_an_item_come_before_its_source(lexicon: Lexicon, make_item: MakeItem) -> None:
    item = make_item("Camurus and Gubra sign a licence agreement", source="registry__clinicaltrials")
    assert lexicon.analyze(item).event_classification.primary_type == "partnership"
