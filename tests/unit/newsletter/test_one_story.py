"""Reports of one event are one story, whatever stands around their headlines; two events are never one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.newsletter.curated_items import curated
from vectora_core.items import CuratedItem
from vectora_core.newsletter.headlines import Headlines, Names
from vectora_core.newsletter.selection import select
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration

CONFIGURATION = load_configuration(FolderContent(Path(__file__).parents[3] / "config"), "lai_weekly")
PAPERS = ["press_sector__fiercepharma", "press_sector__endpoints_news", "press_sector__gazette", "press_sector__other"]


def report(title: str, source: str = PAPERS[0], **changes: object) -> CuratedItem:
    return curated(title, source=source, entities={}, **changes)  # type: ignore[arg-type]


def stories(*items: CuratedItem) -> list[str]:
    client = CONFIGURATION.client
    sections = tuple(section.model_copy(update={"max_items": 99}) for section in client.newsletter_layout.sections)
    layout = client.newsletter_layout.model_copy(update={"sections": sections})
    return [item.title for item in select(items, client.model_copy(update={"newsletter_layout": layout})).items]


COMPANIES = ["Camurus", "MedinCell", "Luye Pharma", "Nanexa", "Braeburn", "Hikma", "Xeris", "Rovi"]
PRODUCTS = ["CAM2029", "Oczyesa", "mdc-TJK", "Rykindo", "NEX-22", "Brixadi", "PT403", "Risvan"]
TEMPLATES: Mapping[str, tuple[str, str]] = {
    "approval": (
        "{company} wins {place} approval of {product} for {use}",
        "{place} approves {company}'s {product} in {use}",
    ),
    "filing": (
        "{company} files {product} for {place} approval in {use}",
        "{company} submits {place} application of {product} for {use}",
    ),
    "start": (
        "{company} starts Phase {phase} trial of {product} in {use}",
        "{company} doses first patient with {product} in phase {phase} {use} study",
    ),
    "result": (
        "{company}'s {product} meets goal of Phase {phase} {use} trial",
        "{company} reports positive Phase {phase} results of {product} in {use}",
    ),
    "deal": (
        "{company} licenses {product} to {partner} for {use}",
        "{company} and {partner} sign licence agreement for {product} in {use}",
    ),
    "period": ("{company} reports {period} sales of {product}", "{company}: {period} revenue of {product}"),
}


@dataclass(frozen=True)
class Event:
    """An event as a headline tells it."""

    kind: str
    company: str
    product: str
    partner: str
    place: str
    phase: str
    use: str
    period: str

    def headline(self, wording: int = 0) -> str:
        return TEMPLATES[self.kind][wording].format(**vars(self))

    @property
    def stated(self) -> tuple[str, ...]:
        """Facts of the event that its headline has."""
        template = TEMPLATES[self.kind][0]
        names = ("company", "product", "partner", "place", "phase", "use", "period")
        return (self.kind, *(getattr(self, name) for name in names if f"{{{name}}}" in template))


EVENTS = st.builds(
    Event,
    kind=st.sampled_from(sorted(TEMPLATES)),
    company=st.sampled_from(COMPANIES),
    product=st.sampled_from(PRODUCTS),
    partner=st.sampled_from(["AbbVie", "Teva", "Lilly", "Moderna"]),
    place=st.sampled_from(["EU", "FDA", "Japan", "UK"]),
    phase=st.sampled_from(["1", "2", "3"]),
    use=st.sampled_from(["acromegaly", "schizophrenia", "opioid dependence", "diabetes"]),
    period=st.sampled_from(["Q1", "Q3", "first-half", "2025"]),
)
CHANGES = {
    "company": COMPANIES,
    "product": PRODUCTS,
    "partner": ["AbbVie", "Teva", "Lilly", "Moderna"],
    "place": ["EU", "FDA", "Japan", "UK"],
    "phase": ["1", "2", "3"],
    "use": ["acromegaly", "schizophrenia", "opioid dependence", "diabetes"],
    "period": ["Q1", "Q3", "first-half", "2025"],
    "kind": sorted(TEMPLATES),
}
BEFORE = [
    "",
    "Press Release: ",
    "UPDATE 1-",
    "BRIEF-",
    "EXCLUSIVE: ",
    "[News] ",
    "Pressmeddelande: ",
    "Communiqué\u00a0: ",
    "Breaking - ",
]
BEHIND = [
    "",
    " | Fierce Pharma",
    " - Reuters",
    " \u2013 The Pharma Letter",
    " (NASDAQ: ABCD)",
    " - Endpoints News",
    " | Alpha Chronicle",
    " (Update)",
    " - gazette.example.com",
    " \u2014 BioSpace",
]


@settings(deadline=None, max_examples=300)
@given(event=EVENTS, part=st.sampled_from(sorted(CHANGES)), data=st.data())
def test_two_events_that_differ_in_one_thing_are_never_one_story(event: Event, part: str, data: st.DataObject) -> None:
    other = replace(event, **{part: data.draw(st.sampled_from(CHANGES[part]))})
    assume(other.stated != event.stated)
    around = st.tuples(st.sampled_from(BEFORE), st.sampled_from(BEHIND))
    titles = [
        before + each.headline(data.draw(st.integers(0, 1))) + behind
        for each in (event, other)
        for before, behind in [data.draw(around)]
    ]
    assert len(stories(report(titles[0]), report(titles[1], PAPERS[1]))) == 2, titles


@settings(deadline=None, max_examples=300)
@given(event=EVENTS, before=st.sampled_from(BEFORE), behind=st.sampled_from(BEHIND), wording=st.integers(0, 1))
def test_a_rubric_or_a_paper_s_name_never_makes_a_second_story(
    event: Event, before: str, behind: str, wording: int
) -> None:
    headline = event.headline(wording)
    items = [report(headline), report(f"{before}{headline}{behind}", PAPERS[1], score=30.0)]
    assert len(stories(*items)) == 1, items[1].title
    assert len(stories(*items[::-1])) == 1


@settings(deadline=None, max_examples=300)
@given(event=EVENTS, before=st.sampled_from(BEFORE), behind=st.sampled_from(BEHIND))
def test_another_wording_of_an_event_is_the_same_story(event: Event, before: str, behind: str) -> None:
    items = [report(event.headline(0)), report(f"{before}{event.headline(1)}{behind}", PAPERS[1])]
    assert len(stories(*items)) == 1, [item.title for item in items]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # What stands behind the sign is news too.
        ("Camurus wins EU approval | Luye files depot in Japan", "Camurus wins EU approval"),
        ("Camurus wins EU approval - shares fall 20%", "Camurus wins EU approval - Luye files in Japan"),
        # Companies stand behind it.
        ("Phase 3 trial of monthly depot starts \u2013 Camurus", "Phase 3 trial of monthly depot starts \u2013 Luye"),
        ("Camurus: Q3 report published", "Nanexa: Q3 report published"),
        # One thing differs, in long headlines.
        ("Camurus starts trial of monthly depot in adults", "Camurus starts trial of weekly depot in adults"),
        ("FDA accepts Camurus depot filing", "FDA rejects Camurus depot filing"),
        ("MedinCell raises guidance for the year", "MedinCell cuts guidance for the year"),
        ("Camurus receives milestone from Lilly", "Camurus receives second milestone from Lilly"),
        ("Camurus to present new depot data", "Camurus presents new depot data"),
        ("Camurus depot approved in Canada", "Camurus depot not approved in Canada"),
        ("Lilly buys Verve for $1.3B", "Lilly buys Morphic for $3.2B"),
        ("Camurus in $50M deal with Lilly for obesity", "Camurus in $50M deal with Rovi for pain"),
        ("Nanexa signs supply deal with Moderna", "Nanexa signs license deal with Moderna"),
        ("Depot approved in EU | Camurus", "Depot approved in EU | MedinCell"),
        ("FDA grants orphan status to Camurus drug", "FDA grants fast track status to Camurus drug"),
        ("Camurus buys rights to depot from Gubra", "Camurus sells rights to depot to Gubra"),
        ("CHMP backs Camurus' Oczyesa", "European Commission approves Camurus' Oczyesa"),
        ("EMA validates Camurus' application", "EMA approves Camurus' application"),
        ("FDA approves 100 mg dose of Uzedy from Teva", "FDA approves 200 mg dose of Uzedy from Teva"),
        # Scripts without spaces, and other alphabets.
        ("Camurus \u65b0\u85ac\u627f\u8a8d", "Camurus \u682a\u4fa1\u4e0b\u843d"),
        ("\ud3a9\ud2b8\ub860 \uc2b9\uc778 PT403", "\ud3a9\ud2b8\ub860 \uc911\ub2e8 PT403"),
    ],
)
def test_headlines_with_much_in_common_stay_two_stories(one: str, other: str) -> None:
    assert len(stories(report(one), report(other, PAPERS[1]))) == 2
    assert len(stories(report(other), report(one, PAPERS[1]))) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AbbVie pays $35M upfront to MedinCell in injectables pact", "MedinCell and AbbVie enter license agreement"),
        ("Camurus f\u00e5r godk\u00e4nnande f\u00f6r Buvidal i EU", "Camurus receives EU approval for Buvidal"),
        (
            "Camurus \u65b0\u85ac\u627f\u8a8d\u3092\u53d6\u5f97 - ITmedia",
            "Camurus \u65b0\u85ac\u627f\u8a8d\u3092\u53d6\u5f97",
        ),
        ("Teva, Medincell score EU nod for olanzapine LAI", "European Commission approves Teva's olanzapine LAI"),
        ("FDA approves Teva's olanzapine LAI", "Teva Announces FDA Approval of Olanzapine Extended-Release Injectable"),
        ("Novo inks $640M diabetes pact with Peptron", "Peptron strikes up to $640 million deal with Novo on GLP-1s"),
        ("FDA accepts NDA for olanzapine LAI (TEV-749)", "Teva gets FDA review for long-acting olanzapine TEV-749"),
        ("Camurus Q3 sales rise 20%", "Camurus reports Q3 sales up 20 percent"),
        ("Luye Pharma files depot in Japan", "Luye Pharma files depot in Japan \u2013 Nikkei Asia"),
        ("Pfizer buys Metsera for $10B", "Pfizer acquires Metsera in $10 billion deal"),
        ("Camurus begins phase III study of CAM-2029", "Camurus starts Phase 3 trial of CAM2029"),
        (
            "Nytt depotl\u00e4kemedel fr\u00e5n Camurus \u2013 L\u00e4kemedelsverket",
            "Nytt depotl\u00e4kemedel fr\u00e5n Camurus",
        ),
    ],
)
def test_one_event_in_other_words_is_one_story(one: str, other: str) -> None:
    assert len(stories(report(one), report(other, PAPERS[1]))) == 1


def test_a_vague_headline_never_joins_two_events() -> None:
    vague = report("Camurus licenses CAM2029")
    deals = [report(f"Camurus licenses CAM2029 to {name}", f"press_sector__{name}") for name in ("luye", "teva")]
    assert len(stories(vague, *deals)) == 2


def test_equal_titles_of_two_companies_are_two_stories() -> None:
    title = "Interim report for the third quarter"
    items = [report(title, f"press_corporate__{company}") for company in ("camurus", "nanexa")]
    assert len(stories(*items)) == 2


def test_a_name_behind_most_headlines_of_a_source_is_learned() -> None:
    behind = "The Long Acting Observatory of Lund"
    titles = [event.headline() for event in map(event_of_company, COMPANIES[:4])]
    items = [report(f"{title} - {behind}", PAPERS[2], published=None) for title in titles]
    assert [Headlines(items).core(item) for item in items] == titles


def test_a_company_behind_most_headlines_of_a_paper_stays() -> None:
    items = [report(f"{title} - Camurus", PAPERS[2]) for title in ("Trial begins", "Depot approved", "Rights sold")]
    headlines = Headlines(items, Names.of(CONFIGURATION))
    assert [headlines.core(item) for item in items] == [item.title for item in items]


def event_of_company(company: str) -> Event:
    return Event("deal", company, "CAM2029", "Teva", "EU", "1", "diabetes", "Q1")
