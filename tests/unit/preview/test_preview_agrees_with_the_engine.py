"""Agreement of previews with the engine: after any edit, the engine produces the previewed newsletter."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_files.preview.compare import preview
from client_files.preview.inputs import news_of_curated
from tests.unit.preview.conftest import (
    CLIENT,
    CLIENT_KEY,
    EVENTS,
    EditedContent,
    Issue,
    TextModel,
    document_of,
    edited_content,
    labelled_entries,
    news_of,
    run_engine,
    sections_of,
    unchanged,
)
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.loading import load_configuration
from vectora_shared.config.scopes import NameScopes

INGESTED = labelled_entries(every=9)
COMPANIES, CATALOG = "canonical/scopes/companies.yaml", "canonical/sources/source_catalog.yaml"
SCOPES_OF_DOMAINS = {
    "company_scope": "companies",
    "core_company_scope": "companies",
    "molecule_scope": "molecules",
    "trademark_scope": "trademarks",
    "core_trademark_scope": "trademarks",
    "indication_scope": "indications",
}
EXCLUSIONS = CLIENT["watch_domains"][0]["exclusion_scopes"]
DEPLOYED = load_configuration(EditedContent({}), "lai_weekly")


def _scopes(kind: str) -> list[str | None]:
    scopes: NameScopes = getattr(DEPLOYED.scopes, kind)
    return [None, *(name for name in scopes.scopes if scopes.names_of(name))]


@st.composite
def domains(draw: st.DrawFn, name: str) -> dict[str, Any]:
    chosen = {field: draw(st.sampled_from(_scopes(kind))) for field, kind in SCOPES_OF_DOMAINS.items()}
    return {
        "id": name,
        "technology_scope": "lai_keywords",
        **{field: scope for field, scope in chosen.items() if scope},
        "exclusion_scopes": draw(st.lists(st.sampled_from(EXCLUSIONS), unique=True)),
        "enabled": draw(st.sampled_from([True, True, True, False])),
    }


@st.composite
def sections(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(
        st.lists(
            st.sampled_from(["regulatory_updates", "partnerships_deals", "clinical_updates", "others", "more"]),
            min_size=1,
            unique=True,
        )
    )
    return [
        {
            "id": name,
            "title": name.title(),
            "max_items": draw(st.integers(1, 8)),
            "filter_event_types": draw(st.lists(st.sampled_from(["*", *EVENTS]), min_size=1, unique=True)),
            "sort_by": draw(st.sampled_from(["score_desc", "date_desc"])),
            "priority": priority,
        }
        for priority, name in enumerate(names, start=1)
    ]


@st.composite
def edits(draw: st.DrawFn) -> Mapping[str, Any]:
    """Draw edited parts of the client's file."""
    bonuses = {
        name: {**bonus, "bonus": draw(st.sampled_from([0.0, 1.0, 9.5]))}
        for name, bonus in CLIENT["scoring_config"]["client_specific_bonuses"].items()
        if draw(st.booleans())
    }
    parts: dict[str, st.SearchStrategy[Any]] = {
        "watch_domains": st.one_of(
            st.tuples(domains("tech_lai_ecosystem")).map(list),
            st.tuples(domains("tech_lai_ecosystem"), domains("another")).map(list),
        ),
        "matching_config": st.fixed_dictionaries({"min_domain_score": st.sampled_from([0.0, 0.2, 0.45, 0.7, 1.0])}),
        "scoring_config": st.fixed_dictionaries(
            {
                "event_type_weight_overrides": st.dictionaries(
                    st.sampled_from(EVENTS), st.sampled_from([0.0, 5.5, 20.0])
                ),
                "client_specific_bonuses": st.just(bonuses),
            }
        ),
        "newsletter_selection": st.fixed_dictionaries(
            {
                "max_items_total": st.integers(1, 30),
                "min_score": st.sampled_from([0.0, 8.0, 15.0]),
                "critical_event_types": st.lists(st.sampled_from(EVENTS), unique=True),
                "deduplication": st.fixed_dictionaries(
                    {"similarity_threshold": st.sampled_from([0.1, 0.5, 1.0]), "max_days_apart": st.integers(0, 30)}
                ),
            }
        ),
        "newsletter_layout": sections().map(lambda layout: {"sections": layout}),
    }
    names = draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, unique=True))
    return {name: draw(parts[name]) for name in names}


def content_of(edit: Mapping[str, Any]) -> EditedContent:
    return EditedContent({CLIENT_KEY: {**copy.deepcopy(CLIENT), **edit}})


@pytest.fixture(scope="module")
def model() -> TextModel:
    return TextModel(DEPLOYED)


@pytest.fixture(scope="module")
def by_lexicon() -> Issue:
    return run_engine(INGESTED, EditedContent({}))


@pytest.fixture(scope="module")
def by_model(model: TextModel) -> Issue:
    return run_engine(INGESTED, EditedContent({}), model)


def test_the_news_is_large_enough_for_these_tests(by_lexicon: Issue, by_model: Issue) -> None:
    for issue in (by_lexicon, by_model):
        assert len(issue.sections) >= 3
        assert sum(len(items) for _, items in issue.sections) >= 10
        assert any(item.normalized_content.extracted_date for item in issue.curated)
    assert {item.normalized_content.normalization_metadata.analyzer for item in by_model.curated} == {"bedrock"}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(edit=edits())
def test_previews_of_items_analyzed_by_the_lexicon_agree_with_the_engine(
    by_lexicon: Issue, edit: Mapping[str, Any]
) -> None:
    content = content_of(edit)
    edited = load_configuration(content, "lai_weekly")
    expected = run_engine(INGESTED, content).sections
    result = preview(news_of(INGESTED, by_lexicon.curated), edited, DEPLOYED)
    assert sections_of(result.before) == by_lexicon.sections
    assert sections_of(result.after) == expected
    assert sections_of(preview(news_of_curated(by_lexicon.curated, result.day), edited, DEPLOYED).after) == expected


@settings(max_examples=25, deadline=None, derandomize=True)
@given(edit=edits())
def test_previews_of_items_analyzed_by_the_model_agree_with_the_engine_without_a_call(
    by_model: Issue, model: TextModel, edit: Mapping[str, Any]
) -> None:
    content = content_of(edit)
    edited = load_configuration(content, "lai_weekly")
    expected = run_engine(INGESTED, content, model).sections
    result = preview(news_of(INGESTED, by_model.curated, calls_model=True), edited, DEPLOYED)
    assert sections_of(result.before) == by_model.sections
    assert sections_of(result.after) == expected
    assert sections_of(preview(news_of_curated(by_model.curated, result.day), edited, DEPLOYED).after) == expected


@settings(max_examples=25, deadline=None, derandomize=True)
@given(edit=edits())
def test_changes_describe_every_difference_of_the_newsletters(by_lexicon: Issue, edit: Mapping[str, Any]) -> None:
    edited = load_configuration(content_of(edit), "lai_weekly")
    result = preview(news_of(INGESTED, by_lexicon.curated), edited, DEPLOYED)
    before = {each.item_id: section.section_id for section in result.before for each in section.items}
    after = {each.item_id: section.section_id for section in result.after for each in section.items}
    by_kind = {
        kind: {change.item_id for change in result.changes if change.kind == kind}
        for kind in ("comes", "goes", "moves", "is rescored")
    }
    assert by_kind["comes"] == after.keys() - before.keys()
    assert by_kind["goes"] == before.keys() - after.keys()
    assert {each for each in after.keys() & before.keys() if after[each] != before[each]} <= by_kind["moves"]
    settled = after.keys() - by_kind["comes"] - by_kind["moves"]
    for section in result.after:
        kept = [each.item_id for each in section.items if each.item_id in settled]
        assert kept == [each for each in before if each in kept]
    assert all(change.why for change in result.changes)


def test_an_edit_of_a_canonical_file_agrees_for_both_analyzers(
    by_lexicon: Issue, by_model: Issue, model: TextModel
) -> None:
    companies, catalog = document_of(COMPANIES), document_of(CATALOG)
    for scope in ("lai_companies_mvp_core", "lai_companies_pure_players"):
        names = companies["scopes"][scope]["names"]
        companies["scopes"][scope]["names"] = [name for name in names if name != "MedinCell"]
    del companies["aliases"]["MedinCell"]
    for source in catalog["sources"]:
        if source.get("company") == "MedinCell":
            del source["company"]
    content = EditedContent({COMPANIES: companies, CATALOG: catalog})
    edited = load_configuration(content, "lai_weekly")
    for issue, called in ((by_lexicon, None), (by_model, model)):
        result = preview(news_of(INGESTED, issue.curated, calls_model=called is not None), edited, DEPLOYED)
        assert sections_of(result.after) == run_engine(INGESTED, content, called).sections != issue.sections


def test_the_same_configuration_changes_nothing(deployed: Configuration, by_model: Issue) -> None:
    same = load_configuration(edited_content(unchanged), "lai_weekly")
    result = preview(news_of(INGESTED, by_model.curated, calls_model=True), same, deployed)
    assert (result.changes, result.before) == ((), result.after)
    assert "Both configurations are equal." in result.notes
