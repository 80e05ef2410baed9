"""Long intervals make news of long-acting medicines; daily injections and brands by themselves make none."""

from __future__ import annotations

from typing import Any

import pytest

from vectora_core.analysis.lexicon import Lexicon
from vectora_core.normalize.matching import Matcher
from vectora_shared.config.configuration import Configuration


@pytest.fixture
def kept(configuration: Configuration, lexicon: Lexicon, make_item: Any) -> Any:
    matcher = Matcher(configuration, lexicon)

    def judge(title: str, content: str = "The company said so on Monday.", source: str = "press_sector__paper") -> bool:
        item = make_item(title, content, source=source)
        return bool(matcher.match(item, lexicon.analyze(item)).matched_domains)

    return judge


@pytest.mark.parametrize(
    ("title", "content"),
    [
        ("FDA approves Lantus for infants", ""),
        ("FDA approves Lantus for infants", "The long-acting insulin is injected once a day."),
        ("EU nod for Victoza in teens", "The daily injection is made by Novo Nordisk."),
        ("Mounjaro wins heart label in Europe", "The weekly injection is made by Lilly."),
        ("Trulicity and Ozempic labels updated by FDA", ""),
        ("Generic of Victoza cleared by FDA", "The liraglutide injection is given daily."),
        ("FDA approves insulin aspart injection", ""),
        ("FDA approves octreotide injection given three times a day", ""),
        ("Daily teriparatide shot of Peptron rival approved", ""),
        ("Liraglutide injection approved in Canada", ""),
        ("Cochlear implant works for two years", ""),
        ("Breast implants recalled after six months", ""),
    ],
)
def test_daily_injections_weekly_brands_and_devices_are_no_such_news(title: str, content: str, kept: Any) -> None:
    assert not kept(title, content)


@pytest.mark.parametrize(
    ("title", "content"),
    [
        ("Six-month naltrexone implant meets goal", ""),
        ("FDA clears 6-month buprenorphine implant", ""),
        ("Yearly islatravir implant enters trial", ""),
        ("Three-year contraceptive implant gains approval", ""),
        ("Four-monthly cabotegravir passes trial", ""),
        ("One injection every six months: lenacapavir in Brazil", ""),
        ("Novo's weekly insulin shot Awiqli approved", ""),
        ("Weekly Mounjaro rival approved", "It is a weekly injection of tirzepatide."),
        ("Monthly depot beats daily injections in acromegaly trial", ""),
        ("Long-acting insulin icodec cleared in China", ""),
        ("M\u00e5natlig depotinjektion mot schizofreni godk\u00e4nd", ""),
        ("Teva obtient l'autorisation d'un injectable \u00e0 action prolong\u00e9e", ""),
        ("Zulassung f\u00fcr Depotspritze gegen Schizophrenie", ""),
        ("Depotinjeksjon mot opioidavhengighet godkjent", ""),
    ],
)
def test_long_intervals_are_such_news(title: str, content: str, kept: Any) -> None:
    assert kept(title, content)


@pytest.mark.parametrize(
    "title",
    [
        "Camurus erh\u00e5ller marknadsgodk\u00e4nnande f\u00f6r Oczyesa",
        "Camurus ing\u00e5r licensavtal",
        "F\u00f6rsta patienten doserad i fas 2",
        "Ans\u00f6kan om godk\u00e4nnande inl\u00e4mnad",
        "Camurus utvidgar samarbetet med Lilly",
    ],
)
def test_a_notice_in_swedish_from_a_swedish_source_is_understood(title: str, kept: Any) -> None:
    assert kept(title, "", source="press_corporate__camurus")


@pytest.mark.parametrize(
    "title",
    [
        "Camurus bokslutskommunik\u00e9 2025",
        "Kallelse till extra bolagsst\u00e4mma",
        "Ny finanschef utsedd i Camurus",
        "F\u00f6r\u00e4ndring av antalet aktier och r\u00f6ster",
        "Glad sommar",
    ],
)
def test_company_matters_in_swedish_are_left_out(title: str, kept: Any) -> None:
    assert not kept(title, "", source="press_corporate__camurus")
