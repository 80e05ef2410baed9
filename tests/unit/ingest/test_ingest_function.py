"""The ingest function follows its contract: an event as input, statusCode and body as output."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from tests.repository import ROOT
from tests.unit.ingest.article_pages import TITLE, article
from vectora_core.ingest.fetch import Fetcher, Page
from vectora_shared.errors import VectoraError

HANDLER = ROOT / "lambda_src" / "ingest_v2" / "handler.py"


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch, s3: Any) -> ModuleType:
    spec = importlib.util.spec_from_file_location("ingest_v2_handler", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for path in (ROOT / "config").rglob("*.yaml"):
        s3.put_object(Bucket="config", Key=path.relative_to(ROOT / "config").as_posix(), Body=path.read_bytes())
    monkeypatch.setattr(module, "s3_client", lambda: s3)
    monkeypatch.setenv("CONFIG_BUCKET", "config")
    monkeypatch.setenv("DATA_BUCKET", "data")
    return module


def feed_for_all(_: Fetcher, url: str) -> Page:
    item = f"<item><title>News of {url}</title><link>{url}</link><description>Words.</description></item>"
    return Page(url=url, body=f"<rss><channel>{item}</channel></rss>".encode())


def test_a_run_returns_status_200_and_the_report(handler: ModuleType, monkeypatch: pytest.MonkeyPatch, s3: Any) -> None:
    monkeypatch.setattr(Fetcher, "fetch", feed_for_all)

    response = handler.lambda_handler({"client_id": "lai_weekly", "period_days": None, "time": "x"}, None)

    assert response["statusCode"] == 200
    assert response["body"]["items_total"] == 8
    assert ("data", response["body"]["output_key"]) in s3.objects


def test_without_a_client_all_active_ones_are_ingested(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fetcher, "fetch", feed_for_all)

    assert [report["client_id"] for report in handler.lambda_handler({}, None)["body"]["clients"]] == ["lai_weekly"]


@pytest.mark.parametrize(
    "event",
    [
        {"client_id": "../other"},
        {"client_id": "lai_weekly", "sources": ["no_such_source"]},
        {"client_id": "lai_weekly", "period_days": 0},
        {"client_id": "lai_weekly", "from_date": "yesterday"},
        {"client_id": "lai_weekly", "temporal_mode": "loose"},
        "no mapping",
    ],
)
def test_a_bad_event_returns_status_400_and_a_message(event: Any, handler: ModuleType) -> None:
    response = handler.lambda_handler(event, None)

    assert response["statusCode"] == 400
    assert "event" in response["body"]["error"]


def test_an_unknown_client_and_sources_that_all_fail_return_status_500(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Fetcher, url: str) -> Page:
        raise VectoraError("The site is down.")

    monkeypatch.setattr(Fetcher, "fetch", fail)

    for client_id, message in (("unknown", "clients/unknown.yaml is missing"), ("lai_weekly", "The site is down.")):
        response = handler.lambda_handler({"client_id": client_id}, None)
        assert response["statusCode"] == 500
        assert message in response["body"]["error"]


@pytest.mark.parametrize("name", ["SOURCE_DEADLINE_SECONDS", "FULL_TEXT_SECONDS"])
def test_a_wrong_time_limit_is_refused_by_name(handler: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "601")
    response = handler.lambda_handler({"client_id": "lai_weekly"}, None)
    assert response["statusCode"] == 500
    assert f"{name} is '601'" in response["body"]["error"]


def test_an_article_is_read_as_long_as_the_function_has_time(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(_: Fetcher, url: str) -> Page:
        link = "https://www.nanexa.se/en/press/depot/"
        item = f"<item><title>{TITLE}</title><link>{link}</link></item>"
        return Page(url=url, body=article() if url == link else f"<rss><channel>{item}</channel></rss>".encode())

    class Context:
        milliseconds = 70_000

        def get_remaining_time_in_millis(self) -> int:
            return self.milliseconds

    monkeypatch.setattr(Fetcher, "fetch", fetch)
    context = Context()
    event: dict[str, Any] = {"client_id": "lai_weekly", "sources": ["press_corporate__nanexa"]}
    assert handler.lambda_handler(event, context)["body"]["full_texts"]["late"] == 1
    context.milliseconds = 900_000
    event["target_date"] = "2020-01-01"
    assert handler.lambda_handler(event, context)["body"]["full_texts"]["read"] == 1


def test_importing_the_handler_does_not_import_the_parsers() -> None:
    code = (
        f"import runpy, sys; runpy.run_path({str(HANDLER)!r}); "
        "print([name for name in ('feedparser', 'selectolax', 'trafilatura', 'lxml') if name in sys.modules])"
    )

    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "lambda_src")},
    )

    assert result.stdout.strip() == "[]"


def test_all_requests_name_the_contact_of_the_function(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts: list[str] = []
    made = Fetcher.__init__

    def initialized(self: Fetcher, *args: Any, contact: str = "", **kwargs: Any) -> None:
        contacts.append(contact)
        made(self, *args, contact=contact, **kwargs)

    monkeypatch.setattr(Fetcher, "__init__", initialized)
    monkeypatch.setenv("USER_AGENT_CONTACT", "news@example.org")
    handler.lambda_handler({"client_id": "lai_weekly"}, None)
    assert contacts == ["news@example.org", "news@example.org"]
