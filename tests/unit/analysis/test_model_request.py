"""A request to the model: a fixed prefix first, the item last, and a digest of all that the answer depends on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from vectora_core.analysis.bedrock import BedrockAnalyzer
from vectora_core.analysis.grounding import ItemWords
from vectora_core.analysis.lexicon import Lexicon
from vectora_core.analysis.model_request import RequestBuilder, digest_of, with_cache_point
from vectora_core.analysis.reply import ModelReply
from vectora_core.items import IngestedItem
from vectora_shared.config.configuration import Configuration

MakeItem = Callable[..., IngestedItem]
MODEL_ID = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
OLD_MODEL_ID = "anthropic.claude-3-sonnet-20240229-v1:0"
# Below every estimate of the tokens of English text and of JSON.
MOST_CHARACTERS_PER_TOKEN = 4
TOKENS_OF_FORCED_TOOL = 313


def changed(configuration: Configuration, **prompt: Any) -> Configuration:
    name = configuration.client.pipeline.analysis_prompt
    prompts = {**configuration.prompts, name: configuration.prompts[name].model_copy(update=prompt)}
    return Configuration(**{**vars(configuration), "prompts": prompts})


class Recorder:
    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def converse(self, **request: Any) -> Any:
        self.requests.append(request)
        return {}


def sent(configuration: Configuration, model_id: str, item: IngestedItem) -> dict[str, Any]:
    model = Recorder()
    BedrockAnalyzer(model, model_id, configuration, Lexicon(configuration), "lexicon").analyze(item)
    return model.requests[0]


def test_the_prefix_ends_with_one_checkpoint_and_the_item_comes_last(
    configuration: Configuration, make_item: MakeItem
) -> None:
    request = sent(configuration, MODEL_ID, make_item("Title of this story", "Text of this story"))
    assert list(request) == ["modelId", "toolConfig", "system", "inferenceConfig", "messages"]
    text, point = request["system"]
    assert point == {"cachePoint": {"type": "default"}}
    assert text["text"].startswith("You analyze news for a newsletter about long-acting injectables")
    assert text["text"].endswith("- other: Anything else.")
    assert [set(tool) for tool in request["toolConfig"]["tools"]] == [{"toolSpec"}]
    prefix = json.dumps([request["toolConfig"], request["system"]])
    assert "of this story" not in prefix
    assert json.dumps(request["messages"]) == json.dumps(
        [
            {
                "role": "user",
                "content": [
                    {
                        "text": "<news_item>\n<title>Title of this story</title>\n"
                        "<source>press_sector__fiercepharma</source>\n<published>2026-02-01</published>\n"
                        "<content>\nText of this story\n</content>\n</news_item>\n"
                    }
                ],
            }
        ]
    )


def test_the_prefix_is_the_same_for_every_item(configuration: Configuration, make_item: MakeItem) -> None:
    requests = [sent(configuration, MODEL_ID, make_item(title, title * 9)) for title in ("One", "Another")]
    prefixes = {json.dumps({**request, "messages": None}) for request in requests}
    assert len(prefixes) == 1


@pytest.mark.parametrize("model_id", [OLD_MODEL_ID, "model.without.price"])
def test_a_model_without_a_prompt_cache_gets_no_checkpoint(
    configuration: Configuration, make_item: MakeItem, model_id: str
) -> None:
    assert "cachePoint" not in json.dumps(sent(configuration, model_id, make_item("Title")))


def test_the_prefix_is_long_enough_to_be_cached(configuration: Configuration, make_item: MakeItem) -> None:
    request = RequestBuilder(MODEL_ID, configuration).request(make_item("Title"))
    characters = len(request["system"][0]["text"]) + len(json.dumps(request["toolConfig"]["tools"]))
    tokens = TOKENS_OF_FORCED_TOOL + characters / MOST_CHARACTERS_PER_TOKEN
    cache = configuration.pricing.models[MODEL_ID].prompt_cache
    assert cache
    # Claude Sonnet 4.6 was measured to need twice the documented minimum (BerriAI/litellm-docs 49).
    assert tokens > 2 * cache.minimum_tokens


def test_the_examples_in_the_prompt_are_valid_replies_about_names_in_their_text(configuration: Configuration) -> None:
    system = configuration.prompts["lai_analysis"].system
    examples = re.findall(r"(<news_item>.*?</news_item>)\s*(\{.*?\})", system, re.DOTALL)
    assert len(examples) == 4
    for text, answer in examples:
        reply = ModelReply.model_validate(json.loads(answer.replace("\n", " ")))
        names = [*reply.companies, *reply.molecules, *reply.technologies, *reply.trademarks, *reply.indications]
        assert all(name.casefold() in " ".join(text.split()).casefold() for name in names)
        assert len(reply.summary.split()) <= 40
        assert bool(reply.headline) == bool(reply.why_it_matters) == (reply.lai_relevance_score >= 3)
        words = ItemWords(re.sub(r"<[^>]*>", " ", text))
        assert words.support(reply.headline)
        assert words.support(reply.why_it_matters)
        assert "…" not in reply.headline + reply.why_it_matters


def test_the_digest_does_not_depend_on_the_checkpoint(configuration: Configuration, make_item: MakeItem) -> None:
    request = RequestBuilder(MODEL_ID, configuration).request(make_item("Title"))
    assert "cachePoint" in json.dumps(with_cache_point(request))
    assert "cachePoint" not in json.dumps(request)


def test_every_ingredient_of_the_answer_changes_the_digest(configuration: Configuration, make_item: MakeItem) -> None:
    item = make_item("Title", "Text")
    prompt = configuration.prompts["lai_analysis"]
    types = configuration.events.model_copy(
        update={"events": {name: event for name, event in configuration.events.events.items() if name != "other"}}
    )

    def digest(model_id: str = MODEL_ID, of: Configuration = configuration, about: IngestedItem = item) -> str:
        return digest_of(RequestBuilder(model_id, of).request(about))

    digests = [
        digest(),
        digest(model_id=OLD_MODEL_ID),
        digest(of=changed(configuration, system=f"{prompt.system} More.")),
        digest(of=changed(configuration, user_template=f"{prompt.user_template} ")),
        digest(of=changed(configuration, tool_name="another_tool")),
        digest(of=changed(configuration, tool_description="Another description")),
        digest(of=changed(configuration, max_output_tokens=901)),
        digest(of=changed(configuration, temperature=0.5)),
        digest(of=changed(configuration, temperature=None)),
        digest(of=Configuration(**{**vars(configuration), "events": types})),
        digest(about=make_item("Another title", "Text")),
        digest(about=make_item("Title", "Another text")),
        digest(about=make_item("Title", "Text", source="press_corporate__camurus")),
        digest(about=make_item("Title", "Text", published_at=date(2026, 2, 3))),
        digest(about=make_item("Title", "Text", published_at=None)),
    ]
    assert len(set(digests)) == len(digests)
    assert digest() == digests[0]


def test_the_schema_of_the_answer_changes_the_digest(configuration: Configuration, make_item: MakeItem) -> None:
    request = RequestBuilder(MODEL_ID, configuration).request(make_item("Title"))
    other = json.loads(json.dumps(request))
    other["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]["properties"]["more"] = {"type": "string"}
    assert digest_of(other) != digest_of(request)


def test_what_the_model_does_not_see_leaves_the_digest_as_it_is(
    configuration: Configuration, make_item: MakeItem
) -> None:
    builder = RequestBuilder(MODEL_ID, configuration)
    limit = configuration.prompts["lai_analysis"].max_content_characters
    one = make_item("Title", "x" * limit, item_id="one")
    other = make_item("Title", "x" * limit + " cut off", item_id="other")
    assert digest_of(builder.request(one)) == digest_of(builder.request(other))


@pytest.mark.parametrize("separator", [" ", "\n"])
def test_a_long_text_is_cut_at_the_end_of_a_sentence_or_line(
    configuration: Configuration, make_item: MakeItem, separator: str
) -> None:
    limit = configuration.prompts["lai_analysis"].max_content_characters
    sentence = "The depot releases 1.5 mg a day" + ("." if separator == " " else "")
    message = RequestBuilder(MODEL_ID, configuration).request(make_item("Title", separator.join([sentence] * 200)))
    sent = message["messages"][0]["content"][0]["text"].partition("<content>\n")[2].partition("\n</content>")[0]
    assert limit - len(sentence) - 2 <= len(sent) <= limit
    assert sent.endswith(sentence)


def test_a_lone_surrogate_has_a_digest(configuration: Configuration, make_item: MakeItem) -> None:
    assert len(digest_of(RequestBuilder(MODEL_ID, configuration).request(make_item("\ud800")))) == 64
