"""A run of normalize-score: its input, output and report."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.repository import ROOT
from vectora_core.analysis.bedrock import ConverseClient
from vectora_core.items import CuratedItem
from vectora_core.normalize.request import Model, NormalizeEvent
from vectora_core.normalize.run import normalize
from vectora_shared.config.content import FolderContent
from vectora_shared.errors import InvalidEventError, VectoraError
from vectora_shared.runtime import parse_event

MODEL_ID = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOW = datetime(2025, 12, 20, 6, tzinfo=UTC)


def entry(title: str, text: str = "", source: str = "press_corporate__nanexa", **more: Any) -> dict[str, Any]:
    # As the previous system wrote it: no time zone, and the day of ingestion as the day of publication.
    return {
        "item_id": f"{source}_20251219_{title}",
        "source_key": source,
        "source_type": source.split("__")[0],
        "title": title,
        "content": text,
        "url": "https://example.org/news",
        "published_at": "2025-12-19",
        "ingested_at": "2025-12-19T20:15:17.569498",
        "language": "en",
        "content_hash": "sha256:00",
        "metadata": {"author": "", "tags": [], "word_count": 3},
        **more,
    }


DEAL = "Nanexa and Acme sign license agreement for PharmaShell®-based products"
REPORT = "Nanexa publishes interim report for January-September 2025"
DEAL_TEXT = f"10 December, 2025{DEAL}Acme pays USD 3 million.READ MORE"
BOTH_TEXT = f"PRESSRELEASES{DEAL_TEXT}6 November, 2025{REPORT}We have progressed."


class FakeModel:
    def converse(self, **_request: Any) -> Any:
        return {"output": {"message": {"content": []}}, "usage": {"inputTokens": 1000, "outputTokens": 100}}


def run(
    data: Any,
    content: FolderContent,
    entries: list[dict[str, Any]] | None = None,
    *,
    client: ConverseClient | None = None,
    model_id: str = MODEL_ID,
    **event: Any,
) -> dict[str, Any]:
    if entries is not None:
        data.write_json("ingested/lai_weekly/2025/12/19/items.json", entries)
    return normalize(
        parse_event(NormalizeEvent, {"client_id": "lai_weekly", **event}),
        content=content,
        data=data,
        model=Model(client, concurrency=2, fallback="lexicon") if client else None,
        model_id=model_id,
        clock=lambda: NOW,
    )


def curated(data: Any, day: str = "2025/12/19") -> list[CuratedItem]:
    return [CuratedItem.model_validate(item) for item in data.read_json(f"curated/lai_weekly/{day}/items.json")]


def test_curated_items_have_the_day_of_the_ingested_ones(data: Any, content: FolderContent) -> None:
    body = run(data, content, [entry(DEAL)])
    assert body["output_key"] == "curated/lai_weekly/2025/12/19/items.json"
    assert [item.title for item in curated(data)] == [DEAL]
    assert data.read_json(body["report_key"])["items_matched"] == 1


def test_the_newest_day_is_used_unless_the_event_names_one(data: Any, content: FolderContent) -> None:
    data.write_json("ingested/lai_weekly/2025/12/12/items.json", [entry(REPORT)])
    assert run(data, content, [entry(DEAL)])["target_date"] == "2025-12-19"
    assert run(data, content, target_date="2025-12-12")["target_date"] == "2025-12-12"


def test_of_two_items_with_one_id_the_longer_one_stays_cut_to_its_own_story(data: Any, content: FolderContent) -> None:
    body = run(data, content, [entry(DEAL, DEAL_TEXT), entry(DEAL, BOTH_TEXT), entry(REPORT, item_id="other")])
    assert (body["items_ingested"], body["items_normalized"]) == (3, 2)
    deal = curated(data)[0]
    assert deal.content == "Acme pays USD 3 million."
    assert deal.metadata.word_count == 5
    assert deal.matching_results.matched_domains == ("tech_lai_ecosystem",)


def test_the_date_in_the_text_takes_precedence_over_the_day_of_ingestion(data: Any, content: FolderContent) -> None:
    run(data, content, [entry(DEAL, DEAL_TEXT)])
    item = curated(data)[0]
    assert item.normalized_content.extracted_date == date(2025, 12, 10)
    assert item.scoring_results.score_breakdown.recency_factor == 0.92


def test_a_date_at_the_end_of_a_title_without_a_space_is_removed(data: Any, content: FolderContent) -> None:
    run(data, content, [entry("UZEDY NDA filed in Q4 2025November 5, 2025November 5, 2025")])
    assert curated(data)[0].title == "UZEDY NDA filed in Q4 2025"


def test_unwanted_news_is_excluded_with_a_reason(data: Any, content: FolderContent) -> None:
    body = run(data, content, [entry(REPORT)])
    results = curated(data)[0].matching_results
    assert results.exclusion_applied
    assert results.exclusion_reasons == ("financial reporting",)
    assert results.matched_domains == ()
    assert body["exclusion_reasons"] == {"financial reporting": 1}


def test_a_run_that_matches_nothing_says_so(data: Any, content: FolderContent) -> None:
    body = run(data, content, [entry("A quiet week", source="press_sector__fiercepharma")])
    assert body["warnings"] == ["0 of 1 items matched a watch domain."]


def test_an_empty_day_gives_an_empty_file(data: Any, content: FolderContent) -> None:
    body = run(data, content, [])
    assert data.read_json(body["output_key"]) == []
    assert body["warnings"] == []


def test_tokens_and_cost_of_unusable_replies_are_counted(data: Any, content: FolderContent) -> None:
    body = run(data, content, [entry(DEAL), entry(REPORT)], client=FakeModel())
    assert (body["input_tokens"], body["output_tokens"]) == (2000, 200)
    assert body["cost_usd"] == pytest.approx((2000 * 3.3 + 200 * 16.5) / 1_000_000)
    assert body["analyzers"] == {"bedrock": 0, "lexicon": 2}
    assert sum(body["fallback_reasons"].values()) == 2
    assert "2 of 2 items were analyzed by the lexicon instead of the model." in body["warnings"]


REPLY: dict[str, Any] = {
    "summary": "Nanexa signed a licence.",
    **{name: [] for name in ("companies", "molecules", "technologies", "trademarks", "indications")},
    "event_type": "partnership",
    "event_confidence": 0.9,
    "lai_relevance_score": 9,
    "anti_lai_detected": False,
    "pure_player_context": True,
}


class CachingModel:
    """A model whose first call writes the prompt cache and whose others read it."""

    def __init__(self) -> None:
        self.calls = 0

    def converse(self, **_request: Any) -> Any:
        self.calls += 1
        cached = "cacheWriteInputTokens" if self.calls == 1 else "cacheReadInputTokens"
        block = {"toolUse": {"toolUseId": "1", "name": "record_analysis", "input": REPLY}}
        usage = {"inputTokens": 100, "outputTokens": 50, cached: 2000}
        return {"output": {"message": {"content": [block]}}, "usage": usage}


def test_cached_tokens_are_counted_at_their_prices(data: Any, content: FolderContent) -> None:
    body = run(data, content, [entry(DEAL), entry(REPORT)], client=CachingModel())
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    assert [body[name] for name in names] == [200, 100, 2000, 2000]
    cost = (200 * 3.3 + 100 * 16.5 + 2000 * 0.33 + 2000 * 4.125) / 1_000_000
    assert body["cost_usd"] == pytest.approx(cost)
    assert body["analyses_reused"] == 0
    full = (4200 * 3.3 + 100 * 16.5) / 1_000_000
    assert body["saved_usd"] == {"stored_analyses": 0.0, "prompt_cache": pytest.approx(full - cost)}
    assert body["warnings"] == []


def test_a_repeated_run_calls_no_model_and_reports_what_it_saved(data: Any, content: FolderContent) -> None:
    model = CachingModel()
    first = run(data, content, [entry(DEAL), entry(REPORT)], client=model)
    before = curated(data)
    second = run(data, content, client=model)
    assert model.calls == 2
    assert second["analyses_reused"] == 2
    assert second["analyzers"] == {"bedrock": 2, "lexicon": 0}
    assert second["cost_usd"] == 0.0
    assert second["saved_usd"] == {"stored_analyses": first["cost_usd"], "prompt_cache": 0.0}
    assert second["warnings"] == []
    metadata = {"normalized_content": {"normalization_metadata"}}
    assert [each.model_dump(exclude=metadata) for each in curated(data)] == [
        each.model_dump(exclude=metadata) for each in before
    ]


def test_another_client_with_the_same_prompt_reuses_the_analyses(
    data: Any, content: FolderContent, tmp_path: Path
) -> None:
    model = CachingModel()
    run(data, content, [entry(DEAL), entry(REPORT)], client=model)
    folder = Path(shutil.copytree(ROOT / "config", tmp_path / "config"))
    text = (folder / "clients/lai_weekly.yaml").read_text(encoding="utf-8")
    other = text.replace("client_id: lai_weekly", "client_id: lai_daily")
    (folder / "clients/lai_daily.yaml").write_text(other, encoding="utf-8")
    data.write_json("ingested/lai_daily/2025/12/19/items.json", [entry(DEAL), entry(REPORT)])
    body = run(data, FolderContent(folder), client=model, client_id="lai_daily")
    assert (model.calls, body["analyses_reused"]) == (2, 2)


def test_the_canary_calls_the_model_in_every_run(data: Any, content: FolderContent) -> None:
    model = CachingModel()
    data.write_json("ingested/canary/2025/12/19/items.json", [entry(DEAL), entry(REPORT)])
    for _ in range(2):
        body = run(data, content, client=model, client_id="canary")
        assert body["analyses_reused"] == 0
    assert model.calls == 4
    assert data.keys("analyses/") == []


def test_a_damaged_stored_analysis_is_a_warning(data: Any, content: FolderContent) -> None:
    model = CachingModel()
    run(data, content, [entry(DEAL), entry(REPORT)], client=model)
    for key in data.keys("analyses/"):
        data.objects[key] = b"{"
    body = run(data, content, client=model)
    assert (model.calls, body["analyses_reused"]) == (4, 0)
    assert body["warnings"] == ["Stored analyses in analyses/: 2 x damaged file. The model was called instead."]


def test_a_prompt_that_the_model_does_not_cache_is_a_warning(data: Any, content: FolderContent) -> None:
    body = run(data, content, [entry(DEAL), entry(REPORT)], client=FakeModel())
    assert any("did not cache the prompt of 2 calls" in warning for warning in body["warnings"])
    other = run(data, content, client=FakeModel(), model_id="anthropic.claude-3-sonnet-20240229-v1:0")
    assert not any("did not cache" in warning for warning in other["warnings"])


def test_an_analysis_by_the_lexicon_is_not_stored(data: Any, content: FolderContent) -> None:
    run(data, content, [entry(DEAL)])
    run(data, content, client=FakeModel())
    assert data.keys("analyses/") == []


def test_the_cost_of_a_model_without_a_price_is_unknown_and_reported_as_such(data: Any, content: FolderContent) -> None:
    body = run(data, content, [entry(DEAL)], client=FakeModel(), model_id="new.model-v1:0")
    assert body["cost_usd"] is None
    assert any("no price for new.model-v1:0" in warning for warning in body["warnings"])


def test_two_runs_with_the_same_clock_give_the_same_bytes(data: Any, content: FolderContent) -> None:
    run(data, content, [entry(DEAL, BOTH_TEXT), entry(REPORT)])
    first = dict(data.objects)
    run(data, content)
    assert data.objects == first


def test_the_scoring_mode_of_the_event_is_used(data: Any, content: FolderContent) -> None:
    run(data, content, [entry(DEAL)], scoring_mode="strict")
    strict = curated(data)[0].scoring_results
    run(data, content, scoring_mode="broad")
    broad = curated(data)[0].scoring_results
    assert strict.score_breakdown.scoring_mode == "strict"
    assert broad.final_score > strict.final_score


def test_curated_items_have_the_keys_of_the_contract(data: Any, content: FolderContent) -> None:
    run(data, content, [entry(DEAL)])
    [item] = json.loads(data.objects["curated/lai_weekly/2025/12/19/items.json"])
    assert {"item_id", "source_key", "title", "content", "url", "published_at", "normalized_at"} <= set(item)
    assert {"summary", "entities", "event_classification", "lai_relevance_score", "anti_lai_detected"} <= set(
        item["normalized_content"]
    )
    assert set(item["matching_results"]) == {
        "matched_domains",
        "domain_relevance",
        "exclusion_applied",
        "exclusion_reasons",
    }
    assert set(item["scoring_results"]) == {
        "base_score",
        "bonuses",
        "penalties",
        "final_score",
        "score_breakdown",
    }


def test_a_run_without_ingested_items_fails_with_a_message_that_says_what_to_do(
    data: Any, content: FolderContent
) -> None:
    with pytest.raises(VectoraError, match="run ingestion first"):
        run(data, content)
    with pytest.raises(VectoraError, match=r"2025/01/01/items\.json is missing"):
        run(data, content, target_date="2025-01-01")


@pytest.mark.parametrize("document", [{"items": []}, ["text"], [{"title": "no id"}]])
def test_a_file_without_items_is_refused_and_nothing_is_written(
    data: Any, content: FolderContent, document: Any
) -> None:
    data.write_json("ingested/lai_weekly/2025/12/19/items.json", document)
    with pytest.raises(VectoraError, match=r"2025/12/19/items\.json"):
        run(data, content)
    assert data.keys("curated/") == []


@pytest.mark.parametrize("event", [{}, {"client_id": "lai_weekly", "scoring_mode": "loud"}, {"client_id": "../x"}])
def test_a_bad_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError):
        parse_event(NormalizeEvent, event)
