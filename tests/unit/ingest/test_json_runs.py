"""Runs read APIs for their period, within the limits of requests, and report each of them like every other source."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.unit.ingest import json_apis as apis
from vectora_core.ingest.collector import Collector
from vectora_core.ingest.fetch import Fetcher, FetchLimits
from vectora_core.ingest.fetch_errors import StatusError
from vectora_core.ingest.pacing import PacedPageReader
from vectora_core.ingest.request import IngestRequest, SourceReport, window_of
from vectora_core.items import IngestedItem
from vectora_core.text.addresses import PublicWeb
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_client
from vectora_shared.config.sources import Source
from vectora_shared.errors import VectoraError

NOW = datetime(2026, 1, 12, 6, tzinfo=UTC)
CLIENT = load_client(FolderContent(apis.CONFIG), "lai_weekly")


def collect(source: Source, answer: Any, **event: Any) -> tuple[SourceReport, list[IngestedItem]]:
    request = IngestRequest(period_days=7, **event)
    api = apis.Api(lambda url: answer)
    window = window_of(request, NOW.date(), 7)
    collector = Collector(CLIENT, request, window, NOW.date(), NOW, api, lambda text: "depot" in text)
    return collector.collect(source)


def test_a_run_keeps_the_entries_of_its_period_with_the_type_of_their_source() -> None:
    studies = [apis.study("NCT1", "A depot study"), apis.study("NCT2", "An old depot study", updated="2025-11-02")]
    report, items = collect(apis.TRIALS, {"studies": studies})
    assert (report.status, report.items_found, report.items_kept) == ("ok", 2, 1)
    assert [(item.title, item.source_type, item.language) for item in items] == [("A depot study", "registry", "en")]


def test_a_period_without_news_is_no_fault_of_an_api() -> None:
    report, items = collect(apis.TRIALS, {"studies": []})
    assert (report.status, report.message, items) == ("ok", "", [])


def test_a_place_that_finds_nothing_fails_the_source_with_its_key() -> None:
    report, _ = collect(apis.TRIALS, {"trials": []})
    assert report.status == "failed"
    assert "mapping.items ('studies') finds nothing in an object with the keys trials" in report.message


@pytest.mark.parametrize("source_type", ["press_sector", "regulator", "registry", "literature"])
def test_strict_runs_require_a_watched_term_of_all_but_a_companys_own_news(source_type: str) -> None:
    answer = {"studies": [apis.study("NCT1", "A depot study"), apis.study("NCT2", "A study of tablets")]}
    source = apis.TRIALS.model_copy(update={"source_type": source_type})
    _, items = collect(source, answer, ingestion_mode="strict")
    assert [item.title for item in items] == ["A depot study"]
    _, items = collect(source.model_copy(update={"source_type": "press_corporate"}), answer, ingestion_mode="strict")
    assert len(items) == 2


def test_requests_to_one_host_start_a_second_apart_and_those_to_others_do_not_wait() -> None:
    moment = 100.0
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal moment
        waits.append(seconds)
        moment += seconds

    reader = PacedPageReader(apis.Api(lambda url: {}), sleep=sleep, clock=lambda: moment)
    for url in ("https://a.example/1", "https://b.example/1", "https://A.example/2", "https://a.example/3", "//["):
        reader.fetch(url)
    assert waits == [1.0, 1.0]


def test_the_reason_in_the_body_of_a_refused_request_is_read(loopback: PublicWeb) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"error": {"code": "NOT_FOUND"}}).encode() if "json" in self.path else b"<p>no</p>"
            self.send_response(404)
            self.send_header("Content-Type", "application/json" if "json" in self.path else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        fetcher = Fetcher(FetchLimits(attempts=1), reachable=loopback)
        with pytest.raises(StatusError) as refused:
            fetcher.fetch(f"http://127.0.0.1:{server.server_port}/json")
        assert json.loads(refused.value.body) == {"error": {"code": "NOT_FOUND"}}
        with pytest.raises(VectoraError, match="404") as without_reason:
            fetcher.fetch(f"http://127.0.0.1:{server.server_port}/page")
        assert not isinstance(without_reason.value, StatusError)
    finally:
        server.shutdown()
        server.server_close()
