"""`./vectora run` shows what was found and kept, what the model cost, and what was saved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cli import run
from vectora_ops.runs import RunOutcome


def shown(capsys: pytest.CaptureFixture[str], **scored: Any) -> str:
    common = {"items_normalized": 9, "items_matched": 5, "analyzers": {"bedrock": 9}, "fallback_reasons": {}}
    outcome = RunOutcome(
        execution_arn="arn",
        status="SUCCEEDED",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
        steps={"normalize_score": {**common, **scored}},
        reason=None,
    )
    run._show_run(outcome)
    return " ".join(capsys.readouterr().out.split())


def test_savings_are_shown_beside_the_cost(capsys: pytest.CaptureFixture[str]) -> None:
    saved = {"stored_analyses": 0.04, "prompt_cache": 0.015}
    text = shown(capsys, cost_usd=0.05, saved_usd=saved, analyses_reused=7)
    assert "Model cost: $0.0500. Saved: $0.0400 by 7 stored analyses, $0.0150 by the prompt cache." in text


@pytest.mark.parametrize(
    "scored",
    [{}, {"saved_usd": {"stored_analyses": 0.0, "prompt_cache": 0.0}, "analyses_reused": 0}],
)
def test_without_savings_only_the_cost_is_shown(capsys: pytest.CaptureFixture[str], scored: dict[str, Any]) -> None:
    text = shown(capsys, cost_usd=0.05, **scored)
    assert "Model cost: $0.0500. Took" in text


def test_savings_of_a_model_without_a_price_are_no_amount(capsys: pytest.CaptureFixture[str]) -> None:
    saved = {"stored_analyses": None, "prompt_cache": 0.0}
    assert "Saved: 7 stored analyses." in shown(capsys, cost_usd=0.0, saved_usd=saved, analyses_reused=7)


def delivered(
    capsys: pytest.CaptureFixture[str], readiness: str, delivery: dict[str, Any] | None, status: str = "SUCCEEDED"
) -> str:
    letter = {
        "target_date": "2026-03-02",
        "total_items": 3,
        "bucket": "newsletters",
        "files": {},
        "delivery": readiness,
    }
    outcome = RunOutcome(
        execution_arn="arn",
        status=status,
        started=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
        steps={"newsletter": letter, **({"delivery": delivery} if delivery else {})},
        reason=None,
    )
    run._show_run(outcome)
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("readiness", "delivery", "sentence"),
    [
        ("ready", {"sent": 3, "sent_before": 0, "redirected": False}, "Delivered to 3 readers. Took"),
        ("ready", {"sent": 1, "sent_before": 2, "redirected": False}, "Delivered to 1 reader; 2 had it before."),
        ("ready", {"sent": 1, "sent_before": 0, "redirected": True}, "Sent to 1 address instead of the readers."),
        ("ready", None, "Not delivered: this environment sends no newsletters"),
        ("empty", None, "Not delivered: an issue without news is not sent."),
        ("no readers", None, "Not delivered: the client's file names no readers"),
    ],
)
def test_a_run_says_who_got_the_newsletter_or_why_nobody_did(
    readiness: str, delivery: dict[str, Any] | None, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in delivered(capsys, readiness, delivery)


def test_a_draft_and_a_failed_run_say_nothing_about_delivery(capsys: pytest.CaptureFixture[str]) -> None:
    assert "elivered" not in delivered(capsys, "draft", None)
    assert "elivered" not in delivered(capsys, "ready", None, "FAILED")


def ingested(capsys: pytest.CaptureFixture[str], *sources: dict[str, Any]) -> str:
    found = sum(source.get("items_found", 0) for source in sources)
    ingest = {"items_total": 5, "items_new": 2, "items_found": found, "sources": list(sources)}
    outcome = RunOutcome(
        execution_arn="arn",
        status="SUCCEEDED",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
        steps={"ingest": ingest},
        reason=None,
    )
    run._show_run(outcome)
    return " ".join(capsys.readouterr().out.split())


def test_entries_that_were_not_kept_are_shown_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    paper = {"source_key": "paper", "status": "ok", "items_found": 9, "items_kept": 3}
    site = {"source_key": "site", "status": "ok", "items_found": 4, "items_kept": 0}
    text = ingested(
        capsys,
        {**paper, "dropped": {"duplicate_in_source": 1, "out_of_period": 5}},
        {**site, "dropped": {"too_short": 4}},
    )

    assert "Found 13 entries. Not kept: 5 out of period, 4 too short, 1 duplicate in source." in text
    assert "site: kept none of its entries: 4 too short." in text
    assert "paper: kept none" not in text


def test_old_news_and_reports_of_an_older_release_are_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    old = {"source_key": "old", "status": "ok", "items_found": 4, "items_kept": 0, "dropped": {"out_of_period": 4}}
    assert "kept none" not in ingested(capsys, old)
    assert "Not kept" not in ingested(capsys, {"source_key": "paper", "status": "ok"})
