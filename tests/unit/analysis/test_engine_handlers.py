"""The two functions follow the contract: 200 with a body, 400 for a bad event, 500 for a failed run."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import emf
from tests.repository import ROOT
from vectora_shared import aws

ITEM = {
    "item_id": "press_corporate__nanexa_20260202_abcdef",
    "source_key": "press_corporate__nanexa",
    "source_type": "press_corporate",
    "title": "Nanexa signs licence agreement for PharmaShell",
    "content": "A deal.",
    "url": "https://example.org/news",
    "published_at": "2026-02-01",
    "ingested_at": "2026-02-02T06:00:00Z",
}


class StoredObjects:
    """The operations of S3 that the functions use, in memory."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "none"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        assert ContentType.endswith("; charset=utf-8")
        self.objects[Bucket, Key] = Body

    def get_paginator(self, _operation: str) -> StoredObjects:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        keys = [key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix)]
        return [{"Contents": [{"Key": key} for key in keys]}]


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> StoredObjects:
    s3 = StoredObjects()
    for path in (ROOT / "config").rglob("*.yaml"):
        s3.objects["config", path.relative_to(ROOT / "config").as_posix()] = path.read_bytes()
    s3.objects["data", "ingested/lai_weekly/2026/02/02/items.json"] = json.dumps([ITEM]).encode()
    monkeypatch.setattr(aws, "s3_client", lambda: s3)
    for name, value in {
        "CONFIG_BUCKET": "config",
        "DATA_BUCKET": "data",
        "NEWSLETTERS_BUCKET": "newsletters",
        "BEDROCK_MODEL_ID": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "BEDROCK_REGION": "eu-west-3",
        "ANALYZER": "lexicon",
        "ENV": "dev",
        "PROJECT_NAME": "acme",
    }.items():
        monkeypatch.setenv(name, value)
    return s3


def handler(function: str) -> Callable[[Any, Any], dict[str, Any]]:
    path = ROOT / "lambda_src" / function / "handler.py"
    specification = importlib.util.spec_from_file_location(f"{function}_handler", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    entry: Callable[[Any, Any], dict[str, Any]] = module.lambda_handler
    return entry


def test_both_functions_turn_ingested_items_into_a_newsletter(stored: StoredObjects) -> None:
    event = {"client_id": "lai_weekly"}
    normalized = handler("normalize_score_v2")(event, None)
    assert normalized["statusCode"] == 200
    assert normalized["body"]["items_matched"] == 1
    published = handler("newsletter_v2")(event, None)
    assert published["statusCode"] == 200
    assert published["body"]["items_by_section"] == {"partnerships_deals": 1}
    formats = {f"lai_weekly/2026/02/02/newsletter.{name}" for name in ("md", "txt", "html", "eml", "json")}
    others = {"lai_weekly/2026/02/02/manifest.json", "lai_weekly/index.html", "lai_weekly/feed.xml"}
    assert {key for bucket, key in stored.objects if bucket == "newsletters"} == formats | others
    json.dumps([normalized, published])


@pytest.mark.parametrize("function", ["normalize_score_v2", "newsletter_v2"])
@pytest.mark.parametrize("event", [{}, {"client_id": "lai_weekly", "target_date": "yesterday"}])
def test_a_bad_event_is_answered_with_400(stored: StoredObjects, function: str, event: dict[str, Any]) -> None:
    answer = handler(function)(event, None)
    assert answer["statusCode"] == 400
    assert "does not fit" in answer["body"]["error"]


@pytest.mark.parametrize("function", ["normalize_score_v2", "newsletter_v2"])
@pytest.mark.parametrize(
    "missing", ["canonical/scopes/companies.yaml", "canonical/prompts/lai_analysis.yaml", "clients/lai_weekly.yaml"]
)
def test_missing_configuration_fails_the_run_naming_the_file(
    stored: StoredObjects, function: str, missing: str
) -> None:
    del stored.objects["config", missing]
    before = dict(stored.objects)
    answer = handler(function)({"client_id": "lai_weekly"}, None)
    assert answer["statusCode"] == 500
    assert Path(missing).stem in answer["body"]["error"]
    assert stored.objects == before


@pytest.mark.parametrize(
    ("name", "value"), [("ANALYZER", "magic"), ("ANALYZER_FALLBACK", "maybe"), ("MODEL_CONCURRENCY", "many")]
)
def test_a_wrong_setting_of_the_function_is_named(
    stored: StoredObjects, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("ANALYZER", "bedrock")
    monkeypatch.setenv(name, value)
    answer = handler("normalize_score_v2")({"client_id": "lai_weekly"}, None)
    assert answer["statusCode"] == 500
    assert f"Environment variable {name} is '{value}'" in answer["body"]["error"]


def test_curated_items_of_the_previous_system_are_read(stored: StoredObjects) -> None:
    handler("normalize_score_v2")({"client_id": "lai_weekly"}, None)
    key = ("data", "curated/lai_weekly/2026/02/02/items.json")
    [item] = json.loads(stored.objects[key])
    item["normalized_content"]["normalization_metadata"] = {"bedrock_model": "claude", "canonical_version": "1.0"}
    item["scoring_results"]["bonuses"]["trademark_details"] = {"matched_trademarks": ["PharmaShell®"], "count": 1}
    item["published_at"] = "2026-02-01"
    stored.objects[key] = json.dumps([item]).encode()
    answer = handler("newsletter_v2")({"client_id": "lai_weekly"}, None)
    assert (answer["statusCode"], answer["body"]["total_items"]) == (200, 1)


def printed_metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what CloudWatch extracts from the printed lines: it ignores all that is not a whole document."""
    lines = [line for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    return [emf.extracted(line) for line in lines]


def test_each_step_prints_the_metrics_of_a_run_as_one_bare_line(
    stored: StoredObjects, capsys: pytest.CaptureFixture[str]
) -> None:
    handler("normalize_score_v2")({"client_id": "lai_weekly"}, None)
    [analysis] = printed_metrics(capsys)
    handler("newsletter_v2")({"client_id": "lai_weekly"}, None)
    [issue] = printed_metrics(capsys)
    for each in (analysis, issue):
        del each["units"]
    assert analysis.pop("metrics") == {"FallbackPercent": 0.0, "RunCostUsd": 0.0}
    assert issue.pop("metrics") == {"NewsletterItems": 1, "EmptyNewsletters": 0, "NoisePercent": 0.0}
    described = {
        "namespace": "acme",
        "dimensions": {"Environment": "dev"},
        "properties": {"client_id": "lai_weekly", "run": "2026-02-02"},
    }
    assert analysis == issue == described


def test_drafts_and_the_canary_have_no_metrics(stored: StoredObjects, capsys: pytest.CaptureFixture[str]) -> None:
    items = json.dumps([ITEM]).encode()
    stored.objects["data", "_drafts/ingested/lai_weekly/2026/02/02/items.json"] = items
    stored.objects["data", "ingested/canary/2026/02/02/items.json"] = items
    for event in ({"client_id": "lai_weekly", "draft": True}, {"client_id": "canary"}):
        for function in ("normalize_score_v2", "newsletter_v2"):
            assert handler(function)({**event, "target_date": "2026-02-02"}, None)["statusCode"] == 200
    assert printed_metrics(capsys) == []


def test_a_failed_step_has_no_metrics(stored: StoredObjects, capsys: pytest.CaptureFixture[str]) -> None:
    del stored.objects["config", "clients/lai_weekly.yaml"]
    assert handler("newsletter_v2")({"client_id": "lai_weekly"}, None)["statusCode"] == 500
    assert printed_metrics(capsys) == []
