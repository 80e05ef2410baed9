"""The model's one reply also gives a headline and a line on why the news matters, if the item supports them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.conftest import MemoryBucket
from vectora_core.analysis.bedrock import BedrockAnalyzer
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.reply_store import ReplyStore
from vectora_core.items import IngestedItem, NormalizedContent
from vectora_shared.config.configuration import Configuration

MakeItem = Callable[..., IngestedItem]
Analyze = Callable[..., NormalizedContent]
TITLE = "Camurus announces that its monthly depot Brixadi met the endpoint of a phase 3 trial"
CONTENT = "The trial had 428 adults with opioid use disorder. Camurus plans to file in the United States in 2027."
HEADLINE = "Camurus's monthly Brixadi meets phase 3 endpoint"
WHY = "Adds data from 428 adults for a US filing in 2027."
REPLY: dict[str, Any] = {
    "summary": "Camurus's depot met its endpoint.",
    "event_type": "clinical_update",
    "event_confidence": 0.9,
    "lai_relevance_score": 9,
    "headline": HEADLINE,
    "why_it_matters": WHY,
}


class Model:
    """A model that always gives the same reply."""

    def __init__(self, reply: dict[str, Any]) -> None:
        self._reply = reply
        self.calls = 0

    def converse(self, **_request: Any) -> Any:
        self.calls += 1
        block = {"toolUse": {"toolUseId": "1", "name": "record_analysis", "input": self._reply}}
        return {"output": {"message": {"content": [block]}}, "usage": {"inputTokens": 1, "outputTokens": 1}}


@pytest.fixture
def analyze(configuration: Configuration, lexicon: Lexicon, make_item: MakeItem) -> Analyze:
    def run(store: ReplyStore | None = None, model: Model | None = None, **changes: Any) -> NormalizedContent:
        client = model or Model({**REPLY, **changes})
        return BedrockAnalyzer(client, "m", configuration, lexicon, "none", store).analyze(make_item(TITLE, CONTENT))

    return run


def test_one_call_gives_summary_headline_and_why_it_matters(analyze: Analyze) -> None:
    model = Model(REPLY)
    analysis = analyze(model=model)
    assert (analysis.headline, analysis.why_it_matters, model.calls) == (HEADLINE, WHY, 1)


def test_a_reply_may_leave_out_what_is_empty_or_false(analyze: Analyze) -> None:
    analysis = analyze(headline="", why_it_matters="")
    assert (analysis.headline, analysis.why_it_matters) == ("", "")
    assert (analysis.entities.companies, analysis.anti_lai_detected, analysis.pure_player_context) == ((), False, False)
    required = {name: value for name, value in REPLY.items() if name not in ("headline", "why_it_matters")}
    assert analyze(model=Model(required)).headline == ""


@pytest.mark.parametrize("field", ["headline", "why_it_matters"])
@pytest.mark.parametrize(
    "text",
    [
        "Pfizer's monthly Brixadi meets phase 3 endpoint",
        "Brixadi meets endpoint of phase 2 trial",
        "Adds data from 429 adults",
        "Adds to the lead over Sublocade",
    ],
)
def test_a_line_with_an_invented_name_or_number_is_dropped_and_the_rest_stays(
    analyze: Analyze, field: str, text: str
) -> None:
    analysis = analyze(**{field: text})
    assert getattr(analysis, field) == ""
    kept = {"headline": HEADLINE, "why_it_matters": WHY, field: ""}
    assert (analysis.headline, analysis.why_it_matters) == (kept["headline"], kept["why_it_matters"])
    assert analysis.normalization_metadata.analyzer == "bedrock"


def test_a_long_reason_is_cut_at_a_word(analyze: Analyze) -> None:
    reason = analyze(why_it_matters="Camurus meets the endpoint " * 40).why_it_matters
    assert 148 < len(reason) <= 160
    assert reason.removesuffix("…").split()[-1] in ("Camurus", "meets", "the", "endpoint")


def test_a_long_headline_is_dropped_because_the_title_is_better_than_a_part_of_it(analyze: Analyze) -> None:
    assert analyze(headline="Camurus meets the endpoint " * 4).headline == ""


def test_a_line_is_one_line_of_visible_text(analyze: Analyze) -> None:
    analysis = analyze(headline="Camurus\u202e meets\n\n the\tendpoint\x00", why_it_matters=" \n ")
    assert (analysis.headline, analysis.why_it_matters) == ("Camurus meets the endpoint", "")


@pytest.mark.parametrize("value", [None, 7, ["a"], {"a": "b"}, True])
@pytest.mark.parametrize("field", ["headline", "why_it_matters"])
def test_a_line_of_another_type_is_none_and_does_not_make_the_reply_unusable(
    analyze: Analyze, field: str, value: object
) -> None:
    analysis = analyze(**{field: value})
    assert getattr(analysis, field) == ""
    assert analysis.normalization_metadata.analyzer == "bedrock"


def test_a_stored_reply_gives_the_same_lines(analyze: Analyze) -> None:
    bucket: Any = MemoryBucket("data")
    first = analyze(ReplyStore(bucket))
    second = analyze(ReplyStore(bucket), model=Model({}))
    assert second.normalization_metadata.reused
    assert (second.headline, second.why_it_matters) == (first.headline, first.why_it_matters) == (HEADLINE, WHY)


def test_the_lexicon_gives_neither(lexicon: Lexicon, make_item: MakeItem) -> None:
    analysis = lexicon.analyze(make_item(TITLE, CONTENT))
    assert (analysis.headline, analysis.why_it_matters) == ("", "")
