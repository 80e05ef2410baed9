"""A spelling with several meanings is a name only where the text around it says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.normalize.matching import Matcher
from vectora_core.text.names import NameFinder, NameRule, NameSearch, Surroundings, in_capitals
from vectora_core.text.words import fold
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.scopes import NameScopes

COINED: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("coined_names.yaml").read_text(encoding="utf-8"))
Companies = Callable[..., tuple[str, ...]]


@pytest.fixture
def companies(lexicon: Lexicon, make_item: Any) -> Companies:
    return lambda title, content="The company said so on Monday.": (
        lexicon.analyze(make_item(title, content)).entities.companies
    )


@pytest.mark.parametrize(
    "title",
    [
        "Merck KGaA to sell pigments unit",
        "Merck Group raises stake in chip materials",
        "Germany's Merck opens lab in Darmstadt",
        "Heron Lake BioEnergy restarts ethanol plant",
        "Grey heron seen near clinic",
        "Heron wins planning permission for tower",
        "Sanofi India declares dividend",
        "GlaxoSmithKline Consumer Nigeria delists",
        "Bayer Leverkusen sign striker",
        "J&J Snack Foods raises prices",
        "GSK-3 inhibitor enters trial",
        "MERCK KGAA OPENS PLANT IN DARMSTADT",
        "Novo Holdings backs quantum start-up",
        "Novo Nordisk Foundation funds wetland",
        "FDA grants De Novo clearance to patch pump",
        "New Zealand funds cancer drug",
        "Utah Jazz rest injured guard after injection",
        "Harrow council opens clinic",
        "Braeburn apples cleared for import",
        "Hanmi Financial reports deposits",
        "Samyang opens ramen plant",
        "Ascendis Health sells skin brand",
        "Karin Lilly opens bakery",
        "Dr Lilly treats patients with new drug",
        "Mme Janssen ouvre une clinique",
        "Prof. Teva on drug prices",
        "Lundbeck Foundation awards brain prize",
        "HERON LAKE TO SELL ETHANOL PLANT",
        "JAZZ FESTIVAL RETURNS TO MONTREUX",
    ],
)
def test_another_thing_of_that_name_is_no_company_of_the_watch(title: str, companies: Companies) -> None:
    assert companies(title) == ()


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Merck's islatravir implant enters trial", "Merck & Co"),
        ("Merck & Co. wins label", "Merck & Co"),
        ("Merck and Co signs licence", "Merck & Co"),
        ("Heron's pain injection gains label", "Heron Therapeutics"),
        ("Jazz wins FDA nod", "Jazz Pharmaceuticals"),
        ("Zealand and Roche start phase 2", "Zealand Pharma"),
        ("Lilly\u2019s obesity drug", "Eli Lilly"),
        ("Johnson and Johnson buys depot maker", "Johnson & Johnson"),
        ("J&J files for approval", "Johnson & Johnson"),
        ("Camurus AB (publ) signs", "Camurus"),
        ("MEDIN CELL signs", "MedinCell"),
        ("Medin\u2011Cell signs", "MedinCell"),
        ("Laboratorios Farmac\u00e9uticos Rovi gana", "Rovi"),
        ("ROVI GAINS FDA APPROVAL", "Rovi"),
        ("ROVI informa: FDA approval", "Rovi"),
        ("LILLY TO BUY OBESITY BIOTECH", "Eli Lilly"),
        ("MSD'S CANCER DRUG DELAYED", "Merck & Co"),
    ],
)
def test_the_company_itself_is_found_in_every_spelling(title: str, expected: str, companies: Companies) -> None:
    assert expected in companies(title)


def test_the_full_name_elsewhere_in_the_lead_is_enough(companies: Companies) -> None:
    assert companies("Heron to move its seat", "Heron Therapeutics will leave Cary.") == ("Heron Therapeutics",)
    assert companies("Merck fights Merck KGaA over the name", "Merck & Co. went to court.") == ("Merck & Co",)


def test_a_word_far_down_in_the_text_is_not_enough(companies: Companies) -> None:
    filler = "The tower has forty floors and a view over the whole city. " * 10
    assert companies("Heron opens tower", f"{filler} A clinic with injections is next door.") == ()


@pytest.mark.parametrize(
    "title",
    [
        "Dr LAI Siu-wai opens biotech park",
        "Prof. LAI on salt",
        "Taiwan's LAI visits chip plant",
        "LAI Mei-yu joins depot injection study group",
        "JIMMY LAI TRIAL RESUMES",
        "Ken LAI leads software firm",
        "Health minister LAI visits HIV clinic",
        "LAI of leaf canopy mapped monthly",
    ],
)
def test_a_surname_in_capitals_is_no_technology(title: str, lexicon: Lexicon, make_item: Any) -> None:
    assert "LAI" not in lexicon.analyze(make_item(title)).entities.technologies


@pytest.mark.parametrize("title", ["Teva files olanzapine LAI", "TEVA FILES OLANZAPINE LAI", "Two LAIs for psychosis"])
def test_the_technology_is_found_beside_words_of_its_context(title: str, lexicon: Lexicon, make_item: Any) -> None:
    assert {"LAI", "LAIs"} & set(lexicon.analyze(make_item(title)).entities.technologies)


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("MASH drug fails in liver trial", True),
        ("M*A*S*H star dies: MASH unit remembered", False),
        ("CPP leuprolide injection for precocious puberty", True),
        ("CPP pension fund buys towers", False),
        ("PREP SCHOOLS RAISE FEES", False),
    ],
)
def test_an_abbreviation_of_a_disease_needs_its_field(
    title: str, found: bool, lexicon: Lexicon, make_item: Any
) -> None:
    assert bool(lexicon.analyze(make_item(title)).entities.indications) is found


@pytest.mark.parametrize(
    "title",
    [
        "Rovi gains FDA approval of Risvan",
        "Gilead's Yeztugo approved in Canada",
        "Camurus and Lilly sign licence for monthly depot",
        "Merck's yearly islatravir implant enters phase 2",
    ],
)
def test_a_headline_in_capitals_counts_as_in_small_letters(
    title: str, configuration: Configuration, lexicon: Lexicon, make_item: Any
) -> None:
    matcher = Matcher(configuration, lexicon)
    found = []
    for item in (make_item(title), make_item(title.upper())):
        analysis = lexicon.analyze(item)
        found.append((matcher.match(item, analysis).matched_domains, analysis.entities, analysis.event_classification))
    assert found[0] == found[1]
    assert found[0][0]


def test_text_is_in_capitals_when_almost_no_letter_is_small() -> None:
    assert in_capitals("FDA APPROVES mdc-STM OF MEDINCELL FOR EVERYONE IN THE WORLD")
    assert not in_capitals("FDA OKs UZEDY in BIPOLAR")
    assert not in_capitals("2026")


def test_a_name_in_capitals_is_found_only_where_all_is_in_capitals() -> None:
    finder = NameFinder(["Heron"], case_sensitive=["Heron"])
    assert finder.names_in("HERON GAINS APPROVAL") == ("Heron",)
    assert finder.names_in("The HERON project of the city") == ()
    assert finder.names_in("a heron") == ()


def test_a_rule_reads_the_text_around_and_not_only_the_part() -> None:
    finder = NameFinder(["Heron"], rules={"Heron": NameRule(needs=("drug", "injection"), unless=("bird",))})
    search = NameSearch([finder])
    assert search.find("Heron rises", Surroundings("Heron rises", "Its injections sell well."))[finder]
    assert not search.find("Heron rises", Surroundings("Heron rises", "It caught a fish."))[finder]
    assert not search.find("Heron rises", Surroundings("A bird on drugs, Heron rises"))[finder]


def test_a_phrase_that_starts_before_the_name_takes_it_along() -> None:
    finder = NameFinder(["Zealand"], rules={"Zealand": NameRule(is_not=("New Zealand",))})
    assert finder.names_in("new-zealand buys") == ()
    assert finder.names_in("Brand new Zealand drug") == ()
    assert finder.names_in("Anew Zealand buys") == ("Zealand",)


def test_the_model_s_names_are_read_in_the_same_light(configuration: Configuration, lexicon: Lexicon) -> None:
    finder = lexicon.domains[0].companies
    assert finder.canonical_in("Merck", fold("Merck opens plant in Darmstadt")) is None
    assert finder.canonical_in("Merck", fold("Merck wins label")) == "Merck & Co"
    assert finder.canonical_in("Camurus AB", "text without it") == "Camurus"


def _bare_spellings(scopes: NameScopes) -> set[str]:
    names = [name for scope in scopes.scopes.values() for name in scope.names]
    spellings = [*names, *(alias for aliases in scopes.aliases.values() for alias in aliases)]
    return {spelling for spelling in spellings if " " not in spelling}


@pytest.mark.parametrize("kind", ["companies", "trademarks", "molecules", "indications"])
def test_every_bare_spelling_is_looked_through(kind: str, configuration: Configuration) -> None:
    """A new name of one word needs an answer: a condition of its scope, or a place in the list of coined names."""
    scopes: NameScopes = getattr(configuration.scopes, kind)
    bare, coined = _bare_spellings(scopes), set(COINED[kind])
    assert sorted(bare - set(scopes.conditions) - coined) == []
    assert sorted(coined - bare) == [], "names that are gone"
    assert sorted(coined & set(scopes.conditions)) == [], "names with a condition"
    short = {spelling for spelling in coined if len(spelling) <= 4}
    assert short <= {"ViiV", "HIV", "T2D", "DMPA"}, "short names need a condition"


def test_every_decisive_short_term_has_an_answer(configuration: Configuration) -> None:
    scope = configuration.scopes.technologies.scopes["lai_keywords"]
    decisive = {term for term in (*scope.core_phrases, *scope.brands, *scope.programmes) if len(term) <= 4}
    assert decisive == set(scope.conditions)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Le groupe MEDINCELL, l\u2019Uzedy et l'Uzedy", ("Uzedy",)),
        ("\u00abUzedy\u00bb/Perseris", ("Uzedy", "Perseris")),
        ("Uzedy-backed; uzedy: (UZEDY\u00ae)", ("Uzedy",)),
        ("\u7279\u74e6UZEDY\u83b7\u6279", ("Uzedy",)),
        ("pr\u00e6uzedy, \u00f8Uzedy, Uzedy\u00df", ()),
        ("\uff35\uff3a\uff25\uff24\uff39", ("Uzedy",)),
        ("Uze\u00addy, Uze\u200bdy", ("Uzedy",)),
    ],
)
def test_signs_and_letters_of_other_languages_are_read_as_readers_do(text: str, found: tuple[str, ...]) -> None:
    assert NameFinder(["Uzedy", "Perseris"]).names_in(fold(text)) == found


def test_letters_that_unicode_does_not_decompose_are_spelled_out() -> None:
    finder = NameFinder(["opioidafh\u00e6ngighed", "Gr\u00f8nland", "Gro\u00dfmann"])
    assert finder.names_in(fold("OPIOIDAFH\u00c6NGIGHED, Gronland, Grossmann")) == (
        "opioidafh\u00e6ngighed",
        "Gr\u00f8nland",
        "Gro\u00dfmann",
    )
