"""Price of a run's model calls in dollars, with tokens counted by the rehearsal's stand-in for Bedrock."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from benchmarks.figure import Figure
from rehearsal.model import InferenceProfile
from rehearsal.model.converse import permitted_reply
from rehearsal.model.state import State
from vectora_core.analysis.analyzer import analyze_concurrently
from vectora_core.analysis.bedrock import BedrockAnalyzer
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.reply_store import ReplyStore
from vectora_core.analysis.usage import NO_TOKENS, Usage, cost_usd
from vectora_core.items import IngestedItem
from vectora_shared.config.configuration import Configuration
from vectora_shared.config.content import FolderContent
from vectora_shared.config.loading import load_configuration

ROOT = Path(__file__).resolve().parent.parent
MODEL_ID = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = InferenceProfile(MODEL_ID, MODEL_ID.removeprefix("eu."), ("eu-west-3",))
ITEMS = 104
CONCURRENCY = 4
LIMIT_USD = 0.60
CONVERSE_INPUT = botocore.session.get_session().get_service_model("bedrock-runtime").shape_for("ConverseRequest")
# Long enough that concurrent calls overlap; the stand-in keeps a prefix when it replies, as Bedrock does.
LATENCY_SECONDS = 0.01
# Characters of an item's text: a teaser whose page could not be read, a feed's description, and two articles.
TEXT_CHARACTERS = (160, 900, 2800, 4500)
SENTENCE = (
    "The company announced today that the extended-release injectable suspension, which is given once a month, met the "
    "primary endpoint of its phase 3 trial in adults with schizophrenia. "
)
# As long as an answer to such news is: a summary of 36 words and seven names.
RELEVANT: dict[str, Any] = {
    "summary": (
        "Camurus said that the once-monthly buprenorphine depot met the primary endpoint of a phase 3 trial in adults "
        "with opioid use disorder; it plans to submit it to the FDA in the second half of next year."
    ),
    "companies": ["Camurus", "Braeburn Pharmaceuticals"],
    "molecules": ["buprenorphine"],
    "technologies": ["FluidCrystal injection depot"],
    "trademarks": ["Brixadi", "Buvidal"],
    "indications": ["opioid use disorder"],
    "event_type": "clinical_update",
    "event_confidence": 0.95,
    "lai_relevance_score": 9,
    "pure_player_context": True,
    "headline": "Camurus reports that its once-monthly buprenorphine depot met its phase 3 endpoint",
    "why_it_matters": (
        "Could add a second once-monthly option in opioid use disorder, with a submission to the FDA planned for the "
        "second half of next year."
    ),
}
IRRELEVANT: dict[str, Any] = {
    "summary": (
        "Camurus published its interim report for the third quarter, with net sales of 560 million Swedish kronor."
    ),
    "companies": ["Camurus", "Braeburn Pharmaceuticals"],
    "indications": ["opioid use disorder"],
    "event_type": "financial_results",
    "event_confidence": 0.95,
    "lai_relevance_score": 1,
    "pure_player_context": True,
}
# Share of news that the model finds relevant. Of the labelled news (tests/unit/analysis), two of five are.
RELEVANT_SHARE = 0.5


@dataclass
class StandIn:
    """A Converse client that checks requests as botocore does, and answers them as the rehearsal's model."""

    relevant_share: float = RELEVANT_SHARE
    state: State = field(init=False)
    calls: int = 0

    def __post_init__(self) -> None:
        self.state = State(answer=self._answer, profiles={MODEL_ID: PROFILE})

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        number = re.search(r"announcement (\d+)<", request["messages"][0]["content"][0]["text"])
        if number is None:
            raise RuntimeError("The title is not that of an item of the benchmark.")
        # Neighbours have all lengths of text.
        return RELEVANT if int(number[1]) // len(TEXT_CHARACTERS) % 10 < 10 * self.relevant_share else IRRELEVANT

    def converse(self, **request: Any) -> Any:
        """Return the response, or raise ClientError."""
        report = ParamValidator().validate(request, CONVERSE_INPUT)
        if report.has_errors():
            raise ValueError(report.generate_report())
        reply = permitted_reply(self.state, PROFILE, request)
        time.sleep(LATENCY_SECONDS)
        reply.on_sending()
        document = json.loads(reply.body)
        if reply.error:
            error = {"Code": reply.error, "Message": document["message"]}
            raise ClientError(
                {"Error": error, "ResponseMetadata": {"HTTPStatusCode": reply.status}},  # type: ignore[typeddict-item]
                "Converse",
            )
        with self.state.lock:
            self.calls += 1
        return document


@dataclass
class _Files:
    """A bucket in memory."""

    name: str = "benchmark"
    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, key: str, *, limit: int) -> bytes | None:
        return self.files[key][:limit] if key in self.files else None

    def write(self, key: str, body: bytes, content_type: str) -> None:
        self.files[key] = body


@dataclass(frozen=True)
class RunCost:
    """Calls, tokens and price of one run."""

    calls: int
    usage: Usage
    usd: float

    @property
    def how(self) -> str:
        used = self.usage
        return (
            f"{ITEMS} items, {self.calls} calls; tokens: {used.input_tokens:,} in, {used.cache_write_tokens:,} written "
            f"to and {used.cache_read_tokens:,} read from the cache, {used.output_tokens:,} out"
        )


def model_cost_figures() -> list[Figure]:
    """Return the price of a run with an empty store, and the calls of its repetition."""
    configuration = load_configuration(FolderContent(ROOT / "config"), "lai_weekly")
    store: Any = _Files()
    plain = run_cost(without_prompt_cache(configuration), None)
    first = run_cost(configuration, ReplyStore(store))
    second = run_cost(configuration, ReplyStore(store))
    full = run_cost(configuration, None, relevant_share=1)
    how = f"{first.how}; without a prompt cache ${plain.usd:.2f}; if all items were relevant ${full.usd:.2f}"
    return [
        Figure("model cost of a run", first.usd, "$", LIMIT_USD, how),
        Figure("model calls of a repeated run", second.calls, "calls", 0, second.how),
    ]


def run_cost(
    configuration: Configuration, store: ReplyStore | None, *, relevant_share: float = RELEVANT_SHARE
) -> RunCost:
    """Analyze the items, and return what it costs."""
    model = StandIn(relevant_share)
    analyzer = BedrockAnalyzer(model, MODEL_ID, configuration, Lexicon(configuration), "none", store)
    analyses = analyze_concurrently(items(), analyzer, CONCURRENCY, lambda: None)
    metadata = [analysis.normalization_metadata for analysis in analyses]
    if any(entry.analyzer != "bedrock" for entry in metadata):
        raise RuntimeError("An item was not analyzed by the model: the figure would be invalid.")
    used = (
        Usage(entry.input_tokens, entry.output_tokens, entry.cache_read_tokens, entry.cache_write_tokens)
        for entry in metadata
    )
    usage = sum(used, start=NO_TOKENS)
    usd = cost_usd(usage, configuration.pricing.models[MODEL_ID])
    if usd is None:
        raise RuntimeError(f"canonical/models/pricing.yaml has no price for {MODEL_ID}.")
    return RunCost(model.calls, usage, usd)


def without_prompt_cache(configuration: Configuration) -> Configuration:
    """Return the configuration with a model that has no prompt cache."""
    price = configuration.pricing.models[MODEL_ID].model_copy(update={"prompt_cache": None})
    return _replaced(configuration, pricing=configuration.pricing.model_copy(update={"models": {MODEL_ID: price}}))


def _replaced(configuration: Configuration, **changes: Any) -> Configuration:
    return Configuration(**{**vars(configuration), **changes})


def items() -> Sequence[IngestedItem]:
    """Return items of realistic lengths."""
    text: Callable[[int], str] = lambda length: (SENTENCE * (length // len(SENTENCE) + 1))[:length]  # noqa: E731
    return [
        IngestedItem(
            item_id=f"item_{number}",
            source_key="press_corporate__camurus",
            source_type="press_corporate",
            title=f"Camurus and Braeburn report positive phase 3 results of a monthly depot, announcement {number}",
            content=text(TEXT_CHARACTERS[number % len(TEXT_CHARACTERS)]),
            url="https://example.com/",
            published_at=None,
            ingested_at=datetime.now(UTC),
        )
        for number in range(ITEMS)
    ]
