"""Wall time of a run's model calls, against items x latency / concurrency, with a real client and a slow server."""

from __future__ import annotations

import http.server
import json
import multiprocessing
import os
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from vectora_core.analysis.analyzer import analyze_concurrently
from vectora_core.analysis.bedrock import BedrockAnalyzer, bedrock_client
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.items import IngestedItem
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration

ROOT = Path(__file__).resolve().parent.parent
MODEL_ID = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
ITEMS = 104
LATENCY_SECONDS = 0.1
CONCURRENCY = 4
REPLY = {
    "summary": "A licence agreement.",
    "companies": ["Camurus"],
    "molecules": [],
    "technologies": [],
    "trademarks": [],
    "indications": [],
    "event_type": "partnership",
    "event_confidence": 0.9,
    "lai_relevance_score": 8,
    "anti_lai_detected": False,
    "pure_player_context": True,
}


class _Converse(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(LATENCY_SECONDS)
        tool = {"toolUseId": "t", "name": request["toolConfig"]["toolChoice"]["tool"]["name"], "input": REPLY}
        message = {"role": "assistant", "content": [{"toolUse": tool}]}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        document = {"output": {"message": message}, "stopReason": "tool_use", "usage": usage}
        body = json.dumps({**document, "metrics": {"latencyMs": 1}}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.wfile.write(head + body)


def _serve(port: Connection) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Converse)
    port.send(server.server_port)
    server.serve_forever()


def model_call_figures() -> list[Figure]:
    """Measure the model calls of a run."""
    receiver, sender = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(sender,), daemon=True)
    server.start()
    try:
        seconds = _seconds(f"http://127.0.0.1:{receiver.recv()}")
    finally:
        server.terminate()
        server.join()
    ideal = ITEMS * LATENCY_SECONDS / CONCURRENCY
    how = (
        f"{ITEMS} items, {LATENCY_SECONDS} s per call, {CONCURRENCY} concurrent: {seconds:.1f} s against {ideal:.1f} s"
    )
    return [Figure("model calls of a run", seconds / ideal, "x", 1.2, how)]


def _seconds(endpoint: str) -> float:
    os.environ |= {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": endpoint,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "NO_PROXY": "127.0.0.1",
    }
    configuration = load_configuration(FolderContent(ROOT / "config"), "lai_weekly")
    client = bedrock_client("eu-west-3", concurrency=CONCURRENCY, max_attempts=3, retry_mode="adaptive")
    analyzer = BedrockAnalyzer(client, MODEL_ID, configuration, Lexicon(configuration), "none")
    items = [
        IngestedItem(
            item_id=f"item_{number}",
            source_key="press_corporate__camurus",
            source_type="press_corporate",
            title=f"Camurus signs licence agreement number {number}",
            content="The agreement covers a depot. " * 20,
            url="https://example.com/",
            published_at=None,
            ingested_at=datetime.now(UTC),
        )
        for number in range(ITEMS)
    ]
    start = time.perf_counter()
    analyses = analyze_concurrently(items, analyzer, CONCURRENCY, lambda: None)
    seconds = time.perf_counter() - start
    if any(analysis.normalization_metadata.analyzer != "bedrock" for analysis in analyses):
        raise RuntimeError("An item was not analyzed by the model: the figure would be invalid.")
    return seconds
