"""Items that each edit adds, removes and moves, and the reasons."""

from __future__ import annotations

from typing import Any

import pytest

from client_files.preview.compare import preview
from client_files.preview.inputs import news_of_curated
from client_files.preview.model import News, Placement
from tests.unit.preview.conftest import (
    CLIENT_KEY,
    DAY,
    Edit,
    EditedContent,
    changes_of,
    edited_content,
    entry,
    news_of,
    run_engine,
)
from vectora_core.items import CuratedItem, EventClassification, NormalizationMetadata
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.loading import load_configuration

MEDINCELL, CAMURUS, NANEXA = (f"press_corporate__{name}" for name in ("medincell", "camurus", "nanexa"))
INGESTED = [
    entry("Alpha: FDA approves Uzedy, a long-acting injectable, for bipolar disorder", "Injected monthly.", days_old=3),
    entry("Bravo: European Commission approves Buvidal depot of buprenorphine", "Injected monthly.", days_old=9),
    entry("Charlie: Camurus signs license agreement on FluidCrystal depot", "Details follow.", CAMURUS),
    entry("Delta: Phase 3 trial of olanzapine long-acting injectable meets endpoint", "All improved.", days_old=5),
    entry("Echo: Medincell reports financial results for the half-year", "Royalties of Uzedy grew.", MEDINCELL),
    entry("Foxtrot: A quiet week for tablets", "Nothing."),
    entry("Golf: Nanexa on its products and plans", "PharmaShell is mentioned.", NANEXA),
    # Without a first word of its own: with one, it would name another product than "Alpha".
    {**entry("FDA approves Uzedy", "Injected monthly.", days_old=3), "item_id": "hotel"},
    entry("India: Zyloform in new markets", "Nothing else."),
    entry("Juliet: Brixadi in new pens", "Nothing else."),
]
IN_ORDER = [
    ("regulatory_updates", ["bravo", "alpha", "hotel"]),
    ("partnerships_deals", ["charlie"]),
    ("clinical_updates", ["delta"]),
    ("others", ["golf", "juliet"]),
]


@pytest.fixture(scope="module")
def curated() -> list[CuratedItem]:
    return run_engine(INGESTED, EditedContent({})).curated


@pytest.fixture
def news(curated: list[CuratedItem]) -> News:
    return news_of(INGESTED, curated)


def edited(edit: Edit, key: str = CLIENT_KEY) -> Configuration:
    return load_configuration(edited_content(edit, key), "lai_weekly")


def setting(path: str, value: Any) -> Edit:
    """Return an edit that sets the value at a path, or removes it if `value` is None."""

    def edit(document: Any) -> None:
        *parents, last = (int(part) if part.isdecimal() else part for part in path.split("."))
        for part in parents:
            document = document[part]
        if value is None:
            del document[last]
        else:
            document[last] = value

    return edit


def with_approvals_first(document: dict[str, Any]) -> None:
    sections = document["newsletter_layout"]["sections"]
    sections.append({**sections[0], "id": "approvals", "priority": 1})
    sections[0]["priority"] = 4


REGULATORY, _, CLINICAL, OTHERS = (f"newsletter_layout.sections.{index}" for index in range(4))
DUPLICATE = 'duplicate of "Alpha: FDA approves Uzedy, a long-acting injectable, for bi…"'
# Edits of the client's file, and all changes of each.
EDITS: dict[str, tuple[Edit, list[tuple[str, str, str]]]] = {
    "fewer items in all": (
        setting("newsletter_selection.max_items_total", 6),
        [("goes", "juliet", "no room: the newsletter has 6 items at most")],
    ),
    "a higher score to reach": (
        setting("newsletter_selection.min_score", 10.0),
        [("goes", "juliet", "score 8.5 is below min_score 10")],
    ),
    "a lower similarity for duplicates": (
        setting("newsletter_selection.deduplication.similarity_threshold", 0.3),
        [("goes", "hotel", DUPLICATE)],
    ),
    "a higher domain score to reach": (
        setting("matching_config.min_domain_score", 0.9),
        [
            (
                "goes",
                "golf",
                "no longer matches: best domain score 0.8 of the 0.9 required (first sentences name PharmaShell; "
                "relevance 8 of 10 by the analysis)",
            )
        ],
    ),
    "a domain without a scope": (
        setting("watch_domains.0.core_trademark_scope", None),
        [
            (
                "goes",
                "juliet",
                "no longer matches: best domain score 0 of the 0.3 required (no sign; relevance 0 of 10 by the "
                "analysis)",
            ),
            ("moves", "bravo", "score 14.35, was 17.94"),
            ("is rescored", "hotel", "score 12.19, was 15.86"),
        ],
    ),
    "a domain that is switched off": (
        setting("watch_domains.0.enabled", False),
        [("goes", name, "no watch domain is enabled") for _, names in IN_ORDER for name in names],
    ),
    "nothing is excluded": (
        setting("watch_domains.0.exclusion_scopes", []),
        [("comes", "echo", "no longer excluded as financial reporting")],
    ),
    "a section for other news": (
        setting(f"{CLINICAL}.filter_event_types", ["regulatory"]),
        [("moves", "delta", "clinical_updates no longer accepts clinical_update news")],
    ),
    "a section less": (
        setting(CLINICAL, None),
        [("moves", "delta", "section clinical_updates was removed")],
    ),
    "a section before another": (
        with_approvals_first,
        [("moves", name, "approvals now has a higher priority") for name in ("bravo", "alpha", "hotel")],
    ),
    "a section in another order": (
        setting(f"{REGULATORY}.sort_by", "date_desc"),
        [("moves", "bravo", "regulatory_updates is now sorted by date_desc")],
    ),
    "a shorter section before another": (
        setting(f"{REGULATORY}.max_items", 2),
        [("moves", "hotel", "no room in regulatory_updates")],
    ),
    "a shorter last section": (
        setting(f"{OTHERS}.max_items", 1),
        [("goes", "juliet", "no room in others (at most 1 item)")],
    ),
    "no section for the rest": (
        setting(f"{OTHERS}.filter_event_types", ["safety_signal"]),
        [("goes", name, "no section accepts other news") for name in ("golf", "juliet")],
    ),
    "a bonus less": (
        setting("scoring_config.client_specific_bonuses.key_molecule.bonus", 0.0),
        [("moves", "bravo", "score 15.44, was 17.94"), ("is rescored", "delta", "score 9.29, was 11.79")],
    ),
}


def test_the_newsletter_before_the_edits(news: News, deployed: Configuration) -> None:
    result = preview(news, deployed, deployed)
    found = [(section.section_id, [item.item_id for item in section.items]) for section in result.before]
    assert found == IN_ORDER
    assert result.summary == "0 items come, 0 go, 0 move; 7 of 7 stay as they are."


@pytest.mark.parametrize(("edit", "expected"), EDITS.values(), ids=EDITS)
def test_an_edit_shows_what_it_changes_and_nothing_else(
    news: News, deployed: Configuration, edit: Edit, expected: list[tuple[str, str, str]]
) -> None:
    assert changes_of(preview(news, edited(edit), deployed)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fewer items in all", [("comes", "juliet", "the newsletter now has room")]),
        ("a higher score to reach", [("comes", "juliet", "score 8.5 reaches the 0 now required (min_score)")]),
        (
            "a lower similarity for duplicates",
            [
                (
                    "comes",
                    "hotel",
                    'no longer a duplicate of "Alpha: FDA approves Uzedy, a long-acting injectable, for bi…"',
                )
            ],
        ),
        ("a higher domain score to reach", [("comes", "golf", "domain score 0.8 reaches the 0.3 now required")]),
        (
            "no section for the rest",
            [("comes", name, "a section now accepts other news") for name in ("golf", "juliet")],
        ),
        (
            "nothing is excluded",
            [("goes", "echo", "excluded as financial reporting")],
        ),
        ("a section for other news", [("moves", "delta", "clinical_updates now has a higher priority")]),
    ],
)
def test_undoing_an_edit_shows_the_opposite_change(
    news: News, deployed: Configuration, name: str, expected: list[tuple[str, str, str]]
) -> None:
    assert changes_of(preview(news, deployed, edited(EDITS[name][0]))) == expected


def test_a_name_added_to_a_scope_adds_its_news(news: News, deployed: Configuration) -> None:
    def with_brand(document: dict[str, Any]) -> None:
        document["scopes"]["lai_trademarks_core"]["names"].append("Zyloform")

    result = preview(news, edited(with_brand, "canonical/scopes/trademarks.yaml"), deployed)
    why = "matches now: title names Zyloform; relevance 9.5 of 10 by the analysis"
    assert changes_of(result) == [("comes", "india", why)]
    assert result.summary == "1 item comes, 0 go, 0 move; 7 of 7 stay as they are."


def test_placements_and_scores_are_shown_before_and_after(news: News, deployed: Configuration) -> None:
    (bravo, delta) = preview(news, edited(EDITS["a bonus less"][0]), deployed).changes
    assert (bravo.before, bravo.after) == (
        Placement("regulatory_updates", 1, 17.94),
        Placement("regulatory_updates", 3, 15.44),
    )
    assert (delta.before, delta.after) == (
        Placement("clinical_updates", 1, 11.79),
        Placement("clinical_updates", 1, 9.29),
    )


def test_the_summary_counts_items_that_stay_with_another_score(news: News, deployed: Configuration) -> None:
    result = preview(news, edited(EDITS["a bonus less"][0]), deployed)
    assert result.summary == "0 items come, 0 go, 1 moves; 6 of 7 stay as they are, 1 of them with another score."


def test_a_new_client_is_compared_with_an_empty_newsletter(news: News, deployed: Configuration) -> None:
    result = preview(news, deployed, "nothing")
    assert [change.item_id for change in result.changes] == [name for _, names in IN_ORDER for name in names]
    assert {change.kind for change in result.changes} == {"comes"}
    assert result.changes[1].why == (
        "matches: title names Uzedy, long-acting injectable; relevance 9.5 of 10 by the analysis"
    )
    assert result.summary == "7 items come, 0 go, 0 move."
    assert result.notes[0] == "The client is new there: its newsletter is compared with an empty one."


def test_without_a_baseline_configuration_stored_results_are_compared(
    curated: list[CuratedItem],
) -> None:
    news = news_of_curated(curated, DAY)
    result = preview(news, edited(EDITS["a higher domain score to reach"][0]), "stored results")
    assert [(change.kind, change.item_id) for change in result.changes] == [("goes", "golf")]
    # The edited limit applies to both sides.
    assert preview(news, edited(EDITS["fewer items in all"][0]), "stored results").changes == ()


def by_model(item: CuratedItem, **analysis: Any) -> CuratedItem:
    metadata = NormalizationMetadata(analyzer="bedrock", model_id="some.model")
    content = item.normalized_content.model_copy(update={**analysis, "normalization_metadata": metadata})
    return item.model_copy(update={"normalized_content": content})


def test_stored_answers_of_the_model_are_used_and_other_items_are_analyzed_again(
    curated: list[CuratedItem], deployed: Configuration
) -> None:
    stored = EventClassification(primary_type="safety_signal", confidence=0.7)
    mixed = [by_model(item, event_classification=stored) if item.item_id == "golf" else item for item in curated]
    result = preview(news_of(INGESTED, mixed, calls_model=True), deployed, deployed)
    events = {item.item_id: item.event for section in result.after for item in section.items}
    assert (events["golf"], events["juliet"]) == ("safety_signal", "other")
    assert result.notes[1:] == (
        "1 of 10 items with the model's stored answers: a run calls it again only for changed requests.",
        "9 of 10 items by the lexicon: no stored answer; a run calls the model.",
    )


def test_stored_answers_are_ignored_where_a_run_calls_no_model(
    curated: list[CuratedItem], deployed: Configuration
) -> None:
    stored = EventClassification(primary_type="safety_signal", confidence=0.7)
    mixed = [by_model(item, event_classification=stored) for item in curated]
    assert preview(news_of(INGESTED, mixed), deployed, deployed).after == (
        preview(news_of(INGESTED, curated), deployed, deployed).after
    )


def test_a_sources_company_that_no_scope_has_gives_no_bonus(deployed: Configuration) -> None:
    ingested = [entry("Kilo: FDA approves a long-acting injectable", "Injected monthly.", NANEXA)]
    (kilo,) = run_engine(ingested, EditedContent({})).curated
    assert kilo.normalized_content.entities.companies == ("Nanexa",)
    news = news_of(ingested, [by_model(kilo)], calls_model=True)
    result = preview(news, edited(setting("watch_domains.0.company_scope", None)), deployed)
    (change,) = result.changes
    assert change.kind == "is rescored"
    assert change.before
    assert change.after
    assert change.before.score - change.after.score == pytest.approx(5.0)
    assert any(
        note.startswith(f"Stored answers do not say whether the model named the company of {NANEXA}")
        for note in result.notes
    )


def test_names_of_the_model_follow_the_spelling_of_the_scopes(
    curated: list[CuratedItem], deployed: Configuration
) -> None:
    def renamed(document: dict[str, Any]) -> None:
        names = document["scopes"]["lai_companies_mvp_core"]["names"]
        names[names.index("Camurus")] = "Camurus International"
        document["aliases"]["Camurus International"] = ["Camurus"]
        del document["aliases"]["Camurus"]

    stored = [by_model(item) for item in curated]
    result = preview(
        news_of(INGESTED, stored, calls_model=True), edited(renamed, "canonical/scopes/companies.yaml"), deployed
    )
    assert result.changes == ()
    assert any(note.startswith("Aliases changed") for note in result.notes)
