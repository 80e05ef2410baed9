"""Names and signals are found as whole words in all spellings; look-alikes are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import IngestedItem
from vectora_core.text.names import NameFinder
from vectora_core.text.words import fold

MakeItem = Callable[..., IngestedItem]


@pytest.mark.parametrize("text", ["UZEDY®", "Uzedy™ sales", "the uzedy launch", "(UZEDY)", "Teva's UZEDY, again"])
def test_a_brand_is_found_in_every_spelling(text: str) -> None:
    assert NameFinder(["Uzedy"]).names_in(fold(text)) == ("Uzedy",)


@pytest.mark.parametrize("text", ["Uzedyx", "preUzedy", "U zedy x"])
def test_a_brand_is_not_found_inside_other_words(text: str) -> None:
    assert NameFinder(["Uzedy"]).names_in(fold(text)) == ()


@pytest.mark.parametrize("text", ["long-acting injectable", "Long Acting Injectables", "long\u2011acting  injectable"])
def test_hyphens_spaces_and_plurals_make_no_difference(text: str) -> None:
    assert NameFinder(["long-acting injectable"], plural=True).names_in(fold(text)) == ("long-acting injectable",)


def test_a_short_term_counts_only_in_its_exact_spelling() -> None:
    names = NameFinder(["LAI"], case_sensitive=["LAI"])
    assert names.names_in(fold("olanzapine LAI")) == ("LAI",)
    assert names.names_in(fold("Lai Ching, a lai of beauty, LAIKA")) == ()


def test_the_longest_name_wins() -> None:
    assert NameFinder(["insulin", "insulin icodec"]).names_in("weekly insulin icodec") == ("insulin icodec",)


def test_aliases_give_the_canonical_name(lexicon: Lexicon, make_item: MakeItem) -> None:
    item = make_item("Teva, Lilly, Novo, J&J, GlaxoSmithKline and Medincell meet")
    assert lexicon.analyze(item).entities.companies == (
        "Teva Pharmaceuticals",
        "Eli Lilly",
        "Novo Nordisk",
        "Johnson & Johnson",
        "GSK",
        "MedinCell",
    )


def test_a_corporate_source_s_company_counts_as_mentioned(lexicon: Lexicon, make_item: MakeItem) -> None:
    item = make_item("First patient dosed in phase 1", source="press_corporate__nanexa")
    analysis = lexicon.analyze(item)
    assert analysis.entities.companies == ("Nanexa",)
    assert analysis.pure_player_context


@pytest.mark.parametrize(
    "title",
    [
        "GSK's long-acting beta agonist inhaler approved",
        "Civica gets capital injection for monthly payroll",
        "Pfizer takes another shot at weekly sickle cell drug",
        "Home Depot opens monthly clinic",
        "Oral presentation: monthly figures",
    ],
)
def test_look_alikes_are_no_signal(lexicon: Lexicon, make_item: MakeItem, title: str) -> None:
    assert lexicon.analyze(make_item(title)).lai_relevance_score < 3


@pytest.mark.parametrize(
    ("title", "other_route"),
    [
        ("Lilly's oral orforglipron beats placebo", True),
        ("Daily pill matches weekly injection Ozempic", True),
        ("Monthly injection beats daily pill in HIV", False),
        ("Switching from oral risperidone to UZEDY cuts relapses", False),
        ("Once-monthly shot instead of tablets for schizophrenia", False),
    ],
)
def test_the_route_of_the_subject_counts_not_that_of_the_comparison(
    lexicon: Lexicon, make_item: MakeItem, title: str, other_route: bool
) -> None:
    assert lexicon.analyze(make_item(title)).anti_lai_detected is other_route


@pytest.mark.parametrize(
    ("title", "event"),
    [
        ("Nanexa and Moderna enter into license and option agreement", "partnership"),
        ("Medincell Awarded New Grant to Fight Malaria", "partnership"),
        ("Teva submits NDA for olanzapine LAI to FDA", "regulatory"),
        ("FDA hits Brixadi with complete response letter", "regulatory"),
        ("Phase 3 trial of CAM2029 meets primary endpoint, NDA to follow", "clinical_update"),
        ("Sublocade recalled after contamination", "safety_signal"),
        ("Peptron breaks ground on a new plant", "manufacturing_supply"),
        ("Nanexa publishes interim report for January-June", "financial_results"),
        ("Pfizer buys Metsera", "corporate_move"),
        ("Depot data published in Nature", "scientific_publication"),
        ("A quiet day in Lund", "other"),
    ],
)
def test_the_event_type_is_read_from_the_title(lexicon: Lexicon, make_item: MakeItem, title: str, event: str) -> None:
    assert lexicon.analyze(make_item(title)).event_classification.primary_type == event


def test_the_same_item_gives_the_same_analysis(lexicon: Lexicon, make_item: MakeItem) -> None:
    item = make_item("FDA approves UZEDY", "Teva's once-monthly risperidone. It is injected.")
    assert lexicon.analyze(item) == lexicon.analyze(item)
